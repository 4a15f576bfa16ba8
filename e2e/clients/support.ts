// What both tests of the API stand on: a stack of their own, and programs that are run to their end.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

import { test as base } from '@playwright/test';

import { Lab, withClosing } from '../tests/support/lab.ts';
import type { SimulatedNode } from '../tests/support/nodes.ts';
import { fromRoot } from '../tests/support/program.ts';

export const HERE = path.dirname(fileURLToPath(import.meta.url));

/** A stack that is the test's alone. */
export const test = base.extend<{ lab: Lab; signIn: boolean }>({
  /** Whether one has to show who one is. */
  signIn: [false, { option: true }],
  lab: async ({ signIn }, use) => {
    const nodes: SimulatedNode[] = [
      {
        name: 'hoge',
        vms: [
          { id: 14, name: 'web-1', power: 'on', cpus: 2, memory_mb: 2048, ip: '192.0.2.11', tools: true },
          { id: 15, name: 'db-1', power: 'off', cpus: 8, memory_mb: 16384, comment: 'owner: ops' },
        ],
      },
      { name: 'fuga', vms: [{ name: 'web-2', power: 'off', cpus: 1, memory_mb: 1024 }] },
    ];
    await withClosing(async (closing) => use(await Lab.open(closing, nodes, { signIn })));
  },
});

/** Where cargo builds, and what is made on the way can be left. */
export const TARGET = process.env.ECOMAN_TARGET ?? fromRoot('target');

/** The interpreter that has the packages of requirements.txt. */
export const PYTHON = process.env.ECOMAN_PYTHON ?? 'python3';

/** Runs a program in a folder beside this file; an error has all that it said. */
export function run(
  folder: string,
  program: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<string> {
  const options = {
    cwd: path.join(HERE, folder),
    // Playwright asks for colours, which turn on moving bars in what is not shown anyway.
    env: { ...process.env, FORCE_COLOR: undefined, ...env },
    maxBuffer: 64 * 1024 * 1024,
  };
  return new Promise((resolve, reject) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const line = [path.basename(program), ...args].join(' ');
      reject(new Error(`${line}: ${error.code ?? error.signal}\n${stdout}\n${stderr}`));
    });
  });
}
