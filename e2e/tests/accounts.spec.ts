// Users, API tokens and the audit log, as an admin manages them.

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { addUser as addUserWithPassword, temporaryDirectory } from './support/lab.ts';
import { expect, test } from './support/test.ts';

const PASSWORD = 'correct horse';
/** The browser reports each refusal on the console. */
const REFUSED = /status of (400|401|403|409)/;

const addUser = (data: string, name: string, role: string) =>
  addUserWithPassword(data, name, role, PASSWORD);

async function signIn(page: Page, name: string, password = PASSWORD): Promise<void> {
  const form = page.getByRole('form', { name: 'Sign in' });
  await form.getByLabel('User name').fill(name);
  await form.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
  await expect(form).toBeHidden();
}

/** The line of a table that has this text. */
function line(page: Page, text: string | RegExp) {
  return page.getByRole('row').filter({ hasText: text });
}

async function isAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations).toEqual([]);
}

for (const scheme of ['light', 'dark'] as const) {
  test(`an admin makes a token, sees it used, and revokes it (${scheme})`, async ({
    closing,
    guard,
    ownServer,
    page,
  }) => {
    guard.allow(REFUSED);
    await page.emulateMedia({ colorScheme: scheme });
    const data = await temporaryDirectory(closing);
    await addUser(data, 'alice', 'admin');
    const env = { ECOMAN_DATA: data, ECOMAN_STORE: 'embedded', DASHBOARD_SIGN_IN: 'password' };
    const server = await ownServer('dashboard', env);
    await server.ready();
    await page.goto(server.url);
    await signIn(page, 'alice');

    await page.getByRole('banner').getByRole('link', { name: /alice/ }).click();
    await expect(page.getByRole('heading', { name: 'Account', level: 1 })).toBeVisible();
    await isAccessible(page);
    await page.getByRole('link', { name: 'API tokens' }).click();
    await expect(page.getByRole('heading', { name: 'No API tokens yet' })).toBeVisible();
    await isAccessible(page);

    await page.getByRole('button', { name: 'New token' }).click();
    const dialog = page.getByRole('dialog');
    await expect(dialog.getByLabel('Description')).toBeFocused();
    await dialog.getByLabel('Description').fill('nightly report');
    await dialog.getByLabel('Role').selectOption('operator');
    await isAccessible(page);
    await dialog.getByRole('button', { name: 'Create token' }).click();
    await expect(dialog).toContainText('not shown again');
    const secret = await dialog.getByText(/^ecoman_/).innerText();
    await isAccessible(page);
    const use = () =>
      fetch(`${server.url}/api/v1/vms`, { headers: { Authorization: `Bearer ${secret}` } });
    expect((await use()).status).toBe(200);
    await dialog.getByRole('button', { name: 'I have copied it' }).click();
    await expect(page.getByText(secret)).toHaveCount(0);

    await page.reload();
    const row = line(page, 'nightly report');
    await expect(row).toContainText('operator');
    await expect(row).toContainText('all hosts');
    await isAccessible(page);
    await row.getByRole('button', { name: 'Revoke nightly report' }).click();
    await dialog.getByRole('button', { name: 'Revoke', exact: true }).click();
    await expect(page.getByRole('heading', { name: 'No API tokens yet' })).toBeVisible();
    expect((await use()).status).toBe(401);

    await page.getByRole('link', { name: 'Audit log' }).click();
    await expect(line(page, 'create operator token for 90 days')).toContainText('alice');
    await expect(line(page, 'revoke token of alice')).toContainText('Completed');
    await isAccessible(page);
    await page.getByRole('combobox', { name: 'Action' }).selectOption('Revoke API token');
    await expect(page).toHaveURL(/operation=revokeToken/);
    await expect(line(page, 'create operator token for 90 days')).toHaveCount(0);
    await expect(line(page, 'revoke token of alice')).toContainText('Completed');
    await page.reload();
    await expect(page.getByRole('combobox', { name: 'Action' })).toHaveValue('revokeToken');
    await expect(line(page, 'revoke token of alice')).toContainText('Completed');
    await expect(line(page, 'create operator token for 90 days')).toHaveCount(0);
    await page.getByRole('button', { name: 'Refused' }).click();
    await expect(page).toHaveURL(/outcome=refused/);
    await expect(page.getByRole('heading', { name: 'No matching entries' })).toBeVisible();
    await page.getByRole('link', { name: 'Clear filter' }).click();
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download this log as CSV' }).click();
    expect((await saved).suggestedFilename()).toMatch(/^ecoman-audit-\d{4}-\d\d-\d\d\.csv$/);
  });
}

