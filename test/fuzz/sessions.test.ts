// Whole sessions with peers that do anything. FUZZ_SESSIONS sets how many there are of each side, FUZZ_SEED repeats
// those of a run.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { guardLeaks } from '../support/leak-guard.js';
import { clientScripts } from './client-script.js';
import { ClientSessions } from './client-sessions.js';
import { serverScripts } from './server-script.js';
import { ServerSessions } from './server-sessions.js';

const numRuns = Number(process.env['FUZZ_SESSIONS'] ?? 200);
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const SHRINK_MS = 60_000;
const MS_PER_SESSION = 50;
const budgetMs = SHRINK_MS + numRuns * MS_PER_SESSION;

describe(`sessions (FUZZ_SEED=${seed})`, () => {
  const own = guardLeaks();

  it(
    'of a server with any client harm nothing but their own connection',
    async () => {
      let sessions = own(await ServerSessions.open());
      const property = fc.asyncProperty(serverScripts, async (script) => {
        const violations = await sessions.run(script);
        if (violations.length > 0) {
          sessions.destroy();
          sessions = own(await ServerSessions.open());
        }
        expect(violations).toEqual([]);
      });
      await fc.assert(property, { numRuns, seed, interruptAfterTimeLimit: budgetMs, markInterruptAsFailure: true });
      expect(sessions.reasons.size).toBeGreaterThan(1);
    },
    budgetMs,
  );

  it(
    'of a client with any server end every call once',
    async () => {
      const sessions = new ClientSessions();
      const property = fc.asyncProperty(clientScripts, async (script) => {
        expect(await sessions.run(script)).toEqual([]);
      });
      await fc.assert(property, { numRuns, seed, interruptAfterTimeLimit: budgetMs, markInterruptAsFailure: true });
      expect(sessions.outcomes.get('connect ok')).toBeGreaterThan(0);
    },
    budgetMs,
  );
});
