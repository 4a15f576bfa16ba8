import type { Page } from '@playwright/test';

import { badge, noteBadge } from './support/badge.ts';
import { expect, test } from './support/test.ts';

const field = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true });
const create = (page: Page) => page.getByRole('button', { name: 'Create VM' });
const summary = (page: Page) => page.getByRole('region', { name: 'Summary' });

test('the form says what is wrong while one types, at the field', async ({ lab, list, page }) => {
  await list.open(lab.url);
  await page.getByRole('link', { name: 'New VM' }).click();
  await expect(page).toHaveURL(`${lab.url}/new`);
  await expect(page.getByText(/must|is taken/)).toHaveCount(0);
  await page.getByRole('radio', { name: /^hoge/ }).check();
  await field(page, 'Name').fill('web/1');
  await expect(field(page, 'Name')).toHaveAccessibleDescription('Name must not contain / \\ or %.');
  await field(page, 'Name').fill('web-2');
  await expect(field(page, 'Name')).toHaveAccessibleDescription(
    'Name is taken: hoge has a VM of this name.',
  );
  await field(page, 'CPUs').fill('two');
  await expect(field(page, 'CPUs')).toHaveAccessibleDescription('CPUs must be a whole number.');
  await field(page, 'Memory').fill('1023');
  await expect(field(page, 'Memory')).toHaveAccessibleDescription('Memory must be a multiple of 4.');
  await create(page).click();
  await expect(field(page, 'Name'), 'the first one that is wrong').toBeFocused();

  await page.getByRole('button', { name: /^medium/ }).click();
  await expect(field(page, 'CPUs')).toHaveValue('2');
  await expect(field(page, 'Memory')).toHaveValue('2048');
  await field(page, 'Name').fill('fresh');
  await expect(summary(page)).toContainText('fresh on hoge');
  await expect(summary(page)).toContainText('2 CPUs, 2.0 GB memory, 50 GB disk, thin provisioned');
  await expect(page.getByText(/must|is taken/)).toHaveCount(0);
});

test('what was typed outlives a reload and a look elsewhere', async ({ lab, page }) => {
  await page.goto(`${lab.url}/new`);
  await page.getByRole('radio', { name: /^fuga/ }).check();
  await field(page, 'Name').fill('ウェブ $(reboot) "1"');
  await field(page, 'Notes').fill('owner: ops\nuntil: 2027');
  await page.reload();
  await expect(field(page, 'Name')).toHaveValue('ウェブ $(reboot) "1"');
  await expect(page.getByRole('radio', { name: /^fuga/ })).toBeChecked();
  await page.getByRole('link', { name: 'Hosts' }).first().click();
  await page.goBack();
  await expect(field(page, 'Notes')).toHaveValue('owner: ops\nuntil: 2027');
});

test('nodes are ranked with the reason, and one can be named in the address', async ({
  lab,
  page,
}) => {
  await page.goto(`${lab.url}/nodes/fuga`);
  await page.getByRole('link', { name: 'New VM here' }).click();
  await expect(page.getByRole('radio', { name: /^fuga/ })).toBeChecked();
  const nodes = page.getByRole('group', { name: 'Host' });
  await expect(nodes.getByText('Suggested')).toHaveCount(1);
  for (const name of ['hoge', 'fuga']) {
    await expect(page.getByRole('radio', { name: new RegExp(`^${name}`) })).toHaveAccessibleDescription(
      /memory free · .* free on datastore1 · Provisioned \d+\.\d\d : 1/,
    );
  }
  await expect(nodes).toHaveAccessibleDescription(
    /^Ranked by free memory .* free datastore space .* over-commitment/,
  );
});

test('a node that is short of memory says how much, and is not suggested', async ({ lab, page }) => {
  await page.goto(`${lab.url}/new`);
  const nodes = page.getByRole('group', { name: 'Host' });
  await expect(nodes.getByText('Suggested')).toHaveCount(1);
  const { items } = await fetch(`${lab.url}/api/v1/nodes`).then((it) => it.json());
  const most = Math.floor(items[0].memory.capacity_bytes / 2 ** 22) * 4;
  // All that a node has: some of it is in use.
  await field(page, 'Memory').fill(String(most));
  await expect(nodes.getByText(/^does not fit: [\d.]+ [GM]B short$/)).toHaveCount(2);
  await expect(nodes.getByText('Suggested')).toHaveCount(0);
  await expect(summary(page)).toContainText(/does not fit: [\d.]+ [GM]B short/);
});

