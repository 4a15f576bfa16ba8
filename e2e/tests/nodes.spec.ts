import { expect, test } from './support/test.ts';

test('the nodes page shows of each node what it is, has, and runs', async ({ lab, page }) => {
  await page.goto(lab.url);
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Nodes' }).click();
  await expect(page).toHaveURL(`${lab.url}/nodes`);
  await expect(page.getByRole('heading', { level: 1, name: 'Nodes' })).toBeVisible();
  await expect(page.getByText('2 of 2 answer')).toBeVisible();
  await expect(page).toHaveTitle('2 nodes · ECoMan');

  const hoge = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: /^hoge/ }) });
  await expect(hoge).toContainText('Reachable');
  await expect(hoge).toContainText('3 VMs');
  await expect(hoge).toContainText('7.0.3 (21053776)');
  await expect(hoge).toContainText('16 virtual CPUs on 4 threads');
  await expect(hoge).toContainText('datastore1');
  await expect(hoge.getByRole('meter', { name: 'Datastore datastore1' })).toBeVisible();
  await expect(hoge.getByRole('meter', { name: 'Memory of hoge' })).toBeVisible();
});

test('the VMs of a node are one click away from it', async ({ lab, list, page }) => {
  await page.goto(`${lab.url}/nodes`);
  const fuga = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: /^fuga/ }) });
  await fuga.getByRole('link', { name: '3 VMs' }).click();
  await expect(list.names).toHaveText(['cache', 'archive', 'frozen']);
  await expect(list.filter).toHaveValue(/fuga/);
});

test('the page of a node shows its machine, its networks, and the crawler’s rounds', async ({
  lab,
  page,
}) => {
  await page.goto(`${lab.url}/nodes`);
  await page.getByRole('rowheader').getByRole('link', { name: 'hoge' }).click();
  await expect(page).toHaveURL(`${lab.url}/nodes/hoge`);
  await expect(page.getByRole('heading', { level: 1, name: 'hoge' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Machine' })).toContainText('Example Systems');
  await expect(page.getByRole('region', { name: 'Port groups' })).toContainText('VM Network');
  await expect(page.getByRole('region', { name: 'For new VMs' })).toContainText(
    'os-images/ubuntu2004.iso',
  );
  await expect(page.getByRole('region', { name: 'Rounds of the crawler' })).toContainText(/\d ms/);
});

test('a node that does not answer says why, since when, and what to do', async ({
  ownLab,
  page,
}) => {
  const { url, nodes } = await ownLab([
    { name: 'hoge', vms: [{ name: 'a' }] },
    { name: 'fuga', vms: [] },
  ]);
  await page.goto(`${url}/nodes`);
  await expect(page.getByText('2 of 2 answer')).toBeVisible();
  await nodes.goesAway('hoge');
  await expect(page.getByText('1 of 2 answer')).toBeVisible({ timeout: 30_000 });
  await expect(page).toHaveTitle('1 of 2 nodes · ECoMan');
  const hoge = page
    .getByRole('rowgroup')
    .filter({ has: page.getByRole('rowheader', { name: /^hoge/ }) });
  await expect(hoge).toContainText('Not answering');
  await expect(hoge).toContainText(/hoge does not answer: .+ — since \d\d:\d\d/);
  // What was known of it is still there.
  await expect(hoge).toContainText('1 VM');
  await expect(hoge).toContainText('7.0.3');
  await nodes.comesBack('hoge');
  await expect(page.getByText('2 of 2 answer')).toBeVisible({ timeout: 45_000 });
});

test('a node that never was has a page that says so', async ({ lab, page }) => {
  await page.goto(`${lab.url}/nodes/nowhere`);
  await expect(page.getByRole('heading', { name: 'There is no node nowhere' }).first()).toBeAttached();
  await page.getByRole('main').getByRole('link', { name: 'All nodes' }).last().click();
  await expect(page).toHaveURL(`${lab.url}/nodes`);
});
