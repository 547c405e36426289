// The order in which the frames of an extended client must come, and what is remembered of those that came before.
import { describe, expect, it } from '@jest/globals';
import { FrameSequence } from '../../../lib/server/session/frame-sequence.js';

const greeted = { version: 1, features: 0, maxFrameBytes: 1024, maxInFlight: 0, timeoutMs: 7 };

function greetedOrder(): FrameSequence {
  const order = new FrameSequence();
  order.onHello({ ...greeted, codec: '', commands: [], results: [] } as Parameters<FrameSequence['onHello']>[0]);
  return order;
}

const metaFor = (seq: number) => ({ seq, remainingMs: 5, credit: 2, metadata: { a: 'b' } });

describe('META', () => {
  it('is for its Command alone: the next one has none', () => {
    const order = greetedOrder();
    for (const seq of [1, 3]) {
      order.onMeta(metaFor(seq));
      expect(order.takeMeta(seq)).toEqual(metaFor(seq));
      expect(order.takeMeta(seq + 1)).toEqual({ remainingMs: undefined, credit: 0, metadata: {} });
    }
  });

  it('may be followed by its Command only, and by anything behind that', () => {
    const order = greetedOrder();
    expect(() => order.checkMeta()).not.toThrow();
    order.onMeta(metaFor(4));
    expect(() => order.checkMeta()).toThrow('META must be followed by its Command');
    order.takeMeta(4);
    expect(() => order.checkMeta()).not.toThrow();
  });

  it('before another Command is a protocolError', () => {
    const order = greetedOrder();
    order.onMeta(metaFor(4));
    expect(() => order.takeMeta(5)).toThrow('META for the Command 4 before the Command 5');
  });
});

describe('a Command', () => {
  it('may not come before HELLO', () => {
    const order = new FrameSequence();
    expect(order.hello).toBeUndefined();
    expect(() => order.claim(1)).toThrow('a Command before HELLO');
  });

  it('may come again and again behind HELLO, with numbers that grow, until DONE', () => {
    const order = greetedOrder();
    expect(order.hello).toMatchObject({ timeoutMs: 7 });
    expect([order.claim(1), order.claim(2), order.claim(9)]).toEqual([1, 2, 9]);
    expect(() => order.claim(9)).toThrow('seq 9 after 9');
    expect(order.isDone).toBe(false);
    order.onDone();
    expect(order.isDone).toBe(true);
    expect(() => order.claim(10)).toThrow('a Command after DONE');
  });
});

it('a frame for a Command that never was is a protocolError, one for another is none, behind DONE either', () => {
  const order = greetedOrder();
  expect(() => order.check(1)).toThrow('never used');
  order.claim(2);
  order.onDone();
  expect(() => order.check(2)).not.toThrow();
  expect(() => order.check(3)).toThrow('never used');
});
