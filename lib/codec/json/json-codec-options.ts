// The options of the JSON codec: their meaning, defaults and ranges.
import { integer, oneOf, type Complete, type OptionRules } from '../../options.js';

/**
 * What {@link jsonCodec} accepts and refuses. All are optional; Go peers with fields in another case need `fieldCase`.
 *
 * @publicApi
 */
export interface JsonCodecOptions {
  /**
   * How the keys of a body find the fields of a class. `'go'`: in any letter case, as Go reads them; an exact match
   * comes first. Matched are the fields a `new Class()` has and the names class-transformer exposes.
   * @default 'exact'
   */
  fieldCase?: 'exact' | 'go' | undefined;
  /**
   * What an integer beyond ±(2^53-1) in a body is: an error if a number would round it, else a number; or with
   * `'bigint'` always a bigint. A bigint is written as plain digits either way.
   * @default 'reject'
   */
  unsafeIntegers?: 'reject' | 'bigint' | undefined;
  /**
   * Most objects and arrays one inside the other, read or written: 1 to 1,000.
   * @default 64
   */
  maxDepth?: number | undefined;
  /**
   * Most keys and values in one body, read or written: 1 to 100,000,000.
   * @default 1_000_000
   */
  maxTokens?: number | undefined;
  /**
   * Most keys of one object that class-transformer will meet, whose time grows with their square: 1 to 100,000.
   * @default none: 1,024 for classes with its decorators, and, at a server, 10,000 for all other Commands and for data
   * by pattern, which a ValidationPipe may turn into a class; objects of more than 1,024 keys count together
   */
  maxKeysPerObject?: number | undefined;
  /**
   * How complex a body may be that is read, so that none holds up the process for long: 1 to 100,000,000. In a list,
   * each object counts as two, each list as one and a half and each other value as one. Behind a key, an object counts
   * as six, a list as one, any other value as a half. A text of up to ten letters counts five eighths more, a number
   * of 17 digits one more, one of further digits three more, and one for each 16 of these. A key counts as four, as
   * nine if it is a number of up to ten digits, or as a quarter if it is among the first hundred of its object and
   * comes behind the same key as the time before (rows with the same fields).
   * @default none: at a server 3,200 for Commands with decorators of class-transformer other than `@Type`, 40,000 for
   * those with `@Type`, 65,536 for all others, 61,440 for data by pattern
   */
  maxComplexity?: number | undefined;
}

export const jsonCodecDefaults = Object.freeze({
  fieldCase: 'exact' as 'exact' | 'go',
  unsafeIntegers: 'reject' as 'reject' | 'bigint',
  maxDepth: 64,
  maxTokens: 1_000_000,
});

export type ResolvedJsonCodecOptions = Readonly<
  Complete<JsonCodecOptions, Exclude<keyof JsonCodecOptions, 'maxKeysPerObject' | 'maxComplexity'>>
>;

/** Where the decorators of class-transformer are. */
export const DECORATED_KEYS = 1_024;
/** Objects of more keys are counted together. */
export const LARGE_KEYS = DECORATED_KEYS;
/** Where a pipe of Nest may use class-transformer. */
export const RECEIVED_KEYS = 10_000;
// Some 20 ms of work, and less than 100 ms with a validation pipe: where class-transformer makes instances, where the
// codec does as `@Type` says, elsewhere, and of data that a pipe of Nest may make instances of.
export const TRANSFORMED_COMPLEXITY = 3_200;
export const TYPED_COMPLEXITY = 40_000;
export const RECEIVED_COMPLEXITY = 65_536;
export const DATA_COMPLEXITY = 61_440;

/** What is allowed of JSON that belongs to no type of a contract. */
export interface DataLimits {
  /** Most objects and arrays one inside the other, 1 to 1,000. */
  readonly maxDepth: number;
  /** Most keys and values in one body, 1 to 100,000,000. */
  readonly maxTokens: number;
  /** Most keys of one object that a server receives; default: 10,000. */
  readonly maxKeysPerObject?: number | undefined;
  /** How complex it may be that a server receives, as of the option of jsonCodec(); default: 61,440. */
  readonly maxComplexity?: number | undefined;
}

export const jsonCodecRules: OptionRules<JsonCodecOptions> = Object.freeze({
  fieldCase: oneOf('exact', 'go'),
  unsafeIntegers: oneOf('reject', 'bigint'),
  maxDepth: integer(1, 1_000, 'levels'),
  maxTokens: integer(1, 100_000_000, 'tokens'),
  maxKeysPerObject: integer(1, 100_000, 'keys'),
  maxComplexity: integer(1, 100_000_000, 'parts'),
});