test('each datastore of the node can be chosen, with what is free on it', async ({ lab, page }) => {
  await page.goto(`${lab.url}/new?node=hoge`);
  const datastore = page.getByRole('combobox', { name: 'Datastore' });
  const words = datastore.getByRole('option');
  await expect(words.first()).toHaveText(/^datastore1: [\d.]+ [GT]B free of [\d.]+ [GT]B \(default\)$/);
  await datastore.selectOption('datastore1');
  await field(page, 'Name').fill('fresh');
  await expect(summary(page)).toContainText('/vmfs/volumes/datastore1/fresh');
  await expect(summary(page)).toContainText(/free on datastore1 afterwards/);
  // What is not there is marked, before anything is sent.
  const iso = page.getByRole('combobox', { name: 'ISO image' }).getByRole('option').first();
  await expect(iso).toHaveText('ubuntu2004.iso (default)');
});

test('a double click is one VM', async ({ ownLab, page }) => {
  const { url } = await ownLab([{ name: 'hoge', vms: [{ id: 1, name: 'web-1', power: 'off' }] }]);
  await page.goto(`${url}/new`);
  await field(page, 'Name').fill('only-one');
  await page.getByRole('checkbox', { name: /Power on after creation/ }).uncheck();
  await create(page).dblclick();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Create only-one on hoge');
  await expect(page.getByRole('main').getByText('Completed', { exact: true }).first()).toBeVisible({
    timeout: 45_000,
  });
  const tasks = (await (await fetch(`${url}/api/v1/tasks`)).json()) as { items: unknown[] };
  expect(tasks.items).toHaveLength(1);
  // The crawler looks for it when the task has ended.
  const named = async () => {
    const vms = (await (await fetch(`${url}/api/v1/vms`)).json()) as { items: { name: string }[] };
    return vms.items.filter(({ name }) => name === 'only-one').length;
  };
  await expect.poll(named, { timeout: 30_000 }).toBe(1);
});

test('a refusal of the server stands at its field, and the form is kept', async ({
  ownLab,
  page,
  guard,
}) => {
  const { url } = await ownLab([{ name: 'hoge', vms: [{ id: 1, name: 'web-1', power: 'off' }] }]);
  guard.allow(/status of 409/);
  await page.goto(`${url}/new`);
  await field(page, 'Name').fill('fresh');
  // Between the look at the form and the click somebody else has taken the name.
  await page.route('**/api/v1/vms', (route) =>
    route.continue({ postData: (route.request().postData() ?? '').replace('"fresh"', '"web-1"') }),
  );
  await create(page).click();
  await expect(field(page, 'Name')).toHaveAccessibleDescription(/^Name .*taken/);
  await expect(field(page, 'Name')).toBeFocused();
  await expect(field(page, 'Name')).toHaveValue('fresh');
});

