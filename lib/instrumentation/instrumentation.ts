// What may watch clients and servers: the one interface that all of it rides on. It sees every
// call and every Command from its begin to its end, with the outcome, and the connections. The two sides share it.
import type { CommandContext, ConnectionAddresses } from '../contract/command.js';
import type { CmdStreamError } from '../errors.js';
import { objectWith, type OptionRule } from '../options.js';
import type { Metadata } from '../wire/control-frame.js';

/**
 * What a client or server is watched by: option `instrumentation` of both. What its methods, and those of what they
 * return, throw is ignored; none is awaited.
 *
 * @example
 * import { CommandClient, type Instrumentation } from 'nestjs-cmd-stream/core';
 * import { calcContract } from './calc.contract.js';
 *
 * const slow: Instrumentation = {
 *   observeClient: () => ({
 *     onCall({ name }) {
 *       const start = performance.now();
 *       return {
 *         onEnd(sent, { how }) {
 *           const ms = performance.now() - start;
 *           if (ms > 1_000) console.warn(`${name} to ${sent.server}: ${how} after ${ms} ms`);
 *         },
 *       };
 *     },
 *   }),
 * };
 *
 * export const client = new CommandClient({ contract: calcContract, instrumentation: slow });
 *
 * @publicApi
 */
export interface Instrumentation {
  /** A client is made, or opened anew. What is returned watches it until it is closed. */
  observeClient?: ((client: ObservedClient) => ClientObserver | undefined) | undefined;
  /** A server begins to listen. What is returned watches it until it is closed. */
  observeServer?: ((server: ObservedServer) => ServerObserver | undefined) | undefined;
}

/** What watches one client. @publicApi */
export interface ClientObserver {
  /**
   * A call begins, in the async scope of its caller, before anything else of it; pings are none. What is returned
   * watches it to its end.
   */
  onCall?: ((call: StartedCall) => CallObserver | undefined) | undefined;
  /** A connection opens, is open, has ended or could not be opened. */
  onConnection?: ((change: ConnectionChange) => void) | undefined;
  /**
   * The circuit breaker of a server has another state. Seen when a call asks the breaker, or has reported to it: of one
   * that opens and closes by itself, later.
   */
  onCircuit?: ((change: CircuitChange) => void) | undefined;
  /** The host of a server was looked up, be it for a connection or because `resolveIntervalMs` were over. */
  onLookup?: ((lookup: HostLookedUp) => void) | undefined;
  /** TLS_ERROR: files of `tlsFiles` have changed, and are of no use; what was in them before stays in use. */
  onReloadError?: ((error: CmdStreamError) => void) | undefined;
  /** The client is closed. Calls from before may still end. */
  onClose?: (() => void) | undefined;
}

/** What watches one server. @publicApi */
export interface ServerObserver {
  /** A Command, message or event is about to be run, or is refused. What is returned watches it to its end. */
  onCommand?: ((command: StartedCommand) => CommandObserver | undefined) | undefined;
  /** A client has connected. */
  onConnection?: ((connection: ConnectionAddresses) => void) | undefined;
  /** A connection has ended, for this reason; given the object of `onConnection`. */
  onDisconnect?: ((connection: ConnectionAddresses, cause: CmdStreamError) => void) | undefined;
  /** A client did not get as far as a connection. */
  onConnectionRefused?: ((client: ConnectionAddresses, cause: CmdStreamError) => void) | undefined;
  /** The server is closed. Commands that its end has not stopped may still end. */
  onClose?: (() => void) | undefined;
}

/** What watches one call of a client. @publicApi */
export interface CallObserver {
  /**
   * Travels with the call to servers of this package, in the place of what its caller gives under the same keys. Read
   * once, when the call begins.
   */
  readonly metadata?: Metadata | undefined;
  /** With every Result, and the bytes of its frame. */
  onResult?: ((sent: SentCommand, result: unknown, bytes: number) => void) | undefined;
  /** The call is over; the last one, and once. */
  onEnd?: ((sent: SentCommand, outcome: CallOutcome) => void) | undefined;
}

/** What watches one Command of a server. @publicApi */
export interface CommandObserver {
  /**
   * Calls `work` and returns what that returns. All code of the Command's handler runs in the async scope that it is
   * called in: what AsyncLocalStorage has there, the handler has.
   */
  enter?: (<T>(work: () => T) => T) | undefined;
  /** With every Result that is sent, or waits to be, and the bytes of its frame. */
  onResult?: ((result: unknown, bytes: number) => void) | undefined;
  /** The Command is over for its caller; the last one, and once. Its handler may run on. */
  onEnd?: ((outcome: CommandOutcome) => void) | undefined;
}

/** What a call sends. @publicApi */
export interface ObservedCommand {
  /** The instance that the caller gave, or that was decoded; by pattern what this package makes of it. */
  readonly command: unknown;
  /** `message` and `event` go by pattern. */
  readonly kind: 'command' | 'message' | 'event';
  /** The name of its type; by pattern the route, empty where a serializer has wrapped it. */
  readonly name: string;
}

/** A call that begins. @publicApi */
export interface StartedCall extends ObservedCommand {
  /** Whose call it is. */
  readonly client: ObservedClient;
  /** False where its caller waits for nothing but that it is written. */
  readonly awaitsAnswer: boolean;
}

