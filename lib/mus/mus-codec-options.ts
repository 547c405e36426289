// The options of the MUS codec: their meaning and defaults.
import { resolveOptions, type OptionRule, type OptionRules } from '../options.js';
import type { MusVariants } from './mus-interface.js';
import { MusSerializer, type AnyMusSerializer } from './mus-serializer.js';

/** @publicApi */
export interface MusCodecOptions {
  /**
   * The Commands of the contract: a list of serializers, whose type numbers (DTMs) count from 1, an object of them by type
   * number, or one serializer for all.
   */
  commands: AnyMusSerializer | MusVariants;
  /**
   * The Results of the contract, in the same way.
   * @default none: for a contract without Results
   */
  results?: AnyMusSerializer | MusVariants;
}

export const musCodecDefaults = Object.freeze({});

const serializers: OptionRule = {
  expected: 'a serializer of MUS, a list of them, or an object of them by type number',
  accepts: (value) => value instanceof MusSerializer || (typeof value === 'object' && value !== null),
};

const musCodecRules: OptionRules<MusCodecOptions> = Object.freeze({
  commands: { ...serializers, required: true },
  results: serializers,
});

export function resolveMusCodecOptions(options: MusCodecOptions): Readonly<MusCodecOptions> {
  return resolveOptions<MusCodecOptions, typeof musCodecDefaults>('musCodec', options, musCodecDefaults, musCodecRules);
}
