// What one unary `execute()` passes on each side: between two processes, over a connection that is warm.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TracedCall } from './call-trace.js';
import type { PeerAnswer, PeerOrder } from './peer.js';

export interface OneCall {
  readonly client: readonly TracedCall[];
  readonly server: readonly TracedCall[];
}

/** A timer that strikes during a call adds to it, so the call is measured several times: the leanest counts. */
const ATTEMPTS = 10;

export async function traceOneCall(): Promise<OneCall> {
  const server = await Peer.start();
  const client = await Peer.start(server.port);
  try {
    // The first one connects.
    await client.ask('call');
    const clientCalls: (readonly TracedCall[])[] = [];
    const serverCalls: (readonly TracedCall[])[] = [];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await server.ask('clear');
      clientCalls.push((await client.ask('call')).calls!);
      serverCalls.push((await server.ask('take')).calls!);
    }
    return { client: leanest(clientCalls), server: leanest(serverCalls) };
  } finally {
    client.end();
    server.end();
  }
}

/** The files of lib that have a function that ran. */
export function filesOf(calls: readonly TracedCall[]): readonly string[] {
  return [...new Set(calls.map(({ file }) => file))].toSorted();
}

/**
 * Each call of a function in another file than its caller's; the event loop, named `node`, is such a caller as well.
 */
export function movesOf(calls: readonly TracedCall[]): ReadonlyMap<string, number> {
  const moves = new Map<string, number>();
  for (const { file, caller } of calls) {
    const from = caller?.file ?? 'node';
    if (from === file) continue;
    const move = `${from} -> ${file}`;
    moves.set(move, (moves.get(move) ?? 0) + 1);
  }
  return new Map([...moves].toSorted(([, a], [, b]) => b - a));
}

/** The calls as a tree: a line for each, indented under its caller. */
export function treeOf(calls: readonly TracedCall[]): readonly string[] {
  return calls.map((call) => `${'  '.repeat(depthOf(call))}${call.file} ${call.name}`);
}

function depthOf({ caller }: TracedCall): number {
  return caller ? 1 + depthOf(caller) : 0;
}

function leanest(attempts: readonly (readonly TracedCall[])[]): readonly TracedCall[] {
  return attempts.reduce((least, calls) => (calls.length < least.length ? calls : least));
}

class Peer {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;
  #port: number | undefined;

  private constructor(args: readonly string[]) {
    this.#child = fork(join(import.meta.dirname, 'peer.ts'), args, {
      execArgv: ['--import', pathToFileURL(join(import.meta.dirname, '../support/typescript-loader.mjs')).href],
      // Callers that several calls share stay shared.
      serialization: 'advanced',
    });
    this.#ended = once(this.#child, 'exit').then(() => {
      throw new Error('a peer has ended');
    });
    // The next question fails with it; unasked, it is no unhandled rejection.
    this.#ended.catch(() => {});
  }

  static async start(serverPort?: number): Promise<Peer> {
    const peer = new Peer(serverPort === undefined ? [] : [String(serverPort)]);
    peer.#port = (await peer.#answer()).port;
    return peer;
  }

  get port(): number | undefined {
    return this.#port;
  }

  ask(order: PeerOrder): Promise<PeerAnswer> {
    this.#child.send(order);
    return this.#answer();
  }

  end(): void {
    this.#child.disconnect();
  }

  async #answer(): Promise<PeerAnswer> {
    const [answer] = await Promise.race([once(this.#child, 'message'), this.#ended]);
    return answer as PeerAnswer;
  }
}
