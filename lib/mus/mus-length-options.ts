// The options of whatever has a length: their meaning, defaults and ranges.
import { callback, integer, type OptionRules } from '../options.js';
import { MusInteger } from './mus-integer.js';

/** @publicApi */
export interface MusLengthOptions {
  /**
   * Greatest length that is read: bytes of a text or block, elements of a list, entries of a map.
   * @default none: what `maxCommandBytes` or `maxResultBytes` allows
   */
  maxLength?: number;
  /**
   * Looks at a length that was read, 0 included, before anything is read or allocated: throws what is wrong with it, or
   * returns false.
   * @default none
   */
  checkLength?: (length: number) => unknown;
  /**
   * The integer a length is written as.
   * @default none: a positive varint
   */
  lengthAs?: MusInteger;
}

export const musLengthDefaults = Object.freeze({});

export const musLengthRules: OptionRules<MusLengthOptions> = Object.freeze({
  maxLength: integer(0, Number.MAX_SAFE_INTEGER, 'bytes, elements or entries'),
  checkLength: callback,
  lengthAs: { expected: 'an integer of MUS, such as mus.varint.int', accepts: (value) => value instanceof MusInteger },
});
