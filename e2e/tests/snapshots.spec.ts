import { expect, test } from './support/test.ts';
import type { SimulatedNode } from './support/nodes.ts';

const NODES: SimulatedNode[] = [
  {
    name: 'hoge',
    vms: [
      { id: 1, name: 'web', power: 'off', memory_mb: 2048 },
      { id: 2, name: 'db', power: 'on', up_hours: 3 },
    ],
  },
];

test('a snapshot is taken, gone back to and removed', async ({ ownLab, page }) => {
  const { url } = await ownLab(NODES);
  await page.goto(`${url}/vms/hoge/1`);
  const card = page.getByRole('region', { name: /^Snapshots/ });
  const rows = card.getByRole('listitem');
  const dialog = page.getByRole('dialog');
  await expect(card).toContainText('No snapshots');

  for (const name of ['before upgrade', 'after <b>step</b> 1']) {
    await card.getByRole('button', { name: 'Take snapshot' }).click();
    const field = dialog.getByRole('textbox', { name: 'Name' });
    await expect(field, 'a name is proposed').toHaveValue(/\d/);
    await field.fill('');
    await expect(dialog.getByRole('button', { name: 'Take snapshot' })).toBeDisabled();
    await field.fill(name);
    await dialog.getByRole('button', { name: 'Take snapshot' }).click();
    await expect(dialog).toBeHidden();
    await expect(rows.filter({ hasText: name })).toContainText('You are here');
  }
  await expect(rows).toHaveCount(2);

  await rows.first().getByRole('button', { name: 'Revert to before upgrade' }).click();
  await expect(dialog).toContainText('is lost');
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await dialog.getByRole('button', { name: 'Revert' }).click();
  await expect(rows.filter({ hasText: 'before upgrade' })).toContainText('You are here');

  await rows.first().getByRole('button', { name: 'Remove before upgrade' }).click();
  await dialog.getByRole('checkbox', { name: 'Also remove the snapshot below it' }).check();
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await expect(card).toContainText('No snapshots');
});

test('a snapshot of a running VM leaves its memory out unless asked', async ({ ownLab, page }) => {
  const { url } = await ownLab(NODES);
  await page.goto(`${url}/vms/hoge/2`);
  await page.getByRole('button', { name: 'Take snapshot' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('checkbox', { name: /Include the memory/ })).not.toBeChecked();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
});
