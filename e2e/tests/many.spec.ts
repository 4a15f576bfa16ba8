import { expect, test } from './support/test.ts';

test('of 10,000 VMs only those that are seen are in the document', async ({
  ownDashboard,
  list,
  page,
}) => {
  const { url } = await ownDashboard(100, 10_000);
  await list.open(url);
  await expect(list.counts).toHaveText('10,000 VMs');
  await expect(list.grid).toHaveAttribute('aria-rowcount', '10001');
  const height = page.viewportSize()?.height ?? 0;
  const drawn = async () => list.grid.getByRole('row', { includeHidden: true }).count();
  // Rows are at least 24 pixels high, the smallest target that WCAG allows.
  expect(await drawn()).toBeLessThan(height / 24 + 20);

  await list.grid.focus();
  await page.keyboard.press('End');
  await expect(list.selected).toHaveAttribute('aria-rowindex', '10001');
  await expect(list.selected).toBeInViewport();
  await expect(list.selected).toContainText('esxi-100');
  expect(await drawn()).toBeLessThan(height / 24 + 20);

  await page.keyboard.press('Home');
  await expect(list.selected).toHaveAttribute('aria-rowindex', '2');
  await page.mouse.move(640, 500);
  await page.mouse.wheel(0, 100_000);
  await expect(list.rows.first()).not.toHaveAttribute('aria-rowindex', '2');
  expect(await drawn()).toBeLessThan(height / 24 + 20);

  await page.keyboard.press('/');
  await page.keyboard.type('esxi-042 vmid:<=5');
  await expect(list.counts).toHaveText('5 of 10,000 VMs');
  await expect(list.names).toHaveCount(5);
});
