// The options of the JSON codec: their meaning, defaults and ranges.
import { integer, oneOf, type OptionRules } from '../options.js';

/** @publicApi */
export interface JsonCodecOptions {
  /**
   * How the keys of a body find the fields of a class. `'go'`: in any letter case, as Go reads them; an exact match comes first.
   * Matched are the fields a `new Class()` has and the names class-transformer exposes.
   * @default 'exact'
   */
  fieldCase?: 'exact' | 'go';
  /**
   * What an integer beyond ±(2^53-1) in a body is: an error, or a bigint. A bigint is written as plain digits either way.
   * @default 'reject'
   */
  unsafeIntegers?: 'reject' | 'bigint';
  /**
   * Most objects and arrays one inside the other, read or written: 1 to 1,000.
   * @default 64
   */
  maxDepth?: number;
  /**
   * Most keys and values in one body, read or written: 1 to 100,000,000.
   * @default 50_000
   */
  maxTokens?: number;
  /**
   * Most keys of one object where class-transformer runs, whose time grows with their square: 1 to 100,000.
   * @default 1_024
   */
  maxKeysPerObject?: number;
}

export const jsonCodecDefaults = Object.freeze({
  fieldCase: 'exact' as 'exact' | 'go',
  unsafeIntegers: 'reject' as 'reject' | 'bigint',
  maxDepth: 64,
  maxTokens: 50_000,
  maxKeysPerObject: 1_024,
});

export type ResolvedJsonCodecOptions = Readonly<Required<JsonCodecOptions>>;

export const jsonCodecRules: OptionRules<JsonCodecOptions> = Object.freeze({
  fieldCase: oneOf('exact', 'go'),
  unsafeIntegers: oneOf('reject', 'bigint'),
  maxDepth: integer(1, 1_000, 'levels'),
  maxTokens: integer(1, 100_000_000, 'tokens'),
  maxKeysPerObject: integer(1, 100_000, 'keys'),
});
