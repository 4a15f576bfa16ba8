// What makes a server fall silent, or a page stand still: how long until the page says so, and until
// it is right again. The times are printed; the promise is 35 s and 5 s on a machine that has nothing
// else to do.

import { type Page, chromium } from '@playwright/test';

import type { Lab } from './support/lab.ts';
import { List } from './support/list.ts';
import type { SimulatedNode } from './support/nodes.ts';
import { stopped } from './support/processes.ts';
import { Wire } from './support/wire.ts';
import { SERVER_AWAY, expect, test } from './support/test.ts';

const NODES: SimulatedNode[] = [{ name: 'hoge', vms: [{ id: 1, name: 'web-1' }] }];

/** What a loaded machine may take longer. */
const SLACK = 15_000;
const NOTICED = 35_000 + SLACK;
const RIGHT = 5_000 + SLACK;

const connection = (page: Page) => page.getByRole('banner').getByRole('status');
const cut = (page: Page) => page.getByText(/Not connected since \d\d:\d\d/);

/** Waits for it, and returns how long that took, in milliseconds. */
async function timed(wait: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await wait();
  return Math.round(performance.now() - begun);
}

function print(what: string, times: Record<string, number>): void {
  const shown = Object.entries(times).map(([name, ms]) => `${name} ${(ms / 1000).toFixed(1)} s`);
  console.log(`    silence, ${what}: ${shown.join(', ')}`);
}

/** The page says that it is current, and is. */
async function right(lab: Lab, page: Page, name: string): Promise<void> {
  await expect(connection(page)).toHaveText('Live', { timeout: RIGHT });
  await lab.nodes.addVm('hoge', { name });
  await expect(new List(page).row(name)).toBeVisible();
  await expect(cut(page)).toBeHidden();
}

for (const what of ['server is stopped', 'packets are dropped'] as const) {
  test(`the ${what}: it is noticed, with the time, and found again at once`, async ({
    closing,
    ownLab,
    page,
    guard,
  }) => {
    test.setTimeout(180_000);
    guard.allow(SERVER_AWAY);
    const lab = await ownLab(NODES);
    const wire = await Wire.to(closing, lab.url);
    await new List(page).open(wire.url);
    await expect(connection(page)).toHaveText('Live');
    const silent = what === 'server is stopped' ? lab.server : wire;

    silent.freeze();
    const noticed = await timed(() =>
      expect(connection(page)).toHaveText('Not connected', { timeout: NOTICED }),
    );
    await expect(cut(page)).toBeVisible();
    silent.thaw();
    const found = await timed(() =>
      expect(connection(page)).toHaveText('Live', { timeout: RIGHT }),
    );
    print(what, { noticed, found });
    await right(lab, page, 'later');
  });
}

test('the machine sleeps: what happened meanwhile is there when it wakes up', async ({
  closing,
  ownLab,
}) => {
  test.setTimeout(180_000);
  const lab = await ownLab(NODES);
  const wire = await Wire.to(closing, lab.url);
  const server = closing.add(
    await chromium.launchServer(test.info().project.use.launchOptions ?? {}),
    (it) => it.close(),
  );
  const browser = await chromium.connect(server.wsEndpoint());
  const page = await browser.newPage();
  await new List(page).open(wire.url);
  await expect(connection(page)).toHaveText('Live');

  // Its connections do not outlast it, and it does not learn of it.
  const wakeUp = stopped(server.process().pid);
  closing.add(wakeUp, async (it) => it());
  wire.forget();
  await lab.nodes.addVm('hoge', { name: 'made meanwhile' });
  // Longer than the server's sign of life may be away.
  await new Promise((resolve) => setTimeout(resolve, 40_000));
  wakeUp();
  const found = await timed(async () => {
    await expect(new List(page).row('made meanwhile')).toBeVisible({ timeout: RIGHT });
    await expect(connection(page)).toHaveText('Live', { timeout: RIGHT });
  });
  print('the machine slept 40 s', { right: found });
  await right(lab, page, 'later');
});

for (const hours of [-3, 3]) {
  test(`the clock jumps by ${hours} h: the page is right within moments`, async ({
    ownLab,
    page,
  }) => {
    const lab = await ownLab(NODES);
    await page.clock.install();
    await new List(page).open(lab.url);
    await expect(connection(page)).toHaveText('Live');
    const since = new List(page).cell('web-1', 'Updated');
    await expect(since).not.toContainText(/ h|ago: |in /);
    await page.clock.setSystemTime(Date.now() + hours * 3_600_000);
    // The stream is opened again, since the machine may have slept, and proves itself.
    const opened = page.waitForRequest((request) => request.url().includes('/api/v1/events'));
    const found = await timed(async () => {
      await opened;
      await expect(connection(page)).toHaveText('Live', { timeout: RIGHT });
    });
    print(`the clock jumped by ${hours} h`, { right: found });
    await right(lab, page, 'later');
    await expect(since).not.toContainText(/ h/);
  });
}
