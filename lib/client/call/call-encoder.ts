// Writes the Commands and messages of calls, with what they need beyond their own bytes.
import { PatternMessage } from '../../codec/pattern-message.js';
import type { Connection } from '../../connection/connection.js';
import { SelfWriting, type CodecDirection } from '../../connection/codec-direction.js';
import { CmdStreamError } from '../../errors.js';
import type { ByteWriter } from '../../wire/byte-writer.js';
import {
  NO_METADATA,
  writeEvent,
  writeMessage,
  writeMeta,
  type Meta,
  type Metadata,
} from '../../wire/control-frame.js';
import { allMetadata, dataOfMessage, hasMetadata, type CallBytes } from './call-bytes.js';
import { nameOfSent } from './call-outcome.js';
import type { ClientCall } from './client-call.js';

/** Rounding and a short wait between dispatch and writing do not make a limit another one: 5 ms, or one part in 100. */
const slackMs = (standardMs: number): number => Math.max(5, standardMs / 100);

/** How the calls of a connection are kept for a repetition. */
export interface Keeping {
  readonly direction: CodecDirection;
  readonly callBytes: CallBytes;
  /** May this call, which is written for the first time, have to be written again? */
  mayRepeat(call: ClientCall): boolean;
}

/** A Command on its way into the outgoing buffer, of which a copy is kept. */
class KeptOnTheWay extends SelfWriting {
  call: ClientCall | undefined;
  /** Where the map of its metadata is. */
  mapFrom = 0;
  mapTo = 0;
  readonly #keeping: Keeping;

  constructor(keeping: Keeping) {
    super();
    this.#keeping = keeping;
  }

  writeTo(writer: ByteWriter): void {
    // Its getters may send others, which fail, but come by here.
    const { mapFrom, mapTo } = this;
    const call = this.call!;
    // It is not to be kept, with all that its caller keeps, until the next one comes.
    this.call = undefined;
    const from = writer.length;
    this.#keeping.direction.encode(call.command, writer);
    this.#keeping.callBytes.keepWritten(call, writer, mapFrom, mapTo, from);
  }
}

export class CallEncoder {
  readonly #connection: Connection;
  readonly #defaultTimeoutMs: number;
  readonly #keeping: Keeping | undefined;
  readonly #onTheWay: KeptOnTheWay | undefined;

  /** `defaultTimeoutMs`: the time limit that HELLO announces. */
  constructor(connection: Connection, defaultTimeoutMs: number, keeping?: Keeping) {
    this.#connection = connection;
    this.#defaultTimeoutMs = defaultTimeoutMs;
    this.#keeping = keeping;
    this.#onTheWay = keeping && new KeptOnTheWay(keeping);
  }

  /** @throws {CmdStreamError} EXTENSION_UNAVAILABLE when a plain server cannot take what the caller asked for */
  checkNeeds(command: unknown, metadata: Metadata | undefined): void {
    if (this.#connection.isExtended || !(command instanceof PatternMessage || metadata)) return;
    const what = metadata ? 'metadata' : nameOfSent(command);
    throw new CmdStreamError(
      'EXTENSION_UNAVAILABLE',
      `the server is a plain cmd-stream server: it cannot take ${what}`,
    );
  }

  /** Writes a call that has its number, and so many milliseconds left; 0: no limit. */
  write(call: ClientCall, leftMs: number): void {
    const { command } = call;
    if (command instanceof PatternMessage) this.#writeMessage(call, command, leftMs);
    else this.#writeCommand(call, leftMs);
  }

  #writeCommand(call: ClientCall, leftMs: number): void {
    const { seq, kept } = call;
    const meta = this.#connection.isExtended ? this.#metaOf(call, leftMs) : undefined;
    const copy = kept === undefined && this.#keeping?.mayRepeat(call) ? this.#onTheWay : undefined;
    if (copy) {
      copy.call = call;
      copy.mapFrom = copy.mapTo = 0;
    }
    const value = kept ?? copy ?? call.command;
    if (meta === undefined) {
      call.bytes = this.#connection.send(seq, value);
      return;
    }
    const map = kept && kept.mapLength > 0 ? kept.map : undefined;
    call.bytes = this.#connection.send(seq, value, (writer) => {
      const mapLength = writeMeta(writer, seq, meta, map);
      if (copy === undefined || !hasMetadata(call)) return;
      copy.mapTo = writer.length;
      copy.mapFrom = copy.mapTo - mapLength;
    });
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
      data: said ? '' : dataOfMessage(given, this.#connection.dataLimits),
      packet: isPacket,
    };
    const keeping = kept === undefined && !isEvent ? this.#keeping : undefined;
    call.bytes = this.#connection.sendControl((writer) => {
      if (isEvent) return writeEvent(writer, message, said);
      const length = writeMessage(writer, seq, message, said);
      keeping?.callBytes.keepWritten(call, writer, 0, 0, writer.length - length);
    });
  }

  /** What a Command needs beyond what HELLO has said; most need nothing. */
  #metaOf(call: ClientCall, leftMs: number): Meta | undefined {
    const { credit } = call;
    const metadata = call.kept ? NO_METADATA : allMetadata(call);
    if (call.until === 'written') return { remainingMs: undefined, credit, metadata, noAnswer: true };
    const remainingMs = this.#isDefault(leftMs) ? undefined : leftMs;
    const needsNothing = remainingMs === undefined && credit === 0 && !hasMetadata(call);
    return needsNothing ? undefined : { remainingMs, credit, metadata };
  }

  /** No limit is never close to a limit, however short. */
  #isDefault(remainingMs: number): boolean {
    const standard = this.#defaultTimeoutMs;
    if (remainingMs === 0 || standard === 0) return remainingMs === standard;
    return Math.abs(remainingMs - standard) <= slackMs(standard);
  }
}
