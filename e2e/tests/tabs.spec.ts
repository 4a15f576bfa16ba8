// Many tabs of one browser, of which one holds the stream of events; servers that fall silent.

import { type BrowserContext, type Page, type Request, chromium } from '@playwright/test';

import { type Server, TLS } from './support/lab.ts';
import { List } from './support/list.ts';
import type { SimulatedNode } from './support/nodes.ts';
import { SERVER_AWAY, expect, test } from './support/test.ts';

// Twenty tabs are a load by themselves: one test after the other, and nothing is filmed.
test.describe.configure({ mode: 'default' });
test.use({ trace: 'off' });

const NODES: SimulatedNode[] = [
  { name: 'hoge', vms: [{ id: 1, name: 'web-1', power: 'off' }, { id: 2, name: 'web-2' }] },
];

/** A name as those of an intranet: browsers offer a page under it neither locks nor a clipboard. */
const INTRANET = 'ecoman.intra.example';

const connection = (page: Page) => page.getByRole('banner').getByRole('status');

/** Opens tabs that ask for the list side by side, and waits until all of them are current. */
async function openTabs(context: BrowserContext, url: string, count: number): Promise<Page[]> {
  const pages = await Promise.all(Array.from({ length: count }, () => context.newPage()));
  await Promise.all(pages.map((page) => page.goto(url)));
  for (const page of pages) await expect(connection(page)).toHaveText('Live', { timeout: 60_000 });
  // How long a loaded machine takes to open all of them says nothing of what follows.
  for (const page of pages) await page.evaluate(() => performance.clearResourceTimings());
  return pages;
}

/** The tab whose stream is open. Tabs that begin together may open one each; all but one close it. */
class Leader {
  private readonly open = new Map<Request, Page>();

  constructor(context: BrowserContext) {
    context.on('request', (request) => {
      if (!request.url().includes('/api/v1/events')) return;
      this.open.set(request, request.frame().page());
    });
    context.on('requestfinished', (request) => this.open.delete(request));
    context.on('requestfailed', (request) => this.open.delete(request));
  }

  /** The tabs with a stream, but for one. */
  pages(but?: Page): Page[] {
    return [...this.open.values()].filter((page) => page !== but);
  }
}

const oneStream = async (server: Server) =>
  expect.poll(() => server.streams(), { message: 'streams of the browser' }).toBe(1);

/** The longest that a request to the API has waited for a connection, in milliseconds. */
async function longestWait(pages: Page[]): Promise<number> {
  const waits = pages.map((page) =>
    page.evaluate(() => {
      const entries = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
      const api = entries.filter((it) => it.name.includes('/api/v1/') && it.requestStart > 0);
      return Math.max(0, ...api.map((it) => it.requestStart - it.fetchStart));
    }),
  );
  return Math.max(...(await Promise.all(waits)));
}

