// What every browser test stands on: a stack, the list, and a guard over what the page does.

import { type ConsoleMessage, type Page, test as base, expect } from '@playwright/test';

import { type Closing, Lab, type Server, seeded, server, servers, withClosing } from './lab.ts';
import { List } from './list.ts';
import type { SimulatedNode } from './nodes.ts';
import { NODES } from './inventory.ts';

export { expect };

/** Notes whatever a page must never do: errors on its console, requests to strangers. */
export class Guard {
  private readonly faults: string[] = [];
  private readonly allowed: RegExp[] = [];

  constructor(page: Page) {
    page.on('console', (message: ConsoleMessage) => {
      // Violations of the Content-Security-Policy are console errors.
      if (message.type() === 'error' || message.type() === 'warning') {
        this.faults.push(`console: ${message.text()} (${message.location().url})`);
      }
    });
    page.on('pageerror', (error) => this.faults.push(`uncaught: ${error.message}`));
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      const within = protocol === 'data:' || protocol === 'blob:';
      if (!within && !servers.has(origin)) this.faults.push(`asked a stranger: ${request.url()}`);
    });
  }

  /** The test makes this happen itself. */
  allow(fault: RegExp): void {
    this.allowed.push(fault);
  }

  check(): void {
    const faults = this.faults.filter((fault) => !this.allowed.some((it) => it.test(fault)));
    expect(faults, 'what the page must not do').toEqual([]);
  }
}

/** A server that is away is reported by the browser itself, on the console. */
export const SERVER_AWAY = /net::ERR_|status of 50[23]/;

interface Fixtures {
  /** Checked after each test. */
  guard: Guard;
  /** The list of the page. */
  list: List;
  /** Starts a stack that is this test's alone. */
  ownLab: (nodes: SimulatedNode[], variables?: Record<string, string>) => Promise<Lab>;
  /** Starts a dashboard over made-up data. */
  ownDashboard: (nodes: number, vms: number) => Promise<Server>;
  /** Starts a server with nothing but these variables. */
  ownServer: (role: 'up' | 'dashboard', env: Record<string, string>) => Promise<Server>;
  /** Ended after the test, the last one first. */
  closing: Closing;
}

interface WorkerFixtures {
  /** The stack of the tests that change nothing. */
  lab: Lab;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  lab: [
    async ({}, use) => withClosing(async (closing) => use(await Lab.open(closing, NODES))),
    { scope: 'worker', timeout: 60_000 },
  ],
  guard: [
    // Leaning on `closing`, it is checked before the servers end: a page whose server was ended by
    // the clean-up has done nothing wrong.
    async ({ page, closing: _ }, use) => {
      const guard = new Guard(page);
      await use(guard);
      guard.check();
    },
    { auto: true },
  ],
  list: async ({ page }, use) => use(new List(page)),
  closing: async ({}, use) => withClosing(use),
  ownLab: async ({ closing }, use) => use((nodes, variables) => Lab.open(closing, nodes, { variables })),
  ownDashboard: async ({ closing }, use) => use((nodes, vms) => seeded(closing, nodes, vms)),
  ownServer: async ({ closing }, use) => use((role, env) => server(closing, role, env)),
});
