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

      // It has not been turned away at the door: it has made VMs, and answered them. Whether a VM can be
      // switched when its turn comes depends on what has been done to it before.
      const answer = await fetch(`${lab.url}/api/v1/tasks?limit=500`, { headers: lab.headers });
      const tasks = (await answer.json()) as { items: { request: { kind: string } }[] };
      const kinds = new Set(tasks.items.map((task) => task.request.kind));
      expect([...kinds]).toEqual(expect.arrayContaining(['answer', 'create']));
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
