// The options of a recursive type: their meaning, defaults and ranges.
import { integer, type OptionRules } from '../options.js';

/** @publicApi */
export interface MusLazyOptions {
  /**
   * How often a value may contain itself, read or written: 1 to 250.
   * @default 64
   */
  maxDepth?: number;
}

export const musLazyDefaults = Object.freeze({ maxDepth: 64 });

export const musLazyRules: OptionRules<MusLazyOptions> = Object.freeze({ maxDepth: integer(1, 250, 'levels') });
