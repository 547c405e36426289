// The role of a contestant: one way to do the work, with a server and a client process of its own.
import type { Workload } from '../workload.js';

/** One that runs in Node. Both methods are called in a process of their own. */
export interface Contestant {
  serve(workload: Workload): Promise<Serving>;
  connect(port: number, workload: Workload): Promise<Calling>;
}

export interface Serving {
  /** Where clients connect to; 0 if there is nothing to connect to. */
  readonly port: number;
  close(): Promise<unknown>;
}

export interface Calling {
  /** One unit of work, its answer checked. */
  call(): Promise<void>;
  /** Commands, or Results, that a call counts for; default: 1. */
  readonly units?: number;
  /** What was seen beside the time, by its name; asked when a turn is over. */
  figures?(): Readonly<Record<string, number>>;
  close(): Promise<unknown>;
}

/** Gives the elements of a list one after the other, and again. */
export function inTurn<T>(list: readonly T[]): () => T {
  let next = 0;
  return () => list[next++ % list.length]!;
}
