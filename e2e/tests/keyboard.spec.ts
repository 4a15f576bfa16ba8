import { expect, test } from './support/test.ts';

test('a VM is found and opened without a mouse', { tag: '@main' }, async ({ lab, list, page }) => {
  await list.open(lab.url);
  await page.keyboard.press('/');
  await expect(list.filter).toBeFocused();
  await page.keyboard.type('node:hoge');
  await expect(list.names).toHaveText(['web-2', 'db-1', 'web-10']);
  await page.keyboard.press('Enter');
  await expect(list.grid).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await expect(list.selected).toContainText('db-1');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`${lab.url}/vms/hoge/2`);
  await page.keyboard.press('Escape');
  await expect(page).toHaveURL(`${lab.url}/?q=node:hoge`);
  await expect(list.selected).toContainText('db-1');
});

test('a slash in the filter box is a slash', async ({ lab, list, page }) => {
  await list.open(lab.url);
  await page.keyboard.press('/');
  await page.keyboard.type('a/b');
  await expect(list.filter).toHaveValue('a/b');
});

test('Escape clears the filter, and once more leaves the box', async ({ lab, list, page }) => {
  await list.open(lab.url);
  await page.keyboard.press('/');
  await page.keyboard.type('web');
  await expect(list.counts).toHaveText('2 of 6 VMs');
  await page.keyboard.press('Escape');
  await expect(list.filter).toHaveValue('');
  await expect(list.counts).toHaveText('6 VMs');
  await expect(list.filter).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(list.grid).toBeFocused();
});

test('Home, End and the arrows move through the rows', async ({ lab, list, page }) => {
  await list.open(lab.url);
  await list.grid.focus();
  for (const [key, name] of [
    ['End', 'web-10'],
    ['ArrowUp', 'db-1'],
    ['Home', 'cache'],
    ['ArrowDown', 'archive'],
    ['PageDown', 'web-10'],
    ['PageUp', 'cache'],
  ] as const) {
    await page.keyboard.press(key);
    await expect(list.selected, key).toContainText(name);
  }
  // A screen reader gets the row that is marked.
  const active = await list.grid.getAttribute('aria-activedescendant');
  await expect(list.selected).toHaveAttribute('id', active ?? '');
});

test('the keyboard can sort, and press chips', async ({ lab, list, page }) => {
  await list.open(lab.url);
  await list.heading('CPU').getByRole('button').focus();
  await page.keyboard.press('Enter');
  await expect(list.heading('CPU')).toHaveAttribute('aria-sort', 'descending');
  await list.chip('Off').focus();
  await page.keyboard.press('Space');
  await expect(list.names).toHaveText(['web-10', 'archive']);
});

test('the first Tab offers to skip to the content, and every stop shows its focus', async ({
  lab,
  list,
  page,
}) => {
  await list.open(lab.url);
  await page.keyboard.press('Tab');
  const skip = page.getByRole('link', { name: 'Skip to content' });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  for (let stop = 0; stop < 12; stop += 1) {
    await page.keyboard.press('Tab');
    const seen = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return 'nothing has the focus';
      // The ring may be drawn around the box that holds the element.
      for (let it: Element | null = element; it && it !== document.body; it = it.parentElement) {
        const { outlineStyle, boxShadow } = getComputedStyle(it);
        if (outlineStyle !== 'none' || boxShadow !== 'none') return 'ring';
      }
      return `no ring around ${element.outerHTML.slice(0, 80)}`;
    });
    expect(seen).toBe('ring');
  }
});
