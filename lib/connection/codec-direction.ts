// What one side of a connection writes and reads: Commands or Results, and how large their frames may be.
import type { Codec } from '../codec/codec.js';
import { DataCodec } from '../codec/data-codec.js';
import {
  jsonCodecDefaults,
  DATA_COMPLEXITY,
  RECEIVED_KEYS,
  type DataLimits,
} from '../codec/json/json-codec-options.js';
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

/** Of what comes before there are values: it is the same whatever the options, so that peers can always connect. */
export const GREETING_LIMIT: FrameLimit = Object.freeze({ bytes: MAX_HELLO_BYTES, option: 'the limit of HELLO' });

export function frameTooLarge(length: number, { bytes, option }: FrameLimit): CmdStreamError {
  return new CmdStreamError('FRAME_TOO_LARGE', `frame of ${length} bytes exceeds ${option} (${bytes})`);
}

export interface CodecDirection {
  encode(value: unknown, writer: ByteWriter): void;
  decode(reader: ByteReader): unknown;
  readonly send: FrameLimit;
  readonly receive: FrameLimit;
  /** What belongs to no type of the contract may be. */
  readonly data: DataLimits;
  /** The bytes of such data by pattern. */
  readonly dataCodec: DataCodec;
}

interface Limits {
  readonly maxCommandBytes: number;
  readonly maxResultBytes: number;
}

/** Commands out, Results in. */
export function clientDirection(codec: Codec, { maxCommandBytes, maxResultBytes }: Limits): CodecDirection {
  // A client hands on what it receives: no pipe looks at it.
  const data = { ...(codec.dataLimits ?? jsonCodecDefaults), maxKeysPerObject: undefined, maxComplexity: undefined };
  return {
    encode: codec.encodeCommand.bind(codec),
    decode: codec.decodeResult.bind(codec),
    send: { bytes: maxCommandBytes, option: 'maxCommandBytes' },
    receive: { bytes: maxResultBytes, option: 'maxResultBytes' },
    data,
    dataCodec: new DataCodec(data),
  };
}

/** Results out, Commands in. */
export function serverDirection(codec: Codec, { maxCommandBytes, maxResultBytes }: Limits): CodecDirection {
  const data = receivedData(codec.dataLimits ?? jsonCodecDefaults);
  return {
    encode: codec.encodeResult.bind(codec),
    decode: codec.decodeCommand.bind(codec),
    send: { bytes: maxResultBytes, option: 'maxResultBytes' },
    receive: { bytes: maxCommandBytes, option: 'maxCommandBytes' },
    data,
    dataCodec: new DataCodec(data),
  };
}

function receivedData(limits: DataLimits): DataLimits {
  const { maxDepth, maxTokens, maxKeysPerObject = RECEIVED_KEYS, maxComplexity = DATA_COMPLEXITY } = limits;
  return { maxDepth, maxTokens, maxKeysPerObject, maxComplexity };
}
