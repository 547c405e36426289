// The options of the MUS codec: their meaning and defaults.
import { integer, resolveOptions, type Complete, type OptionRule, type OptionRules } from '../options.js';
import type { MusVariants } from './mus-interface.js';
import type { AnyMusSerializer } from './mus-serializer.js';

/**
 * What {@link musCodec} writes the types of the contract with. A DTM is the type number in front of a value, in Go's
 * terms `Data Type Metadata`; it is not the position in the contract.
 *
 * @publicApi
 */
export interface MusCodecOptions {
  /**
   * The Commands of the contract: a list of serializers, whose type numbers (DTMs) count from 1, an object of them by
   * type number, or one serializer for all.
   */
  commands: AnyMusSerializer | MusVariants;
  /**
   * The Results of the contract, in the same way.
   * @default none: for a contract without Results
   */
  results?: AnyMusSerializer | MusVariants | undefined;
  /**
   * Most objects in one Command or Result that is read: structs, lists, maps, Refs, blocks of bytes and Dates, nested
   * ones included; numbers, texts and what a layout of one's own makes are not counted. Bounds the memory that few
   * bytes can take. 1 to 100,000,000.
   * @default 50_000
   */
  maxValues?: number | undefined;
}

export const musCodecDefaults = Object.freeze({ maxValues: 50_000 });

const serializers: OptionRule = {
  expected: 'a serializer of MUS, a list of them, or an object of them by type number',
  accepts: (value) => typeof value === 'object' && value !== null,
};

const musCodecRules: OptionRules<MusCodecOptions> = Object.freeze({
  commands: { ...serializers, required: true },
  results: serializers,
  maxValues: integer(1, 100_000_000, 'objects'),
});

export function resolveMusCodecOptions(options: MusCodecOptions): Readonly<Complete<MusCodecOptions, 'maxValues'>> {
  return resolveOptions<MusCodecOptions, typeof musCodecDefaults>('musCodec', options, musCodecDefaults, musCodecRules);
}
