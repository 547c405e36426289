// Looks over a body before it is decoded: everything within its bounds, nothing too deep, not too many fields. Makes no
// message; what it finds says whether the decoder can read the bytes where they are, or a copy without fields that it
// would misread.
import type { FieldShape, FieldShapes } from './field-shapes.js';
import type { BodyLimits } from './message-format.js';
import { badBody, BLOCK, FIXED64, GROUP_END, VARINT, WireCursor, GROUP } from './wire-cursor.js';
import { ByteWriter } from '../wire/byte-writer.js';

const LONGEST_TAG = 5;

export class BodyScan {
  /** A decoder would keep views of the bytes: of fields that are bytes, and of fields it does not know. */
  leavesViews = false;
  /** There are fields that the message type has, but in another wire type: no fields of that type, as if unknown. */
  hasStrays = false;
  readonly #cursor: WireCursor;
  readonly #limits: BodyLimits;
  #fields = 0;

  constructor(body: Uint8Array, limits: BodyLimits) {
    this.#cursor = new WireCursor(body);
    this.#limits = limits;
  }

  /** @throws {CmdStreamError} BAD_PAYLOAD when it is no body, or exceeds the limits */
  run(shapes: FieldShapes): this {
    this.#message(shapes, this.#cursor.bytes.length, 1, 0);
    return this;
  }

  /** Reads up to `end`, or to the end of the group. */
  #message(shapes: FieldShapes | undefined, end: number, depth: number, group: number): void {
    const { maxDepth, maxFields } = this.#limits;
    if (depth > maxDepth) throw badBody(`nested deeper than maxDepth (${maxDepth})`);
    const cursor = this.#cursor;
    while (cursor.at < end) {
      const from = cursor.at;
      cursor.tag(end);
      const { number, wireType } = cursor;
      if (wireType === GROUP_END) {
        if (number === group) return;
        throw badBody(`a group ends that is not open, ${number}`);
      }
      if (++this.#fields > maxFields) throw badBody(`more fields than maxFields (${maxFields})`);
      if (cursor.at - from > LONGEST_TAG) this.hasStrays = true;
      this.#field(shapes?.get(number), end, depth);
    }
    if (group > 0) throw badBody(`a group does not end, ${group}`);
  }

  #field(shape: FieldShape | undefined, end: number, depth: number): void {
    const { number, wireType } = this.#cursor;
    if (shape?.wireType === wireType) {
      if (shape.isBytes) this.leavesViews = true;
      if (wireType === BLOCK && shape.fields) return this.#message(shape.fields, this.#cursor.block(end), depth + 1, 0);
      if (!this.#cursor.skip(wireType, end)) this.#message(shape.fields, end, depth + 1, number);
    } else if (shape?.packable && wireType === BLOCK) this.#packed(shape.wireType, this.#cursor.block(end));
    else {
      this.leavesViews = true;
      if (shape) this.hasStrays = true;
      if (!this.#cursor.skip(wireType, end)) this.#message(undefined, end, depth + 1, number);
    }
  }

  #packed(wireType: number, end: number): void {
    const cursor = this.#cursor;
    if (wireType === VARINT) while (cursor.at < end) cursor.varint(end);
    else if ((end - cursor.at) % (wireType === FIXED64 ? 8 : 4) !== 0)
      throw badBody('a packed list ends inside an element');
    cursor.at = end;
  }
}

/**
 * A copy of a body, which has passed a scan, without the fields that stand in it under the number, but not in the wire
 * type, of a field of its message type. To every implementation they are unknown fields; a decoder that trusts the
 * number alone would misread them.
 */
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
