// Whole frames that wait, in order, packed one behind the other: a small frame costs little more than its bytes, the
// first one is taken in constant time, and what they hold in memory is known. What the frames mean is not known here.
//
//   sealed chunk --> sealed chunk --> writer (what comes next is written behind what is there)
import { CmdStreamError } from '../errors.js';
import { ByteWriter } from './byte-writer.js';

const FIRST_BYTES = 512;
const CHUNK_BYTES = 64 * 1024;
/** A chunk is sealed when it has so many bytes: a small frame still fits behind them, a large one may go beyond. */
const FULL_BYTES = 56 * 1024;
/** What a chunk costs beside its bytes, and what a frame does. */
const CHUNK_COST = 512;
const FRAME_COST = 8;

interface Chunk {
  readonly bytes: Buffer;
  readonly cost: number;
  /** Of each frame twice its length, and one more if it is a Result. */
  readonly frames: readonly number[];
  next: Chunk | undefined;
}

export class PackedFrames {
  #length = 0;
  #bytes = 0;
  #sealedCost = 0;
  #first: Chunk | undefined;
  #last: Chunk | undefined;
  /** The frame in the first chunk that is the next, and where it begins. */
  #index = 0;
  #start = 0;
  #writer: ByteWriter | undefined;
  #written: number[] = [];
  #isWriting = false;

  /** How many frames wait. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of all frames, and 8 for each. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of memory that are held. */
  get cost(): number {
    const open = this.#writer === undefined ? 0 : this.#writer.capacity + CHUNK_COST;
    return this.#sealedCost + open + FRAME_COST * this.#length;
  }

  /** True while a frame is being written: none can be taken. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** Is the first frame a Result? */
  get startsWithResult(): boolean {
    const next = (this.#first?.frames ?? this.#written)[this.#index] ?? 0;
    return (next & 1) === 1;
  }

  /**
   * Appends the frame that `write` writes; returns its length in bytes. Nothing is left of it when that fails, or when
   * all frames are dropped meanwhile.
   *
   * @throws what `write` throws; {CmdStreamError} ENCODE_FAILED when `write` appends, too
   */
  append(write: (writer: ByteWriter) => void, isResult: boolean): number {
    if (this.#isWriting)
      throw new CmdStreamError('ENCODE_FAILED', 'nothing can be sent while a value is being written');
    const writer = (this.#writer ??= new ByteWriter(
      undefined,
      Math.min(Math.max(FIRST_BYTES, this.#bytes), CHUNK_BYTES),
    ));
    const mark = writer.length;
    this.#isWriting = true;
    try {
      write(writer);
    } catch (error) {
      writer.truncate(mark);
      // Memory that no frame is in would be held for nothing.
      if (mark === 0) this.#writer = undefined;
      throw error;
    } finally {
      this.#isWriting = false;
    }
    const length = writer.length - mark;
    if (this.#writer === writer) this.#add(length, isResult);
    return length;
  }

  #add(length: number, isResult: boolean): void {
    this.#length++;
    this.#bytes += length + FRAME_COST;
    this.#written.push(2 * length + (isResult ? 1 : 0));
    if (this.#writer!.length >= FULL_BYTES) this.#seal();
  }

  #seal(): void {
    const cost = this.#writer!.capacity + CHUNK_COST;
    const chunk: Chunk = { bytes: this.#writer!.take(), cost, frames: this.#written, next: undefined };
    this.#sealedCost += cost;
    this.#writer = undefined;
    this.#written = [];
    if (this.#last === undefined) this.#first = chunk;
    else this.#last.next = chunk;
    this.#last = chunk;
  }

  /** Takes the first frame. There must be one, and none may be being written. */
  shift(): Buffer {
    if (this.#first === undefined) this.#seal();
    const { bytes, frames } = this.#first!;
    const length = frames[this.#index++]! >>> 1;
    const start = this.#start;
    this.#start += length;
    this.#length--;
    this.#bytes -= length + FRAME_COST;
    if (this.#index === frames.length) this.#dropFirst();
    return bytes.subarray(start, start + length);
  }

  #dropFirst(): void {
    const { cost, next } = this.#first!;
    this.#sealedCost -= cost;
    this.#first = next;
    if (next === undefined) this.#last = undefined;
    this.#index = this.#start = 0;
  }

  /** Drops all frames. */
  clear(): void {
    this.#length = this.#bytes = this.#sealedCost = 0;
    this.#index = this.#start = 0;
    this.#first = this.#last = this.#writer = undefined;
    this.#written = [];
  }
}
