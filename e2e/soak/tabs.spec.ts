// Twenty tabs of one window for minutes, all but one of them hidden: by HTTP under localhost and under
// a name of an intranet, and by HTTPS. Run by `cargo xtask soak` where the machine has Xvfb.

import { spawn } from 'node:child_process';

import { test as base, expect } from '@playwright/test';

import { type Closing, Lab, TLS, until, withClosing } from '../tests/support/lab.ts';
import type { SimulatedNode } from '../tests/support/nodes.ts';
import { Chromium, type Tab, ended } from './cdp.ts';

const test = base.extend<{ closing: Closing }>({
  closing: async ({}, use) => withClosing(use),
});

const MINUTES = Number(process.env.ECOMAN_SOAK_MINUTES ?? 10);
const TABS = 20;
const INTRANET = 'ecoman.intra.example';
const NODES: SimulatedNode[] = [
  { name: 'hoge', vms: [{ id: 1, name: 'web-1', power: 'off' }, { id: 2, name: 'web-2' }] },
];

/** What the header says of the connection. */
const CONNECTION = `document.querySelector('header [role=status] .word')?.textContent ?? ''`;
/** Name and power of each VM. */
const ROWS = `[...document.querySelectorAll('[role=grid] [role=row]:has(a)')]
  .map((it) => it.querySelector('a').textContent + ' ' + it.textContent.replace(/\\s+/g, ' ')).join('; ')`;
const POWER_ON = `fetch('/api/v1/vms/hoge/1/power', {
  method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"action":"on"}',
}).then((it) => it.status)`;
/** The longest that a request to the API took to begin its answer, in milliseconds. */
const SLOWEST = `Math.round(Math.max(0, ...performance.getEntriesByType('resource')
  .filter((it) => it.name.includes('/api/v1/') && !it.name.includes('/events') && it.responseStart > 0)
  .map((it) => it.responseStart - it.fetchStart)))`;

const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1000));

async function timed(what: string, holds: () => Promise<boolean>): Promise<number> {
  const begun = performance.now();
  await until(what, holds);
  return Math.round(performance.now() - begun);
}

for (const [scheme, name] of [
  ['http', '127.0.0.1'],
  ['http', INTRANET],
  ['https', '127.0.0.1'],
] as const) {
  test(`${TABS} tabs under ${scheme}://${name} for ${MINUTES} min`, async ({ closing }) => {
    test.setTimeout((MINUTES + 10) * 60_000);
    const { url, server, nodes } = await Lab.open(closing, NODES, {
      variables: {
        DASHBOARD_ALLOWED_HOSTS: `${INTRANET},127.0.0.1`,
        ...(scheme === 'https' ? TLS : {}),
      },
    });
    const display = `:${20 + (process.pid % 200)}`;
    const screen = ['-screen', '0', '1280x900x24', '-nolisten', 'tcp'];
    const args = [`--host-resolver-rules=MAP ${INTRANET} 127.0.0.1`, '--ignore-certificate-errors'];
    closing.add(spawn('Xvfb', [display, ...screen], { stdio: 'ignore' }), ended);
    await seconds(1);
    const browser = await Chromium.start(closing, display, args);
    const tabs: Tab[] = [];
    for (let number = 0; number < TABS; number += 1) {
      tabs.push(await browser.open(url.replace('127.0.0.1', name), number > 0));
    }
    const front = tabs[0] as Tab;
    await front.show();
    const live = async () => {
      // Before a page is there nothing can be evaluated in it.
      const said = tabs.map((tab) => tab.evaluate(CONNECTION).catch(() => ''));
      return (await Promise.all(said)).every((it) => it === 'Live');
    };
    await until('every tab is live', live, 180_000);
    // How long it takes to open all of them says nothing of what follows.
    await Promise.all(tabs.map((tab) => tab.evaluate('performance.clearResourceTimings()')));
    const hidden = await Promise.all(tabs.map((tab) => tab.evaluate('document.hidden')));
    expect(hidden.filter(Boolean), 'tabs that nobody sees').toHaveLength(TABS - 1);
    await until('one stream', async () => (await server.streams()) === 1);

    // Browsers slow the timers of hidden tabs down step by step, the last time after five minutes.
    const end = Date.now() + MINUTES * 60_000;
    let most = 0;
    while (Date.now() < end) {
      await seconds(10);
      most = Math.max(most, await server.streams());
      expect(await front.evaluate(CONNECTION)).toBe('Live');
    }
    expect(most, 'streams at once').toBe(1);

    const times: Record<string, number> = {};
    const shows = (tab: Tab, words: string) => async () =>
      (await tab.evaluate<string>(ROWS)).includes(words);
    await nodes.addVm('hoge', { name: 'new' });
    times['a change in front'] = await timed('the new VM in front', shows(front, 'new'));
    // Asked for in a tab that nobody sees.
    await (tabs[7] as Tab).evaluate(POWER_ON);
    times['a power change in front'] = await timed('web-1 on in front', shows(front, 'web-1 On'));
    // What is hidden is not drawn until somebody looks.
    let longest = 0;
    for (const tab of tabs) {
      await tab.show();
      longest = Math.max(longest, await timed('both in a tab that is shown', async () => {
        return (await shows(tab, 'new')()) && (await shows(tab, 'web-1 On')());
      }));
    }
    times['the same in a tab that is shown'] = longest;
    for (const how of ['freeze', 'kill', 'close'] as const) {
      // The tab in front leads: the next one sees it go.
      const [leader, next] = [tabs.pop() as Tab, tabs.at(-1) as Tab];
      await leader.show();
      await until('one stream', async () => (await server.streams()) === 1);
      await next.show();
      if (how === 'kill') leader.kill();
      else await leader[how]();
      await nodes.addVm('hoge', { name: `after ${how}` });
      times[`a change after ${how}`] = await timed(`the VM after ${how}`, shows(next, `after ${how}`));
      await until('one stream', async () => (await server.streams()) === 1);
    }
    const slowest = await Promise.all(tabs.map((tab) => tab.evaluate<number>(SLOWEST)));
    times['slowest request'] = Math.max(...slowest);
    console.log(`    tabs, ${scheme}://${name}: ${JSON.stringify(times)} ms`);
    // Where a stream a tab is held, requests wait without end.
    expect(times['slowest request']).toBeLessThan(10_000);
    const tasks = await fetch(`${url}/api/v1/tasks`).then((it) => it.json());
    expect(tasks.items).toHaveLength(1);
  });
}
