// Schemathesis makes requests of the document, valid and not, single and in a row, and compares the
// answers with what the document says.

import { expect } from '@playwright/test';

import { PYTHON, run, test } from './support.ts';

test('schemathesis finds nothing with all its checks', async ({ lab }) => {
  const said = await run('.', PYTHON, [
    '-m',
    'schemathesis.cli',
    '--config-file=schemathesis.toml',
    'run',
    `${lab.url}/api/v1/openapi.json`,
    '--checks=all',
    '--continue-on-failure',
    '--no-color',
  ]);
  console.log(said.slice(said.indexOf('= SUMMARY =')));

  // It has not been turned away at the door: it has made VMs, and changed their power.
  const answer = await fetch(`${lab.url}/api/v1/tasks?limit=500`);
  const tasks = (await answer.json()) as { items: { request: { kind: string } }[] };
  const kinds = new Set(tasks.items.map((task) => task.request.kind));
  expect([...kinds].sort()).toEqual(['answer', 'create', 'power']);
});
