import { until } from './support/lab.ts';
import type { SimulatedVm } from './support/nodes.ts';
import { expect, test } from './support/test.ts';

const vm = (number: number): SimulatedVm => ({
  id: number,
  name: `vm-${String(number).padStart(3, '0')}`,
  power: 'on',
  up_hours: number,
});

test('a VM that is added, changed or removed on a node shows so by itself', { tag: '@main' }, async ({
  ownLab,
  list,
}) => {
  const { url, nodes } = await ownLab([{ name: 'hoge', vms: [vm(1), vm(2)] }]);
  await list.open(url);
  await expect(list.names).toHaveText(['vm-001', 'vm-002']);

  await nodes.addVm('hoge', { ...vm(3), comment: 'brand new' });
  await expect(list.names).toHaveText(['vm-001', 'vm-002', 'vm-003']);
  await expect(list.cell('vm-003', 'Notes')).toHaveText('brand new');
  await expect(list.counts).toHaveText('3 VMs');

  await nodes.editVm('hoge', 2, { memory_mb: 9000, power: 'off' });
  await expect(list.cell('vm-002', 'Power')).toHaveText('Off');
  await expect(list.cell('vm-002', 'Memory')).toContainText('large: 9000 MB ≥ 8192 MB');

  await nodes.removeVm('hoge', 1);
  await expect(list.names).toHaveText(['vm-002', 'vm-003']);
});

test('a VM that is off keeps its last known address, marked, and is found by it', { tag: '@main' }, async ({
  ownLab,
  list,
  page,
}) => {
  const { url, nodes } = await ownLab([
    { name: 'hoge', vms: [{ ...vm(1), ip: '192.0.2.17' }, { ...vm(2), ip: '192.0.2.18' }] },
  ]);
  await list.open(url);
  const address = list.cell('vm-001', 'IP address');
  await expect(address).toHaveText('192.0.2.17');

  await nodes.editVm('hoge', 1, { power: 'off' });
  await expect(list.cell('vm-001', 'Power')).toHaveText('Off');
  // Marked for those who do not see it, too.
  await expect(address).toHaveText('192.0.2.17, last known');
  await expect(address.locator('[data-tip]')).toHaveAttribute('data-tip', /^Last known, reported until \d{4}-/);
  await list.filter.fill('ip:=192.0.2.17');
  await expect(list.names).toHaveText(['vm-001']);
  await list.filter.fill('192.0.2.17');
  await expect(list.names).toHaveText(['vm-001']);

  await page.goto(`${url}/vms/hoge/1`);
  const overview = page.getByRole('region', { name: 'Overview' });
  await expect(overview).toContainText(/192\.0\.2\.17.*last known, reported until \d{4}-/);
  await nodes.editVm('hoge', 1, { power: 'on' });
  await expect(overview).toContainText('192.0.2.17');
  await expect(overview).not.toContainText('last known');
});

test('a VM that is switched on the node itself shows so without a round', async ({
  ownLab,
  list,
}) => {
  // The first round follows the node; the next one is an hour away.
  const { url, nodes } = await ownLab(
    [{ name: 'hoge', python: true, vms: [vm(1), vm(2), { ...vm(3), power: 'off' }] }],
    { CRAWLER_INTERVAL: '3600' },
  );
  await until('the node is followed', async () => {
    const node = (await (await fetch(`${url}/api/v1/nodes/hoge`)).json()) as {
      collecting?: { way: string };
    };
    return node.collecting?.way === 'follow';
  });
  await list.open(url);
  await expect(list.cell('vm-003', 'Power')).toHaveText('Off');

  await nodes.editVm('hoge', 3, { power: 'on' });
  await expect(list.cell('vm-003', 'Power')).toHaveText('On');
  await nodes.editVm('hoge', 1, { power: 'suspended' });
  await expect(list.cell('vm-001', 'Power')).toHaveText('Suspended');
});

test('what changes moves neither scroll nor selection nor focus', async ({
  ownLab,
  list,
  page,
}) => {
  const many = Array.from({ length: 80 }, (_, index) => vm(index + 1));
  const { url, nodes } = await ownLab([{ name: 'hoge', vms: many }]);
  await list.open(url, '?sort=name');
  await list.grid.focus();
  await page.keyboard.press('End');
  for (let step = 0; step < 20; step += 1) await page.keyboard.press('ArrowUp');
  await expect(list.selected).toContainText('vm-060');
  const place = async () => (await list.row('vm-060').boundingBox())?.y;
  const before = await place();

  // Above, below, and the row itself.
  await nodes.addVm('hoge', { ...vm(500), name: 'vm-000-before' });
  await nodes.removeVm('hoge', 10);
  await nodes.removeVm('hoge', 11);
  await nodes.addVm('hoge', { ...vm(501), name: 'vm-999-behind' });
  await nodes.editVm('hoge', 60, { comment: 'changed meanwhile' });
  await expect(list.cell('vm-060', 'Notes')).toHaveText('changed meanwhile');
  await expect(list.counts).toHaveText('80 VMs');
  await nodes.addVm('hoge', { ...vm(502), name: 'vm-000-first' });
  await expect(list.counts).toHaveText('81 VMs');

  expect(await place()).toBeCloseTo(before ?? Number.NaN, 0);
  await expect(list.selected).toContainText('vm-060');
  await expect(list.grid).toBeFocused();
});

