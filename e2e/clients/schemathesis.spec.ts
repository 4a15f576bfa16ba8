// Schemathesis makes requests of the document, valid and not, single and in a row, and compares the
// answers with what the document says.

import { expect } from '@playwright/test';

import type { Lab } from '../tests/support/lab.ts';
import { PYTHON, run, test } from './support.ts';

/** The id of the token that the tester shows. */
async function ownToken(lab: Lab): Promise<string> {
  const answer = await fetch(`${lab.url}/api/v1/tokens`, { headers: lab.headers });
  const tokens = (await answer.json()) as { items?: { id: string }[] };
  return tokens.items?.[0]?.id ?? '';
}

/** How many tasks of each kind there are, on all pages of the list. */
async function taskKinds(lab: Lab): Promise<Map<string, number>> {
  const kinds = new Map<string, number>();
  let page = '';
  do {
    const answer = await fetch(`${lab.url}/api/v1/tasks?limit=500${page}`, { headers: lab.headers });
    const tasks = (await answer.json()) as {
      items: { request: { kind: string } }[];
      next_page: string | null;
    };
    for (const { request } of tasks.items) kinds.set(request.kind, (kinds.get(request.kind) ?? 0) + 1);
    page = tasks.next_page === null ? '' : `&page_token=${tasks.next_page}`;
  } while (page !== '');
  return kinds;
}

for (const [who, signIn] of [
  ['anybody, where nobody signs in', false],
  ['the token of an admin', true],
] as const) {
  test.describe(who, () => {
    test.use({ signIn });

    test('schemathesis finds nothing with all its checks', async ({ lab }) => {
      const headers = Object.entries(lab.headers);
      const args = [
        '-m',
        'schemathesis.cli',
        '--config-file=schemathesis.toml',
        'run',
        `${lab.url}/api/v1/openapi.json`,
        '--checks=all',
        '--continue-on-failure',
        '--no-color',
        ...headers.flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
      ];
      const said = await run('.', PYTHON, args, { ECOMAN_TESTER_TOKEN: await ownToken(lab) });
      console.log(said.slice(said.indexOf('= SUMMARY =')));

      // It has not been turned away at the door: it has made VMs, answered them, and changed their power.
      const kinds = await taskKinds(lab);
      console.log('Tasks by kind:', Object.fromEntries(kinds));
      expect([...kinds.keys()]).toEqual(expect.arrayContaining(['answer', 'create', 'power']));
      if (signIn) {
        const answer = await fetch(`${lab.url}/api/v1/audit?limit=1000`, { headers: lab.headers });
        const audit = (await answer.json()) as { items: { operation: string; outcome: string }[] };
        const done = audit.items.filter((entry) => entry.outcome === 'succeeded');
        const operations = new Set(done.map((entry) => entry.operation));
        for (const operation of ['createUser', 'createToken']) {
          expect([...operations]).toContain(operation);
        }
      }
    });
  });
}
