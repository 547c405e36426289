// The options of a server: their meaning, defaults and ranges.
import { Server as NetServer } from 'node:net';
import { Server as TlsServer, type TlsOptions } from 'node:tls';
import type { Codec, CodecFactory } from '../codec/codec.js';
import { codecRule } from '../codec/codec-rules.js';
import type { CommandContext, ConnectionAddresses } from '../contract/command.js';
import { contractRule, type Contract } from '../contract/contract.js';
import {
  connectionDefaults,
  connectionRules,
  oldConnectionNames,
  MAX_TIMER_MS,
  socketPath,
  timeLimit,
  type CmdStreamConnectionOptions,
} from '../connection/connection-options.js';
import type { CmdStreamError } from '../errors.js';
import { instrumentationRule, type Instrumentation } from '../instrumentation/instrumentation.js';
import {
  boolean,
  callback,
  cap,
  integer,
  objectWith,
  optionsOf,
  port,
  resolveOptions,
  text,
  type OldOptionNames,
  type OptionRule,
  type OptionRules,
} from '../options.js';
import type { CommandInvoker } from './invoker.js';
import type { TlsFilesOptions } from './server-tls.js';

/** Maps what a handler threw to one of the contract's Results; what it throws itself closes the connection. */
export type PlainErrorMapper = (error: unknown, command: unknown, context: CommandContext) => unknown;

/**
 * disconnected: it has not listened yet, or could not. connecting: it is about to. connected: it takes connections.
 * degraded: it serves, but takes no connections for now, because it has `maxConnections` or the system gives it none.
 * draining, closed: after `close()`.
 *
 * @publicApi
 */
export type ServerStatus = 'disconnected' | 'connecting' | 'connected' | 'degraded' | 'draining' | 'closed';

/**
 * What a server listens on instead of host and port. @publicApi
 */
export type ListenTarget = NetServer | { readonly fd: number } | { readonly path: string };

