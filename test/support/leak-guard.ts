// Holds every test of a file to leave nothing behind: ends what the test owns, then waits until the process has no
// more open handles than before. (Uncaught exceptions and unhandled rejections fail the running test by Jest itself.)
import { afterAll, afterEach, beforeEach } from '@jest/globals';
import { until } from './deadline.js';

interface Owned {
  destroy(): unknown;
}

/** Call once per file; what it returns registers things to be destroyed after the test. */
export function guardLeaks(): <T extends Owned>(owned: T) => T {
  let owned: Owned[] = [];
  let before: string[] = [];
  let isOver = false;

  beforeEach(() => {
    before = handles();
  });

  afterEach(async () => {
    const all = owned.toReversed();
    owned = [];
    for (const one of all) await one.destroy();
    await until('the test leaves no open handles', () => leaked(before).length === 0).catch((error: Error) => {
      throw new Error(`${error.message}; still open: ${leaked(before).join(', ')}`);
    });
  });

  afterAll(() => {
    isOver = true;
  });

  return (one) => {
    // A test that has timed out goes on, and may own one thing more when nothing ends it.
    if (isOver) void one.destroy();
    else owned.push(one);
    return one;
  };
}

/** What keeps the event loop alive, without this wait's own turn. */
function handles(): string[] {
  return process.getActiveResourcesInfo().filter((type) => type !== 'Immediate');
}

function leaked(before: readonly string[]): string[] {
  const known = [...before];
  return handles().filter((type) => {
    const at = known.indexOf(type);
    if (at >= 0) known.splice(at, 1);
    return at < 0;
  });
}
