// A boolean: one byte, 00 or 01.
import type { ByteReader } from '../wire/byte-reader.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import { misfit, MusError } from './mus-error.js';
import { MusSerializer } from './mus-serializer.js';

export class MusBool extends MusSerializer<boolean> {
  readonly minBytes = 1;

  override describe(): string {
    return 'bool';
  }

  encode(value: boolean, writer: ByteWriter): void {
    if (typeof value !== 'boolean') throw misfit('a boolean', value);
    writer.writeByte(value ? 1 : 0);
  }

  decode(reader: ByteReader): boolean {
    const byte = reader.readByte();
    if (byte > 1) throw new MusError('BAD_PAYLOAD', `${byte} is no boolean: it must be 0 or 1`);
    return byte === 1;
  }
}
