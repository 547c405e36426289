// The options of the Protobuf codec: their meaning, defaults and ranges.
import { integer, type OptionRules } from '../options.js';

/** @publicApi */
export interface ProtobufCodecOptions {
  /**
   * Longest body, read or written, in bytes: 1 to 1 GiB. A longer one is refused as soon as its length is known.
   * @default none: `maxCommandBytes` and `maxResultBytes` limit the frame
   */
  maxBytes?: number;
  /**
   * Most messages, groups and map entries one inside the other, read or written: 1 to 1,000.
   * @default 100
   */
  maxDepth?: number;
  /**
   * Most fields in one body, read or written, those of nested messages included; each element of a list that is not
   * packed is one. 1 to 100,000,000.
   * @default 50_000
   */
  maxFields?: number;
}

export const protobufCodecDefaults = Object.freeze({ maxDepth: 100, maxFields: 50_000 });

export const protobufCodecRules: OptionRules<ProtobufCodecOptions> = Object.freeze({
  maxBytes: integer(1, 1024 * 1024 * 1024, 'bytes'),
  maxDepth: integer(1, 1_000, 'levels'),
  maxFields: integer(1, 100_000_000, 'fields'),
});
