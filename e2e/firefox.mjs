#!/usr/bin/env node
// Firefox as it is installed, for Playwright: its command line, its log, and its WebDriver BiDi with
// the one command left out that Playwright sends for each window and Firefox ESR does not know.
// When ESR knows it, this file can go.

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

// Of Playwright, which is pinned.
const { ws: WebSocket, wsServer: WebSocketServer } = createRequire(import.meta.url)(
  'playwright-core/lib/utilsBundle',
);

const UNKNOWN = new Set(['emulation.setMediaFeaturesOverride']);
const LISTENS = /WebDriver BiDi listening on (ws:\/\/[^\s]+)/;

const firefox = spawn(process.env.ECOMAN_FIREFOX ?? 'firefox-esr', process.argv.slice(2), {
  stdio: ['ignore', 'inherit', 'pipe'],
});
firefox.on('error', (error) => {
  console.error(String(error));
  process.exit(1);
});
firefox.on('exit', (code) => process.exit(code ?? 1));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => firefox.kill(signal));
}

let log = '';
firefox.stderr.setEncoding('utf8').on('data', (text) => {
  const found = log === undefined ? null : LISTENS.exec((log += text));
  process.stderr.write(text.replace(LISTENS, 'Firefox listens on $1'));
  if (found === null) return;
  log = undefined;
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 }, () => {
    process.stderr.write(`WebDriver BiDi listening on ws://127.0.0.1:${server.address().port}\n`);
  });
  server.on('connection', (client) => relay(client, `${found[1]}/session`));
});

function relay(client, url) {
  const browser = new WebSocket(url);
  const waiting = [];
  client.on('message', (data) => {
    const text = data.toString();
    const { id, method } = JSON.parse(text);
    if (UNKNOWN.has(method)) {
      client.send(JSON.stringify({ type: 'success', id, result: {} }));
    } else if (browser.readyState === WebSocket.OPEN) {
      browser.send(text);
    } else {
      waiting.push(text);
    }
  });
  browser.on('open', () => {
    for (const text of waiting.splice(0)) browser.send(text);
  });
  browser.on('message', (data) => client.send(data.toString()));
  client.on('close', () => browser.close());
  browser.on('close', () => client.close());
  browser.on('error', () => client.close());
}
