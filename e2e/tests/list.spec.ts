import { COLUMNS, type Column } from './support/list.ts';
import { expect, test } from './support/test.ts';

// By node and id, as long as nobody asks for another order.
const BY_NODE = ['cache', 'archive', 'frozen', 'web-2', 'db-1', 'web-10'];

test('every VM of every node is in the list, with all its columns', { tag: '@main' }, async ({ lab, list }) => {
  await list.open(lab.url);
  // The first one holds the box that selects all.
  await expect(list.grid.getByRole('columnheader')).toHaveText(['', ...COLUMNS]);
  await expect(list.names).toHaveText(BY_NODE);
  await expect(list.counts).toHaveText('6 VMs');

  const expected: [Column, string | RegExp][] = [
    ['Power', 'On'],
    ['Host', 'hoge'],
    ['VM ID', '1'],
    ['Name', 'web-2'],
    ['IP address', '192.0.2.9'],
    ['Uptime', /^1 d 6 h$/],
    ['CPU', '2'],
    ['Memory', '4.0 GB'],
    ['Storage', '10.0 GB'],
    ['Guest OS', 'Ubuntu Linux (64-bit)'],
    ['Notes', 'owner: ops'],
    ['Updated', /^(now|10 s)$/],
  ];
  for (const [column, text] of expected) {
    await expect(list.cell('web-2', column), column).toHaveText(text);
  }
});

test('what a node does not say is shown as a dash, never as zero or nothing', async ({
  lab,
  list,
}) => {
  await list.open(lab.url);
  for (const column of ['IP address', 'Notes'] as const) {
    await expect(list.cell('web-10', column), column).toHaveText('–');
  }
  await expect(list.cell('web-10', 'Power')).toHaveText('Off');
  await expect(list.cell('frozen', 'Power')).toHaveText('Suspended');
});

const ORDERS: Record<Exclude<Column, 'Updated'>, { first: 'ascending' | 'descending'; names: string[] }> = {
  Power: {
    first: 'ascending',
    names: ['cache', 'web-2', 'db-1', 'archive', 'web-10', 'frozen'],
  },
  // The order that the list has anyway: the first click turns it round.
  Host: { first: 'descending', names: ['web-2', 'db-1', 'web-10', 'cache', 'archive', 'frozen'] },
  'VM ID': {
    first: 'ascending',
    names: ['web-2', 'db-1', 'cache', 'archive', 'frozen', 'web-10'],
  },
  // As people count: 2 before 10.
  Name: { first: 'ascending', names: ['archive', 'cache', 'db-1', 'frozen', 'web-2', 'web-10'] },
  // As numbers: .9, .10, .100. Those without an address come last.
  'IP address': {
    first: 'ascending',
    names: ['web-2', 'db-1', 'cache', 'archive', 'frozen', 'web-10'],
  },
  Uptime: {
    first: 'descending',
    names: ['db-1', 'web-2', 'cache', 'archive', 'frozen', 'web-10'],
  },
  CPU: { first: 'descending', names: ['db-1', 'web-10', 'frozen', 'archive', 'web-2', 'cache'] },
  Memory: { first: 'descending', names: ['db-1', 'cache', 'web-2', 'frozen', 'web-10', 'archive'] },
  Storage: { first: 'descending', names: ['db-1', 'archive', 'frozen', 'web-10', 'web-2', 'cache'] },
  'Guest OS': {
    first: 'ascending',
    names: ['cache', 'archive', 'frozen', 'web-2', 'db-1', 'web-10'],
  },
  Notes: {
    first: 'ascending',
    names: ['frozen', 'web-2', 'db-1', 'cache', 'archive', 'web-10'],
  },
};

for (const [name, { first, names }] of Object.entries(ORDERS)) {
  const column = name as Column;
  test(`a click on ${column} sorts by it, another one turns the order round`, async ({
    lab,
    list,
  }) => {
    await list.open(lab.url);
    const heading = list.heading(column);
    await heading.getByRole('button').click();
    await expect(heading).toHaveAttribute('aria-sort', first);
    await expect(list.names).toHaveText(names);
    await heading.getByRole('button').click();
    const second = first === 'ascending' ? 'descending' : 'ascending';
    await expect(heading).toHaveAttribute('aria-sort', second);
    await expect(list.names).not.toHaveText(names);
  });
}

