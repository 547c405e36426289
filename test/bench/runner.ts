// Runs one scenario: a pair of processes for each variant, then rounds in which every variant has its turn, so that
// whatever else the machine does falls on all of them.
import type { Sample } from './load.js';
import type { Scenario, Variant } from './scenario.js';
import type { Round } from './worker.js';
import { WorkerProcess } from './worker-process.js';

export interface RunOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Default: the scenario's. */
  readonly inFlight?: number | undefined;
  /** Folder for CPU profiles of all processes; default: none are made. */
  readonly profile?: string | undefined;
}

/** The samples of one variant, one for each round. */
export interface Measured {
  readonly variant: string;
  readonly samples: readonly Sample[];
}

interface Pair {
  readonly server: WorkerProcess;
  readonly client: WorkerProcess;
  readonly samples: Sample[];
}

export async function run(scenario: Scenario, options: RunOptions): Promise<readonly Measured[]> {
  const { rounds, seconds, warmUpSeconds, inFlight = scenario.inFlight } = options;
  const workers: WorkerProcess[] = [];
  const start = async (role: 'server' | 'client', variant: Variant, ...rest: string[]) => {
    const worker = new WorkerProcess([role, scenario.name, variant.name, ...rest], profiling(options, role, variant));
    workers.push(worker);
    return { worker, greeting: await worker.greeting };
  };
  try {
    const pairs: Pair[] = [];
    for (const variant of scenario.variants) {
      const { greeting: port, worker: server } = await start('server', variant);
      const { worker: client } = await start('client', variant, String(port));
      await client.ask({ inFlight, seconds: warmUpSeconds } satisfies Round);
      pairs.push({ server, client, samples: [] });
    }
    for (let round = 0; round < rounds; round++) {
      for (const { server, client, samples } of pairs) {
        const ofClient = (await client.ask({ inFlight, seconds } satisfies Round)) as Omit<Sample, 'serverHeapMiB'>;
        samples.push({ ...ofClient, serverHeapMiB: (await server.ask({})) as number });
      }
    }
    return scenario.variants.map(({ name }, index) => ({ variant: name, samples: pairs[index]!.samples }));
  } finally {
    // Clients first: a server that closes waits for its connections.
    for (const worker of workers.toReversed()) await worker.stop();
  }
}

function profiling({ profile }: RunOptions, role: string, variant: Variant): readonly string[] {
  if (profile === undefined) return [];
  return ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${variant.name}-${role}.cpuprofile`];
}
