// The options of a client: their meaning, defaults and ranges.
import type { LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls';
import type { Codec, CodecFactory } from '../codec/codec.js';
import { codecRule } from '../codec/codec-rules.js';
import { contractRule, type Contract } from '../contract/contract.js';
import {
  connectionDefaults,
  connectionRules,
  oldConnectionNames,
  socketPath,
  timeLimit,
  type CmdStreamConnectionOptions,
} from '../connection/connection-options.js';
import type { ServerAddress } from '../connection/dial.js';
import type { ClientTlsFilesOptions } from '../connection/tls-files.js';
import { instrumentationRule, type Instrumentation } from '../instrumentation/instrumentation.js';
import type { KeepaliveOptions } from '../connection/keepalive.js';
import {
  callback,
  cap,
  integer,
  objectWith,
  oneOf,
  optionsOf,
  port,
  renamedTo,
  text,
  type OldOptionNames,
  type OptionRule,
  type OptionRules,
} from '../options.js';
import type { Seq } from '../wire/frame.js';
import type { CircuitBreakerFactory } from './circuit-breaker.js';
import { clientMetadataRule, type ClientMetadataFactory } from './client-metadata.js';
import type { ReconnectOptions } from './group/backoff.js';
import type { DispatchStrategy } from './group/connection-picker.js';
import type { QueueOptions, RetryOptions } from './group/waiting-room.js';
import type { SendHooksFactory } from './send-hooks.js';
import { serversRule, type GivenAddress } from './server-addresses.js';

/**
 * Opens the socket to a server; rejects, and ends what it has begun, when `signal` aborts.
 *
 * @publicApi
 */
export type ConnectionFactory = (server: ServerAddress, signal: AbortSignal) => Promise<Duplex> | Duplex;

/** A Result that no call waits for: of a Command that was answered, forgotten, timed out, or never sent. */
export interface UnexpectedResult {
  /** Number of the Command that it answers. */
  readonly seq: Seq;
  /** The Result, decoded. */
  readonly result: unknown;
  /** Length of its frame in bytes, seq included. */
  readonly bytesRead: number;
  /**
   * Did it follow a Result whose `lastOne()` was true here? Then that is wrong, at the server or in the contract. Known
   * of the latest 256 Commands of a connection.
   */
  readonly afterLast: boolean;
}

/**
 * The options of a {@link CommandClient}: where its servers are, what it speaks, and its limits. Only `contract` is
 * required.
 *
 * @publicApi
 */
export interface CommandClientOptions<C extends Contract = Contract> extends CmdStreamConnectionOptions {
  /** The contract both sides share. Required. */
  contract: C;
  /**
   * Host of the server.
   * @default 'localhost'
   */
  host?: string | undefined;
  /**
   * Port of the server, 1 to 65535; a string of digits is read as one.
   * @default 3000
   */
  port?: number | string | undefined;
  /**
   * Path of the server's Unix domain socket, 1 to 103 bytes, instead of host and port.
   * @default none
   */
  path?: string | undefined;
  /**
   * Several servers, instead of host and port: `'a:9000,b:9000'`, or an array of `'host:port'`, `{ host, port }` and
   * `{ path }`; the port is 3000 where there is none, an IPv6 address in text stands in square brackets.
   * @default none: the one of host and port
   */
  servers?: string | readonly GivenAddress[] | undefined;
  /**
   * Connections to each server, and to each address of a host name, 1 to 1,024.
   * @default 1
   */
  connectionsPerServer?: number | undefined;
  /**
   * Which open connection takes the next call: `'round-robin'`, `'least-pending'`, or a strategy of your own.
   * @default 'round-robin'
   */
  dispatchStrategy?: 'round-robin' | 'least-pending' | DispatchStrategy | undefined;
  /**
   * `true`: TLS as Node does it by default; or Node's own TLS options (`ca`, `cert`, `key`, `servername`, …). `false`:
   * plain TCP.
   * @default false
   */
  tls?: boolean | TlsConnectionOptions | undefined;
  /**
   * PEM files instead of `cert`, `key` or `ca` of `tls`: TLS, with what is in them. They are read when the client first
   * connects, and again whenever they have changed.
   * @default none
   */
  tlsFiles?: ClientTlsFilesOptions | undefined;
  /**
   * A codec, or what makes one for the contract.
   * @default jsonCodec()
   */
  codec?: Codec | CodecFactory | undefined;
  /**
   * Resolves host names instead of Node's own `dns.lookup`, with its signature; gives all addresses that there are.
   * @default dns.lookup
   */
  lookup?: LookupFunction | undefined;
  /**
   * How often a host name is looked up again while a connection is open, in milliseconds, at most one in ten earlier;
   * 100 to 604,800,000 (a week). After a loss, and when a server drains, that happens at once, but not more than once a
   * second. Each address that is found has `connectionsPerServer` connections; one that is not found any more keeps
   * its own until their Commands are answered. 0: never, and a client has `connectionsPerServer` connections to the
   * name, each to whichever of its addresses.
   * @default 30_000
   */
  resolveIntervalMs?: number | undefined;
  /**
   * Opens the sockets instead of this package; `tls`, `tlsFiles`, `lookup` and `resolveIntervalMs` are its business
   * then.
   * @default none
   */
  connect?: ConnectionFactory | undefined;
  /**
   * How lost connections, and those that could not be opened, are opened anew. `false`: only by the next call, and
   * calls that wait fail as soon as an attempt does.
   * @default true
   */
  reconnect?: boolean | ReconnectOptions | undefined;
  /**
   * Pings that find out whether the server is still there; `false`: none.
   * @default true
   */
  keepalive?: boolean | KeepaliveOptions | undefined;
  /**
   * Age at which a connection is replaced by a new one, without loss, in milliseconds, 10 % more or less; 100 to
   * 604,800,000 (a week), 0: never.
   * @default 0
   */
  maxConnectionAgeMs?: number | undefined;
  /**
   * How calls wait while no connection is open. `false`: they fail as soon as no attempt is under way.
   * @default true
   */
  queue?: boolean | QueueOptions | undefined;
  /**
   * Repeats Commands of classes with `static idempotent = true`, or of types with `idempotent: true`, when their
   * connection is lost; `false`: never.
   * @default true
   */
  retry?: boolean | RetryOptions | undefined;
  /**
   * Makes the circuit breaker of each server.
   * @default none
   */
  circuitBreaker?: CircuitBreakerFactory | undefined;
  /**
   * Metadata of every call, beneath that of hooks and of the call itself: a value, or a function that is asked for each
   * call, in the scope of its caller, and may be asynchronous. A call is sent when its own metadata is there, as it was
   * when it was made; it does not wait for others. Plain servers do not get it.
   * @default none
   */
  metadata?: Readonly<Record<string, string>> | ClientMetadataFactory | undefined;
  /**
   * Makes the hooks of each call.
   * @default none
   */
  hooks?: SendHooksFactory | undefined;
  /**
   * What watches calls and connections, such as `otel()`; several in their order.
   * @default none
   */
  instrumentation?: Instrumentation | readonly Instrumentation[] | undefined;
  /**
   * Time for TCP, TLS and ServerInfo together, in milliseconds; 0: no limit.
   * @default 4_000
   */
  connectTimeoutMs?: number | undefined;
  /**
   * Time an `execute` waits for its Result, in milliseconds, unless the call says otherwise; 0: no limit. Streams have
   * none.
   * @default 30_000
   */
  timeoutMs?: number | undefined;
  /**
   * Most bytes of the Commands that wait for a connection, for room at the server or in its buffer, or that may have to
   * be sent again, of all connections together; further ones that must wait fail. 1 KiB to 1 GiB.
   * @default 67_108_864
   */
  maxQueuedBytes?: number | undefined;
  /**
   * Most bytes of the Results of one `iterate()` that wait to be taken, each counted with 128 more, or of the answers
   * of one message by pattern that wait for an asynchronous `deserializer`, with 1,300 more, as their promises hold so
   * much; one may go beyond, then that call fails with SLOW_CONSUMER.
   * 2 MiB, which is more than a server of this package sends ahead, to 1 GiB, or `Infinity`: no limit.
   * @default 16_777_216
   */
  maxStreamBufferBytes?: number | undefined;
  /**
   * Offer the extension to the server: errors, cancellation, deadlines, back-pressure, metadata, patterns, drain.
   * `'require'`: a plain server is an error, EXTENSION_UNAVAILABLE. `false`: be a plain client.
   * @default true
   */
  extension?: boolean | 'require' | undefined;
  /**
   * Time `close()` gives pending calls to be answered, and what was written to leave, in milliseconds; a
   * socket that does not say that it is closed may take half a second more.
   * @default 10_000
   */
  gracePeriodMs?: number | undefined;
  /**
   * Called with Results that no call waits for; what it throws is ignored.
   * @default none: they are counted only
   */
  onUnexpectedResult?: ((result: UnexpectedResult) => void) | undefined;
}

export const clientDefaults = Object.freeze({
  ...connectionDefaults,
  host: 'localhost',
  port: 3000,
  connectionsPerServer: 1,
  tls: false as boolean | TlsConnectionOptions,
  dispatchStrategy: 'round-robin' as 'round-robin' | 'least-pending' | DispatchStrategy,
  reconnect: true as boolean | ReconnectOptions,
  keepalive: true as boolean | KeepaliveOptions,
  maxConnectionAgeMs: 0,
  resolveIntervalMs: 30_000,
  queue: true as boolean | QueueOptions,
  retry: true as boolean | RetryOptions,
  /** Shorter than `queue.timeoutMs`, so that calls that wait fail with the reason why there is no connection. */
  connectTimeoutMs: 4000,
  timeoutMs: 30_000,
  maxQueuedBytes: 67_108_864,
  maxStreamBufferBytes: 16_777_216,
  extension: true as boolean | 'require',
  gracePeriodMs: 10_000,
});

export const clientRules: OptionRules<CommandClientOptions> = Object.freeze({
  ...connectionRules,
  contract: contractRule,
  host: text,
  port: port(1),
  path: socketPath,
  servers: serversRule,
  connectionsPerServer: integer(1, 1024, 'connections'),
  dispatchStrategy: orOneOf(objectWith('an object with a method pick', 'pick'), 'round-robin', 'least-pending'),
  lookup: callback,
  resolveIntervalMs: integer(100, 604_800_000, 'milliseconds', 'never'),
  connect: callback,
  reconnect: switchable('ReconnectOptions'),
  keepalive: switchable('KeepaliveOptions'),
  maxConnectionAgeMs: integer(100, 604_800_000, 'milliseconds', 'never'),
  queue: switchable('QueueOptions'),
  retry: switchable('RetryOptions'),
  circuitBreaker: callback,
  metadata: clientMetadataRule,
  hooks: callback,
  instrumentation: instrumentationRule,
  tls: switchable("Node's TLS options"),
  tlsFiles: objectWith('an object of ClientTlsFilesOptions'),
  codec: codecRule,
  connectTimeoutMs: timeLimit(),
  timeoutMs: timeLimit(),
  maxQueuedBytes: integer(1024, 1_073_741_824, 'bytes'),
  maxStreamBufferBytes: cap(2_097_152, 1_073_741_824, 'bytes'),
  extension: oneOf(true, false, 'require'),
  gracePeriodMs: integer(0, 2_147_483_647, 'milliseconds'),
  onUnexpectedResult: callback,
});

/** Held to the options of servers by a test: neither side may name the other one's file. */
const optionsOfServers: readonly string[] = [
  'listenOn',
  'maxConnections',
  'maxConnectionsPerAddress',
  'maxInFlight',
  'maxInFlightPerConnection',
  'handshakeTimeoutMs',
  'firstConnectionTimeoutMs',
  'receiveTimeoutMs',
  'idleTimeoutMs',
  'maxPingsPerSecond',
  'maxControlFramesPerSecond',
  'quietPeriodMs',
  'onPlainError',
  'onConnection',
  'onDisconnect',
  'onConnectionRefused',
  'invoker',
  'onError',
  'transportId',
];

/** What has become of options that had another name, and whose those of the other side are. */
export const oldClientNames: OldOptionNames = Object.freeze({
  ...optionsOf('server', optionsOfServers),
  ...oldConnectionNames,
  commandTimeoutMs: 'that is an option of the server; how long a call may take is "timeoutMs"',
  strategy: renamedTo('dispatchStrategy'),
  connections: `${renamedTo('connectionsPerServer')}, and is counted for each server`,
  whenDisconnected: 'it is `queue: false` now, or `queue: true`',
  queueTimeoutMs: renamedTo('queue.timeoutMs'),
  maxQueuedCommands: renamedTo('queue.maxCommands'),
  maxPending: 'it was removed; `connectionsPerServer` gives room for more',
  isFailure: 'it is an option of cockatielBreaker(), or a method of the circuit breaker',
  maxBufferedResults: renamedTo('maxStreamBufferBytes'),
  maxBufferedBytes: renamedTo('maxStreamBufferBytes'),
});

/**
 * `false`: off; `true`: on, with the defaults; an object: on, with these options, which are checked by their own rules.
 */
function switchable(options: string): OptionRule {
  const object = objectWith('');
  return {
    expected: `true, false or an object of ${options}`,
    accepts: (value) => typeof value === 'boolean' || (object.accepts(value) && !Array.isArray(value)),
  };
}

function orOneOf(rule: OptionRule, ...allowed: readonly string[]): OptionRule {
  const words = oneOf(...allowed);
  return {
    expected: `${words.expected} or ${rule.expected}`,
    accepts: (value) => words.accepts(value) || rule.accepts(value),
  };
}
