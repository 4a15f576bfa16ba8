import { expect, test } from './support/test.ts';
import type { SimulatedNode } from './support/nodes.ts';

const NODES: SimulatedNode[] = [
  {
    name: 'hoge',
    vms: [
      { id: 1, name: 'web', power: 'off', disk_gb: 4, used_gb: 1 },
      { id: 3, name: 'runs', power: 'on', up_hours: 3 },
    ],
  },
];

test('a disk is expanded on the page of its VM', async ({ ownLab, page }) => {
  const { url } = await ownLab(NODES);
  await page.goto(`${url}/vms/hoge/1`);
  const card = page.getByRole('region', { name: 'Hardware devices' });
  const disk = card.getByRole('listitem').filter({ hasText: 'scsi0:0' });
  await expect(disk).toContainText('4.0 GB');
  await expect(disk).toContainText('thin provisioned');
  await expect(card.getByRole('listitem').filter({ hasText: 'ethernet0' })).toContainText('VM Network');
  await card.getByRole('button', { name: 'Expand disk scsi0:0' }).click();
  const dialog = page.getByRole('dialog');
  const size = dialog.getByRole('textbox', { name: 'New size in GB' });
  const confirm = dialog.getByRole('button', { name: 'Expand' });
  await expect(size).toBeFocused();
  await expect(confirm).toBeDisabled();
  await size.fill('4');
  await expect(dialog).toContainText('Must be more than 4.0 GB.');
  await expect(confirm).toBeDisabled();
  await size.fill('6');
  await page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  await expect(disk).toContainText('6.0 GB');
  await page.goto(`${url}/history?vm=hoge/1`);
  await expect(page.getByRole('main').getByText(/Expand disk/)).toHaveCount(1);
});

test('an adapter is moved to another port group', async ({ ownLab, page }) => {
  const { url, nodes } = await ownLab(NODES);
  await page.goto(`${url}/vms/hoge/1`);
  const card = page.getByRole('region', { name: 'Hardware devices' });
  const nic = card.getByRole('listitem').filter({ hasText: 'ethernet0' });
  await card.getByRole('button', { name: 'Move network adapter ethernet0' }).click();
  const dialog = page.getByRole('dialog');
  const save = dialog.getByRole('button', { name: 'Save' });
  await expect(save).toBeDisabled();
  await dialog.getByRole('combobox', { name: 'Port group' }).selectOption('Management Network');
  await expect(dialog).toContainText('VM Network → Management Network');
  await save.click();
  await expect(dialog).toBeHidden();
  await expect(nic).toContainText('Management Network');
  const vmx = await nodes.vmx('hoge', 1);
  expect(vmx['ethernet0.networkName']).toBe('Management Network');
});

test('the hardware of a VM that runs cannot be changed', async ({ ownLab, page }) => {
  const { url } = await ownLab(NODES);
  await page.goto(`${url}/vms/hoge/3`);
  const button = page.getByRole('button', { name: 'Expand disk scsi0:0' });
  await expect(button).toHaveAccessibleDescription(/powered off/);
  await button.click({ force: true });
  await expect(page.getByRole('dialog')).toBeHidden();
});
