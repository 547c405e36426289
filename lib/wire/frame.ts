// The frame around every value: seq, then whatever the codec writes. Seq 0 is a ping or, in the answer, a pong.
//
//   frame        = seq payload
//   seq          = positive varint of 64 bits; 1, 2, 3 … from a client of ours, any number from others
//   ping, pong   = 00
//   padded ping  = 80 00, the same number in two bytes: accepted wherever a ping is
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';

/** Number of a Command on its connection. A server treats it as opaque and copies it back; bigint beyond ±(2^53-1). */
export type Seq = number | bigint;

export const PING_SEQ = 0;

/** That many pings or pongs. */
export function writePings(writer: ByteWriter, count: number): void {
  writer.writeZeros(count);
}

export function readSeq(reader: ByteReader): Seq {
  return reader.readPositive();
}

export function writeSeq(writer: ByteWriter, seq: Seq): void {
  writer.writeUvarint(seq);
}
