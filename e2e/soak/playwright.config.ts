import { defineConfig } from '@playwright/test';

// Run by `cargo xtask soak`: what takes minutes. See ../playwright.config.ts.
export default defineConfig({
  testDir: '.',
  forbidOnly: true,
  retries: 0,
  workers: 1,
  reporter: 'list',
});