for (const [scheme, name] of [
  ['http', '127.0.0.1'],
  ['http', INTRANET],
  ['https', '127.0.0.1'],
] as const) {
  test(`twenty tabs under ${scheme}://${name} share one stream, and a change in any of them is made once`, async ({
    ownLab,
  }) => {
    test.setTimeout(300_000);
    const { url, server } = await ownLab(NODES, {
      DASHBOARD_ALLOWED_HOSTS: `${INTRANET},127.0.0.1`,
      ...(scheme === 'https' ? TLS : {}),
    });
    const { launchOptions } = test.info().project.use;
    const browser = await chromium.launch({
      ...launchOptions,
      args: [...(launchOptions?.args ?? []), `--host-resolver-rules=MAP ${INTRANET} 127.0.0.1`],
    });
    try {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      const pages = await openTabs(context, url.replace('127.0.0.1', name), 20);
      const insecure = await pages[0]?.evaluate(() => !window.isSecureContext);
      expect(insecure).toBe(name === INTRANET);
      const protocol = await pages[0]?.evaluate(async () => {
        const path = '/api/v1/config';
        await fetch(path, { cache: 'no-store' }).then((it) => it.text());
        // The entry follows the answer.
        for (;;) {
          const entries = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
          const entry = entries.findLast((it) => it.name.endsWith(path));
          if (entry) return entry.nextHopProtocol;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      });
      expect(protocol).toBe(scheme === 'https' ? 'h2' : 'http/1.1');
      await oneStream(server);

      const asker = pages[13];
      if (asker === undefined) throw new Error('no tab');
      await asker.goto(`${url.replace('127.0.0.1', name)}/vms/hoge/1`);
      const power = asker.getByRole('main').getByRole('group', { name: 'Power' });
      await power.getByRole('button', { name: 'Power on', exact: true }).click();
      for (const page of pages.filter((page) => page !== asker)) {
        const list = new List(page);
        await expect(list.cell('web-1', 'Power')).toHaveText('On', { timeout: 20_000 });
      }
      const tasks = await fetch(`${url}/api/v1/tasks`).then((it) => it.json());
      expect(tasks.items).toHaveLength(1);
      await oneStream(server);
      // Where a stream a tab is held, the seventh tab waits until another one is closed.
      expect(await longestWait(pages)).toBeLessThan(10_000);
    } finally {
      await browser.close();
    }
  });
}

for (const end of ['closed', 'killed', 'hung'] as const) {
  test(`another tab takes over when the leading one is ${end}`, async ({ ownLab, context }) => {
    const { url, server, nodes } = await ownLab(NODES);
    const leader = new Leader(context);
    const pages = await openTabs(context, url, 4);
    await oneStream(server);
    await expect.poll(() => leader.pages().length, { message: 'tabs with a stream' }).toBe(1);
    const [old] = leader.pages();
    if (old === undefined) throw new Error('nobody leads');

    let hung: Promise<void> | undefined;
    if (end === 'closed') {
      await old.close();
    } else if (end === 'killed') {
      const cdp = await context.newCDPSession(old);
      void cdp.send('Page.crash').catch(() => undefined);
    } else {
      // As long as a script of it runs a tab answers nothing, like a frozen one.
      hung = old.evaluate(() => {
        const end = performance.now() + 8000;
        while (performance.now() < end);
      });
    }
    await expect
      .poll(() => leader.pages(old).length, { message: 'other tabs with a stream' })
      .toBe(1);

    await nodes.addVm('hoge', { name: 'new' });
    for (const page of pages.filter((page) => page !== old)) {
      await expect(new List(page).names).toHaveText(['web-1', 'web-2', 'new']);
      await expect(connection(page)).toHaveText('Live');
    }
    if (hung !== undefined) {
      await hung;
      await expect(new List(old).names).toHaveText(['web-1', 'web-2', 'new']);
      await expect(connection(old)).toHaveText('Live');
      await oneStream(server);
    }
  });
}

test('a server that falls silent is noticed, with the time, and found again at once', async ({
  ownLab,
  list,
  page,
  guard,
}) => {
  test.setTimeout(120_000);
  guard.allow(SERVER_AWAY);
  const { url, server } = await ownLab(NODES, { CRAWLER_INTERVAL: '3600' });
  await list.open(url);
  await expect(connection(page)).toHaveText('Live');
  server.freeze();
  const silent = Date.now();
  await expect(connection(page)).toHaveText('Not connected', { timeout: 35_000 });
  const noticed = Date.now() - silent;
  await expect(page.getByText(/Not connected since \d\d:\d\d/)).toBeVisible();
  server.thaw();
  const back = Date.now();
  await expect(connection(page)).toHaveText('Live', { timeout: 5_000 });
  test.info().annotations.push({
    type: 'times',
    description: `noticed after ${noticed} ms, back after ${Date.now() - back} ms`,
  });
  await expect(page.getByText(/Not connected since/)).toBeHidden();
});

test('a stream that is idle stays live', async ({ ownLab, list, page }) => {
  test.setTimeout(120_000);
  const { url, server } = await ownLab(NODES, { CRAWLER_INTERVAL: '3600' });
  let streams = 0;
  page.on('request', (request) => {
    if (request.url().includes('/api/v1/events')) streams += 1;
  });
  await list.open(url);
  await expect(connection(page)).toHaveText('Live');
  // Two signs of life and some more.
  await page.waitForTimeout(36_000);
  await expect(connection(page)).toHaveText('Live');
  expect(streams).toBe(1);
  await oneStream(server);
});

test('a change that gets no answer says that it was not sent, and is not sent later', async ({
  ownLab,
  page,
  guard,
}) => {
  guard.allow(/net::ERR_/);
  const { url } = await ownLab(NODES);
  const held: (() => Promise<void>)[] = [];
  await page.route('**/power', (route) => {
    held.push(() => route.continue());
  });
  await page.goto(`${url}/vms/hoge/1`);
  const power = page.getByRole('main').getByRole('group', { name: 'Power' });
  await power.getByRole('button', { name: 'Power on', exact: true }).click();
  await expect(page.getByText(/^Not sent: no answer from the server within 10 s\./)).toBeVisible({
    timeout: 15_000,
  });
  expect(held).toHaveLength(1);
  for (const release of held) await release().catch(() => undefined);
  const tasks = await fetch(`${url}/api/v1/tasks`).then((it) => it.json());
  expect(tasks.items).toEqual([]);
});
