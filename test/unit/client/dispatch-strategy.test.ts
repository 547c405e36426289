// Which connection a strategy picks: the two that are built in.
import { describe, expect, it } from '@jest/globals';
import { leastPending, roundRobin, type ConnectionChoice } from '../../../lib/core.js';

function choice(index: number, pending = 0): ConnectionChoice {
  return { index, server: `server-${index}`, address: undefined, pending, roundTripMs: undefined };
}

const three = [choice(0), choice(1), choice(2)];

describe('round robin', () => {
  it('begins with the first connection and takes one after the other', () => {
    const strategy = roundRobin();
    const picked = Array.from({ length: 7 }, () => strategy.pick(three, undefined).index);
    expect(picked).toEqual([0, 1, 2, 0, 1, 2, 0]);
  });

  it('goes on when connections go and come back', () => {
    const strategy = roundRobin();
    const pick = (choices: ConnectionChoice[]): number => strategy.pick(choices, undefined).index;
    expect([pick(three), pick(three)]).toEqual([0, 1]);
    expect(Array.from({ length: 4 }, () => pick([three[0]!]))).toEqual([0, 0, 0, 0]);
    expect(Array.from({ length: 3 }, () => pick(three)).toSorted()).toEqual([0, 1, 2]);
  });
});

describe('least pending', () => {
  it('takes the connection with the fewest pending Commands', () => {
    const strategy = leastPending();
    const choices = [choice(0, 5), choice(1, 2), choice(2, 3)];
    for (let call = 0; call < 5; call++) expect(strategy.pick(choices, undefined).index).toBe(1);
  });

  it('takes one after the other of those that are equal', () => {
    const strategy = leastPending();
    const choices = [choice(0, 9), choice(1, 1), choice(2, 1), choice(3, 1)];
    const picked = Array.from({ length: 40 }, () => strategy.pick(choices, undefined).index);
    for (const index of [1, 2, 3]) expect(picked).toContain(index);
    expect(picked).not.toContain(0);
  });

  it('spreads calls that stay pending evenly', () => {
    const strategy = leastPending();
    const load = [0, 0, 0];
    for (let call = 0; call < 300; call++)
      load[
        strategy.pick(
          load.map((pending, index) => choice(index, pending)),
          undefined,
        ).index
      ]!++;
    expect(load).toEqual([100, 100, 100]);
  });
});
