import { fileURLToPath } from 'node:url';

import { defineConfig, devices } from '@playwright/test';

import { CHROMIUM, CHROMIUM_FLAGS } from './tests/support/chromium.ts';

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
      executablePath: CHROMIUM,
      args: CHROMIUM_FLAGS,
    },
  },
});
