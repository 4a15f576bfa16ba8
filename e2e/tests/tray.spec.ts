// Nothing is missed: what has failed, what runs and who needs an answer, over every page.

import type { Page } from '@playwright/test';

import { Lab, addUser } from './support/lab.ts';
import type { SimulatedNode } from './support/nodes.ts';
import { expect, test } from './support/test.ts';

const NODES: SimulatedNode[] = [
  {
    name: 'hoge',
    vms: [
      { id: 5, name: 'asks', at_power_on: 'asks' },
      { id: 8, name: 'deaf', power: 'on', up_hours: 3, ignores_shutdown: true },
    ],
  },
];

const PASSWORD = 'correct horse';

function request(lab: Lab, vm: number, action: string, seconds = 5): Promise<Response> {
  return fetch(`${lab.url}/api/v1/vms/hoge/${vm}/power`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', ...lab.headers },
    body: JSON.stringify({ action, guest_seconds: action === 'shutdown' ? seconds : undefined }),
  });
}

const tasks = (page: Page) =>
  page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: /^Tasks/ });
const tray = (page: Page) => page.getByRole('region', { name: 'Recent tasks' });
const toggle = (page: Page) => tray(page).getByRole('button', { name: /^Recent tasks/ });
const mark = (page: Page) => page.getByRole('link', { name: /^Shut down failed: .* still on after 5 s/ });

test('a failure marks its row, the tasks and the title until it was seen, in every tab', { tag: '@main' }, async ({
  ownLab,
  list,
  page,
  context,
  browser,
}) => {
  test.setTimeout(120_000);
  const lab = await ownLab(NODES);
  await list.open(lab.url);
  await expect(tray(page), 'nothing to say').toBeHidden();
  const otherTab = await context.newPage();
  await otherTab.goto(lab.url);
  const elsewhere = await (await browser.newContext()).newPage();
  await elsewhere.goto(lab.url);

  await request(lab, 8, 'shutdown');
  await expect(toggle(page)).toHaveText(/1 running/);
  for (const it of [page, otherTab, elsewhere]) {
    await expect(mark(it)).toBeVisible({ timeout: 30_000 });
    await expect(tasks(it)).toHaveAccessibleName('Tasks 1 failed');
    await expect(toggle(it)).toHaveText(/1 failed/);
  }
  await expect(page).toHaveTitle(/^⚠ 1 · /);

  // It stays over page changes.
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: /^Hosts/ }).click();
  await expect(page).toHaveTitle(/^⚠ 1 · /);
  await toggle(page).click();
  const entry = tray(page).getByRole('listitem').filter({ hasText: 'Shut down deaf on hoge' });
  await expect(entry).toContainText('is still on after 5 s');
  for (const it of [page, otherTab]) {
    await expect(tasks(it)).not.toHaveAccessibleName(/failed/);
  }
  await expect(mark(otherTab)).toBeHidden();
  await expect(entry, 'it can still be read').toBeVisible();
  await entry.getByRole('link', { name: 'Open' }).click();
  await expect(page).toHaveURL(/\/tasks\//);
  await expect(entry, 'over page changes').toBeVisible();
  await page.keyboard.press('Escape');
  await page.reload();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Shut down deaf on hoge');
  await expect(tray(page)).toBeHidden();

  await expect(mark(elsewhere), 'nobody signs in: it is another browser').toBeVisible();
  await mark(elsewhere).click();
  await expect(elsewhere.getByRole('heading', { level: 1 })).toHaveText('Shut down deaf on hoge');
  await expect(tasks(elsewhere)).not.toHaveAccessibleName(/failed/);
  await elsewhere.close();
});

