// The frame around every value: seq, then whatever the codec writes. Seq 0 is a ping or, in the answer, a pong.
//
//   frame        = seq payload
//   seq          = positive varint of 64 bits: ByteReader.readPositive(), ByteWriter.writeUvarint();
//                  1, 2, 3 … from a client of this package, any number from others
//   ping, pong   = 00
//   padded ping  = 80 00, the same number in two bytes: accepted wherever a ping is

/** Number of a Command on its connection. A server treats it as opaque and copies it back; bigint beyond ±(2^53-1). */
export type Seq = number | bigint;

/** The number of a ping, or of a pong: `writer.writeZeros(count)` writes so many of them. */
export const PING_SEQ = 0;
