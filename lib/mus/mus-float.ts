// Floating point numbers: their bits as they are, or as a varint.
import type { ByteReader } from '../wire/byte-reader.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import { uvarint } from './integer-forms.js';
import { misfit } from './mus-error.js';
import { MusSerializer } from './mus-serializer.js';

abstract class FloatSerializer extends MusSerializer<number> {
  encode(value: number, writer: ByteWriter): void {
    if (typeof value !== 'number') throw misfit('a number', value);
    this.write(value, writer);
  }

  protected abstract write(value: number, writer: ByteWriter): void;
}

/** Rounds to the nearest 32-bit number, but makes no infinity of what is none. */
function rounded(value: number): number {
  const nearest = Math.fround(value);
  if (Math.abs(nearest) === Infinity && Number.isFinite(value)) throw misfit('a number in the range of 32 bits', value);
  return nearest;
}

export class RawFloat64 extends FloatSerializer {
  readonly minBytes = 8;

  override describe(): string {
    return 'rawfloat64';
  }

  protected write(value: number, writer: ByteWriter): void {
    writer.writeFloat64(value);
  }

  decode(reader: ByteReader): number {
    return reader.readFloat64();
  }
}

export class RawFloat32 extends FloatSerializer {
  readonly minBytes = 4;

  override describe(): string {
    return 'rawfloat32';
  }

  protected write(value: number, writer: ByteWriter): void {
    writer.writeFloat32(rounded(value));
  }

  decode(reader: ByteReader): number {
    return reader.readFloat32();
  }
}

export class VarintFloat64 extends FloatSerializer {
  readonly minBytes = 1;

  override describe(): string {
    return 'varintfloat64';
  }

  protected write(value: number, writer: ByteWriter): void {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    writer.writeUvarint(view.getBigUint64(0));
  }

  decode(reader: ByteReader): number {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt(reader.readUvarint()));
    return view.getFloat64(0);
  }
}

export class VarintFloat32 extends FloatSerializer {
  readonly minBytes = 1;
  readonly #bits = uvarint(32);

  override describe(): string {
    return 'varintfloat32';
  }

  protected write(value: number, writer: ByteWriter): void {
    const view = new DataView(new ArrayBuffer(4));
    view.setFloat32(0, rounded(value));
    writer.writeUvarint(view.getUint32(0));
  }

  decode(reader: ByteReader): number {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, Number(this.#bits.read(reader)));
    return view.getFloat32(0);
  }
}
