import type { Page } from '@playwright/test';

import { badge, noteBadge } from './support/badge.ts';
import { expect, test } from './support/test.ts';
import type { SimulatedNode } from './support/nodes.ts';

/** A node whose VMs may be changed. */
const NODES: SimulatedNode[] = [
  {
    name: 'hoge',
    vms: [
      { id: 1, name: 'web-1', power: 'on', up_hours: 3 },
      { id: 2, name: 'web-2', power: 'on', up_hours: 3 },
      { id: 3, name: 'bare', power: 'on', tools: false, up_hours: 3 },
      { id: 4, name: 'idle', power: 'off' },
    ],
  },
  { name: 'fuga', vms: [{ id: 1, name: 'cache', power: 'on', up_hours: 3 }] },
];

const powerGroup = (page: Page) => page.getByRole('main').getByRole('group', { name: 'Power' });
const action = (page: Page, name: string) =>
  powerGroup(page).getByRole('button', { name, exact: true });
/** Why the last change of the VM failed. */
const failure = (page: Page) => page.getByRole('main').getByText(/failed \(/);

test('a change that cannot be made says why', async ({ lab, page }) => {
  await page.goto(`${lab.url}/vms/hoge/14`);
  const off = action(page, 'Power off');
  await expect(off).toBeDisabled();
  await expect(off).toHaveAccessibleDescription('The VM is off already.');
  await off.hover();
  await expect(page.getByRole('tooltip')).toHaveText('The VM is off already.');
  await off.click({ force: true });
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(action(page, 'Power on')).toBeEnabled();
});

test('an explanation goes with a click, and comes back with the pointer', async ({ lab, page }) => {
  await page.clock.install();
  await page.goto(`${lab.url}/vms/hoge/14`);
  const off = action(page, 'Power off');
  const tip = page.getByRole('tooltip');
  await off.hover();
  await expect(tip).toHaveText('The VM is off already.');
  // The click moves the focus there, which alone would explain it, too.
  await page.mouse.down();
  await page.mouse.up();
  await expect(tip).toBeHidden();
  await off.hover({ position: { x: 12, y: 12 } });
  await expect(off).toBeFocused();
  // Twice the time after which it would be shown.
  await page.clock.runFor(700);
  await expect(tip).toBeHidden();
  await page.mouse.move(5, 300);
  await off.hover();
  await expect(tip).toBeVisible();

  await page.mouse.move(5, 300);
  await expect(tip).toBeHidden();
  await action(page, 'Reset').focus();
  await page.keyboard.press('Tab');
  await expect(tip, 'the keyboard has it at once').toHaveText('The VM is off already.');
});

test('who presses Enter at once has shut nothing down', async ({ lab, page }) => {
  await page.goto(`${lab.url}/vms/hoge/2`);
  for (const name of ['Shut down', 'Reboot', 'Suspend', 'Reset', 'Power off']) {
    await action(page, name).click();
    const dialog = page.getByRole('dialog', { name: `${name} db-1 on hoge?` });
    await expect(dialog.getByRole('button', { name: 'Cancel' }), name).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(dialog).toBeHidden();
    await expect(action(page, name), 'the focus comes back').toBeFocused();
  }
  await action(page, 'Reset').click();
  await expect(page.getByRole('dialog').getByRole('button', { name: 'Cancel' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  // Not the way back to the list.
  await expect(page).toHaveURL(`${lab.url}/vms/hoge/2`);
});

test('what cuts the power offers the gentle way first', async ({ lab, page }) => {
  await page.goto(`${lab.url}/vms/hoge/2`);
  await action(page, 'Power off').click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('button')).toHaveText(['Shut down instead', 'Power off', 'Cancel']);
  await expect(dialog).toContainText('is lost');
  await dialog.getByRole('button', { name: 'Shut down instead' }).click();
  await expect(page.getByRole('dialog', { name: 'Shut down db-1 on hoge?' })).toBeVisible();
  await expect(page.getByRole('textbox', { name: /Time limit for the guest/ })).toHaveValue('120');
  await page.getByRole('textbox', { name: /Time limit for the guest/ }).fill('4');
  await expect(dialog.getByRole('button', { name: 'Shut down' })).toBeDisabled();
});

test('rows are selected by mouse and keyboard, and stay so under a filter', async ({
  lab,
  list,
  page,
}) => {
  await list.open(lab.url, '?sort=name');
  await expect(list.names).toHaveText(['archive', 'cache', 'db-1', 'frozen', 'web-2', 'web-10']);
  await list.box('cache').locator('..').click();
  await list.box('frozen').locator('..').click({ modifiers: ['Shift'] });
  await expect(list.selection).toContainText('3 selected');
  await expect(list.box('db-1')).toBeChecked();
  await expect(list.box('web-2')).not.toBeChecked();
  await expect(page, 'a click on the box opens nothing').toHaveURL(`${lab.url}/?sort=name`);

  await list.filter.fill('web');
  await expect(list.selection).toContainText('3 selected, 3 not shown');
  await page.getByRole('checkbox', { name: 'Select all that match' }).check();
  await expect(list.selection).toContainText('5 selected, 3 not shown');

  await list.grid.focus();
  await page.keyboard.press('Escape');
  await expect(list.selection).toBeHidden();
  await page.keyboard.press('Home');
  await page.keyboard.press('Space');
  await expect(list.box('web-2')).toBeChecked();
  await page.keyboard.press('Control+a');
  await expect(list.selection).toContainText('2 selected');
});

test('a change of many VMs shows which are left out, and has them counted', { tag: '@main' }, async ({
  lab,
  list,
  page,
}) => {
  await list.open(lab.url);
  await page.getByRole('checkbox', { name: 'Select all that match' }).check();
  await list.selection.getByRole('button', { name: 'Power off 4' }).click();
  const dialog = page.getByRole('dialog', { name: 'Power off 4 VMs on 2 hosts?' });
  const preview = dialog.getByRole('region', { name: 'Preview' });
  await expect(preview.getByRole('listitem').first()).toHaveText(/cache fuga\s*On → Off/);
  const leftOut = dialog.getByText('2 VMs are skipped (see end of the list).');
  await expect(leftOut, 'above the list').toBeInViewport({ ratio: 1 });
  expect((await leftOut.boundingBox())?.y).toBeLessThan((await preview.boundingBox())?.y ?? 0);
  await expect(preview.getByRole('listitem').last()).toContainText('The VM is off already.');
  const confirm = dialog.getByRole('button', { name: 'Power off 4 VMs' });
  await expect(confirm).toBeDisabled();
  const number = dialog.getByRole('textbox', { name: /^Type .* to confirm/ });
  await expect(number).toBeFocused();
  await number.fill('6');
  await page.keyboard.press('Enter');
  await expect(confirm).toBeDisabled();
  await number.fill('4');
  await expect(confirm).toBeEnabled();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
});

test('a VM is starting until its node says that it is on, in every browser', { tag: '@main' }, async ({
  ownLab,
  page,
  context,
}) => {
  test.setTimeout(120_000);
  const { url } = await ownLab(NODES.map((node) => ({ ...node, latency_ms: 150 })));
  const other = await context.newPage();
  const words: (() => Promise<string[]>)[] = [];
  for (const it of [page, other]) {
    await it.goto(`${url}/vms/hoge/4`);
    words.push(await noteBadge(it));
  }
  const all = () => Promise.all(words.map((it) => it()));
  // Nothing is lost by it: it is not asked back.
  await action(page, 'Power on').click();
  const on = ['Off', 'starting…', 'On'];
  await expect.poll(all, { timeout: 30_000 }).toEqual([on, on]);
  for (const it of [page, other]) await expect(action(it, 'Power on')).toBeDisabled();

  await action(page, 'Shut down').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Shut down' }).click();
  const off = [...on, 'stopping…', 'Off'];
  await expect.poll(all, { timeout: 30_000 }).toEqual([off, off]);
});

test('the result is shown for each VM', async ({ ownLab, list, page }) => {
  const { url } = await ownLab(NODES);
  await list.open(url);
  await page.getByRole('checkbox', { name: 'Select all that match' }).check();
  await list.selection.getByRole('button', { name: 'Shut down 3' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('VMware Tools is not installed in the guest');
  await dialog.getByRole('textbox', { name: /^Type .* to confirm/ }).fill('3');
  await page.keyboard.press('Enter');
  const results = dialog.getByRole('region', { name: 'Results' });
  await expect(results.getByRole('listitem')).toHaveCount(3);
  await expect(dialog.getByRole('status')).toHaveText('3 completed, 0 failed, 0 in progress', {
    timeout: 45_000,
  });
  await dialog.getByRole('button', { name: 'Close' }).click();
  for (const name of ['web-1', 'web-2', 'cache']) {
    await expect(list.cell(name, 'Power')).toHaveText('Off');
  }
  await expect(list.cell('bare', 'Power'), 'left out').toHaveText('On');
});

test('a question of a VM is answered in the page, whichever browser is quicker, each time', { tag: '@main' }, async ({
  ownLab,
  page,
  context,
}) => {
  test.setTimeout(120_000);
  const { url } = await ownLab([
    { name: 'hoge', vms: [{ id: 5, name: 'asks-question', at_power_on: 'asks' }] },
  ]);
  const other = await context.newPage();
  const card = (it: Page) => it.getByRole('region', { name: 'This VM needs an answer' });
  const both = [page, other];
  for (const it of both) await it.goto(`${url}/vms/hoge/5`);
  await action(page, 'Power on').click();
  for (const it of both) {
    await expect(card(it)).toContainText('moved or copied', { timeout: 30_000 });
    await expect(badge(it)).toHaveText('starting…');
  }
  await card(other).getByRole('button', { name: 'I Copied It' }).click();
  for (const it of both) {
    await expect(card(it)).toBeHidden({ timeout: 30_000 });
    await expect(badge(it)).toHaveText('On', { timeout: 30_000 });
  }

  await action(page, 'Power off').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Power off', exact: true }).click();
  await expect(badge(page)).toHaveText('Off', { timeout: 30_000 });

  // On the page of the task, too.
  await action(page, 'Power on').click();
  await expect(card(page)).toBeVisible({ timeout: 30_000 });
  await page.goto(`${url}/tasks`);
  await page.getByRole('link', { name: /^Power on asks-question/ }).first().click();
  await card(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('heading', { level: 1 }).locator('..')).toContainText('Failed', {
    timeout: 30_000,
  });
  // What is newest is the answer, which succeeded: the page reports the power-on all the same.
  await expect(badge(other)).toHaveText('Off');
  await expect(failure(other)).toContainText(/^Power on asks-question .*failed/);
  await expect(card(other)).toBeHidden();
  await other.reload();
  await expect(failure(other)).toContainText(/^Power on asks-question .*failed/);
  const { items } = (await (await fetch(`${url}/api/v1/tasks`)).json()) as {
    items: { request: { kind: string }; state: string }[];
  };
  expect(items.map(({ request, state }) => `${request.kind} ${state}`)).toEqual([
    'answer succeeded',
    'power failed',
    'power succeeded',
    'answer succeeded',
    'power succeeded',
  ]);
});

test('a VM that cannot start says why in a sentence, and the page stays true', async ({
  ownLab,
  page,
}) => {
  const { url } = await ownLab([
    {
      name: 'hoge',
      vms: [
        { id: 6, name: 'fails-no-memory', at_power_on: 'lacks_memory' },
        { id: 7, name: 'fails-config', at_power_on: 'misconfigured' },
      ],
    },
  ]);
  for (const [id, why] of [
    [6, /memory/],
    [7, /No PCIe slot available/],
  ] as const) {
    await page.goto(`${url}/vms/hoge/${id}`);
    await action(page, 'Power on').click();
    await expect(failure(page)).toContainText(why, { timeout: 30_000 });
    await expect(badge(page)).toHaveText('Off');
    await expect(action(page, 'Power on')).toBeEnabled();
  }
});

test('a guest that does not shut down in time is given more, or is powered off when one says so', async ({
  ownLab,
  page,
}) => {
  test.setTimeout(120_000);
  const { url } = await ownLab([
    {
      name: 'hoge',
      vms: [{ id: 8, name: 'ignores-shutdown', power: 'on', up_hours: 3, ignores_shutdown: true }],
    },
  ]);
  await page.goto(`${url}/vms/hoge/8`);
  await action(page, 'Shut down').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: /Time limit for the guest/ }).fill('5');
  await dialog.getByRole('button', { name: 'Shut down' }).click();
  await expect(page.getByRole('main')).toContainText(/waiting for the guest, \d s of 5 s/);
  await expect(failure(page)).toContainText('is still on after 5 s', { timeout: 30_000 });
  const ways = page.getByRole('group', { name: 'The guest is still running' });
  await expect(ways.getByRole('button')).toHaveText(['Wait longer10 s', 'Power off…']);

  await ways.getByRole('button', { name: 'Wait longer' }).dblclick();
  await expect(badge(page)).toHaveText('stopping…');
  await expect(page.getByRole('main')).toContainText(/waiting for the guest, \d+ s of 10 s/);
  await expect(dialog, 'the second click asks for nothing more').toBeHidden();
  await expect(failure(page)).toContainText('is still on after 10 s', { timeout: 30_000 });
  await expect(badge(page), 'nothing is escalated').toHaveText('On');
  await expect(ways.getByRole('button')).toHaveText(['Wait longer20 s', 'Power off…']);

  await ways.getByRole('button', { name: 'Power off…' }).click();
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await expect(dialog).toContainText('is lost');
  await page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  await expect(badge(page)).toHaveText('On');
  await ways.getByRole('button', { name: 'Power off…' }).click();
  await dialog.getByRole('button', { name: 'Power off', exact: true }).click();
  await expect(badge(page)).toHaveText('Off', { timeout: 30_000 });
  await expect(ways).toBeHidden();
});

test('a guest that shuts down after all is no failure any more', async ({ ownLab, page }) => {
  const { url, nodes } = await ownLab([
    {
      name: 'hoge',
      vms: [{ id: 8, name: 'ignores-shutdown', power: 'on', up_hours: 3, ignores_shutdown: true }],
    },
  ]);
  await fetch(`${url}/api/v1/vms/hoge/8/power`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'shutdown', guest_seconds: 5 }),
  });
  await page.goto(`${url}/vms/hoge/8`);
  await expect(failure(page)).toContainText('is still on after 5 s', { timeout: 30_000 });
  await nodes.editVm('hoge', 8, { power: 'off' });
  await expect(badge(page)).toHaveText('Off', { timeout: 30_000 });
  await expect(failure(page)).toBeHidden();
});
