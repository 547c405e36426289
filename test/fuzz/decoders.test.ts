// All that reads bytes, with bytes at random: no error that is not ours, the same however they are cut, and what the
// oracle says of them. FUZZ_INPUTS sets how many inputs each target gets, FUZZ_SEED repeats those of a run.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readCorpus } from './corpus.js';
import { inputsFor } from './inputs.js';
import { targets } from './targets.js';

const numRuns = Number(process.env['FUZZ_INPUTS'] ?? 1_000);
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const MS_PER_INPUT = 10;

describe(`decoders (FUZZ_SEED=${seed})`, () => {
  it.each(targets.map((target) => [target.name, target] as const))(
    '%s does with its seeds and its corpus what it must',
    (_, target) => {
      const inputs = [...target.seeds, ...readCorpus(target.name)];
      expect(() => inputs.forEach((bytes) => target.run(bytes))).not.toThrow();
    },
  );

  it.each(targets.map((target) => [target.name, target] as const))(
    '%s does with any bytes what it must',
    (_, target) => {
      const property = fc.property(inputsFor(target), (bytes) => target.run(bytes));
      expect(() => fc.assert(property, { numRuns, seed, includeErrorInReport: true })).not.toThrow();
    },
    30_000 + numRuns * MS_PER_INPUT,
  );
});
