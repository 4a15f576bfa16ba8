import { fileURLToPath } from 'node:url';

import { defineConfig, devices } from '@playwright/test';

// Run by `cargo xtask test`, which names the browser in ECOMAN_CHROMIUM and the program in
// ECOMAN_BIN. Where ECOMAN_FIREFOX names a Firefox, the main ways are tried in it, too.
const firefox = process.env.ECOMAN_FIREFOX;

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
  ...(firefox === undefined
    ? {}
    : {
        projects: [
          { name: 'chromium' },
          {
            name: 'firefox',
            grep: /@main/,
            use: {
              ...devices['Desktop Firefox'],
              channel: 'moz-firefox',
              launchOptions: {
                executablePath: fileURLToPath(new URL('firefox.mjs', import.meta.url)),
                args: [],
              },
            },
          },
        ],
      }),
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
