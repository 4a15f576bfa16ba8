import { defineConfig, devices } from '@playwright/test';

// Run by `cargo xtask test`, which names the browser in ECOMAN_CHROMIUM and the program in
// ECOMAN_BIN.
export default defineConfig({
  testDir: 'tests',
  forbidOnly: true,
  // A test that is good only at the second try is a fault.
  retries: 0,
  fullyParallel: true,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: 'list',
  use: {
    ...devices['Desktop Chrome'],
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.ECOMAN_CHROMIUM ?? '/usr/bin/chromium',
      args: [
        // As root, in a container: Chromium's own sandbox is not to be had there.
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        // No word to anybody but the server under test.
        '--disable-quic',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
      ],
    },
  },
});
