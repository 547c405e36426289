// The options both sides of a connection share: their meaning, defaults and ranges.
import { integer, renamedTo, text, type OldOptionNames, type OptionRule, type OptionRules } from '../options.js';

/**
 * What clients and servers have in common: greeting, sizes of frames, time limits of a connection.
 *
 * @publicApi
 */
export interface CmdStreamConnectionOptions {
  /**
   * The greeting of the server, 1 to 1024 bytes; a client refuses a server with another one.
   * @default 'default'
   */
  serverInfo?: string | Uint8Array | undefined;
  /**
   * Largest Command frame in bytes, 64 to 1 GiB: the client refuses to write a larger one, the server closes the
   * connection that sends one.
   * @default 1_048_576
   */
  maxCommandBytes?: number | undefined;
  /**
   * Largest Result frame in bytes, 64 to 1 GiB: the server refuses to write a larger one, the client closes the
   * connection that sends one.
   * @default 4_194_304
   */
  maxResultBytes?: number | undefined;
  /**
   * Time from a frame's first byte to its last, in milliseconds, plus one second for each 128 KiB; 0: no limit. Of
   * this and all limits of a connection: time in which this process stands still does not count.
   * @default 10_000
   */
  frameTimeoutMs?: number | undefined;
  /**
   * Time a peer may take no byte although some are waiting, in milliseconds; 0: no limit, but for a connection that is
   * ending, which has the default then. Up to twice that after large writes: the system reports what the peer takes in
   * steps of up to a third of its buffer.
   * @default 10_000
   */
  writeStallTimeoutMs?: number | undefined;
  /**
   * Most bytes that may wait for a peer that does not read. Beyond, a client queues further Commands; a server, whose
   * Results have `maxStreamBufferBytes` besides, lets producers wait, reads no further Commands of a plain peer, and
   * ends the connection of such a peer where a source that cannot wait sends on. 64 KiB to 1 GiB.
   * @default 8_388_608
   */
  maxSendBufferBytes?: number | undefined;
  /**
   * TCP keepalive: idle time before the first probe in milliseconds; 0: off.
   * @default 15_000
   */
  tcpKeepAliveMs?: number | undefined;
}

export const connectionDefaults = Object.freeze({
  serverInfo: 'default' as string | Uint8Array,
  maxCommandBytes: 1_048_576,
  maxResultBytes: 4_194_304,
  frameTimeoutMs: 10_000,
  writeStallTimeoutMs: 10_000,
  maxSendBufferBytes: 8_388_608,
  tcpKeepAliveMs: 15_000,
});

export type ResolvedConnectionOptions = {
  readonly [K in keyof CmdStreamConnectionOptions]-?: NonNullable<CmdStreamConnectionOptions[K]>;
};

const GIB = 1024 * 1024 * 1024;

/** The longest time a timer of Node can wait, in milliseconds. */
export const MAX_TIMER_MS = 2_147_483_647;

/** How long so many bytes may be on their way, beyond any time limit, in milliseconds: 128 KiB per second. */
export function travelMs(bytes: number): number {
  return (bytes * 1000) / 131_072;
}

/** A time limit in milliseconds; 0 switches it off. */
export function timeLimit(): OptionRule {
  return integer(1, MAX_TIMER_MS, 'milliseconds', 'no limit');
}

/** What every system takes; a longer one would be cut without a word. */
const MAX_PATH_BYTES = 103;

/** The path of a Unix domain socket. */
export const socketPath: OptionRule = {
  expected: `a path of 1 to ${MAX_PATH_BYTES} bytes`,
  accepts: (value) => text.accepts(value) && Buffer.byteLength(value as string) <= MAX_PATH_BYTES,
};

export const connectionRules: OptionRules<CmdStreamConnectionOptions> = Object.freeze({
  serverInfo: {
    expected: 'a string or bytes',
    accepts: (value: unknown) => typeof value === 'string' || value instanceof Uint8Array,
  },
  maxCommandBytes: integer(64, GIB, 'bytes'),
  maxResultBytes: integer(64, GIB, 'bytes'),
  frameTimeoutMs: timeLimit(),
  writeStallTimeoutMs: timeLimit(),
  maxSendBufferBytes: integer(65_536, GIB, 'bytes'),
  tcpKeepAliveMs: integer(1, MAX_TIMER_MS, 'milliseconds', 'off'),
});

/** What is often looked for among the options of a side, and belongs into one of them. */
function partsOf(option: string, example: (part: string) => string, parts: readonly string[]): OldOptionNames {
  return Object.fromEntries(parts.map((part) => [part, `it belongs into the option "${option}": ${example(part)}`]));
}

/** Options of both sides that are no more, or never were. */
export const oldConnectionNames: OldOptionNames = Object.freeze({
  ...partsOf('tls', (part) => `\`tls: { ${part} }\``, ['key', 'cert', 'ca', 'pfx', 'passphrase', 'crl']),
  ...partsOf('codec', (part) => `\`jsonCodec({ ${part} })\``, ['maxDepth', 'maxTokens', 'maxKeysPerObject']),
  tlsOptions: renamedTo('tls'),
  noDelay: "there is none: Nagle's algorithm is always off",
  contractCheck: 'there is none: classes that were renamed keep their names by commandType() and resultType()',
});
