// Which way values go on one side of a connection: what it writes and reads, and within which limits.
import { requireSync } from '../callbacks.js';
import type { Codec } from '../codec/codec.js';
import { jsonCodecDefaults, RECEIVED_KEYS, type DataLimits } from '../codec/json/json-codec-options.js';
import { CmdStreamError } from '../errors.js';
import type { ByteReader } from '../wire/byte-reader.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import { MAX_HELLO_BYTES } from '../wire/control-frame.js';

/** The largest frame of one direction. */
export interface FrameLimit {
  readonly bytes: number;
  /** The option that sets it, for errors. */
  readonly option: string;
}

/** Of what peers say before there are values: no option makes a connection impossible. */
export const GREETING_LIMIT: FrameLimit = Object.freeze({ bytes: MAX_HELLO_BYTES, option: 'the limit of HELLO' });

/** A value that writes itself, of which the codec knows nothing. */
export abstract class SelfWriting {
  abstract writeTo(writer: ByteWriter): void;
}

/** @throws {CmdStreamError} FRAME_TOO_LARGE */
export function checkFrameLength(length: number, { bytes, option }: FrameLimit): void {
  if (length > bytes)
    throw new CmdStreamError('FRAME_TOO_LARGE', `frame of ${length} bytes exceeds ${option} (${bytes})`);
}

export interface CodecDirection {
  encode(value: unknown, writer: ByteWriter): void;
  decode(reader: ByteReader): unknown;
  readonly send: FrameLimit;
  readonly receive: FrameLimit;
  /** What belongs to no type of the contract. */
  readonly data: DataLimits;
}

interface Limits {
  readonly maxCommandBytes: number;
  readonly maxResultBytes: number;
}

/** Commands out, Results in. */
export function clientDirection(codec: Codec, { maxCommandBytes, maxResultBytes }: Limits): CodecDirection {
  return {
    encode: (command, writer) =>
      command instanceof SelfWriting
        ? command.writeTo(writer)
        : requireSync('ENCODE_FAILED', 'encodeCommand() of the codec', codec.encodeCommand(command, writer)),
    decode: (reader) => requireSync('BAD_PAYLOAD', 'decodeResult() of the codec', codec.decodeResult(reader)),
    send: { bytes: maxCommandBytes, option: 'maxCommandBytes' },
    receive: { bytes: maxResultBytes, option: 'maxResultBytes' },
    // A client hands on what it receives: no pipe looks at it.
    data: { ...(codec.dataLimits ?? jsonCodecDefaults), maxKeysPerObject: undefined },
  };
}

/** Results out, Commands in. */
export function serverDirection(codec: Codec, { maxCommandBytes, maxResultBytes }: Limits): CodecDirection {
  return {
    encode: (result, writer) =>
      requireSync('ENCODE_FAILED', 'encodeResult() of the codec', codec.encodeResult(result, writer)),
    decode: (reader) => requireSync('BAD_PAYLOAD', 'decodeCommand() of the codec', codec.decodeCommand(reader)),
    send: { bytes: maxResultBytes, option: 'maxResultBytes' },
    receive: { bytes: maxCommandBytes, option: 'maxCommandBytes' },
    data: receivedData(codec.dataLimits ?? jsonCodecDefaults),
  };
}

function receivedData({ maxDepth, maxTokens, maxKeysPerObject = RECEIVED_KEYS }: DataLimits): DataLimits {
  return { maxDepth, maxTokens, maxKeysPerObject };
}
