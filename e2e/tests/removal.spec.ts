import { expect, test } from './support/test.ts';
import type { SimulatedNode } from './support/nodes.ts';

const NODES: SimulatedNode[] = [
  {
    name: 'hoge',
    vms: [
      { id: 1, name: 'web', power: 'off', disk_gb: 4, used_gb: 1 },
      { id: 2, name: 'old <b>db</b>', folder: 'db', power: 'off' },
      { id: 3, name: 'runs', power: 'on', up_hours: 3 },
    ],
  },
];

test('a VM is deleted from disk, and what is not its own stays', async ({ ownLab, page, guard }) => {
  // Its page says that it is gone.
  guard.allow(/status of 404/);
  const { url, nodes } = await ownLab(NODES);
  await nodes.plant('hoge', 'web/notes.txt');
  const before = await nodes.files('hoge', 'web');
  await page.goto(`${url}/vms/hoge/1`);
  await page.getByRole('button', { name: 'Delete…' }).click();
  const dialog = page.getByRole('dialog');
  const confirm = dialog.getByRole('button', { name: 'Delete from disk' });
  await expect(dialog.getByRole('radio', { name: 'Unregister' })).toBeFocused();
  await expect(dialog).toContainText('[datastore1] web/web.vmx');
  await dialog.getByRole('radio', { name: 'Delete from disk' }).check();
  const goes = dialog.getByRole('region', { name: /go/ });
  const stays = dialog.getByRole('region', { name: /stay/ });
  await expect(stays.getByRole('listitem')).toHaveText([/notes\.txt.*not of this VM/]);
  const going = await goes.locator('code').allTextContents();
  expect(going.toSorted()).toEqual(before.filter((name) => name !== 'notes.txt'));
  await expect(goes).toContainText(/\d (GB|MB|KB|B)/);

  await expect(confirm).toBeDisabled();
  await dialog.getByRole('textbox').fill('Web');
  await expect(confirm).toBeDisabled();
  await dialog.getByRole('textbox').fill('web');
  await confirm.click();
  await expect(page).toHaveURL(/\/tasks\//);
  await expect(page.getByRole('main')).toContainText('vim-cmd vmsvc/destroy 1');
  await expect(page.getByRole('main')).toContainText('notes.txt');
  expect(await nodes.files('hoge', 'web')).toEqual(['notes.txt']);
  expect((await nodes.look('hoge', 1)).power).toBeUndefined();
  await page.goto(`${url}/vms/hoge/1`);
  await expect(page.getByRole('heading', { name: /is not on hoge/ }).first()).toBeAttached();
});

test('a VM is unregistered, and its files stay', async ({ ownLab, page }) => {
  const { url, nodes } = await ownLab(NODES);
  const before = await nodes.files('hoge', 'db');
  await page.goto(`${url}/vms/hoge/2`);
  await page.getByRole('button', { name: 'Delete…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox').fill('old <b>db</b>');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/tasks\//);
  await expect(page.getByRole('main')).toContainText('The files remain');
  expect((await nodes.look('hoge', 2)).power).toBeUndefined();
  expect(await nodes.files('hoge', 'db')).toEqual(before);
  await page.goto(`${url}/history?vm=hoge/2`);
  await expect(page.getByRole('main').getByText(/Unregister VM/)).toHaveCount(1);
});

test('a VM that runs cannot be deleted', async ({ ownLab, page }) => {
  const { url } = await ownLab(NODES);
  await page.goto(`${url}/vms/hoge/3`);
  const button = page.getByRole('button', { name: 'Delete…' });
  await expect(button).toHaveAccessibleDescription(/powered off/);
  await button.click({ force: true });
  await expect(page.getByRole('dialog')).toBeHidden();
});