test('what is being typed is not disturbed by what changes', async ({ ownLab, list, page }) => {
  const { url, nodes } = await ownLab([{ name: 'hoge', vms: [vm(1), vm(2)] }]);
  await list.open(url);
  await list.filter.fill('vm-00');
  await page.keyboard.press('ArrowLeft');
  await nodes.addVm('hoge', vm(3));
  await expect(list.counts).toHaveText('3 VMs');
  await expect(list.filter).toBeFocused();
  await page.keyboard.type('x');
  await expect(list.filter).toHaveValue('vm-0x0');
});

test('a node that goes away keeps its VMs, stale with the reason, and they are fresh again once it is back', async ({
  ownLab,
  list,
  page,
}) => {
  const { url, nodes } = await ownLab([
    { name: 'hoge', vms: [vm(1), vm(2)] },
    { name: 'fuga', vms: [{ ...vm(7), name: 'elsewhere' }] },
  ]);
  await list.open(url);
  await expect(list.chip('Outdated')).toHaveText('Outdated 0');

  await nodes.goesAway('hoge');
  await expect(list.chip('Outdated')).toHaveText('Outdated 2', { timeout: 30_000 });
  await expect(list.names).toHaveText(['elsewhere', 'vm-001', 'vm-002']);
  await expect(list.cell('vm-001', 'Updated')).toContainText(/, outdated: .*hoge/);
  await expect(list.cell('elsewhere', 'Updated')).not.toContainText('outdated');
  const strip = page.getByRole('main').getByRole('paragraph').filter({ hasText: 'has not responded' });
  await expect(strip).toContainText(/hoge has not responded since \d\d:\d\d \(.+\)/);
  await expect(strip).toContainText('2 VMs shown as of');
  // The oldest come first.
  await list.heading('Updated').getByRole('button').click();
  await expect(list.heading('Updated')).toHaveAttribute('aria-sort', 'descending');
  await expect(list.names).toHaveText(['vm-001', 'vm-002', 'elsewhere']);
  await list.chip('Outdated').click();
  await expect(list.names).toHaveText(['vm-001', 'vm-002']);

  await nodes.comesBack('hoge');
  await expect(list.chip('Outdated')).toHaveText('Outdated 0', { timeout: 45_000 });
  await expect(strip).toBeHidden();
  await list.chip('Outdated').click();
  await expect(list.cell('vm-001', 'Updated')).not.toContainText('outdated');
  await expect(list.names).toHaveCount(3);
});

test('the names of nodes and VMs are text, whatever is in them', async ({ ownLab, list, page }) => {
  const html = '<img src=x onerror="document.title=1"><script>alert(1)</script>';
  const rtl = '\u202Egnp.exe \u05E9\u05DC\u05D5\u05DD';
  const emoji = '🦊 family 👨‍👩‍👧‍👦 ノード';
  const long = `${'comment '.repeat(37)}end!`; // 300 bytes
  const { url } = await ownLab([
    {
      name: 'node & <b>bold ノード 1%2f',
      vms: [
        { id: 1, name: html, folder: 'html', comment: `<b onclick="x()">${html}</b> &amp;` },
        { id: 2, name: rtl, folder: 'rtl', comment: rtl },
        { id: 3, name: emoji, folder: 'emoji', comment: '}\n   annotation = "forged",\n(vim.vm.Summary) {' },
        { id: 4, name: 'long', comment: long },
      ],
    },
  ]);
  await list.open(url);
  await expect(list.names).toHaveText([html, rtl, emoji, 'long'].map((name) => name.trim()));
  await expect(list.cell(html, 'Notes')).toHaveText(`<b onclick="x()">${html}</b> &amp;`);
  await expect(list.cell(html, 'Host')).toHaveText('node & <b>bold ノード 1%2f');
  await expect(list.cell('long', 'Notes')).toHaveText(long);
  await expect(list.cell(emoji, 'Notes')).toContainText('annotation = "forged"');
  await expect(list.grid.locator('b, script, img')).toHaveCount(0);
  // A long comment does not make a row higher than its neighbours.
  const height = async (name: string) => (await list.row(name).boundingBox())?.height;
  expect(await height('long')).toBe(await height(emoji));
  // The name of a node like this is an address as well.
  await list.cell('long', 'CPU').click();
  await expect(page.getByRole('heading', { level: 1, name: 'long' })).toBeVisible();
  await expect(page.getByRole('main')).toContainText(long);
  await page.reload();
  await expect(page.getByRole('heading', { level: 1, name: 'long' })).toBeVisible();
});