/** What a server needs besides its application. @publicApi */
export interface CmdStreamBaseServerOptions extends CmdStreamConnectionOptions {
  /**
   * Host to listen on.
   * @default 'localhost'
   */
  host?: string | undefined;
  /**
   * Port to listen on, 0 to 65535; 0: one the system chooses. A string of digits is read as one.
   * @default 3000
   */
  port?: number | string | undefined;
  /**
   * What to listen on instead of host and port: `{ path }`, a Unix domain socket or the name of a pipe of Windows, 1 to
   * 103 bytes, where a socket whose process has died is replaced, and anything else that is there is an error, and
   * stays; a `net.Server` that listens already, which stays open and its owner's when this server is closed; or
   * `{ fd }`, the descriptor of a listening socket, which is closed with it. With `tls` what they accept is secured.
   * @default none: host and port
   */
  listenOn?: ListenTarget | undefined;
  /**
   * Node's own TLS options (`key`, `cert`, `ca`, `requestCert`, …), with TLS 1.2 as the lowest version unless
   * `minVersion` says otherwise. Clients must have a certificate with `requestCert: true`, `rejectUnauthorized: true`
   * and `ca`; half of that is INVALID_OPTION.
   * @default none: plain TCP
   */
  tls?: TlsOptions | undefined;
  /**
   * PEM files that certificate, key and CA are read from, instead of `tls.cert`, `tls.key` and `tls.ca`: when the
   * server begins to listen, and whenever they have changed. A change that is of no use is reported by `onError`, and
   * what was there before stays.
   * @default none
   */
  tlsFiles?: TlsFilesOptions | undefined;
  /**
   * A codec, or what makes one for the contract.
   * @default jsonCodec()
   */
  codec?: Codec | CodecFactory | undefined;
  /**
   * Most connections at a time; further ones are closed before ServerInfo, which is the first word to a peer,
   * and reported with MAX_CONNECTIONS. 1 to 1,000,000, or `Infinity`: no limit.
   * @default 10_000
   */
  maxConnections?: number | undefined;
  /**
   * Most connections at a time of one IP address, of IPv6 of one network of 64 bits; further ones are closed as those
   * beyond `maxConnections`. Not for servers behind a proxy, whose address all clients have. A Unix domain socket has
   * no addresses. 1 to 1,000,000, or `Infinity`: no limit.
   * @default Infinity
   */
  maxConnectionsPerAddress?: number | undefined;
  /**
   * Most Commands running at a time on all connections together; handlers that run on although their connection has
   * ended, or their Command (`commandTimeoutMs`, SLOW_CONSUMER), count apart, up to the same number. Beyond, a Command
   * of a peer of this package is refused with OVERLOADED, and its client sends it again; one of a plain peer closes the
   * connection with the most running Commands: if that is its own, it is not run. 1 to 100,000,000, or `Infinity`: no
   * limit.
   * @default 16_384
   */
  maxInFlight?: number | undefined;
  /**
   * Most Commands running at a time for one connection; beyond, a plain one is not read, and a further Command of a
   * peer of this package is refused with OVERLOADED, and its client sends it again. 1 to 1,000,000.
   * @default 1_024
   */
  maxInFlightPerConnection?: number | undefined;
  /**
   * Time a Command, a message or an event may run, in milliseconds, with the waiting for a caller who takes a stream
   * slowly; 0: no limit. Then it fails with TIMEOUT, at a plain peer as any other failure, its signal aborts, and what
   * its handler gives later is dropped; an event's end is reported. A handler that does not heed its signal counts for
   * `maxInFlight` until it ends. A handler may have a limit of its own.
   * @default 0
   */
  commandTimeoutMs?: number | undefined;
  /**
   * Time a client has for its TLS handshake, in milliseconds; 0: no limit.
   * @default 10_000
   */
  handshakeTimeoutMs?: number | undefined;
  /**
   * Time `listen()` waits for the first client, in milliseconds; then the server closes itself and reports
   * FIRST_CONNECTION_TIMEOUT. 0: no limit.
   * @default 0
   */
  firstConnectionTimeoutMs?: number | undefined;
  /**
   * Time within which a whole Command or ping must arrive on a connection, again and again, in milliseconds, unless the
   * server itself does not read; then the connection is closed. 0: no limit.
   * @default 0
   */
  receiveTimeoutMs?: number | undefined;
  /**
   * Time after which a connection is closed on which nothing was running, sent or received, in milliseconds; 0: no
   * limit. A peer of this package is asked to leave, for this and `receiveTimeoutMs`, and has `gracePeriodMs` for it.
   * @default 0
   */
  idleTimeoutMs?: number | undefined;
  /**
   * Most pings of one connection within a second, a keepalive sends one now and then; beyond, it is closed with
   * PING_FLOOD. 1 to 1,000,000,000, or `Infinity`: no limit.
   * @default 10_000
   */
  maxPingsPerSecond?: number | undefined;
  /**
   * Most control frames of one connection within a second that a client should rarely need: each CANCEL, each DONE,
   * each CREDIT that does not say that Results were taken, and those of unknown kinds; beyond, it is closed with
   * TOO_MANY_CONTROL_FRAMES. 1 to 1,000,000,000, or `Infinity`: no limit.
   * @default 250_000
   */
  maxControlFramesPerSecond?: number | undefined;
  /**
   * Time `close()` gives running Commands to be answered, in milliseconds.
   * @default 10_000
   */
  gracePeriodMs?: number | undefined;
  /**
   * How long a connection must have been silent before `close()` ends it, in milliseconds, so that Commands on their
   * way are still answered. A plain one that never is has half of `gracePeriodMs`; then it is read no more, and ends
   * when what was read is answered.
   * @default 100
   */
  quietPeriodMs?: number | undefined;
  /**
   * What becomes of a handler's error towards a peer that knows no error reply: `'close'` ends the connection, a
   * function maps it to a Result of the contract.
   * @default 'close'
   */
  onPlainError?: PlainErrorMapper | 'close' | undefined;
  /**
   * Most bytes of Results of one Command that may wait for their taker; beyond, that Command fails with SLOW_CONSUMER.
   * Together with `maxSendBufferBytes` the bound of what may wait on one connection. 1 KiB to 1 GiB.
   * @default 16_777_216
   */
  maxStreamBufferBytes?: number | undefined;
  /**
   * Most bytes of memory that the server holds for its peers, all connections together: frames that are not whole or
   * wait, Commands that run (four times their bytes, and 2 KiB each), events and Results that wait, what is not written
   * yet. From three quarters on, connections that hold more than their part get no more: plain ones are not read from,
   * Commands of others are refused with OVERLOADED. Beyond it, the connection that holds the most ends with
   * MEMORY_PRESSURE. Handlers that run on when their Command or connection has ended count, and end no other. It should
   * be many times `maxCommandBytes` and `maxResultBytes`. 1 MiB to 1 TiB, or `Infinity`: no limit.
   * @default a quarter of V8's heap limit (`heap_size_limit`), 32 MiB at least and 1 GiB at most
   */
  maxBufferedBytes?: number | undefined;
  /**
   * Answer peers of this package that offer the extension: errors, cancellation, deadlines, back-pressure, metadata,
   * patterns, drain. Plain peers see nothing of it.
   * @default true
   */
  extension?: boolean | undefined;
  /**
   * What watches Commands and connections, such as `otel()`; several in their order.
   * @default none
   */
  instrumentation?: Instrumentation | readonly Instrumentation[] | undefined;
  /**
   * Called when a client has connected, its TLS handshake included, before anything is sent or received. `onDisconnect`
   * is given the same object.
   * @default none
   */
  onConnection?: ((connection: ConnectionAddresses) => void) | undefined;
  /**
   * Called once for every connection as soon as it has ended, with the reason; its Commands may still be running.
   * @default none
   */
  onDisconnect?: ((connection: ConnectionAddresses, cause: CmdStreamError) => void) | undefined;
  /**
   * Called for every client that did not get as far as a connection, with the reason: MAX_CONNECTIONS, TLS_ERROR,
   * HANDSHAKE_TIMEOUT, SHUTDOWN. What of its addresses is not known is undefined.
   * @default none
   */
  onConnectionRefused?: ((client: ConnectionAddresses, cause: CmdStreamError) => void) | undefined;
}

