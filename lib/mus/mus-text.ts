// Text and blocks of bytes: a length in bytes and the bytes themselves.
import { isUint8Array } from 'node:util/types';
import type { PayloadReader, PayloadWriter } from '../wire/payload.js';
import { LengthRule, type MusLengthOptions } from './length-rule.js';
import { misfit } from './mus-error.js';
import { MusSerializer } from './mus-serializer.js';

const loneSurrogate = /\p{Surrogate}/u;

/**
 * Text, which must be valid UTF-8 when it is read, and whole characters when it is written: nothing is replaced.
 * A peer may put any bytes into a string; `bytes` reads those.
 *
 * @publicApi
 */
export class MusString extends MusSerializer<string> {
  readonly minBytes: number;
  /** The same on the wire, its content as bytes of any kind. */
  readonly bytes: MusBytes;
  readonly #length: LengthRule;

  constructor(options?: MusLengthOptions) {
    super();
    this.#length = new LengthRule('mus.string', options);
    this.minBytes = this.#length.minBytes;
    this.bytes = new MusBytes(options);
  }

  /** The same text, its length bounded or written in another way. @throws {CmdStreamError} INVALID_OPTION */
  with(options: MusLengthOptions): MusString {
    return new MusString(options);
  }

  /** @internal */
  override get drawn(): MusSerializer<unknown, never> {
    return this.bytes.drawn;
  }

  encode(value: string, writer: PayloadWriter): void {
    if (typeof value !== 'string') throw misfit('a string', value);
    const size = this.#length.isPlain ? writer.writeUtf8(value) : this.#writeSized(value, writer);
    // As many bytes as letters: all of them are ASCII.
    const half = size === value.length ? null : loneSurrogate.exec(value);
    if (half) throw misfit('text of whole characters', half[0]);
  }

  #writeSized(value: string, writer: PayloadWriter): number {
    const size = Buffer.byteLength(value);
    this.#length.write(size, writer);
    writer.writeText(value);
    return size;
  }

  decode(reader: PayloadReader): string {
    return reader.readValidUtf8(this.#length.read(reader));
  }
}

/**
 * A block of bytes. What is read is a copy of its own.
 *
 * @publicApi
 */
export class MusBytes extends MusSerializer<Uint8Array> {
  readonly minBytes: number;
  readonly #length: LengthRule;

  constructor(options?: MusLengthOptions) {
    super();
    this.#length = new LengthRule('mus.bytes', options);
    this.minBytes = this.#length.minBytes;
  }

  /** The same block, its length bounded or written in another way. @throws {CmdStreamError} INVALID_OPTION */
  with(options: MusLengthOptions): MusBytes {
    return new MusBytes(options);
  }

  /** @internal */
  override describe(): string {
    return `bytes(${this.#length.layout})`;
  }

  encode(value: Uint8Array, writer: PayloadWriter): void {
    if (!isUint8Array(value)) throw misfit('a Uint8Array', value);
    this.#length.write(value.length, writer);
    writer.writeBytes(value);
  }

  decode(reader: PayloadReader): Uint8Array {
    const bytes = reader.readBytes(this.#length.read(reader));
    reader.countValue();
    return new Uint8Array(bytes);
  }
}
