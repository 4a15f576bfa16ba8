import { badge } from './support/badge.ts';
import { expect, test } from './support/test.ts';

test('before anything was asked the list of tasks says what will be there', async ({
  ownDashboard,
  page,
}) => {
  const { url } = await ownDashboard(1, 3);
  await page.goto(url);
  await page.getByRole('link', { name: 'Tasks' }).click();
  await expect(page).toHaveURL(`${url}/tasks`);
  await expect(page.getByRole('heading', { name: 'No tasks yet' })).toBeVisible();
});

test('a task that never was is reported as unknown', async ({ lab, page, guard }) => {
  guard.allow(/status of 404/);
  await page.goto(`${lab.url}/tasks/0199a0de-0000-7000-8000-000000000001`);
  await expect(page.getByRole('heading', { level: 1, name: 'Unknown task' })).toBeAttached();
  await page.getByRole('main').getByRole('link', { name: 'All tasks' }).last().click();
  await expect(page).toHaveURL(`${lab.url}/tasks`);
});

test('a task shows its steps, its commands and what they printed, also after a reload', { tag: '@main' }, async ({
  ownLab,
  page,
}) => {
  const { url } = await ownLab([{ name: 'hoge', vms: [{ id: 7, name: 'idle', power: 'off' }] }]);
  await page.goto(`${url}/vms/hoge/7`);
  await page.getByRole('button', { name: 'Power on', exact: true }).click();
  await expect(badge(page)).toHaveText('On');
  await page.getByRole('link', { name: 'Tasks' }).click();
  const row = page.getByRole('row').filter({ hasText: 'Power on idle' });
  await expect(row).toContainText('Completed');
  await row.getByRole('link', { name: /^Power on idle/ }).click();
  for (const again of [false, true]) {
    if (again) await page.reload();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Power on idle on hoge');
    const commands = page.getByRole('region', { name: 'Commands on the host' });
    const run = commands.getByRole('listitem').filter({ hasText: 'vim-cmd vmsvc/power.on 7' });
    await expect(run).toContainText('exit 0');
    await run.locator('summary').click();
    await expect(run).toContainText('Powering on VM');
  }
  await page.getByRole('link', { name: 'Open VM' }).click();
  await expect(page).toHaveURL(`${url}/vms/hoge/7`);
});

test('what a node that is away cannot do fails, and can be asked again', async ({
  ownLab,
  page,
  guard,
}) => {
  // The executor does not give up at once: networks have holes of half a minute.
  test.setTimeout(180_000);
  const { url, nodes } = await ownLab([
    { name: 'hoge', vms: [{ id: 7, name: 'web', power: 'on', up_hours: 1 }] },
  ]);
  // Nor can it be asked for snapshots and devices, as the page does whenever the VM has changed.
  guard.allow(/502 .*\/vms\/hoge\/7\/(snapshots|hardware)/);
  await page.goto(`${url}/vms/hoge/7`);
  await nodes.goesAway('hoge');
  await page.getByRole('button', { name: 'Suspend', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click();
  await expect(page.getByRole('main').getByText(/failed/)).toBeVisible({
    timeout: 120_000,
  });
  await page.getByRole('link', { name: /^Suspend web/ }).click();
  await nodes.comesBack('hoge');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { level: 1 }).locator('..')).toContainText('Completed', {
    timeout: 45_000,
  });
});

test('the list of tasks is narrowed down by state and node, and the address keeps it', async ({
  ownLab,
  page,
  guard,
}) => {
  const { url } = await ownLab([
    {
      name: 'hoge',
      vms: [
        { id: 1, name: 'web', power: 'off' },
        { id: 2, name: 'fails-no-memory', power: 'off', at_power_on: 'lacks_memory' },
      ],
    },
    { name: 'fuga', vms: [{ id: 1, name: 'cache', power: 'off' }] },
  ]);
  const powerOn = async (vm: string) => {
    const answer = await fetch(`${url}/api/v1/vms/${vm}/power`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{"action":"on"}',
    });
    expect(answer.status).toBe(202);
    await fetch(`${url}${answer.headers.get('location')}?wait=60`);
  };
  for (const vm of ['hoge/1', 'hoge/2', 'fuga/1']) await powerOn(vm);

  await page.goto(`${url}/tasks`);
  const shown = page.getByRole('region', { name: 'Tasks' }).getByRole('rowheader').getByRole('link');
  const chip = (name: string) =>
    page.getByRole('group', { name: 'Show only' }).getByRole('button', { name: new RegExp(`^${name} `) });
  await expect(shown).toHaveText([
    'Power on cache on fuga',
    'Power on fails-no-memory on hoge',
    'Power on web on hoge',
  ]);
  await expect(chip('Completed')).toHaveText('Completed 2');
  await chip('Failed').click();
  await expect(shown).toHaveText(['Power on fails-no-memory on hoge']);
  await expect(page).toHaveURL(`${url}/tasks?state=failed%2Cinterrupted`);
  await chip('Completed').click();
  await page.getByRole('combobox', { name: 'Host' }).selectOption('hoge');
  await expect(shown).toHaveCount(2);
  await page.reload();
  await expect(chip('Failed')).toHaveAttribute('aria-pressed', 'true');
  await expect(page.getByRole('combobox', { name: 'Host' })).toHaveValue('hoge');
  await expect(shown).toHaveText(['Power on fails-no-memory on hoge', 'Power on web on hoge']);
  await page.goBack();
  await expect(shown).toHaveCount(3);

  await chip('Failed').click();
  await page.getByRole('combobox', { name: 'Host' }).selectOption('fuga');
  await chip('Completed').click();
  await page.goto(`${url}/tasks?state=queued,running`);
  await expect(page.getByRole('heading', { name: 'No matching tasks' })).toBeVisible();
  await page.getByRole('link', { name: 'All tasks' }).click();
  await expect(shown).toHaveCount(3);

  // One press is one task, however often the network loses the answer.
  await shown.filter({ hasText: 'fails-no-memory' }).click();
  const keys: (string | undefined)[] = [];
  guard.allow(/net::ERR_/);
  await page.route('**/power', async (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    if (keys.length > 1) return route.continue();
    await route.fetch();
    return route.abort();
  });
  const again = page.getByRole('button', { name: 'Try again' });
  await again.click();
  const banner = page.getByRole('main').getByRole('status');
  await expect(banner.filter({ hasText: 'The server is not responding.' })).toBeVisible();
  await again.click();
  await expect.poll(() => keys.length).toBe(2);
  expect(keys[0]).toMatch(/^[\x21-\x7e]+$/);
  expect(keys[1]).toBe(keys[0]);
  await expect
    .poll(async () => {
      const { items } = (await (await fetch(`${url}/api/v1/tasks`)).json()) as { items: unknown[] };
      return items.length;
    })
    .toBe(4);
});
