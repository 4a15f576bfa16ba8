// Processes as the system sees them.

import { readFileSync, readdirSync } from 'node:fs';

/** Stops a process and all of its descendants. Returns what lets them continue. */
export function stopped(root: number | undefined): () => void {
  if (root === undefined) throw new Error('no process');
  const pids = withDescendants(root);
  // A parent first: one that is stopped starts nothing more.
  for (const pid of pids) signal(pid, 'SIGSTOP');
  return () => {
    for (const pid of pids.reverse()) signal(pid, 'SIGCONT');
  };
}

function withDescendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const parent = Number.isInteger(pid) ? parentOf(pid) : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** `undefined`: it has ended. */
function parentOf(pid: number): number | undefined {
  try {
    // `1234 (any name) S 1 …`
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 1).trim().split(' ')[1]);
  } catch {
    return undefined;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}
