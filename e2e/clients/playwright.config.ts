import { defineConfig } from '@playwright/test';

// Run by `cargo xtask test`: programs against the API, no browser.
export default defineConfig({
  testDir: '.',
  forbidOnly: true,
  retries: 0,
  fullyParallel: true,
  workers: 2,
  // Generators are compiled here, and schemathesis takes its time.
  timeout: 20 * 60_000,
  reporter: 'list',
});
