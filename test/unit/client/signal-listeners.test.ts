// One listener of a signal for all calls that share it.
import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { SignalListeners } from '../../../lib/client/call/signal-listeners.js';

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

describe('the listeners of a signal', () => {
  it('are one for all calls, and none when the last has ended, again and again', () => {
    const signals = new SignalListeners();
    const { signal } = new AbortController();
    for (let round = 0; round < 3; round++) {
      const ends = Array.from({ length: 1_000 }, () => signals.add(signal, () => {}));
      expect(listeners(signal)).toBe(1);
      const last = ends.pop()!;
      for (const end of ends) end();
      expect(listeners(signal)).toBe(1);
      last();
      last();
      expect(listeners(signal)).toBe(0);
    }
  });

  it('tell every call that has not ended, in order, also when one ends another', () => {
    const signals = new SignalListeners();
    const controller = new AbortController();
    const other = new AbortController();
    const news: string[] = [];
    let endThird = (): void => {};
    signals.add(controller.signal, () => {
      news.push('first');
      endThird();
    });
    signals.add(controller.signal, () => news.push('second'));
    endThird = signals.add(controller.signal, () => news.push('third'));
    signals.add(controller.signal, () => news.push('never'))();
    signals.add(other.signal, () => news.push('other'));
    controller.abort();
    expect(news).toEqual(['first', 'second']);
    expect([listeners(controller.signal), listeners(other.signal)]).toEqual([0, 1]);
  });
});
