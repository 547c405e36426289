// Writes the Commands and messages of calls, with what they need beyond their own bytes.
import { PatternMessage } from '../../codec/pattern-message.js';
import type { Connection } from '../../connection/connection.js';
import type { CodecDirection } from '../../connection/codec-direction.js';
import { CmdStreamError } from '../../errors.js';
import type { ByteWriter } from '../../wire/byte-writer.js';
import { NO_METADATA, writeEvent, writeMessage, writeMeta, type Meta } from '../../wire/control-frame.js';
import { allMetadata, dataOfMessage, type CallBytes } from './call-bytes.js';
import { nameOfSent } from './call-outcome.js';
import { needsExtension } from './call-rules.js';
import type { ClientCall } from './client-call.js';

/** Rounding and a short wait between dispatch and writing do not make a limit another one: 5 ms, or one part in 100. */
const slackMs = (standardMs: number): number => Math.max(5, standardMs / 100);

export interface CallEncoderConfig {
  /** The time limit that HELLO announces. */
  readonly timeoutMs: number;
  readonly direction: CodecDirection;
  readonly callBytes: CallBytes;
}

export class CallEncoder {
  /** Does the server take more than plain Commands? Set when both sides have agreed. */
  isExtended = false;
  readonly #connection: Connection;
  readonly #config: CallEncoderConfig;

  constructor(connection: Connection, config: CallEncoderConfig) {
    this.#connection = connection;
    this.#config = config;
  }

  /** @throws {CmdStreamError} EXTENSION_UNAVAILABLE when a plain server cannot take what the caller asked for */
  checkPlain(call: ClientCall): void {
    if (!needsExtension(call)) return;
    const { command, metadata } = call;
    const name = nameOfSent(command);
    const lack =
      metadata || command instanceof PatternMessage
        ? `it cannot take ${metadata ? 'metadata' : name}`
        : `it has no word for the end of ${name}, which has no Result; emit() sends it and waits for nothing`;
    throw new CmdStreamError('EXTENSION_UNAVAILABLE', `the server is a plain cmd-stream server: ${lack}`);
  }

  /**
   * Writes a call that has its number, and so many milliseconds left; 0: no limit. `mayRepeat`: it may have to be
   * written again.
   */
  write(call: ClientCall, leftMs: number, mayRepeat: boolean): void {
    const { command } = call;
    if (command instanceof PatternMessage) this.#writeMessage(call, command, leftMs);
    else this.#writeCommand(call, leftMs, mayRepeat);
  }

  #writeCommand(call: ClientCall, leftMs: number, mayRepeat: boolean): void {
    const { seq, kept } = call;
    const meta = this.isExtended ? this.#metaOf(call, leftMs) : undefined;
    const { direction, callBytes } = this.#config;
    /** Where the map of the metadata is. */
    let mapFrom = 0;
    let mapTo = 0;
    const write = (writer: ByteWriter): void => {
      writer.writeUvarint(seq);
      if (kept) return writer.writeBytes(kept.body);
      const from = writer.length;
      direction.encode(call.command, writer);
      if (mayRepeat) callBytes.keepWritten(call, writer, mapFrom, mapTo, from);
    };
    if (meta === undefined) {
      call.bytes = this.#connection.writer.send(write);
      return;
    }
    const map = kept && kept.mapLength > 0 ? kept.map : undefined;
    const before = (writer: ByteWriter): void => {
      const mapLength = writeMeta(writer, seq, meta, map);
      if (kept || !call.hasMetadata) return;
      mapTo = writer.length;
      mapFrom = mapTo - mapLength;
    };
    call.bytes = this.#connection.writer.send(write, { before });
  }

  #writeMessage(call: ClientCall, given: PatternMessage, leftMs: number): void {
    const { kind, route, isPacket } = given;
    const { seq, credit, kept } = call;
    const isEvent = kind === 'event';
    const said = kept?.all;
    const message = {
      remainingMs: leftMs,
      credit,
      metadata: said ? NO_METADATA : allMetadata(call),
      route,
      data: said ? '' : dataOfMessage(given, this.#config.direction.dataCodec),
      packet: isPacket,
    };
    call.bytes = this.#connection.writer.send((writer) => {
      if (isEvent) return writeEvent(writer, message, said);
      const length = writeMessage(writer, seq, message, said);
      if (!kept) this.#config.callBytes.keepWritten(call, writer, 0, 0, writer.length - length);
    });
  }

  /** What a Command needs beyond what HELLO has said; most need nothing. */
  #metaOf(call: ClientCall, leftMs: number): Meta | undefined {
    const { credit } = call;
    const metadata = call.kept || !call.hasMetadata ? NO_METADATA : allMetadata(call);
    if (call.until === 'written') return { remainingMs: undefined, credit, metadata, noAnswer: true };
    const remainingMs = this.#isDefault(leftMs) ? undefined : leftMs;
    const needsNothing = remainingMs === undefined && credit === 0 && !call.hasMetadata;
    return needsNothing ? undefined : { remainingMs, credit, metadata };
  }

  /** No limit is never close to a limit, however short. */
  #isDefault(remainingMs: number): boolean {
    const standard = this.#config.timeoutMs;
    if (remainingMs === 0 || standard === 0) return remainingMs === standard;
    return Math.abs(remainingMs - standard) <= slackMs(standard);
  }
}
