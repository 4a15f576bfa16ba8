import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { Lab, addUser } from './support/lab.ts';
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
  'the history': '/history',
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
      await page.getByRole('button', { name: 'Filter help' }).click();
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

/** The pages of what was done and of who may do it, with something on each. */
for (const scheme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    test(`a task, the audit log and the accounts are accessible (${scheme}, ${width} px)`, async ({
      closing,
      page,
      guard,
    }) => {
      test.setTimeout(120_000);
      guard.allow(/status of 401/);
      const lab = await Lab.open(
        closing,
        [{ name: 'hoge', vms: [{ id: 8, name: 'lacking', at_power_on: 'lacks_memory' }] }],
        { signIn: true },
      );
      await addUser(lab.data, 'alice', 'admin', 'correct horse');
      await page.setViewportSize({ width, height: 844 });
      await page.emulateMedia({ colorScheme: scheme });
      const { id } = await lab.power('hoge', 8, 'on');
      await page.goto(lab.url);
      const form = page.getByRole('form', { name: 'Sign in' });
      await form.getByLabel('User name').fill('alice');
      await form.getByLabel('Password').fill('correct horse');
      await page.keyboard.press('Enter');
      await expect(form).toBeHidden();
      for (const path of [`/tasks/${id}`, '/tasks', '/vms/hoge/8', '/audit', '/users', '/tokens', '/account']) {
        await page.goto(lab.url + path);
        await settled(page);
        await expect(page.getByText(/^Looking/), path).toBeHidden();
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(wide, path).toBe(width);
        const { violations } = await new AxeBuilder({ page }).analyze();
        const found = violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
        expect(found, path).toEqual([]);
      }
    });
  }
}

test.describe('at 400 %', () => {
  // 1280 by 1024, as WCAG 1.4.10 has it.
  test.use({ viewport: { width: 320, height: 256 } });

  test('the list can be used: the toolbar scrolls away, and what can be done stays', async ({
    lab,
    list,
    page,
  }) => {
    await list.open(lab.url);
    await list.row('web-10').scrollIntoViewIfNeeded();
    await list.grid.hover();
    await page.mouse.wheel(0, 400);
    await expect(list.filter).not.toBeInViewport();
    const grid = await list.grid.boundingBox();
    expect(grid?.height).toBeGreaterThan(180);
    await expect(list.row('web-2')).toBeInViewport();
    await list.box('web-2').locator('..').click();
    const bar = list.selection;
    await expect(bar).toBeInViewport({ ratio: 1 });
    expect((await bar.boundingBox())?.height).toBeLessThan(56);
    await bar.getByRole('button', { name: 'More power operations' }).click();
    const reset = bar.getByRole('button', { name: 'Reset', exact: true });
    await expect(reset).toBeInViewport({ ratio: 1 });
    await reset.click();
    const dialog = page.getByRole('dialog', { name: 'Reset web-2 on hoge?' });
    await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeInViewport();
    await page.keyboard.press('Escape');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBe(320);
    // And back up.
    await page.mouse.move(160, 120);
    await expect(async () => {
      // The first turn of the wheel is the list's, the next one the page's.
      await page.mouse.wheel(0, -2000);
      await expect(list.filter).toBeInViewport({ timeout: 1000 });
    }).toPass({ timeout: 20_000 });
  });
});

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

  await page.getByRole('button', { name: 'Theme: system' }).click();
  await page.getByRole('button', { name: 'Theme: light' }).click();
  await expect(page.getByRole('button', { name: 'Theme: dark' })).toBeVisible();
  expect(await background(page)).toBe('dark');
  await page.reload();
  await expect(list.rows.first()).toBeVisible();
  expect(await background(page)).toBe('dark');
  await page.getByRole('button', { name: 'Theme: dark' }).click();
  await expect(page.getByRole('button', { name: 'Theme: system' })).toBeVisible();
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
      await expect(tasks, path).toHaveAccessibleName('Tasks 1 in progress');
      await expect(tasks, path).toBeInViewport({ ratio: 1 });
      await expect(page.getByRole('banner').getByRole('status'), path).toHaveText('Live');
      await expect(page.getByRole('button', { name: /^Theme/ }), path).toBeInViewport({ ratio: 1 });
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
    for (const column of ['Name', 'Host', 'Notes', 'Power', 'CPU', 'Memory', 'Storage'] as const) {
      await expect(list.cell('db-1', column), column).toBeInViewport({ ratio: 1 });
    }
    // Nothing of it is cut but a long comment.
    for (const column of ['Name', 'Host', 'CPU', 'Memory', 'Storage'] as const) {
      const cut = await list
        .cell('db-1', column)
        .locator('a, span')
        .first()
        .evaluate((it) => it.scrollWidth > it.clientWidth + 1 && getComputedStyle(it).overflow === 'hidden');
      expect(cut, column).toBe(false);
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
    await page.getByRole('combobox', { name: 'Order' }).selectOption('Memory ↓');
    await expect(list.names.first()).toHaveText('db-1');
    await list.cell('cache', 'Name').getByRole('img').tap();
    await expect(page.getByRole('tooltip')).toHaveText('Large: memory 8192 MB ≥ 8192 MB');
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
