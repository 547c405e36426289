// The beginning of a client's connection: is it the right server, do both sides speak the extension, and do their
// contracts fit?
//
//   greeting --(ServerInfo)--> probing --(00 | 80 00)--> agreeing --(plain, or HELLO fits)--> agreed
import type { Fingerprint } from '../../codec/fingerprint.js';
import type { Connection } from '../../connection/connection.js';
import { GREETING_LIMIT } from '../../connection/codec-direction.js';
import { protocolError } from '../../connection/seq-window.js';
import { CmdStreamError } from '../../errors.js';
import type { ByteReader } from '../../wire/byte-reader.js';
import { Control, EXTENSION_VERSION, writeHello } from '../../wire/control-frame.js';
import { readHello } from '../../wire/control-reader.js';
import { checkServerInfo } from '../../wire/server-info.js';

export interface ClientHandshakeConfig {
  readonly fingerprint: Fingerprint;
  readonly serverInfo: Buffer;
  readonly extension: boolean | 'require';
  /** The client's default time limit, which HELLO announces. */
  readonly timeoutMs: number;
  readonly options: { readonly maxResultBytes: number };
}

export class ClientHandshake {
  /** Read-only to others: the server has greeted and was asked whether it knows the extension. */
  isProbing = false;
  readonly #connection: Connection;
  readonly #config: ClientHandshakeConfig;
  readonly #onAgreed: (maxInFlight: number | undefined) => void;

  /** `onAgreed` gets how many Commands the server runs at a time, 0: it does not say; undefined: it is a plain one. */
  constructor(
    connection: Connection,
    config: ClientHandshakeConfig,
    onAgreed: (maxInFlight: number | undefined) => void,
  ) {
    this.#connection = connection;
    this.#config = config;
    this.#onAgreed = onAgreed;
  }

  /** @throws {CmdStreamError} SERVER_INFO_MISMATCH */
  onServerInfo(info: Buffer): void {
    checkServerInfo(this.#config.serverInfo, info);
    if (this.#config.extension === false) return this.#onAgreed(undefined);
    this.isProbing = true;
    this.#connection.probe();
  }

  onProbeAnswer(extended: boolean): void {
    this.isProbing = false;
    if (extended) return;
    if (this.#config.extension !== 'require') return this.#onAgreed(undefined);
    const text = 'the server is a plain one, and option "extension" is "require"';
    this.#connection.destroy(new CmdStreamError('EXTENSION_UNAVAILABLE', text));
  }

  /** The first control frame has come. @throws {CmdStreamError} PROTOCOL_ERROR, CONTRACT_MISMATCH */
  onControl(kind: number, reader: ByteReader): void {
    if (kind !== Control.HELLO) throw protocolError(`the first control frame must be HELLO, not ${kind}`);
    const hello = readHello(reader);
    this.#connection.writer.limitFrames(hello.maxFrameBytes);
    const { fingerprint, options, timeoutMs } = this.#config;
    fingerprint.check(hello);
    const limits = { maxFrameBytes: options.maxResultBytes, maxInFlight: 0, timeoutMs };
    const own = { version: EXTENSION_VERSION, features: 0, ...limits, ...fingerprint };
    this.#connection.writer.send((writer) => writeHello(writer, own), { limit: GREETING_LIMIT });
    this.#onAgreed(hello.maxInFlight);
  }
}
