import { badge } from './support/badge.ts';
import { expect, test } from './support/test.ts';

const NODE = {
  name: 'hoge',
  vms: [
    { id: 7, name: 'web', power: 'on' as const, up_hours: 1, ip: '192.0.2.7' },
    { id: 8, name: 'idle', power: 'off' as const },
  ],
};

test('what happened outside ECoMan and by it is one line each, with who did it', { tag: '@main' }, async ({
  ownLab,
  page,
}) => {
  const { url, nodes } = await ownLab([NODE]);
  await page.goto(url);
  await page.getByRole('link', { name: 'History', exact: true }).click();
  await expect(page).toHaveURL(`${url}/history`);
  await expect(page.getByRole('heading', { name: 'No entries yet' })).toBeVisible();

  // By itself, while one looks.
  await nodes.editVm('hoge', 7, { power: 'off' });
  const rows = page.getByRole('table').getByRole('row');
  const ofWeb = rows.filter({ hasText: 'web' });
  await expect(ofWeb).toContainText('Powered off', { timeout: 30_000 });
  await expect(ofWeb).toContainText('outside ECoMan');
  await expect(ofWeb.getByRole('time')).toHaveText(/^\d\d:\d\d:\d\d$/);
  await expect(rows.filter({ hasText: 'Today' })).toHaveCount(1);

  await page.goto(`${url}/vms/hoge/8`);
  await page.getByRole('button', { name: 'Power on', exact: true }).click();
  await expect(badge(page)).toHaveText('On');
  const card = page.getByRole('region', { name: 'Tasks and events' });
  await expect(card.getByRole('listitem')).toHaveCount(1);
  await expect(card.getByRole('listitem')).toContainText('Power on');
  await card.getByRole('link', { name: 'All', exact: true }).click();
  await expect(page).toHaveURL(`${url}/history?vm=hoge%2F8`);

  // Of this VM alone; a change by a task is one line, that of the task.
  const ofIdle = rows.filter({ hasText: 'idle' });
  await expect(ofIdle).toHaveCount(1);
  await expect(ofIdle).toContainText('Power on');
  await expect(ofIdle).toContainText('Completed');
  await expect(ofIdle).not.toContainText('outside ECoMan');
  await expect(ofWeb).toHaveCount(0);
  await page.getByRole('button', { name: 'Show all VMs' }).click();
  await expect(page).toHaveURL(`${url}/history`);
  await expect(ofWeb).toHaveCount(1);
  await expect(ofIdle).toHaveCount(1);
  await ofIdle.getByRole('link', { name: 'Power on' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Power on idle on hoge');

  const answer = await fetch(`${url}/api/v1/history`);
  const { items } = (await answer.json()) as {
    items: { initiator: string; text: string; vm: { name: string } }[];
  };
  expect(items.map(({ initiator, text, vm }) => [vm.name, text, initiator])).toEqual([
    ['idle', 'Power on', 'user'],
    ['web', 'Powered off', 'outside'],
  ]);

  await page.goto(`${url}/nodes/hoge`);
  await expect(card.getByRole('listitem')).toHaveCount(2);
  await card.getByRole('link', { name: 'web' }).click();
  await expect(page).toHaveURL(`${url}/vms/hoge/7`);
});

test('the history is narrowed down, and the address keeps it', async ({ ownLab, page }) => {
  const { url, nodes } = await ownLab([NODE]);
  await page.goto(`${url}/history`);
  const rows = page.getByRole('table').getByRole('row').filter({ hasText: /web|idle/ });
  await expect(page.getByRole('heading', { name: 'No entries yet' })).toBeVisible();
  await nodes.editVm('hoge', 7, { power: 'off' });
  await expect(rows).toHaveCount(1, { timeout: 30_000 });
  await nodes.editVm('hoge', 8, { cpus: 4 });
  await expect(rows).toHaveCount(2, { timeout: 30_000 });
  await expect(rows.first()).toContainText('CPUs 1 → 4');

  await page.getByRole('button', { name: 'Power', exact: true }).click();
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText('web');
  await expect(page).toHaveURL(`${url}/history?kind=power`);
  await page.reload();
  await expect(rows).toHaveCount(1);
  await page.getByRole('button', { name: 'Power', exact: true }).click();
  const search = page.getByRole('searchbox', { name: 'VM, host, user or text' });
  await search.fill('idle cpus');
  await search.press('Enter');
  await expect(page).toHaveURL(`${url}/history?q=idle+cpus`);
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText('idle');
  await search.fill('nothing like it');
  await search.press('Enter');
  await expect(page.getByRole('heading', { name: 'No matching entries' })).toBeVisible();
  await page.getByRole('link', { name: 'Clear filter' }).click();
  await expect(rows).toHaveCount(2);
  await page.getByLabel('Day').fill('2020-02-29');
  await expect(page).toHaveURL(`${url}/history?day=2020-02-29`);
  await expect(page.getByRole('heading', { name: 'No matching entries' })).toBeVisible();
  await page.goBack();
  await expect(rows).toHaveCount(2);

  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download this history as CSV' }).click();
  expect((await download).suggestedFilename()).toMatch(/^ecoman-history-\d{4}-\d\d-\d\d\.csv$/);
});

test('new lines do not move what somebody reads', async ({ ownLab, page }) => {
  const { url, nodes } = await ownLab([NODE]);
  await page.goto(`${url}/history`);
  const rows = page.getByRole('table').getByRole('row').filter({ hasText: /web|idle/ });
  await nodes.editVm('hoge', 7, { power: 'off' });
  await expect(rows).toHaveCount(1, { timeout: 30_000 });
  await rows.first().hover();
  const before = await rows.first().boundingBox();
  await nodes.editVm('hoge', 8, { name: 'busy' });
  const show = page.getByRole('button', { name: 'Show 1 new' });
  await expect(show).toBeVisible({ timeout: 30_000 });
  await expect(rows).toHaveCount(1);
  expect(await rows.first().boundingBox()).toEqual(before);
  await show.click();
  await expect(rows).toHaveCount(2);
  await expect(rows.first()).toContainText('Renamed from idle to busy');
  await expect(show).toHaveCount(0);
});
