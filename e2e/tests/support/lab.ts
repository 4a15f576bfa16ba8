// A whole stack of its own: nodes, the program `ecoman`, and a directory that goes with them.

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { Nodes, type SimulatedNode } from './nodes.ts';
import { Program, binary, fromRoot } from './program.ts';

/** Addresses of the servers of this process: nothing else may be asked by a page. */
export const servers = new Set<string>();

/** Variables with which a server speaks HTTPS, with a certificate that nobody trusts. */
export const TLS = {
  DASHBOARD_TLS_CERT: fromRoot('e2e/tests/support/tls/cert.pem'),
  DASHBOARD_TLS_KEY: fromRoot('e2e/tests/support/tls/key.pem'),
};

/** Things to be ended, the last one first. */
export class Closing {
  private readonly ends: (() => Promise<unknown>)[] = [];

  add<T>(thing: T, end: (thing: T) => Promise<unknown>): T {
    this.ends.push(() => end(thing));
    return thing;
  }

  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (const end of this.ends.splice(0).reverse()) {
      await end().catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw new AggregateError(errors, errors.map(String).join('\n'));
  }
}

/** Uses things that are ended behind it, whatever happens. */
export async function withClosing(use: (closing: Closing) => Promise<void>): Promise<void> {
  const closing = new Closing();
  try {
    await use(closing);
  } finally {
    await closing.close();
  }
}

export async function temporaryDirectory(closing: Closing): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'ecoman-e2e-'));
  // The last processes of a browser may still write into it.
  const patient = { recursive: true, force: true, maxRetries: 10, retryDelay: 200 };
  return closing.add(directory, () => rm(directory, patient));
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

/** `ecoman` in one of its roles that serve the page. */
export class Server {
  private program: Program | undefined;

  constructor(
    readonly url: string,
    private readonly args: string[],
    private readonly env: Record<string, string>,
  ) {
    servers.add(url);
  }

  /** Starts it, and waits until it listens. */
  async start(): Promise<void> {
    this.program = Program.start(binary('ECOMAN_BIN', 'ecoman'), this.args, this.env);
    await this.program.logged(/ECoMan is at http/);
  }

  /** Waits until it knows what is in the store. */
  async ready(): Promise<void> {
    await until(`${this.url}/readyz answers 200`, async () => {
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      return answer?.ok ?? false;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; the server said:\n${this.log}`);
    });
  }

  async stop(): Promise<void> {
    await this.program?.stop();
    this.program = undefined;
  }

  /** Freezes it: its connections stay open, and nothing comes over them. */
  freeze(): void {
    this.program?.signal('SIGSTOP');
  }

  /** Lets it continue. */
  thaw(): void {
    this.program?.signal('SIGCONT');
  }

  /** How many streams of events are open. */
  async streams(): Promise<number> {
    const metrics = await fetch(`${this.url}/metrics`).then((it) => it.text());
    return Number(/^ecoman_event_streams (\d+)$/m.exec(metrics)?.[1]);
  }

  get log(): string {
    return this.program?.log ?? '';
  }
}

/** A server for the page, on a free port, with its own data directory. */
export async function server(
  closing: Closing,
  role: 'up' | 'dashboard',
  env: Record<string, string>,
): Promise<Server> {
  const port = await freePort();
  const scheme = 'DASHBOARD_TLS_CERT' in env ? 'https' : 'http';
  // Nobody trusts it, and neither do the requests of these tests.
  if (scheme === 'https') process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  const server = new Server(`${scheme}://127.0.0.1:${port}`, [role], {
    DASHBOARD_PORT: String(port),
    ...env,
  });
  closing.add(server, async (it) => {
    it.thaw();
    await it.stop();
  });
  await server.start();
  return server;
}

/** What a program shows of itself, as an admin that `ecoman user` and `ecoman token` have made. */
export async function adminToken(data: string): Promise<string> {
  const ecoman = async (...args: string[]) => {
    const env = { PATH: process.env.PATH, ECOMAN_DATA: data };
    const { stdout } = await promisify(execFile)(binary('ECOMAN_BIN', 'ecoman'), args, { env });
    return stdout.trim();
  };
  await ecoman('user', 'add', 'tester', '--role', 'admin', '--no-password');
  return ecoman('token', 'create', 'test', '--user', 'tester', '--role', 'admin');
}

/** Adds a user with a password as an administrator does in a script. */
export async function addUser(
  data: string,
  name: string,
  role: string,
  password: string,
): Promise<void> {
  const add = spawn(binary('ECOMAN_BIN', 'ecoman'), ['user', 'add', name, '--role', role], {
    env: { PATH: process.env.PATH, ECOMAN_DATA: data },
  });
  add.stdin.end(`${password}\n`);
  const code = await new Promise((resolve) => add.once('close', resolve));
  if (code !== 0) throw new Error(`ecoman user add ${name} ended with ${String(code)}`);
}

/** Simulated nodes under `ecoman up`, asked every second. */
export class Lab {
  private constructor(
    readonly nodes: Nodes,
    readonly server: Server,
    /** What a request has to carry. */
    readonly headers: Record<string, string>,
    /** The data directory of the server. */
    readonly data: string,
  ) {}