test('an admin adds a viewer, who sees why they may not, and removes them', async ({
  browser,
  closing,
  guard,
  ownServer,
  page,
}) => {
  guard.allow(REFUSED);
  const data = await temporaryDirectory(closing);
  await addUser(data, 'alice', 'admin');
  const env = { ECOMAN_DATA: data, ECOMAN_STORE: 'embedded', DASHBOARD_SIGN_IN: 'password' };
  const server = await ownServer('dashboard', env);
  await server.ready();
  await page.goto(`${server.url}/users`);
  await signIn(page, 'alice');

  await page.getByRole('button', { name: 'New user' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('bob the builder');
  await dialog.getByLabel(/^Password/).fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Add user' }).click();
  await expect(dialog.getByRole('alert')).toContainText('name:');
  await dialog.getByLabel('Name').fill('bob');
  await dialog.getByRole('button', { name: 'Add user' }).click();
  await expect(dialog).toBeHidden();
  await expect(line(page, 'bob')).toContainText('viewer');
  await isAccessible(page);

  const other = await browser.newContext();
  closing.add(other, (it) => it.close());
  const theirs = await other.newPage();
  await theirs.goto(`${server.url}/users`);
  await signIn(theirs, 'bob');
  await expect(theirs.getByRole('heading', { name: 'Not available' })).toBeVisible();
  await expect(theirs.getByText('This needs the role admin; yours is viewer.')).toBeVisible();
  await expect(theirs.getByRole('button', { name: 'New user' })).toHaveCount(0);

  // The last admin stays, and the page says why.
  await line(page, 'alice').getByRole('button', { name: 'Remove alice' }).click();
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(dialog.getByRole('alert')).toContainText('admin');
  await dialog.getByRole('button', { name: 'Cancel' }).click();

  await line(page, 'bob').getByRole('button', { name: 'Remove bob' }).click();
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(line(page, 'bob')).toHaveCount(0);
  await theirs.reload();
  await expect(theirs.getByRole('form', { name: 'Sign in' })).toBeVisible();
});

test('a user changes their password, and signs in with the new one', async ({
  closing,
  guard,
  ownServer,
  page,
}) => {
  guard.allow(REFUSED);
  const data = await temporaryDirectory(closing);
  await addUser(data, 'alice', 'admin');
  const env = { ECOMAN_DATA: data, ECOMAN_STORE: 'embedded', DASHBOARD_SIGN_IN: 'password' };
  const server = await ownServer('dashboard', env);
  await server.ready();
  await page.goto(`${server.url}/account`);
  await signIn(page, 'alice');
  const change = page.getByRole('button', { name: 'Change password' });
  await page.getByLabel('Current password').fill(PASSWORD);
  await page.getByLabel(/^New password \(/).fill('another horse');
  await page.getByLabel('New password again').fill('another house');
  await change.click();
  await expect(page.getByText('The passwords do not match.')).toBeVisible();
  await page.getByLabel('New password again').fill('another horse');
  await change.click();
  await expect(page.getByRole('form', { name: 'Sign in' })).toBeVisible();
  await signIn(page, 'alice', 'another horse');
  await expect(page.getByRole('heading', { name: 'Account', level: 1 })).toBeVisible();
});

test('where nobody signs in the page says why there are no users', async ({ lab, page }) => {
  await page.goto(lab.url);
  await page.getByRole('banner').getByRole('link', { name: 'Access' }).click();
  await expect(page.getByText('Disabled', { exact: true })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Users' })).toBeHidden();
  await page.goto(`${lab.url}/users`);
  await expect(page.getByText('DASHBOARD_SIGN_IN=password')).toBeVisible();
  const docs = page.getByRole('link', { name: 'REST API' });
  await expect(docs).toHaveAttribute('href', '/api/docs/');
});