test('unknown values come last in both directions', async ({ lab, list }) => {
  await list.open(lab.url);
  const button = list.heading('IP address').getByRole('button');
  await button.click();
  await button.click();
  await expect(list.names).toHaveText(['cache', 'db-1', 'web-2', 'archive', 'frozen', 'web-10']);
});

test('one box filters by words in any text of a VM', { tag: '@main' }, async ({ lab, list }) => {
  await list.open(lab.url);
  const finds: [string, string[]][] = [
    ['WEB', ['web-2', 'web-10']],
    ['backup', ['db-1']],
    ['192.0.2.100', ['cache']],
    ['windows', ['cache']],
    ['fuga', ['cache', 'archive', 'frozen']],
    ['web hoge ops', ['web-2']],
  ];
  for (const [text, names] of finds) {
    await list.filter.fill(text);
    await expect(list.names, text).toHaveText(names);
    await expect(list.counts, text).toHaveText(`${names.length} of 6 VMs`);
  }
});

test('one box filters by fields, sizes and their opposites', async ({ lab, list }) => {
  await list.open(lab.url);
  const finds: [string, string[]][] = [
    ['node:hoge !power:off', ['web-2', 'db-1']],
    ['memory:>=8GB', ['cache', 'db-1']],
    ['large:storage', ['archive', 'db-1']],
    ['cpus:>3 cpus:<8', ['frozen', 'web-10']],
    ['"primary database"', ['db-1']],
    ['power:off,suspended', ['archive', 'frozen', 'web-10']],
    // An unknown value is neither more nor less.
    ['uptime:>0s', ['cache', 'web-2', 'db-1']],
  ];
  for (const [text, names] of finds) {
    await list.filter.fill(text);
    await expect(list.names, text).toHaveText(names);
  }
});

test('a mistake in the filter is shown where it is made, and the list stays', async ({
  lab,
  list,
  page,
}) => {
  await list.open(lab.url);
  await list.filter.fill('node:hoge');
  await expect(list.names).toHaveText(['web-2', 'db-1', 'web-10']);
  await list.filter.fill('node:hoge colour:red');
  await expect(list.filter).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByText(/At character 11: .*colour/)).toBeVisible();
  await expect(list.names).toHaveText(['web-2', 'db-1', 'web-10']);
  await list.filter.fill('node:fuga');
  await expect(list.filter).not.toHaveAttribute('aria-invalid');
  await expect(list.names).toHaveText(['cache', 'archive', 'frozen']);
});

test('help on filters is at hand, and its examples can be taken', async ({ lab, list, page }) => {
  await list.open(lab.url);
  await page.getByRole('button', { name: 'Filter help' }).click();
  const help = page.getByRole('region', { name: 'Filter help' });
  await expect(help).toBeVisible();
  await help.getByRole('button', { name: 'power:on,suspended' }).click();
  await expect(list.filter).toHaveValue('power:on,suspended');
  await expect(list.names).toHaveText(['cache', 'frozen', 'web-2', 'db-1']);
});

test('chips narrow the list, show their counts, and can be combined', async ({ lab, list }) => {
  await list.open(lab.url);
  await expect(list.chip('Running')).toHaveText('Running 3');
  await expect(list.chip('Off')).toHaveText('Off 2');
  await expect(list.chip('Large')).toHaveText('Large 4');
  await expect(list.chip('Outdated')).toHaveText('Outdated 0');

  await list.chip('Large').click();
  await expect(list.chip('Large')).toHaveAttribute('aria-pressed', 'true');
  await expect(list.names).toHaveText(['cache', 'archive', 'db-1', 'web-10']);
  await expect(list.counts).toHaveText('4 of 6 VMs');
  await list.chip('Off').click();
  await expect(list.names).toHaveText(['archive', 'web-10']);
  await list.chip('Running').click();
  await expect(list.names).toHaveText(['cache', 'archive', 'db-1', 'web-10']);
  await list.chip('Large').click();
  await expect(list.names).toHaveText(['cache', 'archive', 'web-2', 'db-1', 'web-10']);
});

