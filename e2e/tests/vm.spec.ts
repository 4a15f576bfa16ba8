import type { Page } from '@playwright/test';

import { expect, test } from './support/test.ts';

/** A card of the page by its heading. */
const card = (page: Page, name: string) => page.getByRole('region', { name });

/** The value beside a term. */
const fact = (page: Page, section: string, term: string) =>
  card(page, section)
    .getByRole('term')
    .filter({ hasText: new RegExp(`^${term}$`) })
    .locator('xpath=following-sibling::*[1]');

test('the page of a VM shows all that is known of it', { tag: '@main' }, async ({ lab, page }) => {
  await page.goto(`${lab.url}/vms/hoge/2`);
  await expect(page.getByRole('heading', { level: 1, name: 'db-1' })).toBeVisible();
  await expect(page).toHaveTitle('db-1 · hoge · ECoMan');

  await expect(fact(page, 'Overview', 'Host')).toHaveText('hoge');
  await expect(fact(page, 'Overview', 'VM ID')).toHaveText('2');
  await expect(fact(page, 'Overview', 'Guest OS')).toHaveText('Ubuntu Linux (64-bit)');
  await expect(fact(page, 'Overview', 'IP address')).toContainText('192.0.2.10');
  await expect(fact(page, 'Overview', 'Uptime')).toContainText('33 d 8 h');
  await expect(fact(page, 'Overview', 'VMware Tools')).toHaveText('Running');
  // A comment keeps its lines.
  await expect(fact(page, 'Overview', 'Notes')).toHaveText('primary database\nbackup at 02:00', {
    useInnerText: true,
  });

  await expect(fact(page, 'Hardware', 'CPU')).toContainText('8 CPUs');
  await expect(fact(page, 'Hardware', 'CPU')).toContainText('Large: 8 CPUs ≥ 5 CPUs');
  await expect(fact(page, 'Hardware', 'Memory')).toContainText('Large: 16384 MB ≥ 8192 MB');
  await expect(fact(page, 'Hardware', 'Storage in use')).toContainText('80.0 GB');
  await expect(fact(page, 'Hardware', 'Disks')).toHaveText('1');
  await expect(fact(page, 'Hardware', 'Network adapters')).toHaveText('1');

  await expect(fact(page, 'Usage', 'Guest memory')).toContainText('4.0 GB of 16.0 GB');
  const meter = card(page, 'Usage').getByRole('meter', { name: 'Guest memory' });
  await expect(meter).toHaveAttribute('aria-valuenow', '25');

  await expect(fact(page, 'Files', 'Datastore')).toHaveText('datastore1');
  await expect(fact(page, 'Files', 'Configuration')).toContainText('[datastore1] db-1/db-1.vmx');
});

test('what the node does not say of a VM is a dash on its page too', async ({ lab, page }) => {
  await page.goto(`${lab.url}/vms/hoge/14`);
  await expect(page.getByRole('heading', { level: 1, name: 'web-10' })).toBeVisible();
  for (const term of ['IP address', 'Notes']) {
    await expect(fact(page, 'Overview', term), term).toHaveText('–');
  }
});

test.describe('with the clipboard', () => {
  test.use({ permissions: ['clipboard-read', 'clipboard-write'] });
  // Without an executor nobody can read snapshots and devices, and the cards say so.
  const NO_EXECUTOR = /503 .*\/(snapshots|hardware)\)$/;
  const pasted = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

  test('the lines for a shell can be copied', async ({ guard, ownDashboard, page }) => {
    guard.allow(NO_EXECUTOR);
    const { url } = await ownDashboard(1, 3);
    const ssh = 'ssh root@192.0.2.1';
    await page.goto(`${url}/vms/esxi-001/2`);
    await expect(card(page, 'Shell')).toContainText(ssh);
    await page.getByRole('button', { name: 'Copy ssh command' }).click();
    await expect(card(page, 'Shell').getByText('Copied')).toBeVisible();
    expect(await pasted(page)).toBe(ssh);
    await page.getByRole('button', { name: 'Copy vim-cmd line' }).click();
    await expect.poll(() => pasted(page)).toBe(`${ssh} vim-cmd vmsvc/get.summary 2`);
  });

  test('the raw facts can be read, and copied as JSON', async ({ guard, ownDashboard, page }) => {
    guard.allow(NO_EXECUTOR);
    const { url } = await ownDashboard(1, 3);
    const answered = (await (await fetch(`${url}/api/v1/vms/esxi-001/3`)).json()) as object;
    await page.goto(`${url}/vms/esxi-001/3`);
    const raw = card(page, 'All properties');
    await expect(raw.getByRole('row', { name: /^datastore / })).toContainText('datastore1');
    // Every third made-up VM has no comment.
    await expect(raw.getByRole('row', { name: /^comment / })).toContainText('–');
    await raw.getByRole('button', { name: 'Copy as JSON' }).click();
    await expect(raw.getByText('Copied')).toBeVisible();
    expect(JSON.parse(await pasted(page))).toEqual(answered);
  });

  test('the ssh line names a port that is not the usual one', async ({ lab, page }) => {
    const nodes = (await (await fetch(`${lab.url}/api/v1/nodes`)).json()) as {
      items: { name: string; port: number; username: string }[];
    };
    const node = nodes.items.find((it) => it.name === 'hoge');
    await page.goto(`${lab.url}/vms/hoge/2`);
    await expect(card(page, 'Shell')).toContainText(
      `ssh -p ${node?.port} ${node?.username}@127.0.0.1`,
    );
  });
});

