// Looks around, makes a VM, switches it on and off, and meets a few refusals.

import assert from 'node:assert/strict';

import createClient from 'openapi-fetch';

import type { components, paths } from './ecoman.js';

type Task = components['schemas']['Task'];

const baseUrl = process.argv[2];
assert(baseUrl, 'usage: walk.js URL');
// The list is there as CSV, too; here answers are JSON.
const ecoman = createClient<paths, 'application/json' | 'application/problem+json'>({ baseUrl });

/** The end of a task, which may take longer than one request waits. */
async function ended(task: Task | undefined): Promise<Task> {
  assert(task, 'no task was made');
  for (;;) {
    const { data, error } = await ecoman.GET('/api/v1/tasks/{id}', {
      params: { path: { id: task.id }, query: { wait: 60 } },
    });
    if (!data) throw new Error(error.detail);
    if (data.state !== 'queued' && data.state !== 'running') return data;
  }
}

// All VMs, and some.
const all = await ecoman.GET('/api/v1/vms');
assert.deepEqual(all.data?.items.map((vm) => vm.name), ['web-2', 'web-1', 'db-1']);
const large = await ecoman.GET('/api/v1/vms', {
  params: { query: { q: 'node:hoge memory:>8GB', sort: '-memory', limit: 10 } },
});
assert.equal(large.data?.total, 1);
const [db] = large.data.items;
assert(db);
assert.deepEqual(db.large, ['cpu', 'memory']);

// One of them. What is not known is null.
const one = await ecoman.GET('/api/v1/vms/{node}/{vmid}', {
  params: { path: { node: db.node, vmid: db.vmid } },
});
assert.equal(one.data?.comment, 'owner: ops');
assert.equal(one.data.power, 'off');
assert.equal(one.data.ip_address, null);

// A new one, asked for twice and made once.
const create = () =>
  ecoman.POST('/api/v1/vms', {
    params: { header: { 'Idempotency-Key': 'typescript-1' } },
    body: {
      node: 'fuga',
      name: 'made-in-typescript',
      cpus: 1,
      memory_mb: 1024,
      disk_gb: 1,
      comment: '',
      power_on: false,
    },
  });
const asked = await create();
assert.equal(asked.response.status, 202);
const created = await ended(asked.data);
assert.equal(created.state, 'succeeded', created.error?.detail);
assert.equal(created.request.kind, 'create');
assert.equal((await create()).data?.id, created.id);
assert(created.vm);
const path = { node: created.node, vmid: created.vm.vmid };

// Until the crawler has seen the VM, it is not there.
while ((await ecoman.GET('/api/v1/vms/{node}/{vmid}', { params: { path } })).response.status === 404);

// Power: on, and then it is on already.
const power = (action: components['schemas']['PowerAction']) =>
  ecoman.PUT('/api/v1/vms/{node}/{vmid}/power', { params: { path }, body: { action } });
const on = await ended((await power('on')).data);
assert.equal(on.state, 'succeeded');
assert(on.finished_at);
// What was seen before the end of a task refuses nothing: then the node itself is asked.
for (;;) {
  const { data: vm } = await ecoman.GET('/api/v1/vms/{node}/{vmid}', { params: { path } });
  if (vm?.power === 'on' && new Date(vm.observed_at) > new Date(on.finished_at)) break;
}
const again = await power('on');
assert.equal(again.error?.status, 409);
assert.equal(again.error.type, 'urn:ecoman:problem:refused');
assert.equal((await ended((await power('off')).data)).state, 'succeeded');

// Problems have a type and say what is wrong where.
const nobody = await ecoman.GET('/api/v1/vms/{node}/{vmid}', {
  params: { path: { node: 'hoge', vmid: 4000 } },
});
assert.equal(nobody.error?.type, 'urn:ecoman:problem:vm-not-found');
const nonsense = await ecoman.GET('/api/v1/vms', { params: { query: { q: 'memory:>lots' } } });
assert.equal(nonsense.error?.status, 400);
assert.equal(nonsense.error.errors[0]?.pointer, '?q');

console.log('list, filter, get, create, power, wait and errors: as they should be');
