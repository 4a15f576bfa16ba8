// The network between browser and server: it can lose what is sent, in both directions.

import { type Server as NetServer, type Socket, createServer, connect } from 'node:net';

import { type Closing, servers } from './lab.ts';

export class Wire {
  private readonly ends = new Map<Socket, Socket>();
  private frozen = false;

  private constructor(
    private readonly server: NetServer,
    readonly url: string,
  ) {
    servers.add(url);
  }

  /** A wire to the server at this address, with an address of its own. */
  static async to(closing: Closing, url: string): Promise<Wire> {
    const { hostname, port } = new URL(url);
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, hostname, resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no free port');
    const wire = new Wire(server, `http://${hostname}:${address.port}`);
    server.on('connection', (near) => wire.join(near, connect(Number(port), hostname)));
    return closing.add(wire, (it) => it.close());
  }

  /** From now on nothing arrives. What is sent meanwhile is kept, as it would be sent again. */
  freeze(): void {
    this.frozen = true;
    for (const end of this.all()) end.pause();
  }

  thaw(): void {
    this.frozen = false;
    for (const end of this.all()) end.resume();
  }

  /** Over the connections that there are nothing ever arrives again, not even their end. */
  forget(): void {
    for (const [near, far] of this.ends) {
      for (const end of [near, far]) end.removeAllListeners().on('error', () => undefined).pause();
      far.destroy();
    }
  }

  private join(near: Socket, far: Socket): void {
    this.ends.set(near, far);
    const both = [
      [near, far],
      [far, near],
    ] as const;
    for (const [end, other] of both) {
      end.on('data', (bytes) => other.write(bytes));
      end.on('end', () => other.end());
      end.on('error', () => other.destroy());
      end.on('close', () => this.ends.delete(near));
      if (this.frozen) end.pause();
      else end.resume();
    }
  }

  private all(): Socket[] {
    return [...this.ends].flat();
  }

  private async close(): Promise<void> {
    for (const end of this.all()) end.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
