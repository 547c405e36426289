// Writes the Commands and messages of calls, with what they need beyond their own bytes.
import type { DataLimits } from '../codec/json-codec-options.js';
import { dataText, PatternMessage } from '../codec/pattern-message.js';
import type { Connection } from '../connection/connection.js';
import { CmdStreamError, isCmdStreamError } from '../errors.js';
import { NO_METADATA, writeEvent, writeMessage, writeMeta, type Meta, type Metadata } from '../wire/control-frame.js';
import { nameOfSent } from './call-end.js';
import type { PendingCall } from './pending-call.js';

/** Rounding and a short wait between dispatch and writing do not make a limit another one: 5 ms, or one part in 100. */
const slackMs = (standardMs: number): number => Math.max(5, standardMs / 100);

export class CallWriter {
  readonly #connection: Connection;
  readonly #defaultTimeoutMs: number;

  /** `defaultTimeoutMs`: the time limit that HELLO announces. */
  constructor(connection: Connection, defaultTimeoutMs: number) {
    this.#connection = connection;
    this.#defaultTimeoutMs = defaultTimeoutMs;
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
  write(call: PendingCall, leftMs: number): void {
    const { seq, command, credit } = call;
    if (command instanceof PatternMessage) {
      const meta = { remainingMs: leftMs, credit, metadata: allMetadata(call) };
      const message = { ...wireMessage(command, this.#connection.dataLimits), ...meta };
      const isEvent = command.kind === 'event';
      call.bytes = this.#connection.sendControl((writer) =>
        isEvent ? writeEvent(writer, message) : writeMessage(writer, seq, message),
      );
      return;
    }
    const meta = this.#connection.isExtended ? this.#metaOf(call, leftMs) : undefined;
    call.bytes = meta
      ? this.#connection.send(seq, command, (writer) => writeMeta(writer, seq, meta))
      : this.#connection.send(seq, command);
  }

  /** What a Command needs beyond what HELLO has said; most need nothing. */
  #metaOf(call: PendingCall, leftMs: number): Meta | undefined {
    const { credit } = call;
    if (call.until === 'written')
      return { remainingMs: undefined, credit, metadata: allMetadata(call), noAnswer: true };
    const remainingMs = this.#isDefault(leftMs) ? undefined : leftMs;
    const needsNothing = remainingMs === undefined && credit === 0 && !call.metadata && call.ambient === NO_METADATA;
    return needsNothing ? undefined : { remainingMs, credit, metadata: allMetadata(call) };
  }

  /** No limit is never close to a limit, however short. */
  #isDefault(remainingMs: number): boolean {
    const standard = this.#defaultTimeoutMs;
    if (remainingMs === 0 || standard === 0) return remainingMs === standard;
    return Math.abs(remainingMs - standard) <= slackMs(standard);
  }
}

function allMetadata({ ambient, metadata }: PendingCall): Metadata {
  return { ...ambient, ...metadata };
}

function wireMessage(message: PatternMessage, limits: DataLimits): { route: string; data: string; packet: boolean } {
  const { route, data, isPacket } = message;
  try {
    return { route, data: dataText(data, limits), packet: isPacket };
  } catch (error) {
    if (!isCmdStreamError(error)) throw error;
    throw new CmdStreamError(error.code, `${nameOfSent(message)}: ${error.message}`, { cause: error.cause ?? error });
  }
}