  get url(): string {
    return this.server.url;
  }

  /** Changes the power of a VM as another client would, and waits for the end of it. */
  async power(node: string, vm: number, action: string): Promise<{ id: string; state: string }> {
    const headers = { 'content-type': 'application/json', ...this.headers };
    const asked = await fetch(`${this.url}/api/v1/vms/${node}/${vm}/power`, {
      method: 'PUT',
      headers,
      body: JSON.stringify({ action }),
    });
    if (!asked.ok) throw new Error(`${action} was refused: ${await asked.text()}`);
    const { id } = (await asked.json()) as { id: string };
    const ended = await fetch(`${this.url}/api/v1/tasks/${id}?wait=50`, { headers });
    return (await ended.json()) as { id: string; state: string };
  }

  /** `signIn`: only who shows a token may come in. */
  static async open(
    closing: Closing,
    specs: SimulatedNode[],
    { signIn = false, variables = {} as Record<string, string> } = {},
  ): Promise<Lab> {
    const data = await temporaryDirectory(closing);
    const env: Record<string, string> = { ...variables };
    const headers: Record<string, string> = {};
    if (signIn) {
      env.DASHBOARD_SIGN_IN = 'password';
      headers.Authorization = `Bearer ${await adminToken(data)}`;
    }
    const nodes = closing.add(await Nodes.start(data, specs), (it) => it.stop());
    const up = await server(closing, 'up', {
      HOSTS_PATH: nodes.hosts,
      ECOMAN_DATA: data,
      CRAWLER_INTERVAL: '1',
      ...env,
    });
    await up.ready();
    const vms = specs.reduce((sum, node) => sum + node.vms.length, 0);
    await until(`the API lists ${vms} VMs on ${specs.length} nodes`, async () => {
      const [list, nodes] = await Promise.all([
        fetch(`${up.url}/api/v1/vms?limit=1`, { headers }).then((it) => it.json()),
        fetch(`${up.url}/api/v1/nodes`, { headers }).then((it) => it.json()),
      ]);
      const answered = nodes.items?.filter((node: { reachable: boolean }) => node.reachable);
      return list.total === vms && answered?.length === specs.length;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; the server said:\n${up.log}`);
    });
    return new Lab(nodes, up, headers, data);
  }
}

/** A dashboard over an embedded store with so many made-up nodes and VMs. */
export async function seeded(closing: Closing, nodes: number, vms: number): Promise<Server> {
  const data = await temporaryDirectory(closing);
  const seeding = ['seed', '--nodes', String(nodes), '--vms', String(vms), '--data', data];
  await promisify(execFile)(binary('ECOMAN_BENCH_BIN', 'ecoman-bench'), seeding);
  const dashboard = await server(closing, 'dashboard', {
    ECOMAN_STORE: 'embedded',
    ECOMAN_DATA: data,
  });
  await dashboard.ready();
  return dashboard;
}

/** Asks until it holds; the error says what was missing. */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  patience = 30_000,
): Promise<void> {
  const end = Date.now() + patience;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`after ${patience / 1000} s still missing: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
