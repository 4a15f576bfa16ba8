import { expect, test } from './support/test.ts';

test('the nodes page shows of each node what it is, has, and runs', { tag: '@main' }, async ({ lab, page }) => {
  await page.goto(lab.url);
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Hosts' }).click();
  await expect(page).toHaveURL(`${lab.url}/nodes`);
  await expect(page.getByRole('heading', { level: 1, name: 'Hosts' })).toBeVisible();
  await expect(page.getByText('2 of 2 hosts responding')).toBeVisible();
  await expect(page).toHaveTitle('2 hosts · ECoMan');

  const hoge = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: /^hoge/ }) });
  await expect(hoge).toContainText('Responding');
  await expect(hoge.getByRole('link', { name: '3 VMs' })).toHaveText(/^\d \/ 3 VMs$/);
  await expect(hoge).toContainText('7.0.3 (21053776)');
  await expect(hoge).toContainText('16 vCPU : 4 threads');
  await expect(hoge).toContainText('datastore1');
  await expect(hoge.getByRole('meter', { name: 'Datastore datastore1' })).toBeVisible();
  const memory = hoge.getByRole('meter', { name: 'Memory of hoge' });
  await expect(memory).toHaveAttribute(
    'aria-valuetext',
    /^[\d.]+ [GM]B used, [\d.]+ [GM]B provisioned to powered-on VMs, 127\.9 GB in total$/,
  );
  const { items } = await fetch(`${lab.url}/api/v1/nodes`).then((it) => it.json());
  const totals = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: /^Total/ }) });
  const on = items.reduce((sum: number, { vms }: { vms: { on: number } }) => sum + vms.on, 0);
  await expect(totals).toContainText(`${on} / 6`);
  await expect(totals).toContainText('of 255.9 GB');
});

test('the nodes can be ordered, and the address keeps the order', async ({ lab, page }) => {
  await page.goto(`${lab.url}/nodes`);
  const names = page.locator('.nodes tbody').getByRole('rowheader').getByRole('link');
  await expect(names).toHaveText(['fuga', 'hoge']);
  const heading = page.getByRole('columnheader', { name: 'Free memory' });
  await expect(heading).toHaveAttribute('aria-sort', 'none');
  await heading.getByRole('button').click();
  await expect(heading).toHaveAttribute('aria-sort', 'descending');
  await expect(page).toHaveURL(`${lab.url}/nodes?sort=-free`);
  const free = async () => {
    const { items } = await fetch(`${lab.url}/api/v1/nodes`).then((it) => it.json());
    items.sort(
      (a: { memory: { free_mb: number } }, b: { memory: { free_mb: number } }) =>
        b.memory.free_mb - a.memory.free_mb,
    );
    return items.map(({ name }: { name: string }) => name);
  };
  await page.mouse.move(0, 0);
  await expect.poll(() => names.allTextContents()).toEqual(await free());
  await heading.getByRole('button').click();
  await expect(heading).toHaveAttribute('aria-sort', 'ascending');
  await page.reload();
  await expect(heading).toHaveAttribute('aria-sort', 'ascending');
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
  await expect(page.getByRole('region', { name: 'Defaults for new VMs' })).toContainText(
    'os-images/ubuntu2004.iso',
  );
  await expect(page.getByRole('region', { name: 'Inventory polling' })).toContainText(/\d ms/);
});

test('a node is polled at once when somebody asks for it, and the focus stays', async ({
  ownLab,
  page,
}) => {
  const { url, nodes } = await ownLab([{ name: 'hoge', vms: [{ name: 'a' }] }], {
    CRAWLER_INTERVAL: '3600',
  });
  await page.goto(`${url}/nodes/hoge`);
  const capacity = page.getByRole('region', { name: 'Capacity' });
  await expect(capacity.getByRole('link', { name: '1 VM' })).toBeVisible();
  await nodes.addVm('hoge', { name: 'b' });
  const poll = page.getByRole('button', { name: 'Poll now' });
  await expect(poll).toHaveAccessibleDescription(/verifies the polling method/);
  await poll.click();
  await expect(poll).toHaveAttribute('aria-disabled', 'true');
  await expect(capacity.getByRole('link', { name: '2 VMs' })).toBeVisible({ timeout: 30_000 });
  await expect(poll).not.toHaveAttribute('aria-disabled');
  await expect(poll).toBeFocused();
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
  await expect(page.getByText('2 of 2 hosts responding')).toBeVisible();
  await nodes.goesAway('hoge');
  await expect(page.getByText('1 of 2 hosts responding')).toBeVisible({ timeout: 30_000 });
  await expect(page).toHaveTitle('1 of 2 hosts · ECoMan');
  const hoge = page
    .getByRole('rowgroup')
    .filter({ has: page.getByRole('rowheader', { name: /^hoge/ }) });
  await expect(hoge).toContainText('Not responding');
  await expect(hoge).toContainText(/hoge has not responded: .+ \(since \d\d:\d\d\)/);
  // What was known of it is still there.
  await expect(hoge.getByRole('link', { name: '1 VM' })).toHaveText(/\d \/ 1/);
  await expect(hoge).toContainText('7.0.3');
  await nodes.comesBack('hoge');
  await expect(page.getByText('2 of 2 hosts responding')).toBeVisible({ timeout: 45_000 });
});

test('a node that never was has a page that says so', async ({ lab, page }) => {
  await page.goto(`${lab.url}/nodes/nowhere`);
  await expect(page.getByRole('heading', { name: 'Unknown host nowhere' }).first()).toBeAttached();
  await page.getByRole('main').getByRole('link', { name: 'All hosts' }).last().click();
  await expect(page).toHaveURL(`${lab.url}/nodes`);
});
