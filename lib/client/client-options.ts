// The options of a client: their meaning, defaults and ranges.
import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls';
import { codecRule, contractRule } from '../codec/codec-rules.js';
import type { Codec, CodecFactory } from '../codec/codec.js';
import type { Contract } from '../codec/contract.js';
import {
  connectionDefaults,
  connectionRules,
  timeLimit,
  type ConnectionOptions,
} from '../connection/connection-options.js';
import { boolean, callback, integer, objectWith, oneOf, port, text, type OptionRules } from '../options.js';
import type { Seq } from '../wire/frame.js';

/** A Result nobody waits for: of a Command that was forgotten, timed out, or never sent. */
export interface UnexpectedResult {
  readonly seq: Seq;
  readonly result: unknown;
  readonly bytesRead: number;
}

/** @publicApi */
export interface CommandClientOptions extends ConnectionOptions {
  /** The contract both sides share. Required. */
  contract: Contract;
  /**
   * Host of the server.
   * @default 'localhost'
   */
  host?: string;
  /**
   * Port of the server, 1 to 65535.
   * @default 3000
   */
  port?: number;
  /**
   * Node's own TLS options (`ca`, `cert`, `key`, `servername`, …).
   * @default none: plain TCP
   */
  tls?: TlsConnectionOptions;
  /**
   * A codec, or what makes one for the contract.
   * @default jsonCodec()
   */
  codec?: Codec | CodecFactory;
  /**
   * Time for TCP, TLS and ServerInfo together, in milliseconds; 0: no limit.
   * @default 10_000
   */
  connectTimeoutMs?: number;
  /**
   * Time an `execute` waits for its Result, in milliseconds, unless the call says otherwise; 0: no limit. Streams have none.
   * @default 30_000
   */
  timeoutMs?: number;
  /**
   * Most Commands that wait for an answer; further ones fail. 1 to 10,000,000.
   * @default 65_536
   */
  maxPending?: number;
  /**
   * Most Commands that wait for a connection, or for room in its buffer; further ones fail. 0 to 10,000,000.
   * @default 1_000
   */
  maxQueuedCommands?: number;
  /**
   * Most Results of one `iterate()` that wait to be taken from a producer that cannot be slowed down; beyond, that call
   * fails with SLOW_CONSUMER. 32 to 10,000,000.
   * @default 10_000
   */
  maxBufferedResults?: number;
  /**
   * Offer the extension to the server: errors, cancellation, deadlines, back-pressure, metadata, patterns, drain.
   * `'require'`: a plain server is an error, EXTENSION_UNAVAILABLE. `false`: be a plain client.
   * @default true
   */
  extension?: boolean | 'require';
  /**
   * Refuse a server of this package whose contract lists another type at some position.
   * @default true
   */
  contractCheck?: boolean;
  /**
   * Time `close()` gives pending calls to be answered, in milliseconds.
   * @default 10_000
   */
  gracePeriodMs?: number;
  /**
   * Called with Results nobody waits for; what it throws is ignored.
   * @default none: they are counted only
   */
  onUnexpectedResult?: (result: UnexpectedResult) => void;
}

export const clientDefaults = Object.freeze({
  ...connectionDefaults,
  host: 'localhost',
  port: 3000,
  connectTimeoutMs: 10_000,
  timeoutMs: 30_000,
  maxPending: 65_536,
  maxQueuedCommands: 1000,
  maxBufferedResults: 10_000,
  extension: true as boolean | 'require',
  contractCheck: true,
  gracePeriodMs: 10_000,
});

export const clientRules: OptionRules<CommandClientOptions> = Object.freeze({
  ...connectionRules,
  contract: contractRule,
  host: text,
  port: port(1),
  tls: objectWith("an object of Node's TLS options"),
  codec: codecRule,
  connectTimeoutMs: timeLimit(),
  timeoutMs: timeLimit(),
  maxPending: integer(1, 10_000_000, 'Commands'),
  maxQueuedCommands: integer(0, 10_000_000, 'Commands'),
  maxBufferedResults: integer(32, 10_000_000, 'Results'),
  extension: oneOf(true, false, 'require'),
  contractCheck: boolean,
  gracePeriodMs: integer(0, 2_147_483_647, 'milliseconds'),
  onUnexpectedResult: callback,
});