test('the whole way in two browsers: create, appear, on, shut down, off', { tag: '@main' }, async ({
  ownLab,
  list,
  page,
  browser,
}) => {
  test.setTimeout(120_000);
  const { url, nodes } = await ownLab([
    { name: 'hoge', latency_ms: 100, vms: [{ id: 1, name: 'web-1', power: 'off' }] },
  ]);
  const elsewhere = await browser.newContext();
  const other = await elsewhere.newPage();
  await other.goto(`${url}/tasks`);
  await expect(other.getByRole('heading', { name: 'No tasks yet' })).toBeVisible();

  await page.goto(`${url}/new`);
  await field(page, 'Name').fill('ウェブ $(reboot) "1"');
  await field(page, 'Notes').fill('for tests; `ls` & more');
  await create(page).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(
    'Create ウェブ $(reboot) "1" on hoge',
  );
  // The other one follows, without a reload.
  await other.getByRole('link', { name: /^Create ウェブ/ }).click();
  for (const it of [page, other]) {
    const steps = it.getByRole('region', { name: 'Steps' }).getByRole('listitem');
    await expect(steps.filter({ hasText: /register/i })).toContainText('Completed', { timeout: 45_000 });
    await expect(it.getByRole('heading', { level: 1 }).locator('..')).toContainText('Completed', {
      timeout: 45_000,
    });
    await expect(it.getByRole('region', { name: 'Commands on the host' })).toContainText('registervm');
  }
  await page.reload();
  // With what hosts.yml stood for, in words that people know.
  const request = page.getByRole('region', { name: 'Details' });
  for (const [term, value] of [
    ['Guest OS', 'Ubuntu Linux (64-bit)'],
    ['Datastore', 'datastore1'],
    ['Network', 'VM Network'],
    ['ISO image', '/vmfs/volumes/datastore1/os-images/ubuntu2004.iso'],
    ['Notes', 'for tests; `ls` & more'],
  ] as const) {
    const fact = request.getByRole('term').filter({ hasText: new RegExp(`^${term}$`) });
    await expect(fact.locator('xpath=following-sibling::*[1]'), term).toHaveText(value);
  }
  await page.getByRole('link', { name: 'Open VM' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('ウェブ $(reboot) "1"');
  await expect(badge(page)).toHaveText('On');
  await expect(page.getByRole('region', { name: 'Overview' })).toContainText('for tests; `ls` & more');

  await other.getByRole('link', { name: 'Open VM' }).click();
  const shutDown = page.getByRole('button', { name: 'Shut down', exact: true });
  await expect(shutDown).toHaveAccessibleDescription(/VMware Tools is not installed/);
  // As a person who installs the guest does.
  await nodes.editVm('hoge', Number(page.url().split('/').pop()), { tools: true });
  await expect(shutDown).toBeEnabled();
  const words = await Promise.all([page, other].map(noteBadge));
  await shutDown.click();
  await page.getByRole('dialog').getByRole('button', { name: 'Shut down' }).click();
  const stopped = ['On', 'stopping…', 'Off'];
  await expect
    .poll(() => Promise.all(words.map((it) => it())), { timeout: 45_000 })
    .toEqual([stopped, stopped]);

  await list.open(url);
  await expect(list.cell('ウェブ $(reboot) "1"', 'Power')).toHaveText('Off');
  await elsewhere.close();
});

/** What would do harm if any of it became a part of a script, a path, a file or the page. */
const NASTY = [
  '$(reboot)',
  '`reboot`',
  '"; reboot; "',
  "'; reboot; '",
  'a && reboot || b',
  '|22guestOS = |22other',
  '-rf',
  '--help',
  '~root',
  '*',
  '${IFS}x',
  '[datastore1] a',
  '<img src=x onerror=alert(1)>',
  '{{7*7}} ${7*7}',
  'مرحبا \u202eتسم',
  '🦀 ウェブ 👩‍👩‍👧',
  'é vs é',
  '<script>alert(1)</script>',
  '../../etc/passwd',
  'a\\b',
  '%2e%2e%2f',
  '..',
  'あ'.repeat(100),
];

test('nasty names and comments are refused at their field or come back as they are', async ({
  ownLab,
  page,
}) => {
  test.setTimeout(240_000);
  const { url } = await ownLab([{ name: 'hoge', vms: [{ id: 1, name: 'bystander', power: 'on' }] }]);
  const taken: string[] = [];
  const refused: string[] = [];
  await page.goto(`${url}/new`);
  for (const text of NASTY) {
    await field(page, 'Name').fill(text);
    await field(page, 'Notes').fill(text);
    if ((await field(page, 'Name').getAttribute('aria-invalid')) === 'true') {
      refused.push(text);
      await expect(field(page, 'Name')).toHaveAccessibleDescription(/^Name must/);
      await create(page).click();
      await expect(field(page, 'Name'), 'it stays here').toBeFocused();
      continue;
    }
    taken.push(text);
    await page.getByRole('checkbox', { name: /Power on after creation/ }).uncheck();
    await create(page).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Create ${text} on hoge`);
    await page.goto(`${url}/new`);
  }
  expect(refused).toEqual(NASTY.slice(-6));
  expect(taken).toHaveLength(17);

  type Task = { state: string; title: string };
  let tasks: Task[] = [];
  await expect
    .poll(
      async () => {
        tasks = ((await (await fetch(`${url}/api/v1/tasks`)).json()) as { items: Task[] }).items;
        return tasks.filter(({ state }) => state === 'queued' || state === 'running').length;
      },
      { timeout: 120_000, message: 'every task ends' },
    )
    .toBe(0);
  expect(tasks.filter(({ state }) => state !== 'succeeded')).toEqual([]);
  expect(tasks).toHaveLength(taken.length);

  type Vm = { name: string; comment: string };
  const found = async () => {
    const answer = await fetch(`${url}/api/v1/vms`);
    return ((await answer.json()) as { items: Vm[] }).items.filter((vm) => vm.name !== 'bystander');
  };
  await expect.poll(async () => (await found()).length).toBe(taken.length);
  for (const vm of await found()) expect(vm.comment, vm.name).toBe(vm.name);
  expect((await found()).map((vm) => vm.name).sort()).toEqual([...taken].sort());
  await page.goto(url);
  for (const text of taken) {
    await expect(page.getByRole('gridcell').getByRole('link', { name: text, exact: true })).toHaveText(
      text,
    );
  }
});
