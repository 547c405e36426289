// What went wrong for a client, and which fault explains it. A fault explains what it may cause, while it lasts and for
// as long as a client needs to find it out and get over it; what nothing explains is a failure of the run.
import type { FaultKind } from './schedule.js';

/** A fault, or what else befell the way to one server. Times are milliseconds since the epoch. */
export interface FaultRecord {
  readonly site: string;
  readonly kind: FaultKind | 'failed Command' | 'client freeze';
  readonly lengthMs: number;
  readonly from: number;
  /** Infinity while it lasts. */
  until: number;
  /** Only these clients are concerned; undefined: all. */
  readonly clients?: readonly string[];
}

/** Calls that failed, a connection that was lost or could not be opened; several that are alike are one incident. */
export interface Incident {
  readonly what: 'call' | 'connection' | 'attempt';
  readonly client: string;
  /** Where the connection led to. */
  readonly site?: string | undefined;
  readonly code: string;
  readonly cause?: string | undefined;
  /** May the server have seen the Command? */
  readonly sent?: boolean | undefined;
  /** When the first of the calls began. */
  readonly from: number;
  /** When the last of them failed. */
  readonly until: number;
  readonly count: number;
}

export interface Client {
  readonly name: string;
  readonly sites: readonly string[];
  /** Without the extension a drain is a connection that ends. */
  readonly isPlain: boolean;
}

/** Clocks of several processes, and events that wait for their turn. */
const SLACK_MS = 1000;
/** A loss that the network tells is found at once, or with the next write; on a machine that is busy, later. */
const NOTICED_MS = 3000;

interface Effect {
  /** So long after its end a connection may be lost by it; undefined: never. */
  readonly losesForMs?: number;
  /** So long after its end calls may fail because there is no connection; undefined: never. */
  readonly awayForMs?: number;
}

const harmless: Effect = {};
const cut: Effect = { losesForMs: NOTICED_MS };

/**
 * @param silenceMs how long a silence may last until keepalive says that the server is gone
 * @param awayMs how long a client may need to be connected again
 */
function effectOf({ kind, lengthMs }: FaultRecord, silenceMs: number, awayMs: number): Effect {
  switch (kind) {
    case 'latency':
    case 'jitter':
    case 'slow link':
    case 'dribble':
    case 'short freeze':
    case 'client freeze':
      return harmless;
    case 'refuse':
    case 'hang up':
      return { awayForMs: awayMs };
    case 'failed Command':
    case 'fin':
    case 'reset':
    case 'fin in a frame':
    case 'reset in a frame':
      return { ...cut, awayForMs: awayMs };
    case 'kill':
      return { ...cut, awayForMs: awayMs };
    case 'drain':
      return { awayForMs: awayMs };
    case 'freeze':
    case 'one way to server':
    case 'one way to client':
      // A pong may be on its way already when the fault begins.
      return lengthMs < silenceMs / 2 ? harmless : { losesForMs: silenceMs, awayForMs: awayMs };
    case 'silence':
      return { losesForMs: silenceMs, awayForMs: awayMs };
  }
}

/** Codes that say that there is no connection, or no server that may be called. */
const awayCodes: ReadonlySet<string> = new Set([
  'CONNECT_FAILED',
  'CONNECT_TIMEOUT',
  'CONNECTION_LOST',
  'PEER_CLOSED',
  'PEER_RESET',
  'KEEPALIVE_TIMEOUT',
  'TLS_ERROR',
  'QUEUE_FULL',
  'SHUTDOWN',
  'CIRCUIT_OPEN',
]);

/**
 * What ends a call that a server may have seen: its connection was lost, and if it may run twice, there was none for it
 * then. A server that ends in good order (SHUTDOWN) answers it first.
 */
const lossCodes: ReadonlySet<string> = new Set([...awayCodes].filter((code) => code !== 'SHUTDOWN'));
/** Why a connection may have ended, or could not be opened. */
const endCodes: ReadonlySet<string> = new Set([
  'PEER_CLOSED',
  'PEER_RESET',
  'KEEPALIVE_TIMEOUT',
  'CONNECT_FAILED',
  'CONNECT_TIMEOUT',
  'TLS_ERROR',
]);

export class Explanations {
  readonly #silenceMs: number;
  readonly #awayMs: number;

  constructor(timing: { readonly silenceMs: number; readonly awayMs: number }) {
    this.#silenceMs = timing.silenceMs;
    this.#awayMs = timing.awayMs;
  }

  /** Does a fault explain it? */
  covers(incident: Incident, client: Client, faults: readonly FaultRecord[]): boolean {
    const own = faults.filter(({ clients }) => !clients || clients.includes(client.name));
    if (incident.what !== 'call') {
      if (!endCodes.has(incident.code)) return false;
      const here = own.filter(({ site }) => site === incident.site);
      if (incident.what === 'attempt') return here.some((fault) => this.#isAway(fault, incident));
      return here.some((fault) => this.#loses(fault, incident, client));
    }
    // Its server may have seen it: a connection was lost.
    if (incident.sent === true) {
      if (!lossCodes.has(incident.code)) return false;
      return own.some((fault) => client.sites.includes(fault.site) && this.#loses(fault, incident, client));
    }
    // There was no server left that could be called.
    if (!awayCodes.has(incident.code)) return false;
    return client.sites.every((site) => own.some((fault) => fault.site === site && this.#isAway(fault, incident)));
  }

  #loses(fault: FaultRecord, incident: Incident, { isPlain }: Client): boolean {
    const { losesForMs } = fault.kind === 'drain' && isPlain ? cut : effectOf(fault, this.#silenceMs, this.#awayMs);
    return losesForMs !== undefined && overlaps(fault, incident, losesForMs);
  }

  #isAway(fault: FaultRecord, incident: Incident): boolean {
    const { awayForMs } = effectOf(fault, this.#silenceMs, this.#awayMs);
    return awayForMs !== undefined && overlaps(fault, incident, awayForMs);
  }
}

/** What fails must have been under way, or have begun, while the fault had its effect. */
function overlaps(fault: FaultRecord, { from, until }: Incident, afterMs: number): boolean {
  return from <= fault.until + afterMs + SLACK_MS && until >= fault.from - SLACK_MS;
}
