// Two peers that keep to the protocol, and whatever happens between them, in any order. SCHEDULES sets how many orders
// are tried, SEED repeats one that failed. Sockets add an order of their own, so that a repetition may take some runs
// to fail again.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { guardLeaks } from '../support/leak-guard.js';
import { RaceWorld } from './race-world.js';
import { schedules } from './schedule.js';

const numRuns = Number(process.env['SCHEDULES'] ?? 300);
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
/** More than one takes; a run that is not through by then has failed. */
const MS_PER_SCHEDULE = 100;
const SHRINK_MS = 60_000;

describe('races between two peers', () => {
  const own = guardLeaks();

  it(
    `keep every call to its own Results and one end, through ${numRuns} schedules (seed ${seed})`,
    async () => {
      console.info(`races: ${numRuns} schedules, SEED=${seed}`);
      let world = own(await RaceWorld.open());
      const property = fc.asyncProperty(schedules, async (schedule) => {
        const violations = await world.run(schedule);
        if (violations.length > 0) {
          world.destroy();
          world = own(await RaceWorld.open());
        }
        expect(violations).toEqual([]);
      });
      await fc.assert(property, { numRuns, seed, interruptAfterTimeLimit: budgetMs(), markInterruptAsFailure: true });
    },
    budgetMs() + SHRINK_MS,
  );
});

function budgetMs(): number {
  return SHRINK_MS + numRuns * MS_PER_SCHEDULE;
}