/** A Command that is about to be run, or is refused. @publicApi */
export interface StartedCommand extends ObservedCommand {
  /** What its handler knows about it. */
  readonly context: CommandContext;
  /** Is there a handler for it? A name that has none is the choice of a peer, who may choose any number of them. */
  readonly isHandled: boolean;
}

/**
 * A Command that is sent.
 *
 * @publicApi
 */
export interface SentCommand {
  /** The instance that the caller gave; by pattern what the client made of it. */
  readonly command: unknown;
  /** Its number; 0 as long as it was not written. */
  readonly seq: number;
  /** Bytes of its frame; 0 as long as it was not written. */
  readonly bytes: number;
  /** How often it was written. */
  readonly attempts: number;
  /** The server it was last written to, `host:port` or the path of a socket; undefined as long as it was not. */
  readonly server: string | undefined;
}

/**
 * How a call ended, or one attempt of it: `timed out` by its own time limit, `cancelled` by its caller.
 *
 * @publicApi
 */
export interface CallOutcome {
  /** In a word. */
  readonly how: 'completed' | 'failed' | 'timed out' | 'cancelled';
  /** What its caller gets; undefined of one that has completed or was given up without a reason. */
  readonly error?: unknown;
}

/**
 * How a Command ended at its server: `timed out` where the time limit of the server or of its caller was over,
 * `cancelled` where its answer is not waited for any more, as when its connection has ended.
 *
 * @publicApi
 */
export interface CommandOutcome {
  /** In a word. */
  readonly how: CallOutcome['how'];
  /** What its handler, or the server, failed with, or why its answer is not waited for any more. */
  readonly error?: unknown;
  /** The code that the caller gets, where it gets one. */
  readonly code?: string | undefined;
}

/** A change of one connection of a client. @publicApi */
export interface ConnectionChange {
  /** `host:port`, or the path of its socket. */
  readonly server: string;
  /** What has become of it. */
  readonly status: 'disconnected' | 'connecting' | 'connected' | 'closed';
  /** Why it has ended, or could not be opened. */
  readonly cause: CmdStreamError | undefined;
  /** Connections to that server that are open now. */
  readonly open: number;
  /**
   * Milliseconds until it is tried again by itself; undefined where it is not: it is open or being opened, or is left
   * to the next call.
   */
  readonly retryInMs: number | undefined;
}

/** A change of the circuit breaker of one server. @publicApi */
export interface CircuitChange {
  /** `host:port`, or the path of its socket. */
  readonly server: string;
  /** What it is now. */
  readonly circuit: 'closed' | 'open' | 'half-open';
}

/** A lookup of the host of one server. @publicApi */
export interface HostLookedUp {
  /** `host:port`. */
  readonly server: string;
  /** Addresses that were not found the last time; all of them the first time. */
  readonly added: readonly string[];
  /** Addresses that were found the last time, and not this time. */
  readonly gone: readonly string[];
  /** Why it has found nothing: the addresses from before stay in use. Undefined where it has. */
  readonly error: Error | undefined;
}

/** Calls so far that the lack of a connection has failed. @publicApi */
export interface Losses {
  /** Their connection was lost before they were answered: whether they were executed is not known. */
  readonly lost: number;
  /** They waited for a connection in vain, or too many did: they were never sent. */
  readonly unsent: number;
}

/** Bytes that went over all connections so far. @publicApi */
export interface Traffic {
  /** Bytes that were given to sockets and have left. */
  readonly sent: number;
  /** Bytes that have come from sockets. */
  readonly received: number;
}

/** A client, now. @publicApi */
export interface ObservedClient {
  /** Calls that are not over. */
  readonly pending: number;
  /** Those of them that wait for a connection, or to be sent again. */
  readonly queued: number;
  /** Its servers. */
  readonly servers: readonly ObservedConnections[];
  /** What went over its connections. */
  readonly traffic: Traffic;
  /** What outages have cost. */
  readonly losses: Losses;
}

/** The connections of a client to one server, now. @publicApi */
export interface ObservedConnections {
  /** `host:port`, or the path of its socket. */
  readonly server: string;
  /** Connections that the client has to it, open or not. */
  readonly connections: number;
  /** Those of its connections that are open. */
  readonly open: number;
  /** Calls that wait on them. */
  readonly pending: number;
  /** Longest round-trip time of the last keepalive pings, in milliseconds; undefined before the first. */
  readonly roundTripMs: number | undefined;
  /** Undefined without a circuit breaker. */
  readonly circuit: 'closed' | 'open' | 'half-open' | undefined;
}

/** A server, now. @publicApi */
export interface ObservedServer {
  /** Where it listens; null while it does not. */
  readonly address: { readonly address: string; readonly port: number } | null;
  /** Connections that are open, and those whose Commands still run. */
  readonly connections: number;
  /** Commands that run. */
  readonly inFlight: number;
  /** Bytes of memory that are held for peers. */
  readonly bufferedBytes: number;
  /** What went over its connections. */
  readonly traffic: Traffic;
}

const one = objectWith('');

function observesOne(value: unknown): boolean {
  if (!one.accepts(value)) return false;
  const { observeClient, observeServer } = value as Instrumentation;
  return [observeClient, observeServer].some((method) => typeof method === 'function');
}

/** What the option `instrumentation` may be, which both sides have. */
export const instrumentationRule: OptionRule = {
  expected: 'an object with observeClient or observeServer, or an array of them',
  accepts: (value) => (Array.isArray(value) ? value.every(observesOne) : observesOne(value)),
};