export const serverDefaults = Object.freeze({
  ...connectionDefaults,
  host: 'localhost',
  port: 3000,
  maxConnections: 10_000,
  maxConnectionsPerAddress: Infinity,
  maxInFlight: 16_384,
  maxInFlightPerConnection: 1024,
  commandTimeoutMs: 0,
  handshakeTimeoutMs: 10_000,
  firstConnectionTimeoutMs: 0,
  receiveTimeoutMs: 0,
  idleTimeoutMs: 0,
  maxPingsPerSecond: 10_000,
  maxControlFramesPerSecond: 250_000,
  gracePeriodMs: 10_000,
  quietPeriodMs: 100,
  onPlainError: 'close' as PlainErrorMapper | 'close',
  maxStreamBufferBytes: 16_777_216,
  extension: true,
});

const listenOn: OptionRule = {
  expected: `a net.Server (no tls.Server: give \`tls\`), { fd } with a whole number, or { path } with ${socketPath.expected}`,
  accepts: (value) => (value instanceof NetServer ? !(value instanceof TlsServer) : isPathOrDescriptor(value)),
};

function isPathOrDescriptor(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { fd, path } = value as { readonly fd?: unknown; readonly path?: unknown };
  const keys = Object.keys(value).join();
  return keys === 'path' ? socketPath.accepts(path) : keys === 'fd' && Number.isSafeInteger(fd) && (fd as number) >= 0;
}

