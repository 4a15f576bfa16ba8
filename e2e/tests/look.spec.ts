import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { expect, test } from './support/test.ts';

const PAGES = {
  'the list': '/',
  'a filtered list with a mistake': '/?q=colour:red',
  'an empty list': '/?q=nothing-like-this',
  'a VM': '/vms/hoge/2',
  'the nodes': '/nodes',
  'a node': '/nodes/hoge',
  'a new VM': '/new',
  'the tasks': '/tasks',
  'no page': '/else',
};

/** Waits until what the page has to say is there. */
async function settled(page: Page): Promise<void> {
  await expect(page.getByRole('banner').getByRole('status')).toHaveText('Live');
  await expect(page.getByRole('main').getByRole('heading').first()).toBeAttached();
  await expect(page.getByText(/^Loading the/)).toBeHidden();
}

for (const scheme of ['light', 'dark'] as const) {
  test.describe(scheme, () => {
    test.use({ colorScheme: scheme });
    for (const [name, path] of Object.entries(PAGES)) {
      test(`${name} is accessible`, async ({ lab, page }) => {
        await page.goto(lab.url + path);
        await settled(page);
        const { violations } = await new AxeBuilder({ page }).analyze();
        const found = violations.map(({ id, help, nodes }) => ({
          id,
          help,
          where: nodes.map((node) => `${node.html}: ${node.failureSummary}`),
        }));
        expect(found).toEqual([]);
      });
    }

    test('the help on filters is accessible', async ({ lab, list, page }) => {
      await list.open(lab.url);
      await page.getByRole('button', { name: 'Help on filters' }).click();
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations).toEqual([]);
    });

    test('selected VMs and the question back are accessible', async ({ lab, list, page }) => {
      await list.open(lab.url);
      await page.getByRole('checkbox', { name: 'Select all that match' }).check();
      await list.selection.getByRole('button', { name: /^Power off/ }).click();
      await expect(page.getByRole('dialog')).toBeVisible();
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations).toEqual([]);
    });
  });
}

const background = (page: Page) =>
  page.evaluate(() => {
    const [red = 0, green = 0, blue = 0] = (
      getComputedStyle(document.body).backgroundColor.match(/\d+(\.\d+)?/g) ?? []
    ).map(Number);
    return red + green + blue > 382 ? 'light' : 'dark';
  });

test('colours follow the system until the reader chooses, and the choice stays', async ({
  lab,
  list,
  page,
}) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await list.open(lab.url);
  expect(await background(page)).toBe('dark');
  await page.emulateMedia({ colorScheme: 'light' });
  expect(await background(page)).toBe('light');

  await page.getByRole('button', { name: 'Colours: system' }).click();
  await page.getByRole('button', { name: 'Colours: light' }).click();
  await expect(page.getByRole('button', { name: 'Colours: dark' })).toBeVisible();
  expect(await background(page)).toBe('dark');
  await page.reload();
  await expect(list.rows.first()).toBeVisible();
  expect(await background(page)).toBe('dark');
  await page.getByRole('button', { name: 'Colours: dark' }).click();
  await expect(page.getByRole('button', { name: 'Colours: system' })).toBeVisible();
  expect(await background(page)).toBe('light');
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  for (const [name, path] of Object.entries(PAGES)) {
    test(`${name} fits, and is accessible`, async ({ lab, page }) => {
      await page.goto(lab.url + path);
      await settled(page);
      const wide = await page.evaluate(() => ({
        page: document.documentElement.scrollWidth,
        window: window.innerWidth,
      }));
      expect(wide).toEqual({ page: 390, window: 390 });
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    });
  }

  test('a task that runs has room in the header', async ({ ownLab, page }) => {
    const { url } = await ownLab([
      { name: 'hoge', vms: [{ id: 8, name: 'deaf', power: 'on', ignores_shutdown: true }] },
    ]);
    await fetch(`${url}/api/v1/vms/hoge/8/power`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action: 'shutdown', guest_seconds: 120 }),
    });
    for (const path of ['/', '/vms/hoge/8', '/nodes', '/tasks', '/new']) {
      await page.goto(url + path);
      const tasks = page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: /^Tasks/ });
      await expect(tasks, path).toHaveAccessibleName('Tasks 1 under way');
      await expect(tasks, path).toBeInViewport({ ratio: 1 });
      await expect(page.getByRole('banner').getByRole('status'), path).toHaveText('Live');
      await expect(page.getByRole('button', { name: /^Colours/ }), path).toBeInViewport({ ratio: 1 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide, path).toBeLessThanOrEqual(390);
    }
  });

  test('the essentials of a VM can be read without scrolling sideways', async ({
    lab,
    list,
    page,
  }) => {
    await list.open(lab.url);
    for (const column of ['Name', 'Node', 'Power', 'CPU', 'RAM', 'Storage'] as const) {
      await expect(list.cell('db-1', column), column).toBeInViewport({ ratio: 1 });
    }
    await list.row('db-1').tap();
    await expect(page.getByRole('heading', { level: 1, name: 'db-1' })).toBeVisible();
  });

  test('the list can be sorted, and a sign explains itself to a finger', async ({
    lab,
    list,
    page,
  }) => {
    await list.open(lab.url);
    await page.getByRole('combobox', { name: 'Order' }).selectOption('RAM ↓');
    await expect(list.names.first()).toHaveText('db-1');
    await list.cell('cache', 'Name').getByRole('img').tap();
    await expect(page.getByRole('tooltip')).toHaveText('Large: RAM 8192 MB ≥ 8192 MB');
  });
});

test('without animations nothing moves', async ({ lab, list, page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await list.open(lab.url);
  const moving = await page.evaluate(() =>
    [...document.querySelectorAll('*')]
      .map((element) => getComputedStyle(element))
      .filter(({ animationName, animationDuration, transitionDuration }) => {
        const long = (times: string) => times.split(',').some((it) => Number.parseFloat(it) > 0.01);
        return (animationName !== 'none' && long(animationDuration)) || long(transitionDuration);
      }).length,
  );
  expect(moving).toBe(0);
});
