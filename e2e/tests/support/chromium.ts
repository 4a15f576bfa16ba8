// How Chromium is started, by the tests and by the soak.

/** The program. */
export const CHROMIUM = process.env.ECOMAN_CHROMIUM ?? '/usr/bin/chromium';

/** What it is started with everywhere. */
export const CHROMIUM_FLAGS = [
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
];
