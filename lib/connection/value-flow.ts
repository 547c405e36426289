// Which way values go on one side of a connection: what it writes and reads, and within which limits.
import type { Codec } from '../codec/codec.js';
import type { ByteReader } from '../wire/byte-reader.js';
import type { ByteWriter } from '../wire/byte-writer.js';

/** The largest frame of one direction. */
export interface FrameLimit {
  readonly bytes: number;
  /** The option that sets it, for errors. */
  readonly option: string;
}

export interface ValueFlow {
  encode(value: unknown, writer: ByteWriter): void;
  decode(reader: ByteReader): unknown;
  readonly send: FrameLimit;
  readonly receive: FrameLimit;
}

interface Limits {
  readonly maxCommandBytes: number;
  readonly maxResultBytes: number;
}

/** Commands out, Results in. */
export function clientFlow(codec: Codec, { maxCommandBytes, maxResultBytes }: Limits): ValueFlow {
  return {
    encode: (command, writer) => codec.encodeCommand(command, writer),
    decode: (reader) => codec.decodeResult(reader),
    send: { bytes: maxCommandBytes, option: 'maxCommandBytes' },
    receive: { bytes: maxResultBytes, option: 'maxResultBytes' },
  };
}

/** Results out, Commands in. */
export function serverFlow(codec: Codec, { maxCommandBytes, maxResultBytes }: Limits): ValueFlow {
  return {
    encode: (result, writer) => codec.encodeResult(result, writer),
    decode: (reader) => codec.decodeCommand(reader),
    send: { bytes: maxResultBytes, option: 'maxResultBytes' },
    receive: { bytes: maxCommandBytes, option: 'maxCommandBytes' },
  };
}
