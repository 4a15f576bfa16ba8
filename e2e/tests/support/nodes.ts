// Simulated ESXi nodes, each behind a real sshd: what happens to them happens here.

import { Program, binary } from './program.ts';

export interface SimulatedVm {
  /** The next free one if left out. */
  id?: number;
  name: string;
  /** Its folder on the datastore; by its name if left out. */
  folder?: string;
  power?: 'on' | 'off' | 'suspended';
  cpus?: number;
  memory_mb?: number;
  disk_gb?: number;
  used_gb?: number;
  /** Of the guest, reported by VMware Tools while it runs. */
  ip?: string;
  /** Whether the guest has VMware Tools. */
  tools?: boolean;
  /** `ubuntu64Guest`, `windows2019srv_64Guest`, ... */
  guest?: string;
  /** How long it has been running. */
  up_hours?: number;
  comment?: string;
  /** The result of powering it on, each time; it starts if left out. */
  at_power_on?: 'starts' | 'asks' | 'lacks_memory' | 'misconfigured';
  /** Whether the guest does nothing when it is asked to shut down. */
  ignores_shutdown?: boolean;
}

export interface SimulatedNode {
  name: string;
  generation?: '5.5' | '6.5' | '6.7' | '7.0' | '8.0' | '9.0';
  /** How long each remote command takes, beside its own work. */
  latency_ms?: number;
  /** Whether it has Python, and so can be read by one program. */
  python?: boolean;
  vms: SimulatedVm[];
}

interface Answer {
  error?: string;
  power?: string;
  changes?: string[];
  files?: string[];
  vmx?: string;
}

export class Nodes {
  private waiting: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly program: Program,
    /** The hosts.yml that names them. */
    readonly hosts: string,
  ) {}

  /** Starts them, and writes hosts.yml and known_hosts into `directory`. */
  static async start(directory: string, nodes: SimulatedNode[]): Promise<Nodes> {
    const program = Program.start(binary('ECOMAN_BENCH_BIN', 'ecoman-bench'), [
      'nodes',
      '--directory',
      directory,
    ]);
    const started = new Nodes(program, `${directory}/hosts.yml`);
    try {
      for (const node of nodes) await started.ask({ do: 'start', ...node });
    } catch (error) {
      await program.stop();
      throw error;
    }
    return started;
  }

  /** The node is switched off: its address refuses connections, those there are cut. */
  async goesAway(node: string): Promise<void> {
    await this.ask({ do: 'stop', node });
  }

  /** It is back at the same address, with the same VMs. */
  async comesBack(node: string): Promise<void> {
    await this.ask({ do: 'start_again', node });
  }

  async addVm(node: string, vm: SimulatedVm): Promise<void> {
    await this.ask({ do: 'add_vm', node, vm });
  }

  /** Changes what is given and leaves the rest. */
  async editVm(node: string, id: number, vm: Partial<SimulatedVm>): Promise<void> {
    await this.ask({ do: 'edit_vm', node, id, vm });
  }

  async removeVm(node: string, id: number): Promise<void> {
    await this.ask({ do: 'remove_vm', node, id });
  }

  /** What the node itself knows of a VM, and which changes of its power have arrived there. */
  async look(node: string, id: number): Promise<{ power?: string; changes: string[] }> {
    const { power, changes = [] } = await this.ask({ do: 'look', node, id });
    return { power, changes };
  }

  /** The names of what is in a folder of the datastore. */
  async files(node: string, folder: string): Promise<string[]> {
    const { files = [] } = await this.ask({ do: 'files', node, folder });
    return files;
  }

  /** Somebody puts a file there. */
  async plant(node: string, file: string): Promise<void> {
    await this.ask({ do: 'plant', node, file });
  }

  /** The keys of a VM's `.vmx` as they are on the node, with their values. */
  async vmx(node: string, id: number): Promise<Record<string, string>> {
    const { vmx = '' } = await this.ask({ do: 'look', node, id });
    const lines = [...vmx.matchAll(/^\s*([\w.:]+)\s*=\s*"(.*)"\s*$/gm)];
    const plain = (value: string) =>
      value.replace(/\|([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    return Object.fromEntries(lines.map(([, key, value]) => [key, plain(value ?? '')]));
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }

  /** One command at a time; each is answered by one line. */
  private ask(command: object): Promise<Answer> {
    const answer = this.waiting
      .catch(() => undefined)
      .then(async () => {
        this.program.send(JSON.stringify(command));
        const answer = JSON.parse(await this.program.line()) as Answer;
        if (answer.error) throw new Error(`${JSON.stringify(command)}: ${answer.error}`);
        return answer;
      });
    this.waiting = answer;
    return answer;
  }
}
