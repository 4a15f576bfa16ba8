// Takes the README's pictures from `ecoman demo` into docs/. Usage: node screenshots.mjs
//
// It waits for the moment in which one of the demo's nodes is away: the first picture shows that.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { chromium } from '@playwright/test';

const root = fileURLToPath(new URL('..', import.meta.url));
const ecoman = process.env.ECOMAN_BIN ?? `${root}target/debug/ecoman`;
const DESKTOP = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
/** The demo's node goes away after a minute. */
const UNTIL_AWAY = 120_000;

const demo = spawn(ecoman, ['demo', '--dashboard-port', '0'], {
  stdio: ['ignore', 'inherit', 'pipe'],
});
try {
  const url = await address(demo);
  const browser = await chromium.launch({
    executablePath: process.env.ECOMAN_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
  });
  try {
    await take(browser, url);
  } finally {
    await browser.close();
  }
} finally {
  demo.kill('SIGTERM');
}

async function take(browser, url) {
  const open = async (path, colorScheme, viewport, ready) => {
    const context = await browser.newContext({ colorScheme, viewport, deviceScaleFactor: 2 });
    const page = await context.newPage();
    await page.goto(url + path);
    await ready(page);
    // What a row that has just come flashes with is no part of the picture.
    await page.waitForFunction(() => document.getAnimations().every((it) => it.playState !== 'running'));
    return page;
  };
  const save = async (page, name) => {
    await page.screenshot({ path: `${root}docs/${name}.png` });
    await page.context().close();
    console.log(`docs/${name}.png`);
  };
  const rows = (page) =>
    page.getByRole('grid').getByRole('gridcell').first().waitFor({ timeout: 30_000 });
  const away = async (page) => {
    await rows(page);
    const strip = page.getByRole('main').getByText(/has not responded/);
    await strip.first().waitFor({ timeout: UNTIL_AWAY });
  };
  const heading = (page) => page.getByRole('heading', { level: 1 }).waitFor();

  await save(await open('/', 'light', DESKTOP, away), 'list-light');
  await save(await open('/nodes', 'light', DESKTOP, heading), 'nodes');
  await save(await open('/', 'dark', DESKTOP, rows), 'list-dark');
  await save(await open('/?sort=-memory', 'light', PHONE, rows), 'phone');

  // The largest one shows most.
  const list = await open('/?show=running,large&sort=-memory', 'light', DESKTOP, rows);
  await list.getByRole('grid').getByRole('gridcell').getByRole('link').first().click();
  await heading(list);
  await save(list, 'vm');

  await save(await open('/new?node=esxi-01', 'light', DESKTOP, heading), 'new');
  const asked = await fetch(`${url}/api/v1/vms`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ node: 'esxi-01', name: 'web-3', cpus: 2, memory_mb: 2048, disk_gb: 30 }),
  });
  const task = await asked.json();
  await fetch(`${url}/api/v1/tasks/${task.id}?wait=60`);
  await save(await open(`/tasks/${task.id}`, 'light', DESKTOP, heading), 'task');
}

/** The address that the program prints once it listens. */
function address(program) {
  return new Promise((resolve, reject) => {
    let log = '';
    program.on('error', reject);
    program.on('exit', (code) => reject(new Error(`the demo ended (${code}):\n${log}`)));
    program.stderr.setEncoding('utf8').on('data', (text) => {
      log += text;
      const found = /ECoMan is at (http:\S+)/.exec(log);
      if (found) resolve(found[1]);
    });
  });
}
