// How soon one's own action is on the screen: from when the node has done it to after the frame
// in which the row of the list shows it. Real sshd, crawler, executor and dashboard.
//
// When the node has done it is what the task itself reports: when the command was sent, and how
// long it took. The browser and the program are on one machine, and so is their clock.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { chromium } from '@playwright/test';

const ROUNDS = 10;
const PATIENCE_MS = 60_000;
const GOAL_MS = 3000;

const data = await mkdtemp(path.join(tmpdir(), 'ecoman-own-action-'));
const ends = [() => rm(data, { recursive: true, force: true })];
try {
  const nodes = start(named('ECOMAN_BENCH_BIN'), ['nodes', '--directory', data]);
  const answers = createInterface({ input: nodes.stdout })[Symbol.asyncIterator]();
  const vms = Array.from({ length: 40 }, (_, number) => ({ id: number + 1, name: `vm-${number}` }));
  nodes.stdin.write(`${JSON.stringify({ do: 'start', name: 'hoge', vms })}\n`);
  const { value: answer } = await answers.next();
  if (answer !== '{}') throw new Error(`the node did not start: ${answer}`);

  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  start(named('ECOMAN_BIN'), ['up'], {
    HOSTS_PATH: path.join(data, 'hosts.yml'),
    ECOMAN_DATA: data,
    DASHBOARD_PORT: String(port),
    ECOMAN_LOG: 'warn',
    // Rounds are rare: what is seen was looked at because of the task.
    CRAWLER_INTERVAL: '600',
  });
  await until('all VMs', async () => {
    const list = await get('/api/v1/vms?limit=1').catch(() => undefined);
    return list?.total === vms.length;
  });

  const browser = await chromium.launch({
    executablePath: process.env.ECOMAN_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
  });
  ends.push(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1600, height: 900 } });
  await page.goto(`${url}/?sort=name`);
  const grid = page.getByRole('grid', { name: 'Virtual machines' });
  await grid.getByRole('row').nth(1).waitFor();

  const changes = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [action, shown] of [
      ['on', 'On'],
      ['off', 'Off'],
    ]) {
      const painted = paints(grid, 'vm-0', shown);
      const task = await ask('PUT', '/api/v1/vms/hoge/1/power', { action });
      changes.push((await painted) - (await doneAt(task, `power.${action}`)));
    }
  }
  const created = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    // First in the list, so that its row is on the screen.
    const name = `a-${round}`;
    const painted = paints(grid, name, 'Off');
    const vm = { node: 'hoge', name, cpus: 1, memory_mb: 512, disk_gb: 1, power_on: false };
    const task = await ask('POST', '/api/v1/vms', vm);
    created.push((await painted) - (await doneAt(task, 'registervm')));
  }
  figure('own_action_painted_p50', quantile(changes, 0.5));
  figure('own_action_painted_max', Math.max(...changes), GOAL_MS);
  figure('own_vm_painted_p50', quantile(created, 0.5));
  figure('own_vm_painted_max', Math.max(...created), GOAL_MS);

  async function get(path) {
    const answer = await fetch(`${url}${path}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** Asks for a change, and returns the address of its task. */
  async function ask(method, path, body) {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (answer.status !== 202) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.headers.get('location');
  }

  /** When a command of a task had ended on the node, in milliseconds since the epoch. */
  async function doneAt(path, command) {
    const task = await get(`${path}?wait=60`);
    const run = task.commands.find((it) => it.command.includes(command));
    if (task.state !== 'succeeded' || run?.millis === undefined) {
      throw new Error(`${path}: ${JSON.stringify(task)}`);
    }
    return Date.parse(run.at) + run.millis;
  }
} finally {
  for (const end of ends.reverse()) await end();
}

/** When the row of a VM was painted with this state of power, since the epoch. */
function paints(grid, name, power) {
  return grid.evaluate(
    (element, [name, power, patience]) =>
      new Promise((resolve, reject) => {
        const deadline = performance.now() + patience;
        const afterPaint = new MessageChannel();
        // A message is delivered after the frame that was being made when it was sent.
        afterPaint.port1.onmessage = () => resolve(performance.timeOrigin + performance.now());
        const frame = () => {
          const row = [...element.querySelectorAll('[role=row]')].find((row) =>
            [...row.querySelectorAll('a')].some((link) => link.textContent.trim() === name),
          );
          const cells = [...(row?.querySelectorAll('[role=gridcell]') ?? [])];
          if (cells.some((cell) => cell.textContent.trim() === power)) {
            afterPaint.port2.postMessage(null);
          } else if (performance.now() < deadline) {
            requestAnimationFrame(frame);
          } else {
            reject(new Error(`${name} is never shown as ${power}: ${row?.textContent}`));
          }
        };
        requestAnimationFrame(frame);
      }),
    [name, power, PATIENCE_MS],
  );
}

/** Starts a program that ends with this one. */
function start(program, args, env = {}) {
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH, HOME: data, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  ends.push(() => {
    child.kill('SIGTERM');
    return ended;
  });
  return child;
}

function named(variable) {
  const program = process.env[variable];
  if (!program) throw new Error(`${variable} must name the program`);
  return program;
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function until(what, holds) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`after ${PATIENCE_MS / 1000} s still missing: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function quantile(values, fraction) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))];
}

function figure(name, value, goal) {
  const goalField = goal === undefined ? '' : ` goal=${goal}`;
  console.log(`BENCH name=${name} value=${value.toFixed(1)} unit=ms${goalField} better=lower`);
}
