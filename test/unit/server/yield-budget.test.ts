// What a producer may take of one turn of the event loop, in items and in time, and that the next turn gives it again.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { YieldBudget } from '../../../lib/server/call/yield-budget.js';

afterEach(() => void jest.restoreAllMocks());

/** A clock that stands still until the test moves it. */
function stoppedClock() {
  const clock = { now: 1000 };
  jest.spyOn(performance, 'now').mockImplementation(() => clock.now);
  return clock;
}

/** How many items are taken until the share is used up, that one included. */
async function used(share: YieldBudget): Promise<number> {
  for (let items = 1; ; items++) {
    const nextTurn = share.take();
    if (nextTurn === undefined) continue;
    await nextTurn;
    return items;
  }
}

describe('the share of a turn', () => {
  it('ends with the item number 256, in every turn', async () => {
    stoppedClock();
    const share = new YieldBudget();
    expect([await used(share), await used(share), await used(share)]).toEqual([256, 256, 256]);
  });

  it('ends with the first item after 5 ms that it asks the clock for, which is each 16th', async () => {
    const clock = stoppedClock();
    const share = new YieldBudget();
    for (let turn = 0; turn < 3; turn++) {
      clock.now += 4.9;
      for (let item = 0; item < 16; item++) expect(share.take()).toBeUndefined();
      clock.now += 0.1;
      expect(await used(share)).toBe(16);
    }
  });

  it('goes on in another turn of the event loop, not at once', async () => {
    const clock = stoppedClock();
    const share = new YieldBudget();
    clock.now += 5;
    let turned = false;
    setImmediate(() => (turned = true));
    await used(share);
    expect(turned).toBe(true);
  });
});
