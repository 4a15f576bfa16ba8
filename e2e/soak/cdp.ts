// A Chromium as a person runs it, over its own protocol: drivers switch off what it does with tabs
// that nobody sees, and this does not.

import { type ChildProcess, spawn } from 'node:child_process';

import { CHROMIUM, CHROMIUM_FLAGS } from '../tests/support/chromium.ts';
import { type Closing, temporaryDirectory } from '../tests/support/lab.ts';

const PATIENCE_MS = 30_000;

interface Message {
  id?: number;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** A browser with a window on a display. */
export class Chromium {
  private number = 0;
  private readonly waiting = new Map<number, (message: Message) => void>();

  private constructor(private readonly socket: WebSocket) {
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data)) as Message;
      if (message.id === undefined) return;
      this.waiting.get(message.id)?.(message);
      this.waiting.delete(message.id);
    });
  }

  static async start(closing: Closing, display: string, args: string[]): Promise<Chromium> {
    const profile = await temporaryDirectory(closing);
    const child = spawn(
      CHROMIUM,
      [
        '--remote-debugging-port=0',
        `--user-data-dir=${profile}`,
        ...CHROMIUM_FLAGS,
        ...args,
        'about:blank',
      ],
      { env: { ...process.env, DISPLAY: display }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    closing.add(child, ended);
    const address = await printed(child, /DevTools listening on (ws:\S+)/);
    const socket = new WebSocket(address);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    closing.add(socket, async (it) => it.close());
    return new Chromium(socket);
  }

  /** A tab beside the others of the window, in front of them or behind. */
  async open(url: string, background: boolean): Promise<Tab> {
    const { targetId } = await this.send('Target.createTarget', { url, background });
    const id = String(targetId);
    const { sessionId } = await this.send('Target.attachToTarget', { targetId: id, flatten: true });
    return new Tab(this, id, String(sessionId));
  }

  send(
    method: string,
    params: Record<string, unknown> = {},
    sessionId?: string,
  ): Promise<Record<string, unknown>> {
    this.number += 1;
    const id = this.number;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${method}: no answer`)), PATIENCE_MS);
      this.waiting.set(id, ({ result, error }) => {
        clearTimeout(timer);
        if (error === undefined) resolve(result ?? {});
        else reject(new Error(`${method}: ${error.message}`));
      });
      this.socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
  }
}

export class Tab {
  constructor(
    private readonly browser: Chromium,
    private readonly id: string,
    private readonly session: string,
  ) {}

  async evaluate<T>(expression: string): Promise<T> {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.browser.send(
      'Runtime.evaluate',
      params,
      this.session,
    );
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value: T }).value;
  }

  /** In front of the other tabs of its window. */
  async show(): Promise<void> {
    await this.browser.send('Target.activateTarget', { targetId: this.id });
  }

  async close(): Promise<void> {
    await this.browser.send('Target.closeTarget', { targetId: this.id });
  }

  /** As the browser does with tabs that were hidden for long. */
  async freeze(): Promise<void> {
    await this.browser.send('Page.setWebLifecycleState', { state: 'frozen' }, this.session);
  }

  /** Its process dies. No answer comes. */
  kill(): void {
    void this.browser.send('Page.crash', {}, this.session).catch(() => undefined);
  }
}

/** Waits for a line on standard error, and returns its first group. */
export function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = '';
    const timer = setTimeout(() => reject(new Error(`no ${pattern}: ${log}`)), PATIENCE_MS);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      const found = pattern.exec(log)?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
    child.once('exit', () => reject(new Error(`ended without ${pattern}: ${log}`)));
  });
}

/** Ends a process, and waits until it has. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const end = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await end;
}
