// What calls say, as bytes that stay what they were: of those that wait, and of those that may have to be sent again.
// Their number and the time that is left are not among them: those are put in front when a call is written.
//
//   a Command: map of metadata (or nothing), body          a message or event by pattern: map, route, data
import type { DataCodec } from '../../codec/data-codec.js';
import { PatternMessage } from '../../codec/pattern-message.js';
import { frameTooLarge, type CodecDirection } from '../../connection/codec-direction.js';
import { CmdStreamError, encodeError } from '../../errors.js';
import { ByteWriter, viewOf } from '../../wire/byte-writer.js';
import { NO_METADATA, writeMap, type DataJson, type Metadata } from '../../wire/control-frame.js';
import { nameOfSent } from './call-outcome.js';

export interface CallBytesConfig {
  readonly maxQueuedBytes: number;
  readonly direction: CodecDirection;
}

/** A call, as far as its bytes are concerned. */
export interface KeptCall {
  readonly command: unknown;
  readonly metadata: Metadata | undefined;
  ambient: Metadata;
  hasMetadata: boolean;
  readonly isPending: boolean;
  kept: KeptBytes | undefined;
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
   * Encodes what a call says that must wait before it is written, unless that was done before.
   *
   * @throws {CmdStreamError} QUEUE_FULL, FRAME_TOO_LARGE, ENCODE_FAILED, COMMAND_NOT_IN_CONTRACT or what the codec says
   */
  keepUnwritten(call: KeptCall): void {
    if (call.kept) return;
    // One whose encoding runs code of the user that calls again leaves that call another one.
    const writer = this.#scratch ?? new ByteWriter();
    this.#scratch = undefined;
    try {
      const mapLength = this.#encode(call, writer);
      const { send } = this.#direction;
      const length = writer.length - mapLength + 1;
      if (length > send.bytes) throw frameTooLarge(length, send);
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

  #encode(call: KeptCall, writer: ByteWriter): number {
    const { command } = call;
    if (command instanceof PatternMessage) {
      writeMap(writer, allMetadata(call));
      writer.writeUtf8(command.route);
      writer.writeJson(dataOfMessage(command, this.#direction.dataCodec));
      return 0;
    }
    if (call.hasMetadata) writeMap(writer, allMetadata(call));
    const mapLength = writer.length;
    this.#direction.encode(command, writer);
    return mapLength;
  }

  /**
   * Gives a call whose bytes are kept this ambient metadata; the rest stays as it was.
   *
   * @throws {CmdStreamError} QUEUE_FULL
   */
  keepMetadata(call: KeptCall, ambient: Metadata): void {
    const { kept } = call;
    const hasMetadata = call.metadata !== undefined || Object.keys(ambient).length > 0;
    if (kept === undefined || !hasMetadata) return;
    const writer = new ByteWriter();
    const isMessage = call.command instanceof PatternMessage;
    if (isMessage) writeMap(writer, allMetadata(call));
    const rest = isMessage ? kept.all.subarray(writer.length) : kept.body;
    writer.truncate(0);
    call.ambient = ambient;
    call.hasMetadata = true;
    writeMap(writer, allMetadata(call));
    const mapLength = isMessage ? 0 : writer.length;
    writer.writeBytes(rest);
    const again = this.#blocks.keep(writer, 0, mapLength, mapLength, this.#maxBytes);
    if (again === undefined) throw this.#full(writer.length);
    kept.free();
    call.kept = again;
  }

  /**
   * Copies what was written of a call that may have to be sent again: a map, and all behind `from`. Not if much is kept
   * already: half of the room is for those that wait.
   */
  keepWritten(call: KeptCall, writer: ByteWriter, mapFrom: number, mapTo: number, from: number): void {
    if (call.isPending) call.kept = this.#blocks.keep(writer, mapFrom, mapTo, from, this.#maxBytes >>> 1);
  }

  #full(length: number): CmdStreamError {
    const what = `a Command of ${length} bytes that has to wait does not fit into maxQueuedBytes (${this.#maxBytes})`;
    return new CmdStreamError('QUEUE_FULL', `${what} of this client: ${this.held} are held already`);
  }
}

export function allMetadata({ hasMetadata, ambient, metadata }: KeptCall): Metadata {
  if (!hasMetadata) return NO_METADATA;
  if (metadata === undefined) return ambient;
  return ambient === NO_METADATA ? metadata : { ...ambient, ...metadata };
}

/** As {@link DataCodec.write}, of a message or event. @throws {CmdStreamError} ENCODE_FAILED, JSON_LIMIT */
export function dataOfMessage(message: PatternMessage, codec: DataCodec): DataJson {
  try {
    return codec.write(message.route, message.data);
  } catch (error) {
    const { code, message: text, cause } = error as CmdStreamError; // It throws nothing else.
    throw new CmdStreamError(code, `${nameOfSent(message)}: ${text}`, { cause: cause ?? error });
  }
}

// Where kept bytes are: in blocks, many of them one behind the other. What is held is known, and a block is dropped, or
// used again, when nothing in it is kept any more.
//
//   block of 8 KiB | one | another | a third …

const BLOCK_BYTES = 8 * 1024;
/** What keeping one costs beside its bytes. */
const KEPT_COST = 64;

interface Block {
  readonly bytes: Buffer;
  readonly view: DataView;
  used: number;
  /** How many are kept in it. */
  living: number;
}

/** The bytes of one call. */
export class KeptBytes {
  readonly #blocks: KeptBlocks;
  readonly #at: number;

  constructor(
    blocks: KeptBlocks,
    readonly block: Block,
    at: number,
    /** Of the map alone; 0: a Command without metadata. */
    readonly mapLength: number,
    readonly length: number,
  ) {
    this.#blocks = blocks;
    this.#at = at;
  }

  get map(): Uint8Array {
    return this.#part(0, this.mapLength);
  }

  get all(): Uint8Array {
    return this.#part(0, this.length);
  }

  /** Of a Command, without its map. */
  get body(): Uint8Array {
    return this.#part(this.mapLength, this.length);
  }

  /** They are not needed any more. */
  free(): void {
    this.#blocks.free(this.block);
  }

  #part(from: number, to: number): Uint8Array {
    return this.block.bytes.subarray(this.#at + from, this.#at + to);
  }
}

class KeptBlocks {
  readonly #blockBytes: number;
  #held = 0;
  #current: Block | undefined;
  #spare: Block | undefined;

  /** `mostBytes`: as many may be held. */
  constructor(mostBytes: number) {
    this.#blockBytes = Math.min(BLOCK_BYTES, mostBytes >>> 4);
  }

  /** Bytes of memory that are held. */
  get held(): number {
    return this.#held;
  }

  /**
   * Copies what was written: a map, if there is one, and all from `from` on; undefined if more than `most` bytes were
   * held then.
   */
  keep(writer: ByteWriter, mapFrom: number, mapTo: number, from: number, most: number): KeptBytes | undefined {
    const mapLength = mapTo - mapFrom;
    const to = writer.length;
    const length = mapLength + to - from;
    const block = this.#blockFor(length, most);
    if (block === undefined) return undefined;
    const at = block.used;
    if (mapLength > 0) writer.copyTo(block.view, at, mapFrom, mapTo);
    writer.copyTo(block.view, at + mapLength, from, to);
    block.used += length;
    block.living++;
    this.#held += KEPT_COST;
    return new KeptBytes(this, block, at, mapLength, length);
  }

  #blockFor(length: number, most: number): Block | undefined {
    const current = this.#current;
    if (current && current.used + length <= current.bytes.length && this.#held + KEPT_COST <= most) return current;
    // A large one has a block of its own, so that the small ones of a block do not keep much.
    if (length > this.#blockBytes >>> 2) return this.#newBlock(length, most);
    const next = this.#spare ?? this.#newBlock(this.#blockBytes, most);
    if (next === undefined || this.#held + KEPT_COST > most) return undefined;
    this.#spare = undefined;
    this.#current = next;
    return next;
  }

  #newBlock(length: number, most: number): Block | undefined {
    if (this.#held + length + KEPT_COST > most) return undefined;
    this.#held += length;
    const bytes = Buffer.allocUnsafeSlow(length);
    return { bytes, view: viewOf(bytes), used: 0, living: 0 };
  }

  free(block: Block): void {
    this.#held -= KEPT_COST;
    if (--block.living > 0) return;
    block.used = 0;
    if (block === this.#current) return;
    if (this.#spare === undefined && block.bytes.length === this.#blockBytes) this.#spare = block;
    else this.#held -= block.bytes.length;
  }
}
