// What a codec reads from and writes to: of the bytes of a connection, as much as the code of a user may see and do.

/**
 * What a codec reads from. Every method throws a private signal when bytes are missing; a codec must let it pass: it is
 * called again, from the first byte of its value, when more have arrived.
 *
 * @publicApi
 */
export interface PayloadReader {
  /** Bytes of the frame that were read so far. */
  readonly consumed: number;
  /** Bytes up to the end that {@link delimit} has set; 0 without it. */
  readonly remaining: number;
  /** Looks at the byte `offset` bytes ahead without reading it; -1 if it has not arrived. */
  peek(offset?: number): number;
  /**
   * Waits until `count` more bytes have arrived. @throws {CmdStreamError} FRAME_TOO_LARGE; nothing is allocated for
   * such a frame
   */
  require(count: number): void;
  /** Says that the rest of the frame is `length` bytes, and waits for all of them; nothing beyond can be read. */
  delimit(length: number): void;
  /**
   * Refuses `count` elements of at least `size` bytes that the frame's limit has no room for; those of no bytes count
   * as one each.
   */
  allow(count: number | bigint, size: number): void;
  /**
   * Counts an object that is made of what stands here. @throws {CmdStreamError} BAD_PAYLOAD beyond the limit of the
   * codec, if it has one
   */
  countValue(): void;
  /** The next byte, 0 to 255. */
  readByte(): number;
  /** An unsigned 64-bit varint: a number, or a bigint from 2^53 up. Padded forms are accepted up to 10 bytes. */
  readUvarint(): number | bigint;
  /** A signed 64-bit integer in two's complement as an unsigned varint: a number where it is safe, else a bigint. */
  readPositive(): number | bigint;
  /**
   * A length, as {@link readPositive}. @throws {CmdStreamError} NEGATIVE_LENGTH; FRAME_TOO_LARGE when the frame has no
   * room for it
   */
  readLength(): number;
  /** 2 bytes, little endian, as are all that follow; 64 bits are a number where that is safe, else a bigint. */
  readUint16(): number;
  /** 4 bytes. */
  readUint32(): number;
  /** 8 bytes, from 0 up. */
  readUint64(): number | bigint;
  /** 8 bytes in two's complement. */
  readInt64(): number | bigint;
  /** 4 bytes of IEEE 754. */
  readFloat32(): number;
  /** 8 bytes of IEEE 754. */
  readFloat64(): number;
  /**
   * The next `length` bytes as a view into the receive buffer: valid until the codec returns, copy what must live
   * longer.
   */
  readBytes(length: number): Buffer;
  /** The next `length` bytes as text; bytes that are no valid UTF-8 become U+FFFD. */
  readUtf8(length: number): string;
  /** The next `length` bytes as text. @throws {CmdStreamError} BAD_PAYLOAD when they are no valid UTF-8 */
  readValidUtf8(length: number): string;
}

/**
 * What a codec writes to.
 *
 * @publicApi
 */
export interface PayloadWriter {
  /** One byte; of a larger number its lowest eight bits. */
  writeByte(byte: number): void;
  /** `count` bytes of 0. */
  writeZeros(count: number): void;
  /** An unsigned varint in its shortest form. A negative number or bigint is written as its 64-bit two's complement. */
  writeUvarint(value: number | bigint): void;
  /** A signed varint in ZigZag form; the number must be a safe integer. */
  writeVarint(value: number | bigint): void;
  /**
   * 2 bytes, little endian, as are all that follow. A number out of range, here and there, is cut to its lowest bits.
   */
  writeUint16(value: number): void;
  /** 4 bytes. */
  writeUint32(value: number): void;
  /** 8 bytes of a safe integer or a bigint, in two's complement. */
  writeUint64(value: number | bigint): void;
  /** 4 bytes of IEEE 754; the number is rounded. */
  writeFloat32(value: number): void;
  /** 8 bytes of IEEE 754. */
  writeFloat64(value: number): void;
  /** The bytes as they are, without a length; they are copied. */
  writeBytes(bytes: Uint8Array): void;
  /** Text as its length in bytes (varint) and its UTF-8 bytes; the length is returned. */
  writeUtf8(text: string): number;
  /** Text as its UTF-8 bytes alone; the reader must know where it ends. */
  writeText(text: string): void;
  /** What `write` writes, behind its length in bytes (varint). */
  writeSized(write: (writer: PayloadWriter) => void): void;
}
