// A body without the fields that stand in it under the number, but not in the wire type, of a field of its message type.
// To every implementation they are unknown fields; a decoder that trusts the number alone would misread them.
import { ByteWriter } from '../wire/byte-writer.js';
import type { FieldShapes } from './field-shapes.js';
import { BLOCK, GROUP, GROUP_END, WireCursor } from './wire-cursor.js';

/** A copy; `body` has passed a scan. */
export function withoutStrays(body: Uint8Array, shapes: FieldShapes): Uint8Array {
  const writer = new ByteWriter();
  rewrite(new WireCursor(body), shapes, body.length, writer);
  return Uint8Array.from(writer.take());
}

/** Ends behind `end`, or behind the end of the group, which it leaves out. */
function rewrite(cursor: WireCursor, shapes: FieldShapes | undefined, end: number, writer: ByteWriter): void {
  while (cursor.at < end) {
    cursor.tag(end);
    const { number, wireType } = cursor;
    if (wireType === GROUP_END) return;
    const shape = shapes?.get(number);
    const fits = shape === undefined || shape.wireType === wireType || (shape.packable && wireType === BLOCK);
    const mark = writer.length;
    writer.writeUvarint(number * 8 + wireType);
    if (wireType === BLOCK && fits && shape?.fields) {
      const blockEnd = cursor.block(end);
      writer.writeSized((inner) => rewrite(cursor, shape.fields, blockEnd, inner));
    } else if (wireType === GROUP) {
      rewrite(cursor, fits ? shape?.fields : undefined, end, writer);
      writer.writeUvarint(number * 8 + GROUP_END);
    } else {
      const from = cursor.at;
      cursor.skip(wireType, end);
      writer.writeBytes(cursor.bytes.subarray(from, cursor.at));
    }
    if (!fits) writer.truncate(mark);
  }
}
