// The memory of what calls say: blocks of bytes, in which many are packed one behind the other. What is held is known, and
// let go as soon as nobody needs it.
//
//   block of 8 KiB | one | another | a third …    let go, or used again, when nothing in it is kept any more
import { SelfWriting } from '../../connection/codec-direction.js';
import { viewOf, type ByteWriter } from '../../wire/byte-writer.js';

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
export class KeptBytes extends SelfWriting {
  readonly #owner: KeptBlocks;
  readonly #at: number;

  constructor(
    owner: KeptBlocks,
    readonly block: Block,
    at: number,
    /** Of the map alone; 0: a Command without metadata. */
    readonly mapLength: number,
    readonly length: number,
  ) {
    super();
    this.#owner = owner;
    this.#at = at;
  }

  get map(): Uint8Array {
    return this.#part(0, this.mapLength);
  }

  get all(): Uint8Array {
    return this.#part(0, this.length);
  }

  /** Writes the body of a Command. */
  writeTo(writer: ByteWriter): void {
    writer.writeBytes(this.#part(this.mapLength, this.length));
  }

  /** Nobody needs them any more. */
  release(): void {
    this.#owner.release(this);
  }

  #part(from: number, to: number): Uint8Array {
    return this.block.bytes.subarray(this.#at + from, this.#at + to);
  }
}

export class KeptBlocks {
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
   * Copies what was written: a map, if there is one, and all from `from` on; undefined if more than `most` bytes were held
   * then.
   */
  keep(writer: ByteWriter, mapFrom: number, mapTo: number, from: number, most: number): KeptBytes | undefined {
    const mapLength = mapTo - mapFrom;
    const to = writer.length;
    const length = mapLength + to - from;
    const block = this.#blockFor(length, most);
    if (block === undefined) return undefined;
    const at = block.used;
    writer.copyTo(block.view, at, mapFrom, mapTo);
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

  /** For {@link KeptBytes.release}. */
  release({ block }: KeptBytes): void {
    this.#held -= KEPT_COST;
    if (--block.living > 0) return;
    block.used = 0;
    if (block === this.#current) return;
    if (this.#spare === undefined && block.bytes.length === this.#blockBytes) this.#spare = block;
    else this.#held -= block.bytes.length;
  }
}