export const serverRules: OptionRules<CmdStreamBaseServerOptions> = Object.freeze({
  ...connectionRules,
  host: text,
  port: port(0),
  listenOn,
  tls: objectWith("an object of Node's TLS options, as a server needs `key` and `cert`, or `pfx`"),
  tlsFiles: objectWith('an object of TlsFilesOptions'),
  codec: codecRule,
  maxConnections: cap(1, 1_000_000, 'connections'),
  maxConnectionsPerAddress: cap(1, 1_000_000, 'connections'),
  maxInFlight: cap(1, 100_000_000, 'Commands'),
  maxInFlightPerConnection: integer(1, 1_000_000, 'Commands'),
  commandTimeoutMs: timeLimit(),
  handshakeTimeoutMs: timeLimit(),
  firstConnectionTimeoutMs: timeLimit(),
  receiveTimeoutMs: timeLimit(),
  idleTimeoutMs: timeLimit(),
  maxPingsPerSecond: cap(1, 1_000_000_000, 'pings'),
  maxControlFramesPerSecond: cap(1, 1_000_000_000, 'control frames'),
  gracePeriodMs: integer(0, MAX_TIMER_MS, 'milliseconds'),
  quietPeriodMs: integer(0, MAX_TIMER_MS, 'milliseconds'),
  onPlainError: {
    expected: "'close' or a function",
    accepts: (value: unknown) => value === 'close' || typeof value === 'function',
  },
  maxStreamBufferBytes: integer(1024, 1024 * 1024 * 1024, 'bytes'),
  maxBufferedBytes: cap(1024 * 1024, 1024 ** 4, 'bytes'),
  extension: boolean,
  instrumentation: instrumentationRule,
  onConnection: callback,
  onDisconnect: callback,
  onConnectionRefused: callback,
});

/** The options of a `CommandServer`. @publicApi */
export interface CommandServerOptions extends CmdStreamBaseServerOptions {
  /** The contract both sides share. Required. */
  contract: Contract;
  /** Runs the Commands. Required. */
  invoker: CommandInvoker;
  /**
   * Given errors that no answer carries: of the handler of an event (HANDLER_ERROR), of one that fails after its last
   * Result, of `onPlainError`, of callbacks, of connections that could not be accepted, of a first connection that did
   * not come; what it throws is ignored.
   * @default none
   */
  onError?: ((error: unknown) => void) | undefined;
}

export const commandServerRules: OptionRules<CommandServerOptions> = Object.freeze({
  ...serverRules,
  contract: contractRule,
  invoker: { ...objectWith('an object with a method invoke', 'invoke'), required: true },
  onError: callback,
});

/** Held to the options of clients by a test: neither side may name the other one's file. */
const optionsOfClients: readonly string[] = [
  'servers',
  'connectionsPerServer',
  'dispatchStrategy',
  'lookup',
  'connect',
  'reconnect',
  'keepalive',
  'maxConnectionAgeMs',
  'resolveIntervalMs',
  'queue',
  'retry',
  'circuitBreaker',
  'metadata',
  'hooks',
  'connectTimeoutMs',
  'maxQueuedBytes',
  'onUnexpectedResult',
  'connectOnBootstrap',
];

/** What has become of options that had another name, and whose those of the other side are. */
export const oldServerOptions: OldOptionNames = Object.freeze({
  ...optionsOf('client', optionsOfClients),
  ...oldConnectionNames,
  timeoutMs: 'that is an option of the client; how long a Command may run at the server is "commandTimeoutMs"',
  maxPending: 'there is none: what runs is bounded by "maxInFlight" and "maxInFlightPerConnection"',
  path: 'it is `listenOn: { path }` now',
  sendHighWaterBytes: 'there is none: `maxSendBufferBytes` bounds what waits for a peer',
  onConnectionLost: 'it is "onDisconnect" now, which is given (connection, cause)',
  onConnectionEnd: 'it is "onDisconnect" now, which is given (connection, cause)',
});

/** @throws {CmdStreamError} INVALID_OPTION */
export function resolveServerOptions(options: CommandServerOptions) {
  return resolveOptions('CommandServer', options, serverDefaults, commandServerRules, oldServerOptions);
}

export type ResolvedServerOptions = ReturnType<typeof resolveServerOptions>;

/** How `close()` goes about it. @publicApi */
export interface CloseOptions {
  /**
   * Time running Commands have from now on to be answered, in milliseconds; while the server drains already, a shorter
   * time counts and a longer one does not.
   * @default 10_000 (the option of the server)
   */
  gracePeriodMs?: number | undefined;
}

export const closeRules: OptionRules<CloseOptions> = Object.freeze({ gracePeriodMs: serverRules.gracePeriodMs });
