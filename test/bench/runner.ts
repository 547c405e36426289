// Runs one contest: a pair of processes for each entry, then rounds in which every entry has its turn, so that whatever
// else the machine does falls on all of them.
import type { Contest, Entry } from './contests.js';
import { goProgram } from './go-program.js';
import { missingFor, runtimeOf } from './lineup.js';
import type { Effort } from './load.js';
import type { Sample, Samples } from './ratios.js';
import type { Greeting, Job, Round, Turn, Watch } from './worker.js';
import { WorkerProcess } from './worker-process.js';

export interface RunOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** Of the processor, both sides together, before anything counts. */
  readonly warmUpSeconds: number;
  /** Folder for CPU profiles of all Node processes; undefined: none are made. */
  readonly profile: string | undefined;
}

const WARM_UP_PATIENCE = 3;

/** Receives what goes on, a line at a time. */
export type Progress = (line: string) => void;

interface Pair {
  readonly entry: Entry;
  readonly server: WorkerProcess;
  readonly client: WorkerProcess;
  readonly samples: Sample[];
}

export async function run(contest: Contest, options: RunOptions, progress: Progress): Promise<Samples> {
  const workers: WorkerProcess[] = [];
  const start = (entry: Entry, role: Job['role'], port = 0): WorkerProcess => {
    const worker = startWorker(contest, entry, role, port, options);
    workers.push(worker);
    return worker;
  };
  try {
    const entries = contest.entries.filter((entry) => isPossible(entry, progress));
    const servers = entries.map((entry) => ({ entry, server: start(entry, 'server') }));
    const pairs: Pair[] = [];
    for (const { entry, server } of servers) {
      const { port } = (await server.greeting) as Greeting;
      const client = start(entry, 'client', port);
      await client.greeting;
      progress(`${contest.name}: ${entry.name} warms up`);
      const pair: Pair = { entry, server, client, samples: [] };
      await warmUp(pair, options.warmUpSeconds);
      pairs.push(pair);
    }
    for (let round = 1; round <= options.rounds; round++) {
      // There and back: what drifts evenly falls on all alike.
      for (const pair of round % 2 === 1 ? pairs : pairs.toReversed()) {
        const sample = await takeTurn(pair, options.seconds, round === options.rounds);
        pair.samples.push(sample);
        const speed = Math.round(sample.unitsPerSecond).toLocaleString('en');
        progress(`${contest.name}: round ${round}/${options.rounds}, ${pair.entry.name}: ${speed} ${contest.unit}/s`);
      }
    }
    return Object.fromEntries(pairs.map(({ entry, samples }) => [entry.name, samples]));
  } finally {
    // Clients first: a server that closes waits for its connections.
    for (const worker of workers.toReversed()) await worker.stop();
  }
}

function isPossible({ name, contestant }: Entry, progress: Progress): boolean {
  const missing = missingFor(contestant);
  if (missing !== undefined) progress(`skipped: ${name}, because there is no ${missing} on the PATH`);
  return missing === undefined;
}

/** Counts processor time: where the machine has other things to do, code is compiled later by the clock. */
async function warmUp(pair: Pair, cpuSeconds: number): Promise<void> {
  const giveUpAt = performance.now() + 1000 * WARM_UP_PATIENCE * cpuSeconds;
  for (let spent = 0; spent < cpuSeconds && performance.now() < giveUpAt;) {
    const { unitsPerSecond, clientCpu, serverCpu } = await takeTurn(pair, cpuSeconds / 2, false);
    spent += ((clientCpu + serverCpu) * unitsPerSecond * cpuSeconds) / 2e6;
  }
}

async function takeTurn({ entry, server, client }: Pair, seconds: number, heap: boolean): Promise<Sample> {
  await server.ask({ watch: 'begin', heap: false } satisfies Watch);
  const round: Round = { inFlight: entry.workload.inFlight, seconds, heap };
  const turn = (await client.ask(round)) as Turn;
  const effort = (await server.ask({ watch: 'end', heap } satisfies Watch)) as Effort;
  return {
    unitsPerSecond: turn.unitsPerSecond,
    p50: turn.p50,
    p99: turn.p99,
    p999: turn.p999,
    clientCpu: (turn.cpuSeconds / turn.units) * 1e6,
    serverCpu: (effort.cpuSeconds / turn.units) * 1e6,
    clientHeap: turn.heapBytes,
    serverHeap: effort.heapBytes,
    figures: turn.figures,
  };
}

function startWorker(contest: Contest, entry: Entry, role: Job['role'], port: number, { profile }: RunOptions) {
  const { contestant, workload } = entry;
  const job: Job = { role, contestant, workload, port };
  const about = `the ${role} of ${entry.name}`;
  if (runtimeOf(contestant, role) === 'go') return new WorkerProcess(about, goProgram(), [JSON.stringify(job)]);
  const file = `${contest.name}-${entry.name.replaceAll(/\W+/g, '-')}-${role}.cpuprofile`;
  const profiling = ['--cpu-prof', `--cpu-prof-dir=${profile ?? ''}`, `--cpu-prof-name=${file}`];
  return WorkerProcess.node(about, job, profile === undefined ? [] : profiling);
}
