// The options of a server: their meaning, defaults and ranges.
import type { TlsOptions } from 'node:tls';
import type { Codec, CodecFactory } from '../codec/codec.js';
import type { CommandContext } from '../codec/command-context.js';
import type { Contract } from '../codec/contract.js';
import { codecRule, contractRule } from '../codec/codec-rules.js';
import {
  connectionDefaults,
  connectionRules,
  MAX_TIMER_MS,
  timeLimit,
  type ConnectionOptions,
} from '../connection/connection-options.js';
import type { CmdStreamError } from '../errors.js';
import { boolean, callback, integer, objectWith, port, text, type OptionRules } from '../options.js';
import type { Invoker } from './invoker.js';

/** Maps what a handler threw to one of the contract's Results; what it throws itself closes the connection. */
export type PlainErrorMapper = (error: unknown, command: unknown, context: CommandContext) => unknown;

/** A connection that has ended, for the connection-lost callback. */
export interface LostConnection {
  readonly remoteAddress: string;
  readonly cause: CmdStreamError;
}

/** What a server needs besides its application. @publicApi */
export interface ServerOptions extends ConnectionOptions {
  /**
   * Host to listen on.
   * @default 'localhost'
   */
  host?: string;
  /**
   * Port to listen on, 0 to 65535; 0: one the system chooses.
   * @default 3000
   */
  port?: number;
  /**
   * Node's own TLS options (`key`, `cert`, `ca`, `requestCert`, …).
   * @default none: plain TCP
   */
  tls?: TlsOptions;
  /**
   * A codec, or what makes one for the contract.
   * @default jsonCodec()
   */
  codec?: Codec | CodecFactory;
  /**
   * Most connections at a time; further ones are reset. 1 to 1,000,000.
   * @default 10_000
   */
  maxConnections?: number;
  /**
   * Most Commands running at a time for one connection; beyond, the server stops reading from it. 1 to 1,000,000.
   * @default 1_024
   */
  maxInFlightPerConnection?: number;
  /**
   * Bytes waiting for a peer above which the server stops reading from it. 1 KiB to 1 GiB.
   * @default 65_536
   */
  sendHighWaterBytes?: number;
  /**
   * Time a client has for its TLS handshake, in milliseconds; 0: no limit.
   * @default 10_000
   */
  handshakeTimeoutMs?: number;
  /**
   * Time `close()` gives running Commands to be answered, in milliseconds.
   * @default 10_000
   */
  gracePeriodMs?: number;
  /**
   * How long a connection must have been silent before `close()` ends it, in milliseconds, so that Commands on their way are still answered.
   * @default 100
   */
  quietPeriodMs?: number;
  /**
   * What becomes of a handler's error towards a peer that knows no error reply: `'close'` ends the connection, a function maps it to a Result of the contract.
   * @default 'close'
   */
  onPlainError?: PlainErrorMapper | 'close';
  /**
   * Most bytes of Results that may wait because the taker of one Command does not take them; beyond, that Command
   * fails with SLOW_CONSUMER. 1 KiB to 1 GiB.
   * @default 1_048_576
   */
  maxStreamBufferBytes?: number;
  /**
   * Answer peers of this package that offer the extension: errors, cancellation, deadlines, back-pressure, metadata,
   * patterns, drain. Plain peers see nothing of it.
   * @default true
   */
  extension?: boolean;
  /**
   * Refuse a peer of this package whose contract lists another type at some position.
   * @default true
   */
  contractCheck?: boolean;
  /**
   * Called once for every connection that has ended, after its last Command.
   * @default none
   */
  onConnectionLost?: (connection: LostConnection) => void;
}

export const serverDefaults = Object.freeze({
  ...connectionDefaults,
  host: 'localhost',
  port: 3000,
  maxConnections: 10_000,
  maxInFlightPerConnection: 1024,
  sendHighWaterBytes: 65_536,
  handshakeTimeoutMs: 10_000,
  gracePeriodMs: 10_000,
  quietPeriodMs: 100,
  onPlainError: 'close' as PlainErrorMapper | 'close',
  maxStreamBufferBytes: 1_048_576,
  extension: true,
  contractCheck: true,
});

export const serverRules: OptionRules<ServerOptions> = Object.freeze({
  ...connectionRules,
  host: text,
  port: port(0),
  tls: objectWith("an object of Node's TLS options"),
  codec: codecRule,
  maxConnections: integer(1, 1_000_000, 'connections'),
  maxInFlightPerConnection: integer(1, 1_000_000, 'Commands'),
  sendHighWaterBytes: integer(1024, 1024 * 1024 * 1024, 'bytes'),
  handshakeTimeoutMs: timeLimit(),
  gracePeriodMs: integer(0, MAX_TIMER_MS, 'milliseconds'),
  quietPeriodMs: integer(0, MAX_TIMER_MS, 'milliseconds'),
  onPlainError: {
    expected: "'close' or a function",
    accepts: (value: unknown) => value === 'close' || typeof value === 'function',
  },
  maxStreamBufferBytes: integer(1024, 1024 * 1024 * 1024, 'bytes'),
  extension: boolean,
  contractCheck: boolean,
  onConnectionLost: callback,
});

/** The options of a `CommandServer`. @publicApi */
export interface CommandServerOptions extends ServerOptions {
  /** The contract both sides share. Required. */
  contract: Contract;
  /** Runs the Commands. Required. */
  invoker: Invoker;
  /**
   * Called as soon as a connection has ended, when its Commands may still be running.
   * @default none
   */
  onConnectionEnd?: (connection: LostConnection) => void;
  /**
   * Told of errors nobody else hears of: of a handler that fails after its last Result, of `onPlainError`, of callbacks; what it throws is ignored.
   * @default none
   */
  onError?: (error: unknown) => void;
}

export const commandServerRules: OptionRules<CommandServerOptions> = Object.freeze({
  ...serverRules,
  contract: contractRule,
  invoker: { ...objectWith('an object with a method invoke', 'invoke'), required: true },
  onConnectionEnd: callback,
  onError: callback,
});