test('a large VM says by which resource it is large, and why', async ({ lab, list, page }) => {
  await list.open(lab.url);
  await expect(list.cell('db-1', 'CPU')).toHaveText('8, large: 8 CPUs ≥ 5 CPUs');
  await expect(list.cell('db-1', 'Memory')).toHaveText('16.0 GB, large: 16384 MB ≥ 8192 MB');
  await expect(list.cell('db-1', 'Storage')).toHaveText('80.0 GB, large: 80.0 GB ≥ 50 GB');
  // What has just reached its threshold is large, and only by that.
  await expect(list.cell('cache', 'Memory')).toHaveText('8.0 GB, large: 8192 MB ≥ 8192 MB');
  await expect(list.cell('cache', 'CPU')).toHaveText('1');
  await expect(list.cell('archive', 'Storage')).toHaveText('50.0 GB, large: 50.0 GB ≥ 50 GB');
  await expect(list.row('web-2')).not.toContainText('large');

  const mark = list.cell('cache', 'Name').getByRole('img');
  await expect(mark).toHaveAccessibleName('Large: memory 8192 MB ≥ 8192 MB');
  await list.cell('cache', 'Memory').hover();
  await expect(page.getByRole('tooltip')).toHaveText('Large: 8192 MB ≥ 8192 MB');
});

test('a large value stands out by its weight and an icon, not by colour alone', async ({
  lab,
  list,
}) => {
  await list.open(lab.url);
  const weight = (name: string) =>
    list
      .cell(name, 'Memory')
      .getByText(/ GB$/)
      .evaluate((element) => Number(getComputedStyle(element).fontWeight));
  expect(await weight('cache')).toBeGreaterThan(await weight('web-2'));
  const picture = (name: string) =>
    list.cell(name, 'Memory').evaluate((cell) => cell.querySelectorAll('svg').length);
  expect(await picture('cache')).toBe(1);
  expect(await picture('web-2')).toBe(0);
});

test('the address says what is shown, and the way back leads there', async ({
  lab,
  list,
  page,
}) => {
  await list.open(lab.url);
  await list.chip('Large').click();
  await expect(page).toHaveURL(`${lab.url}/?show=large`);
  await list.heading('Memory').getByRole('button').click();
  await expect(page).toHaveURL(`${lab.url}/?show=large&sort=-memory`);
  await list.filter.fill('node:fuga');
  await expect(page).toHaveURL(`${lab.url}/?q=node:fuga&show=large&sort=-memory`);
  await expect(list.names).toHaveText(['cache', 'archive']);

  // Somebody else gets the same list by the same address.
  await page.reload();
  await expect(list.names).toHaveText(['cache', 'archive']);
  await expect(list.filter).toHaveValue('node:fuga');
  await expect(list.chip('Large')).toHaveAttribute('aria-pressed', 'true');
  await expect(list.heading('Memory')).toHaveAttribute('aria-sort', 'descending');

  await page.goBack();
  await expect(page).toHaveURL(`${lab.url}/?show=large`);
  await expect(list.names).toHaveText(['cache', 'archive', 'db-1', 'web-10']);
  await expect(list.filter).toHaveValue('');
  await page.goForward();
  await expect(list.names).toHaveText(['cache', 'archive']);
});

test('letters that are typed are no stations on the way back', async ({ lab, list, page }) => {
  await list.open(lab.url);
  await list.chip('Off').click();
  await list.filter.pressSequentially('web-10', { delay: 40 });
  await expect(page).toHaveURL(`${lab.url}/?q=web-10&show=off`);
  await page.goBack();
  await expect(page).toHaveURL(`${lab.url}/`);
  await expect(list.names).toHaveText(BY_NODE);
});

test('the title of the window shows the counts', async ({ lab, list, page }) => {
  await list.open(lab.url);
  await expect(page).toHaveTitle('6 VMs · ECoMan');
  await list.filter.fill('web');
  await expect(page).toHaveTitle('2 of 6 VMs · ECoMan');
});

test('a click on a row opens the VM, and the way back leads to the same place', async ({
  lab,
  list,
  page,
}) => {
  await list.open(lab.url, '?q=node:hoge');
  await list.cell('db-1', 'Storage').click();
  await expect(page).toHaveURL(`${lab.url}/vms/hoge/2`);
  await expect(page.getByRole('heading', { level: 1, name: 'db-1' })).toBeVisible();
  await page.goBack();
  await expect(list.names).toHaveText(['web-2', 'db-1', 'web-10']);
});
