import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';

import type { SimulatedNode } from './support/nodes.ts';
import { expect, test } from './support/test.ts';

const NODES: SimulatedNode[] = [
  {
    name: 'hoge',
    vms: [
      { id: 1, name: 'web', power: 'off', cpus: 2, memory_mb: 4096, comment: 'owner: ops' },
      { id: 2, name: 'db', power: 'on', up_hours: 3, comment: 'primary' },
      { id: 3, name: 'cache', power: 'off', comment: 'owner: ops\nuntil March' },
    ],
  },
  { name: 'fuga', vms: [{ id: 4, name: 'archive', power: 'off' }] },
];

// Many steps, each read on the node.
test.describe.configure({ timeout: 150_000 });

const dialog = (page: Page): Locator => page.getByRole('dialog');
const notes = (page: Page): Locator => dialog(page).getByRole('textbox', { name: 'Notes' });
const button = (page: Page, name: string | RegExp): Locator =>
  dialog(page).getByRole('button', { name });

async function accessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).include('dialog[open]').analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
}

test('notes are changed from the list by a key, and the node has them', { tag: '@main' }, async ({
  ownLab,
  page,
  list,
}) => {
  const { url, nodes } = await ownLab(NODES);
  await list.open(url);
  await list.filter.fill('name:web');
  await list.filter.press('Enter');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('e');
  await expect(notes(page)).toBeFocused();
  await expect(notes(page)).toHaveValue('owner: ops');
  await expect(button(page, 'Save'), 'nothing is changed yet').toBeDisabled();
  // What means something to a shell or to a `.vmx` is a text like any other.
  const text = 'owner: "dev" $(reboot)\nuntil 2027-03-31 | 期限';
  await notes(page).fill(text);
  await expect(dialog(page)).toContainText('owner: ops → owner: "dev"');
  await accessible(page);
  await page.keyboard.press('Control+Enter');
  await expect(dialog(page)).toBeHidden();
  await expect(list.cell('web', 'Notes')).toContainText('owner: "dev"');
  expect((await nodes.vmx('hoge', 1)).annotation).toBe(text);
  await expect(list.grid, 'the keyboard is where it was').toBeFocused();

  // By the pointer, too; what was typed outlives a click beside the dialog.
  await list.row('web').hover();
  await list.row('web').getByRole('button', { name: 'Edit web' }).click();
  await notes(page).fill('');
  await page.mouse.click(5, 5);
  await expect(notes(page)).toHaveValue('');
  await button(page, 'Save').click();
  await expect(list.cell('web', 'Notes')).toHaveText('–');
});

test('memory, CPUs and guest OS are changed with what was and what will be', async ({
  ownLab,
  page,
}) => {
  const { url, nodes } = await ownLab(NODES);
  await page.goto(`${url}/vms/hoge/1`);
  await page.getByRole('button', { name: 'Edit settings' }).click();
  const field = (name: string) => dialog(page).getByRole('textbox', { name, exact: true });
  await expect(field('Memory')).toHaveValue('4');
  await field('Memory').fill('0.001');
  await expect(dialog(page)).toContainText('must be a whole number');
  await expect(button(page, 'Save')).toBeDisabled();
  await field('Memory').fill('9999');
  await expect(dialog(page)).toContainText(/at most [\d,]+ [MG]B/);
  await dialog(page).getByRole('combobox', { name: 'Unit of memory' }).selectOption('MB');
  await field('Memory').fill('6144');
  await expect(dialog(page)).toContainText('4 GB → 6 GB');
  await field('CPUs').fill('4');
  await expect(dialog(page)).toContainText('2 → 4');
  await dialog(page).getByRole('combobox', { name: 'Cores per socket' }).selectOption('2');
  await dialog(page).getByRole('combobox', { name: 'Guest OS' }).selectOption('freebsd-64');
  await accessible(page);
  await button(page, 'Save').click();
  await expect(dialog(page)).toBeHidden();
  await expect(page.getByRole('region', { name: 'Hardware', exact: true })).toContainText('6.0 GB');
  const vmx = await nodes.vmx('hoge', 1);
  expect(vmx).toMatchObject({
    memSize: '6144',
    numvcpus: '4',
    'cpuid.coresPerSocket': '2',
    guestOS: 'freebsd-64',
    annotation: 'owner: ops',
  });
  // The task says what it has changed.
  await page.goto(`${url}/tasks`);
  await page.getByRole('link', { name: /web/ }).first().click();
  await expect(page.getByRole('main')).toContainText('4 GB → 6 GB');
});

test('the notes of a running VM wait until it is off, are shown and taken back', async ({
  ownLab,
  page,
  list,
}) => {
  const lab = await ownLab(NODES);
  await page.goto(`${lab.url}/vms/hoge/2`);
  await page.getByRole('button', { name: 'Power off' }).waitFor();
  await page.keyboard.press('e');
  await expect(dialog(page)).toContainText('Name and notes wait until it is');
  await expect(dialog(page).getByRole('textbox', { name: 'CPUs' })).toBeDisabled();
  await expect(dialog(page).getByRole('combobox', { name: 'Guest OS' })).toBeDisabled();
  await notes(page).fill('secondary');
  await accessible(page);
  await button(page, 'Save for when it is off').click();
  await expect(dialog(page)).toBeHidden();
  const waits = page.getByRole('status').filter({ hasText: 'Waits until the VM is off' });
  await expect(waits).toContainText('primary → secondary');
  expect((await lab.nodes.vmx('hoge', 2)).annotation).toBe('primary');

  await list.open(lab.url);
  const mark = list.row('db').getByRole('img', { name: 'A change waits until the VM is off' });
  await expect(mark).toBeVisible();
  await page.getByRole('button', { name: /^Waiting until off 1/ }).click();
  await expect(list.names).toHaveText(['db']);

  await page.goto(`${lab.url}/vms/hoge/2`);
  await waits.getByRole('button', { name: 'Discard' }).click();
  await expect(waits).toBeHidden();
  const pending = async () => {
    const vm = await fetch(`${lab.url}/api/v1/vms/hoge/2`).then((it) => it.json());
    return (vm as { pending: unknown }).pending;
  };
  await expect.poll(pending).toBeNull();

  // One that is not taken back comes when the VM is off.
  await page.keyboard.press('e');
  await notes(page).fill('third');
  await page.keyboard.press('Control+Enter');
  await expect(waits).toContainText('primary → third');
  expect((await lab.power('hoge', 2, 'off')).state).toBe('succeeded');
  await expect(waits).toBeHidden({ timeout: 30_000 });
  await expect(page.getByRole('region', { name: 'Overview' })).toContainText('third');
  expect((await lab.nodes.vmx('hoge', 2)).annotation).toBe('third');
});

