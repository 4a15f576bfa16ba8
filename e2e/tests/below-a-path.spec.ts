// The page behind a proxy that serves it below a path, beside other things.

import { type IncomingMessage, type ServerResponse, createServer, request } from 'node:http';

import { NODES } from './support/inventory.ts';
import { type Closing, freePort, servers } from './support/lab.ts';
import { List } from './support/list.ts';
import { expect, test } from './support/test.ts';

const BASE = '/ecoman';

/** Serves `upstream` below the path alone; `strips`: takes the path off. */
async function proxy(closing: Closing, upstream: string, strips: boolean): Promise<string> {
  const { hostname, port } = new URL(upstream);
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    const path = incoming.url ?? '';
    if (!path.startsWith(`${BASE}/`)) {
      outgoing.writeHead(404).end('another program');
      return;
    }
    const ask = request(
      {
        hostname,
        port,
        method: incoming.method,
        path: strips ? path.slice(BASE.length) : path,
        headers: incoming.headers,
      },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    ask.on('error', () => outgoing.destroy());
    outgoing.on('close', () => ask.destroy());
    incoming.pipe(ask);
  });
  const own = await freePort();
  await new Promise<void>((resolve) => server.listen(own, '127.0.0.1', resolve));
  closing.add(server, async (it) => {
    it.closeAllConnections();
    await new Promise((resolve) => it.close(resolve));
  });
  const url = `http://127.0.0.1:${own}`;
  servers.add(url);
  return url;
}

for (const strips of [false, true]) {
  const way = strips ? 'takes off' : 'passes on';
  test(`the page works below a path that the proxy ${way}`, async ({
    closing,
    ownLab,
    page,
  }) => {
    const lab = await ownLab(NODES, { DASHBOARD_BASE_PATH: BASE });
    const url = await proxy(closing, lab.url, strips);
    const outside: string[] = [];
    page.on('request', (request) => {
      const { protocol, pathname } = new URL(request.url());
      if (protocol.startsWith('http') && !pathname.startsWith(`${BASE}/`)) outside.push(pathname);
    });

    await page.goto(`${url}${BASE}/`);
    const list = new List(page);
    await expect(list.counts).toHaveText('6 VMs');
    const banner = page.getByRole('banner');
    await expect(banner.getByRole('status')).toHaveText('Live');

    // Every way through the page, and back.
    await banner.getByRole('link', { name: /^Hosts/ }).click();
    await expect(page).toHaveURL(`${url}${BASE}/nodes`);
    const node = page.getByRole('rowheader').getByRole('link').first();
    const name = await node.textContent();
    await node.click();
    await expect(page).toHaveURL(`${url}${BASE}/nodes/${name}`);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(name ?? '');
    const client = page.getByRole('link', { name: 'Host Client' });
    await expect(client).toHaveAttribute('href', /^https:\/\/[^/]+\/ui\//);
    await page.goBack();
    await expect(page).toHaveURL(`${url}${BASE}/nodes`);

    // An address that is typed, and one that is loaded again.
    await page.goto(`${url}${BASE}/new`);
    await expect(page.getByRole('heading', { name: 'New VM' })).toBeVisible();
    await page.reload();
    await expect(page.getByRole('heading', { name: 'New VM' })).toBeVisible();
    await banner.getByRole('link', { name: 'ECoMan' }).click();
    await expect(page).toHaveURL(`${url}${BASE}/`);
    await expect(list.counts).toHaveText('6 VMs');

    // A change: the request, its task and the events about it.
    const vm = await fetch(`${lab.url}/api/v1/vms?q=power:off`).then((it) => it.json());
    const { node: of, vmid } = vm.items[0];
    await page.goto(`${url}${BASE}/vms/${of}/${vmid}`);
    await page.getByRole('button', { name: 'Power on' }).click();
    await expect(page.getByText('Running').first()).toBeVisible();

    await page.goto(`${url}${BASE}/api/docs/`);
    await expect(page.getByRole('heading', { name: /^ECoMan/ })).toBeVisible();
    await expect(page.locator('.servers')).toContainText(BASE);
    await page.getByRole('link', { name: '← ECoMan' }).click();
    await expect(page).toHaveURL(`${url}${BASE}/`);
    await expect(list.counts).toHaveText('6 VMs');
    expect(outside).toEqual([]);
  });
}