test("the node's own Host Client is one click away, at this VM", async ({ lab, page }) => {
  await page.goto(`${lab.url}/vms/hoge/2`);
  const link = page.getByRole('link', { name: 'Host Client' });
  await expect(link).toHaveAttribute('href', 'https://127.0.0.1/ui/#/host/vms/2');
  await expect(link).toHaveAttribute('target', '_blank');
  await expect(link).toHaveAttribute('rel', /noopener/);
});

test('previous and next follow the list that the reader came from', async ({
  lab,
  list,
  page,
}) => {
  await list.open(lab.url, '?q=node:hoge&sort=name');
  await list.row('db-1').getByRole('link').click();
  await expect(page.getByRole('heading', { level: 1, name: 'db-1' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Previous VM' })).toBeDisabled();
  await page.getByRole('link', { name: 'Next VM' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'web-2' })).toBeVisible();
  await page.getByRole('link', { name: 'Next VM' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'web-10' })).toBeVisible();
  await page.getByRole('link', { name: 'All VMs', exact: true }).click();
  await expect(page).toHaveURL(`${lab.url}/?q=node:hoge&sort=name`);
});

test('the page of a VM is live, and says so when the VM is removed', async ({ ownLab, page }) => {
  const { url, nodes } = await ownLab([
    { name: 'hoge', vms: [{ id: 9, name: 'short-lived', power: 'on', memory_mb: 1024 }] },
  ]);
  await page.goto(`${url}/vms/hoge/9`);
  await expect(fact(page, 'Hardware', 'Memory')).toContainText('1.0 GB');
  await nodes.editVm('hoge', 9, { memory_mb: 2048 });
  await expect(fact(page, 'Hardware', 'Memory')).toContainText('2.0 GB');
  await nodes.removeVm('hoge', 9);
  await expect(
    page.getByRole('heading', { level: 1, name: 'short-lived (VM 9) is not on hoge' }),
  ).toBeAttached();
  await page.getByRole('main').getByRole('link', { name: 'All VMs' }).last().click();
  await expect(page.getByRole('heading', { name: 'No VMs' })).toBeVisible();
});

test('a VM that never was and a page that never was are distinguished', async ({ lab, page, guard }) => {
  guard.allow(/status of 404/);
  await page.goto(`${lab.url}/vms/hoge/999`);
  await expect(page.getByRole('heading', { level: 1, name: 'VM 999 is not on hoge' })).toBeAttached();
  await page.goto(`${lab.url}/else`);
  await expect(page.getByRole('heading', { name: 'Unknown page' })).toBeVisible();
});

test('what changes takes away neither selection nor focus', async ({ ownLab, page }) => {
  const vm = { id: 1, name: 'read-me', power: 'on' as const, up_hours: 1 };
  const { url, nodes } = await ownLab([{ name: 'hoge', vms: [vm] }]);
  await page.goto(`${url}/vms/hoge/1`);
  const copy = page.getByRole('button', { name: 'Copy path' });
  await copy.focus();
  await fact(page, 'Overview', 'Host name').selectText();
  const selected = () => page.evaluate(() => getSelection()?.toString());
  const before = await selected();
  expect(before).toBeTruthy();

  await nodes.addVm('hoge', { ...vm, id: 2, name: 'beside' });
  await nodes.editVm('hoge', 1, { memory_mb: 12_000 });
  await expect(fact(page, 'Hardware', 'Memory')).toContainText('12,000 MB');
  expect(await selected()).toBe(before);
  await expect(copy).toBeFocused();
});
