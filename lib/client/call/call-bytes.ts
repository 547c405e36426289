// What calls say, as bytes that stay what they were: of those that wait, and of those that may have to be sent again. Their
// number and the time that is left are not among them: those are put in front when a call is written.
//
//   a Command: map of metadata (or nothing), body          a message or event by pattern: map, route, data
import type { DataLimits } from '../../codec/json/json-codec-options.js';
import { dataText, PatternMessage } from '../../codec/pattern-message.js';
import { checkFrameLength, type CodecDirection } from '../../connection/codec-direction.js';
import { CmdStreamError, encodeError } from '../../errors.js';
import { ByteWriter } from '../../wire/byte-writer.js';
import { NO_METADATA, writeMap, type Metadata } from '../../wire/control-frame.js';
import { nameOfSent } from './call-outcome.js';
import { KeptBlocks } from './kept-bytes.js';
import type { ClientCall } from './client-call.js';

export interface CallBytesConfig {
  readonly maxQueuedBytes: number;
  readonly direction: CodecDirection;
}

export class CallBytes {
  readonly #maxBytes: number;
  readonly #blocks: KeptBlocks;
  readonly #direction: CodecDirection;
  #scratch: ByteWriter | undefined;

  constructor({ maxQueuedBytes, direction }: CallBytesConfig) {
    this.#maxBytes = maxQueuedBytes;
    this.#blocks = new KeptBlocks(maxQueuedBytes);
    this.#direction = direction;
  }

  /** Bytes of memory that are held. */
  get held(): number {
    return this.#blocks.held;
  }

  /**
   * Encodes what a call that must wait says, unless that was done before.
   *
   * @throws {CmdStreamError} QUEUE_FULL, FRAME_TOO_LARGE, ENCODE_FAILED, COMMAND_NOT_IN_CONTRACT or what the codec says
   */
  keepWaiting(call: ClientCall): void {
    if (call.kept) return;
    // One whose encoding runs code of the user that calls again leaves that call another one.
    const writer = this.#scratch ?? new ByteWriter();
    this.#scratch = undefined;
    try {
      const mapLength = this.#encode(call, writer);
      checkFrameLength(writer.length - mapLength + 1, this.#direction.send);
      if (!call.isPending) return;
      call.kept = this.#blocks.keep(writer, 0, mapLength, mapLength, this.#maxBytes);
      if (call.kept === undefined) throw this.#full(writer.length);
    } catch (error) {
      throw encodeError(error);
    } finally {
      writer.truncate(0);
      this.#scratch = writer;
    }
  }

  #encode(call: ClientCall, writer: ByteWriter): number {
    const { command } = call;
    if (command instanceof PatternMessage) {
      writeMap(writer, allMetadata(call));
      writer.writeUtf8(command.route);
      writer.writeText(dataOfMessage(command, this.#direction.data));
      return 0;
    }
    if (hasMetadata(call)) writeMap(writer, allMetadata(call));
    const mapLength = writer.length;
    this.#direction.encode(command, writer);
    return mapLength;
  }

  /**
   * Copies what was written of a call that may have to be sent again: a map, and all behind `from`. Not if much is kept
   * already: half of the room is for those that wait.
   */
  keepWritten(call: ClientCall, writer: ByteWriter, mapFrom: number, mapTo: number, from: number): void {
    if (call.isPending) call.kept = this.#blocks.keep(writer, mapFrom, mapTo, from, this.#maxBytes >>> 1);
  }

  #full(length: number): CmdStreamError {
    const what = `a Command of ${length} bytes that has to wait does not fit into maxQueuedBytes (${this.#maxBytes})`;
    return new CmdStreamError('QUEUE_FULL', `${what} of this client: ${this.held} are held already`);
  }
}

export function hasMetadata({ ambient, metadata }: ClientCall): boolean {
  return metadata !== undefined || ambient !== NO_METADATA;
}

export function allMetadata(call: ClientCall): Metadata {
  return hasMetadata(call) ? { ...call.ambient, ...call.metadata } : NO_METADATA;
}

/** The JSON text of the data of a message or event. @throws {CmdStreamError} ENCODE_FAILED, JSON_DEPTH, JSON_TOKENS */
export function dataOfMessage(message: PatternMessage, limits: DataLimits): string {
  try {
    return dataText(message.data, limits);
  } catch (error) {
    const { code, message: text, cause } = error as CmdStreamError; // It throws nothing else.
    throw new CmdStreamError(code, `${nameOfSent(message)}: ${text}`, { cause: cause ?? error });
  }
}
