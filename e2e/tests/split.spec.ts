// Crawler and dashboard as processes of their own with MongoDB between them, configured by
// nothing but the variables of the Python ECoMan.

import { Nodes } from './support/nodes.ts';
import { Server, freePort, temporaryDirectory, until } from './support/lab.ts';
import { Program, binary } from './support/program.ts';
import { SERVER_AWAY, expect, test } from './support/test.ts';

test('crawler and dashboard meet in MongoDB, and survive its absence', async ({
  closing,
  list,
  page,
  guard,
}) => {
  test.setTimeout(120_000);
  guard.allow(SERVER_AWAY);
  const data = await temporaryDirectory(closing);
  const nodes = closing.add(
    await Nodes.start(data, [{ name: 'hoge', vms: [{ name: 'a', power: 'on' }, { name: 'b' }] }]),
    (it) => it.stop(),
  );
  const port = await freePort();
  const database = await temporaryDirectory(closing);
  const mongod = closing.add(new Mongod(port, database), (it) => it.stop());
  await mongod.start();
  // The original has no variable for its port nor for known hosts: those two are ours.
  const shared = { MONGO_HOST: `127.0.0.1:${port}`, MONGO_DBNAME: 'ecoman', ECOMAN_DATA: data };
  const crawling = { ...shared, HOSTS_PATH: nodes.hosts, CRAWLER_INTERVAL: '1' };

  const once = Program.start(binary('ECOMAN_BIN', 'ecoman'), ['crawler', '--once'], crawling);
  expect(await once.ended(), once.log).toBe(0);

  const web = await freePort();
  const dashboard = closing.add(
    new Server(`http://127.0.0.1:${web}`, ['dashboard'], { ...shared, DASHBOARD_PORT: `${web}` }),
    (it) => it.stop(),
  );
  await dashboard.start();
  await dashboard.ready();
  await list.open(dashboard.url);
  await expect(list.names).toHaveText(['a', 'b']);

  closing.add(
    Program.start(binary('ECOMAN_BIN', 'ecoman'), ['crawler'], crawling),
    (it) => it.stop(),
  );
  await nodes.addVm('hoge', { name: 'c' });
  await expect(list.names).toHaveText(['a', 'b', 'c']);

  await mongod.stop();
  await until('the dashboard says that it is not ready', async () => {
    const answer = await fetch(`${dashboard.url}/readyz`);
    return answer.status === 503;
  });
  await expect(list.names).toHaveText(['a', 'b', 'c']);
  await nodes.addVm('hoge', { name: 'd' });
  await mongod.start();
  await expect(list.names).toHaveText(['a', 'b', 'c', 'd'], { timeout: 60_000 });
});

class Mongod {
  private program: Program | undefined;

  constructor(
    private readonly port: number,
    private readonly directory: string,
  ) {}

  async start(): Promise<void> {
    const file = process.env.ECOMAN_MONGOD;
    if (!file) throw new Error('ECOMAN_MONGOD names no mongod: `cargo xtask test` installs one');
    const args = ['--bind_ip', '127.0.0.1', '--nounixsocket', '--wiredTigerCacheSizeGB', '0.25'];
    this.program = Program.start(file, [
      '--dbpath',
      this.directory,
      '--port',
      String(this.port),
      ...args,
    ]);
    const url = `http://127.0.0.1:${this.port}`;
    // It answers HTTP with a hint, which is all that is needed to know that it listens.
    await until('mongod listens', () => fetch(url).then(() => true, () => false));
  }

  async stop(): Promise<void> {
    await this.program?.stop();
    this.program = undefined;
  }
}
