// What the list shows when there is nothing to show, or something is wrong.

import { freePort } from './support/lab.ts';
import { SERVER_AWAY, expect, test } from './support/test.ts';

test('while the VMs are being loaded the list says so', async ({ lab, list, page }) => {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/api/v1/vms?*', async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(lab.url);
  await expect(page.getByRole('status').filter({ hasText: 'Loading the VMs' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'No VMs' })).toBeHidden();
  release();
  await expect(list.rows).toHaveCount(6);
  await expect(page.getByText('Loading the VMs')).toBeHidden();
});

test('without any node the list says what to do next', async ({ ownDashboard, page }) => {
  const { url } = await ownDashboard(0, 0);
  await page.goto(url);
  await expect(page.getByRole('heading', { name: 'No hosts yet' })).toBeVisible();
  await expect(page.getByRole('figure', { name: 'hosts.yml' })).toContainText('identity_file_path');
  await expect(page.getByText('ecoman doctor')).toBeVisible();
});

test('nodes without VMs are distinguished from no nodes', async ({ ownLab, list, page }) => {
  const { url, nodes } = await ownLab([{ name: 'hoge', vms: [] }]);
  await page.goto(url);
  await expect(page.getByRole('heading', { name: 'No VMs' })).toBeVisible();
  await expect(page.getByText(/^1 host responded/)).toBeVisible();
  await nodes.addVm('hoge', { name: 'first' });
  await expect(list.names).toHaveText(['first']);
  await expect(page.getByRole('heading', { name: 'No VMs' })).toBeHidden();
});

test('where nothing matches, the filter can be cleared', async ({ lab, list, page }) => {
  await list.open(lab.url);
  await list.filter.fill('no such thing');
  await expect(page.getByRole('heading', { name: 'No matching VMs' })).toBeVisible();
  await expect(page.getByText('None of 6 VMs matches “no such thing”.')).toBeVisible();
  await expect(list.counts).toHaveText('0 of 6 VMs');
  await page.getByRole('main').getByRole('button', { name: 'Clear filter' }).last().click();
  await expect(list.names).toHaveCount(6);
  await expect(list.filter).toBeFocused();
});

test('nodes that do not answer are shown above the list, and their VMs stay', async ({
  ownLab,
  list,
  page,
}) => {
  const { url, nodes } = await ownLab([
    { name: 'hoge', vms: [{ name: 'a' }] },
    { name: 'fuga', vms: [{ name: 'b' }] },
    { name: 'piyo', vms: [{ name: 'c' }] },
  ]);
  await list.open(url);
  await nodes.goesAway('hoge');
  await nodes.goesAway('piyo');
  const strip = page.getByRole('main').getByRole('paragraph').filter({ hasText: 'cannot be read' });
  await expect(strip).toContainText('2 hosts cannot be read: hoge, piyo.', { timeout: 30_000 });
  await expect(strip).toContainText('2 VMs shown as of');
  await expect(list.names).toHaveText(['b', 'a', 'c']);
  await strip.getByRole('link', { name: 'hoge' }).click();
  await expect(page).toHaveURL(`${url}/nodes/hoge`);
});

test('a server that goes away leaves its list on the page, with its age, and is found again by itself', { tag: '@main' }, async ({
  ownLab,
  list,
  page,
  guard,
}) => {
  guard.allow(SERVER_AWAY);
  const { url, server, nodes } = await ownLab([{ name: 'hoge', vms: [{ name: 'a' }] }]);
  await list.open(url);
  const connection = page.getByRole('banner').getByRole('status');
  await expect(connection).toHaveText('Live');

  await server.stop();
  await expect(connection).toHaveText('Not connected');
  const banner = page.getByText(/Not connected since \d\d:\d\d/);
  await expect(banner).toBeVisible();
  await expect(page.getByText(/Data as of (just now|\d+ (s|min) ago)/)).toBeVisible();
  await expect(list.names).toHaveText(['a']);

  await nodes.addVm('hoge', { name: 'b' });
  await server.start();
  await expect(connection).toHaveText('Live', { timeout: 30_000 });
  await expect(banner).toBeHidden();
  await expect(list.names).toHaveText(['a', 'b']);
});

test('a list that cannot be loaded says why, and can be tried again at once', async ({
  lab,
  list,
  page,
  guard,
}) => {
  guard.allow(SERVER_AWAY);
  await page.route('**/api/v1/**', (route) => route.abort('connectionrefused'));
  await page.goto(lab.url);
  const alert = page.getByRole('alert');
  await expect(alert.getByRole('heading', { name: 'The VMs could not be loaded' })).toBeVisible();
  await expect(alert).toContainText('Trying again by itself.');
  await page.unroute('**/api/v1/**');
  await alert.getByRole('button', { name: 'Try now' }).click();
  await expect(list.names).toHaveCount(6);
});

test('a server that cannot reach its database says that it is not ready', async ({
  ownServer,
  page,
  guard,
}) => {
  guard.allow(SERVER_AWAY);
  const { url } = await ownServer('dashboard', { MONGO_HOST: `127.0.0.1:${await freePort()}` });
  await page.goto(url);
  await expect(
    page.getByText('The server has just started and is reading its database.'),
  ).toBeVisible();
  await expect(page.getByRole('heading', { name: 'No VMs' })).toBeHidden();
});
