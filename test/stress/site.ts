// One server and the way to it, with all that can go wrong there: does what is planned, heals it again, and writes down
// what it was.
import { createServer } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultProxy, Direction } from '../support/fault-proxy.js';
import type { FaultRecord } from './incidents.js';
import type { FaultKind, PlannedFault } from './schedule.js';

/** What a site needs of its server. */
export interface Mortal {
  readonly port: number;
  readonly restarts: number;
  kill(): Promise<void>;
  drain(): Promise<void>;
  restart(afterMs: number): Promise<void>;
  freeze(): void;
  resume(): void;
}

const LATENCY = { least: 5, most: 50 };
const MOST_JITTER_MS = 60;
const SLOW_BYTES_PER_SECOND = 100_000;
const MOST_DRIBBLE = 8;
const MOST_CUT_AFTER = 20_000;
const HALF = 0.5;
/** Incidents that come later than this after a fault are not looked for among the old ones. */
const KEPT_MS = 120_000;

export class Site {
  /** What may still explain something. */
  records: FaultRecord[] = [];
  faults = 0;
  readonly faultsByKind = new Map<FaultKind, number>();
  readonly name: string;
  readonly server: Mortal;
  readonly proxy: FaultProxy;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(name: string, server: Mortal, proxy: FaultProxy) {
    this.name = name;
    this.server = server;
    this.proxy = proxy;
  }

  /** Does `work` when all that was asked for before is over: there is one fault at a time. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Resolves when it is healed, or the next server is there. */
  async inject({ kind, lengthMs, extent }: PlannedFault): Promise<void> {
    const record = this.note({ kind, lengthMs });
    this.faults++;
    this.faultsByKind.set(kind, (this.faultsByKind.get(kind) ?? 0) + 1);
    await this.#does(kind, lengthMs, extent);
    record.until = Date.now();
  }

  note(what: Pick<FaultRecord, 'kind' | 'lengthMs' | 'clients'>): FaultRecord {
    const record: FaultRecord = { site: this.name, from: Date.now(), until: Infinity, ...what };
    this.records = this.records.filter(({ until }) => until > record.from - KEPT_MS);
    this.records.push(record);
    return record;
  }

  async #does(kind: FaultKind, lengthMs: number, extent: number): Promise<void> {
    const { server } = this;
    switch (kind) {
      case 'kill':
        await server.kill();
        return server.restart(lengthMs);
      case 'drain':
        await server.drain();
        return server.restart(lengthMs);
      case 'freeze':
      case 'short freeze':
        server.freeze();
        await delay(lengthMs);
        return server.resume();
      case 'fin':
        return this.proxy.cut('fin');
      case 'reset':
        return this.proxy.cut('rst');
      default:
        this.#disturb(kind, extent);
        await delay(lengthMs);
        await this.proxy.heal();
        this.proxy.resetSilent();
    }
  }

  #disturb(kind: FaultKind, extent: number): void {
    const { proxy } = this;
    const direction: Direction = extent < HALF ? 'toServer' : 'toClient';
    switch (kind) {
      case 'latency':
        return proxy.latency(LATENCY.least + extent * (LATENCY.most - LATENCY.least));
      case 'jitter':
        return proxy.latency(1, extent * MOST_JITTER_MS);
      case 'slow link':
        return proxy.bandwidth(SLOW_BYTES_PER_SECOND);
      case 'dribble':
        return proxy.slice(1 + Math.floor(extent * MOST_DRIBBLE));
      case 'refuse':
        return proxy.refuse();
      case 'hang up':
        return proxy.acceptThenClose();
      case 'silence':
        return proxy.blackhole();
      case 'one way to server':
        return proxy.stall('toServer');
      case 'one way to client':
        return proxy.stall('toClient');
      case 'fin in a frame':
        return proxy.cutAfter(1 + Math.floor(extent * MOST_CUT_AFTER), 'fin', direction);
      case 'reset in a frame':
        return proxy.cutAfter(1 + Math.floor(extent * MOST_CUT_AFTER), 'rst', direction);
      default:
        throw new Error(`${kind} is no fault of a network`);
    }
  }
}

/** Below those that systems give to outgoing connections: one of these may be closed for a while and opened again. */
const PORTS = { least: 18_000, most: 30_000 };
const TRIES = 100;

/** A port that no other process takes while it is not listened on. */
export async function lastingPort(): Promise<number> {
  for (let time = 0; time < TRIES; time++) {
    const port = Math.floor(PORTS.least + Math.random() * (PORTS.most - PORTS.least));
    const server = createServer();
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening');
      server.close();
      await once(server, 'close');
      return port;
    } catch {
      // It is taken.
    }
  }
  throw new Error(`no port is free from ${PORTS.least} to ${PORTS.most}`);
}