test('what another browser has changed meanwhile is shown, and taken or overwritten', async ({
  ownLab,
  page,
  context,
  guard,
}) => {
  guard.allow(/status of 409/);
  const { url, nodes } = await ownLab(NODES);
  const other = await context.newPage();
  for (const it of [page, other]) {
    await it.goto(`${url}/vms/hoge/1`);
    await it.getByRole('button', { name: 'Edit settings' }).click();
  }
  await notes(page).fill('mine');
  await notes(other).fill('theirs');
  await button(other, 'Save').click();
  const warning = dialog(page).getByRole('status').filter({ hasText: 'Changed while this was open' });
  await expect(warning).toContainText(/Notes: theirs \(.*(now|ago|s).*\)/);
  await expect(button(page, 'Save'), 'not over what nobody has read').toBeDisabled();
  await accessible(page);
  await button(page, 'Keep mine').click();
  await expect(warning).toBeHidden();
  await button(page, 'Save').click();
  await expect(page.getByRole('region', { name: 'Overview' })).toContainText('mine');
  expect((await nodes.vmx('hoge', 1)).annotation).toBe('mine');

  // Outside ECoMan, while the page does not hear of it: the server refuses.
  await page.getByRole('button', { name: 'Edit settings' }).click();
  await notes(page).fill('again mine');
  await page.route('**/api/v1/vms/hoge/1', async (route) => {
    if (route.request().method() !== 'PATCH') return route.fallback();
    await nodes.editVm('hoge', 1, { comment: 'by Host Client' });
    const changed = async () => {
      const vm = (await (await fetch(`${url}/api/v1/vms/hoge/1`)).json()) as { comment: string };
      return vm.comment;
    };
    await expect.poll(changed).toBe('by Host Client');
    return route.continue();
  });
  await button(page, 'Save').click();
  await expect(warning).toContainText('Notes: by Host Client (outside ECoMan)');
  await page.unrouteAll({ behavior: 'wait' });
  await button(page, 'Take the new values').click();
  await expect(notes(page)).toHaveValue('by Host Client');
  await expect(button(page, 'Save')).toBeDisabled();
});

test('the notes of many VMs are changed at once, with a preview and a result each', async ({
  ownLab,
  page,
  list,
  guard,
}) => {
  guard.allow(/status of 409/);
  const { url, nodes } = await ownLab(NODES);
  await list.open(url);
  await list.grid.focus();
  await page.keyboard.press('Control+a');
  await list.selection.getByRole('button', { name: 'Edit notes…' }).click();
  const text = dialog(page).getByRole('textbox', { name: 'Text to append' });
  await expect(text).toBeFocused();
  await dialog(page).getByRole('radio', { name: 'Find and replace' }).check();
  await dialog(page).getByRole('textbox', { name: 'Find', exact: true }).fill('ops');
  await dialog(page).getByRole('textbox', { name: 'Replace with' }).fill('dev');
  await expect(dialog(page)).toContainText('2 VMs change, 2 stay as they are.');
  await expect(dialog(page)).toContainText('owner: ops ↵ until March → owner: dev ↵ until March');
  await dialog(page).getByRole('radio', { name: 'Append' }).check();
  await text.fill('checked');
  await expect(dialog(page)).toContainText('4 VMs change.');
  await expect(dialog(page)).toContainText('1 VM is not off');
  await accessible(page);

  // Somebody else changes one of them: that one is refused, and stays selected.
  await nodes.editVm('fuga', 4, { comment: 'theirs' });
  await expect(list.cell('archive', 'Notes')).toHaveText('theirs');
  await button(page, 'Change notes of 4 VMs').click();
  await expect(dialog(page)).toContainText('3 completed, 1 failed, 0 in progress', { timeout: 30_000 });
  await expect(dialog(page).getByRole('listitem')).toHaveCount(4);
  await accessible(page);
  await button(page, 'Only the failed (1)').click();
  await expect(dialog(page).getByRole('listitem')).toHaveCount(1);
  await expect(dialog(page).getByRole('listitem')).toContainText(/archive.*theirs/);
  await button(page, 'Close').click();
  await expect(list.selection).toContainText('1 selected');
  await expect(list.box('archive')).toBeChecked();
  await expect(list.cell('web', 'Notes')).toContainText('checked');
  expect((await nodes.vmx('hoge', 1)).annotation).toBe('owner: ops\nchecked');
  expect((await nodes.vmx('hoge', 3)).annotation).toBe('owner: ops\nuntil March\nchecked');
  expect((await nodes.vmx('hoge', 2)).annotation, 'it runs').toBe('primary');
  await expect(list.row('db').getByRole('img', { name: 'A change waits until the VM is off' })).toBeVisible();
});
