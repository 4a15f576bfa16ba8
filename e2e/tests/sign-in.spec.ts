// Who may come in, and how they leave.

import { spawn } from 'node:child_process';

import AxeBuilder from '@axe-core/playwright';

import { temporaryDirectory } from './support/lab.ts';
import { binary } from './support/program.ts';
import { expect, test } from './support/test.ts';

const PASSWORD = 'correct horse';
/** The browser reports each refusal on the console. */
const REFUSED = /status of 401/;

/** Adds a user as an administrator does in a script. */
async function addUser(data: string, name: string, role: string): Promise<void> {
  const add = spawn(binary('ECOMAN_BIN', 'ecoman'), ['user', 'add', name, '--role', role], {
    env: { PATH: process.env.PATH, ECOMAN_DATA: data },
  });
  add.stdin.end(`${PASSWORD}\n`);
  const code = await new Promise((resolve) => add.once('close', resolve));
  expect(code, `ecoman user add ${name}`).toBe(0);
}

for (const scheme of ['light', 'dark'] as const) {
  test(`a viewer signs in and out (${scheme})`, async ({
    closing,
    guard,
    ownServer,
    page,
  }) => {
    guard.allow(REFUSED);
    await page.emulateMedia({ colorScheme: scheme });
    const data = await temporaryDirectory(closing);
    await addUser(data, 'alice', 'viewer');
    const env = { ECOMAN_DATA: data, ECOMAN_STORE: 'embedded', DASHBOARD_SIGN_IN: 'password' };
    const server = await ownServer('dashboard', env);
    await server.ready();

    await page.goto(`${server.url}/nodes`);
    const form = page.getByRole('form', { name: 'Sign in' });
    await expect(form.getByLabel('User name')).toBeFocused();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations).toEqual([]);

    await form.getByLabel('User name').fill('alice');
    await form.getByLabel('Password').fill('not this one');
    await page.keyboard.press('Enter');
    await expect(form.getByRole('alert')).toHaveText('Incorrect user name or password.');
    await expect(form.getByLabel('Password')).toHaveValue('');
    await form.getByLabel('Password').fill(PASSWORD);
    await form.getByRole('button', { name: 'Sign in' }).click();

    // Where they wanted to go.
    await expect(page.getByRole('heading', { name: 'No hosts yet' })).toBeVisible();
    const header = page.getByRole('banner');
    await expect(header.getByText('alice')).toBeVisible();
    await expect(header.getByText('viewer')).toBeVisible();
    await expect(header.getByRole('status')).toHaveText('Live');
    const cookies = await page.context().cookies();
    expect(cookies.map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite])).toEqual([
      ['ecoman_session', true, 'Strict'],
    ]);
    await header.getByRole('button', { name: 'Sign out' }).click();
    await expect(form.getByLabel('User name')).toBeFocused();
    expect(await page.context().cookies()).toEqual([]);
    await page.goto(server.url);
    await expect(form).toBeVisible();
  });
}

test('nothing is asked for that would be refused, before somebody signs in and after', { tag: '@main' }, async ({ closing, ownServer, page }) => {
  const data = await temporaryDirectory(closing);
  await addUser(data, 'alice', 'operator');
  const env = { ECOMAN_DATA: data, ECOMAN_STORE: 'embedded', DASHBOARD_SIGN_IN: 'password' };
  const server = await ownServer('dashboard', env);
  await server.ready();
  const refused: string[] = [];
  page.on('response', (response) => {
    if (response.status() === 401) refused.push(response.url());
  });

  // The guard checks that the console stays empty.
  await page.goto(server.url);
  const form = page.getByRole('form', { name: 'Sign in' });
  for (let round = 0; round < 2; round += 1) {
    await form.getByLabel('User name').fill('alice');
    await form.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    const header = page.getByRole('banner');
    await expect(header.getByRole('status')).toHaveText('Live');
    await page.reload();
    await expect(header.getByRole('status')).toHaveText('Live');
    await header.getByRole('button', { name: 'Sign out' }).click();
    await expect(form.getByLabel('User name')).toBeFocused();
  }
  expect(refused).toEqual([]);
});
