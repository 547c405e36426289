// A pointer: 01 for none, 00 and the value otherwise.
import { CmdStreamError } from '../errors.js';
import type { ByteReader } from '../wire/byte-reader.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import { MusError } from './mus-error.js';
import { mustSerialize, MusSerializer } from './mus-serializer.js';
import type { Drawable } from './schema-layouts.js';

export const NIL = 1;
const SET = 0;

/**
 * A value that may be missing, and is `null` then.
 *
 * @publicApi
 */
export class MusPointer<T, I> extends MusSerializer<T | null, I | null> {
  readonly minBytes = 1;
  readonly #inner: MusSerializer<T, I>;

  /** @throws {CmdStreamError} INVALID_CONTRACT for a pointer to a pointer: two kinds of null cannot be told apart */
  constructor(inner: MusSerializer<T, I>) {
    super();
    mustSerialize('mus.ptr', inner);
    if (inner instanceof MusPointer)
      throw new CmdStreamError('INVALID_CONTRACT', 'a pointer to a pointer has two kinds of null: use mus.ref()');
    this.#inner = inner;
  }

  override describe(draw: (part: Drawable) => string): string {
    return `*${draw(this.#inner)}`;
  }

  encode(value: I | null, writer: ByteWriter): void {
    if (value === null) return writer.writeByte(NIL);
    writer.writeByte(SET);
    this.#inner.encode(value, writer);
  }

  decode(reader: ByteReader): T | null {
    const flag = reader.readByte();
    if (flag === NIL) return null;
    if (flag !== SET) throw new MusError('BAD_PAYLOAD', `${flag} is no pointer: it must begin with 0 or 1`);
    return this.#inner.decode(reader);
  }
}
