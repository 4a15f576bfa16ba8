// The programs under test: started, listened to, and ended.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

/** How long a program may take to be ready or to end. */
const PATIENCE_MS = 30_000;

/** `cargo xtask test` names the programs; by hand they are those of the last `cargo build`. */
export function binary(variable: string, name: string): string {
  const file = process.env[variable] ?? fromRoot('target', 'debug', name);
  if (!existsSync(file)) {
    throw new Error(`${file} is missing: \`cargo build -p ${name}\`, or name it in ${variable}`);
  }
  return file;
}

/** A path from the root of the repository. */
export function fromRoot(...segments: string[]): string {
  return path.join(fileURLToPath(new URL('../../..', import.meta.url)), ...segments);
}

export class Program {
  /** What it wrote to standard error, so that one can find out why a test failed. */
  log = '';
  private out = '';
  private listeners = new Set<() => void>();

  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
      this.wake();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
      this.wake();
    });
    child.on('exit', () => this.wake());
  }

  /** Starts `file` with nothing of this shell's own ECoMan settings but those in `env`. */
  static start(file: string, args: string[], env: Record<string, string> = {}): Program {
    const kept = Object.entries(process.env).filter(
      ([name]) => !/^(ECOMAN|MONGO|DASHBOARD|CRAWLER|EXECUTOR|HOSTS)_/.test(name),
    );
    const child = spawn(file, args, {
      env: { ...Object.fromEntries(kept), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return new Program([path.basename(file), ...args].join(' '), child);
  }

  /** Waits until standard error matches, and returns the match. */
  async logged(pattern: RegExp): Promise<RegExpExecArray> {
    return this.until(`a line like ${pattern}`, () => pattern.exec(this.log) ?? undefined);
  }

  /** Waits for one more line on standard output, and returns it. */
  async line(): Promise<string> {
    return this.until('a line of output', () => {
      const end = this.out.indexOf('\n');
      if (end < 0) return undefined;
      const line = this.out.slice(0, end);
      this.out = this.out.slice(end + 1);
      return line;
    });
  }

  send(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** Waits for its own end, and returns its exit code. */
  async ended(): Promise<number | null> {
    await this.until('its end', () => this.hasEnded() || undefined, true);
    return this.child.exitCode;
  }

  /** Asks it to end, as a service manager would, and waits until it has. */
  async stop(): Promise<void> {
    if (!this.hasEnded()) {
      this.child.kill('SIGTERM');
      await this.ended().catch((error: unknown) => {
        this.child.kill('SIGKILL');
        throw error;
      });
    }
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.hasEnded()) this.child.kill(signal);
  }

  private hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  private wake(): void {
    for (const listener of [...this.listeners]) listener();
  }

  private until<T>(what: string, find: () => T | undefined, mayEnd = false): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        this.listeners.delete(look);
        clearTimeout(timer);
        finish();
      };
      const fail = (why: string) =>
        settle(() => reject(new Error(`${this.name}: ${why} ${what}; it said:\n${this.log}`)));
      const look = () => {
        const found = find();
        if (found !== undefined) settle(() => resolve(found));
        else if (this.hasEnded() && !mayEnd) fail('ended before');
      };
      const timer = setTimeout(() => fail(`after ${PATIENCE_MS / 1000} s still without`), PATIENCE_MS);
      this.listeners.add(look);
      look();
    });
  }
}
