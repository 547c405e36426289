// Walks over the bytes of a body record by record, within their bounds. It knows wire types, but no message types.
import { CmdStreamError } from '../errors.js';

export const VARINT = 0;
export const FIXED64 = 1;
export const BLOCK = 2;
export const GROUP = 3;
export const GROUP_END = 4;
export const FIXED32 = 5;

const MAX_FIELD_NUMBER = 0x1fffffff;

export function badBody(reason: string): CmdStreamError {
  return new CmdStreamError('BAD_PAYLOAD', reason);
}

/** Every method throws BAD_PAYLOAD instead of going beyond `end`. */
export class WireCursor {
  readonly bytes: Uint8Array;
  at = 0;
  /** Of the tag read last. */
  number = 0;
  wireType = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Exact up to 2^53-1; what is larger stays larger. */
  varint(end: number): number {
    let value = 0;
    let scale = 1;
    for (let index = 0; ; index++) {
      if (this.at >= end) throw badBody('the bytes end inside a field');
      const byte = this.bytes[this.at++]!;
      if (index === 9 && byte > 1) throw badBody('a varint exceeds 64 bits');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  tag(end: number): void {
    const tag = this.varint(end);
    this.number = Math.floor(tag / 8);
    this.wireType = tag % 8;
    if (this.number < 1 || this.number > MAX_FIELD_NUMBER) throw badBody(`there is no field number ${this.number}`);
  }

  /** Reads the length of a block and returns where it ends. */
  block(end: number): number {
    const length = this.varint(end);
    return this.#within(length, end);
  }

  /** Goes behind a value of a wire type that says where it ends; false for a group and its end. */
  skip(wireType: number, end: number): boolean {
    if (wireType === VARINT) this.varint(end);
    else if (wireType === BLOCK) this.at = this.block(end);
    else if (wireType === FIXED64) this.at = this.#within(8, end);
    else if (wireType === FIXED32) this.at = this.#within(4, end);
    else if (wireType === GROUP || wireType === GROUP_END) return false;
    else throw badBody(`there is no wire type ${wireType}`);
    return true;
  }

  #within(length: number, end: number): number {
    if (length > end - this.at) throw badBody('a field reaches beyond the end of its message');
    return this.at + length;
  }
}
