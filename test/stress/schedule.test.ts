// Faults and Commands from a seed.
import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../support/seeded-random.js';
import { planOf, type Plan } from './exchange.js';
import { allKinds, faultsOf, harmlessKinds, networkKinds, type FaultKind, type PlannedFault } from './schedule.js';
import { settingsWith } from './settings.js';

const settings = settingsWith({});

function faults(kinds: readonly FaultKind[], seed: number, count: number): readonly PlannedFault[] {
  const all = faultsOf(kinds, seed, settings);
  return Array.from({ length: count }, () => all.next().value);
}

function plans(seed: number, count: number, given: Parameters<typeof settingsWith>[0] = {}): readonly Plan[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => planOf(random, settingsWith(given)));
}

describe('the faults of a server', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(faults(allKinds, 7, 100)).toEqual(faults(allKinds, 7, 100));
    expect(faults(allKinds, 7, 100)).not.toEqual(faults(allKinds, 8, 100));
  });

  it('are all kinds before any comes again, in another order each time', () => {
    const kinds = faults(networkKinds, 3, 3 * networkKinds.length).map(({ kind }) => kind);
    const rounds = [0, 1, 2].map((round) => kinds.slice(round * networkKinds.length).slice(0, networkKinds.length));
    for (const round of rounds) expect(round.toSorted()).toEqual(networkKinds.toSorted());
    expect(rounds[0]).not.toEqual(rounds[1]);
  });

  it('keep to the times that are set', () => {
    for (const { kind, gapMs, lengthMs, extent } of faults(allKinds, 5, 1000)) {
      expect(gapMs).toBeGreaterThanOrEqual(settings['fault-gap-max-ms'] / 3);
      expect(gapMs).toBeLessThanOrEqual(settings['fault-gap-max-ms']);
      const isEnd = kind === 'kill' || kind === 'drain';
      expect(lengthMs).toBeLessThanOrEqual(isEnd ? settings['server-downtime-max-ms'] : settings['fault-max-ms']);
      expect(extent).toBeGreaterThanOrEqual(0);
      expect(extent).toBeLessThan(1);
    }
  });

  it('are never so long, where they are short freezes, that a keepalive notices', () => {
    const freezes = faults(harmlessKinds, 5, 1000).filter(({ kind }) => kind === 'short freeze');
    expect(freezes.length).toBeGreaterThan(100);
    for (const { lengthMs } of freezes) expect(lengthMs).toBeLessThan(settings['keepalive-timeout-ms'] / 2);
  });

  it('are harmless only where they are to be', () => {
    const ends: readonly FaultKind[] = ['kill', 'drain', 'fin', 'reset', 'silence', 'freeze'];
    expect(harmlessKinds.filter((kind) => ends.includes(kind))).toEqual([]);
    expect(ends.filter((kind) => !allKinds.includes(kind))).toEqual([]);
  });
});

describe('the Commands of a caller', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(plans(7, 50)).toEqual(plans(7, 50));
    expect(plans(7, 50)).not.toEqual(plans(8, 50));
  });

  it('come in the shares that are set', () => {
    const all = plans(1, 20_000, { 'fail-prob': 0.1, 'echo-prob': 0.5 });
    const share = (what: (plan: Plan) => boolean): number => all.filter(what).length / all.length;
    expect(share(({ what }) => what === 'fail')).toBeCloseTo(0.1, 1);
    expect(share(({ what }) => what === 'echo')).toBeCloseTo(0.45, 1);
    expect(share(({ deadlineMs }) => deadlineMs > 0)).toBeCloseTo(settings['deadline-prob'], 1);
    expect(share(({ mayRepeat }) => mayRepeat)).toBeCloseTo(settings['idempotent-prob'], 1);
  });

  it('are of every sort: long streams that are taken slowly, large ones, given up before and in a stream', () => {
    const all = plans(1, 50_000);
    expect(all.some(({ what, tasteMs, count }) => what === 'stream' && tasteMs > 0 && count > 100)).toBe(true);
    expect(all.some(({ what, length }) => what === 'echo' && length >= 32 * 1024)).toBe(true);
    expect(all.some(({ what, cancelAfter }) => what === 'echo' && cancelAfter !== undefined)).toBe(true);
    expect(all.some(({ what, cancelAfter, how }) => what === 'stream' && how === 'send' && cancelAfter)).toBe(true);
    expect(all.some(({ workMs }) => workMs > 0)).toBe(true);
  });

  it('have no time limit where they are to fail, since then that is not known', () => {
    const fails = plans(3, 5000, { 'fail-prob': 0.5 }).filter(({ what }) => what === 'fail');
    expect(fails.length).toBeGreaterThan(1000);
    expect(fails.filter(({ deadlineMs, mayRepeat }) => deadlineMs > 0 || mayRepeat)).toEqual([]);
  });

  it('are given up within their stream, never behind it', () => {
    const givenUp = plans(2, 50_000).filter(({ what, cancelAfter }) => what === 'stream' && cancelAfter !== undefined);
    expect(givenUp.length).toBeGreaterThan(10);
    expect(givenUp.filter(({ count, cancelAfter }) => cancelAfter! >= count)).toEqual([]);
  });
});