test('what a user has seen is seen in their other browsers, and not by others', async ({
  closing,
  browser,
  page,
  guard,
}) => {
  test.setTimeout(120_000);
  guard.allow(/status of 401/);
  const lab = await Lab.open(closing, NODES, { signIn: true });
  for (const name of ['alice', 'bob']) await addUser(lab.data, name, 'operator', PASSWORD);
  const signIn = async (it: Page, name: string) => {
    await it.goto(lab.url);
    const form = it.getByRole('form', { name: 'Sign in' });
    await form.getByLabel('User name').fill(name);
    await form.getByLabel('Password').fill(PASSWORD);
    await it.keyboard.press('Enter');
    await expect(form).toBeHidden();
  };
  const second = await (await browser.newContext()).newPage();
  const bobs = await (await browser.newContext()).newPage();
  await signIn(page, 'alice');
  await signIn(second, 'alice');
  await signIn(bobs, 'bob');
  await request(lab, 8, 'shutdown');
  for (const it of [page, second, bobs]) {
    await expect(tasks(it)).toHaveAccessibleName('Tasks 1 failed', { timeout: 30_000 });
  }
  const kept = page.waitForResponse(
    (it) => it.url().endsWith('/session/seen-tasks') && it.request().method() === 'POST',
  );
  await tasks(page).click();
  await kept;
  await expect(tasks(page)).not.toHaveAccessibleName(/failed/);
  await second.reload();
  await expect(second.getByRole('grid')).toBeVisible();
  await expect(second.getByRole('link', { name: 'deaf', exact: true })).toBeVisible();
  await expect(tasks(second)).not.toHaveAccessibleName(/failed/);
  await bobs.reload();
  await expect(tasks(bobs)).toHaveAccessibleName('Tasks 1 failed', { timeout: 30_000 });
  await second.close();
  await bobs.close();
});

test('what runs is seen and ended from the tray', async ({ ownLab, page }) => {
  test.setTimeout(120_000);
  const lab = await ownLab(NODES);
  await page.goto(`${lab.url}/nodes`);
  await request(lab, 8, 'shutdown', 300);
  await toggle(page).click({ timeout: 30_000 });
  const entry = tray(page).getByRole('listitem').filter({ hasText: 'Shut down deaf on hoge' });
  await expect(entry).toContainText(/waiting for the guest, \d+ s of 300 s/);
  await expect(entry.getByRole('progressbar')).toBeVisible();
  await entry.getByRole('button', { name: 'Stop waiting' }).click();
  await expect(entry).toContainText('Cancelled', { timeout: 30_000 });
  await expect(tasks(page), 'that is no failure').toHaveAccessibleName('Tasks');

  await request(lab, 8, 'shutdown', 300);
  const next = tray(page).getByRole('listitem').filter({ hasText: 'waiting for the guest' });
  await next.getByRole('button', { name: 'Power off now' }).click({ timeout: 30_000 });
  const dialog = page.getByRole('dialog', { name: 'Power off deaf on hoge?' });
  await dialog.getByRole('button', { name: 'Power off', exact: true }).click();
  await expect(tray(page).getByRole('listitem').filter({ hasText: 'Power off deaf' })).toContainText(
    'Completed',
    { timeout: 30_000 },
  );
});

test('a question is in title, chip and badge alike, and is answered from the tray', async ({
  ownLab,
  list,
  page,
}) => {
  test.setTimeout(120_000);
  // The round that would find it by itself is far away.
  const lab = await ownLab(NODES, { CRAWLER_INTERVAL: '600' });
  await list.open(lab.url);
  await request(lab, 5, 'on');
  await expect(page.getByRole('button', { name: 'Answer the question of asks' })).toBeVisible({
    timeout: 30_000,
  });
  await expect(page.getByRole('button', { name: 'Needs an answer 1' })).toBeVisible({
    timeout: 10_000,
  });
  await expect(page).toHaveTitle(/^\? 1 · /);
  await toggle(page).click();
  const entry = tray(page).getByRole('listitem').filter({ hasText: 'Power on asks on hoge' });
  await entry.getByRole('button', { name: 'Answer' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'I Copied It' }).click();
  await expect(dialog).toBeHidden({ timeout: 30_000 });
  await expect(page).not.toHaveTitle(/\?/, { timeout: 30_000 });
});
