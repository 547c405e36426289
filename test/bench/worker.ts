// The entry of every Node process that is measured: the server of one contestant, or the client that puts load on it.
// It answers each line of JSON on its stdin by one on descriptor 3, and closes what it opened at the end of stdin.
// The Go program of test/interop/go/cmd/bench speaks the same.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Effort, measure, type Speed, watchEffort } from './load.js';
import { contestantNamed } from './lineup.js';
import type { Workload } from './workload.js';

/** How a worker is started, as the JSON of its only argument. */
export interface Job {
  readonly role: 'server' | 'client';
  readonly contestant: string;
  readonly workload: Workload;
  /** Where the server listens; for clients. */
  readonly port: number;
}

/** The first line of a server; that of a client is the same with its port. */
export interface Greeting {
  readonly port: number;
}

/** What a client is asked for; it answers with a {@link Turn}. */
export interface Round {
  readonly inFlight: number;
  readonly seconds: number;
  /** Look at the heap behind it. */
  readonly heap: boolean;
}

export type Turn = Speed & Effort & { readonly figures?: Readonly<Record<string, number>> | undefined };

/** What a server is asked for: to begin to count, or to say what has come together since. */
export interface Watch {
  readonly watch: 'begin' | 'end';
  /** Look at the heap behind it. */
  readonly heap: boolean;
}

const { role, contestant: name, workload, port } = JSON.parse(process.argv[2]!) as Job;
const contestant = await contestantNamed(name);
const say = (line: object): number => writeSync(3, `${JSON.stringify(line)}\n`);
const asked = createInterface({ input: process.stdin });

if (role === 'server') {
  const serving = await contestant.serve(workload);
  let effort = watchEffort();
  say({ port: serving.port } satisfies Greeting);
  for await (const line of asked) {
    const { watch, heap } = JSON.parse(line) as Watch;
    if (watch === 'begin') effort = watchEffort();
    say(effort(heap));
  }
  await serving.close();
} else {
  const calling = await contestant.connect(port, workload);
  say({ port } satisfies Greeting);
  for await (const line of asked) {
    const { inFlight, seconds, heap } = JSON.parse(line) as Round;
    const effort = watchEffort();
    const speed = await measure(calling, inFlight, seconds);
    say({ ...speed, ...effort(heap), figures: calling.figures?.() } satisfies Turn);
  }
  await calling.close();
}
