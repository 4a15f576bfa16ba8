// The nodes of the tests that change nothing. Thresholds are the defaults: 5 CPUs, 8192 MB, 50 GB.

import type { SimulatedNode } from './nodes.ts';

export const NODES: SimulatedNode[] = [
  {
    name: 'hoge',
    generation: '7.0',
    vms: [
      {
        id: 1,
        name: 'web-2',
        power: 'on',
        cpus: 2,
        memory_mb: 4096,
        disk_gb: 40,
        used_gb: 10,
        ip: '192.0.2.9',
        up_hours: 30,
        comment: 'owner: ops',
      },
      {
        id: 2,
        name: 'db-1',
        power: 'on',
        cpus: 8,
        memory_mb: 16384,
        disk_gb: 100,
        used_gb: 80,
        ip: '192.0.2.10',
        up_hours: 800,
        comment: 'primary database\nbackup at 02:00',
      },
      { id: 14, name: 'web-10', power: 'off', cpus: 6, memory_mb: 2048, disk_gb: 40, used_gb: 20 },
    ],
  },
  {
    name: 'fuga',
    generation: '8.0',
    vms: [
      {
        id: 3,
        name: 'cache',
        power: 'on',
        cpus: 1,
        memory_mb: 8192,
        disk_gb: 16,
        used_gb: 5,
        ip: '192.0.2.100',
        up_hours: 2,
        guest: 'windows2019srv_64Guest',
      },
      { id: 4, name: 'archive', power: 'off', cpus: 3, memory_mb: 1024, disk_gb: 60, used_gb: 50 },
      {
        id: 5,
        name: 'frozen',
        power: 'suspended',
        cpus: 4,
        memory_mb: 3072,
        disk_gb: 40,
        used_gb: 30,
        comment: 'do not wake',
      },
    ],
  },
];
