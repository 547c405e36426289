// The order in which the frames of an extended client must come, and what is remembered of those that came before.
import { describe, expect, it } from '@jest/globals';
import { FrameSequence } from '../../../lib/server/session/session-extension.js';

const greeted = { version: 1, features: 0, maxFrameBytes: 1024, maxInFlight: 0, timeoutMs: 7 };

function greetedSequence(): FrameSequence {
  const sequence = new FrameSequence();
  sequence.onHello({ ...greeted, codec: '', commands: [], results: [] } as Parameters<FrameSequence['onHello']>[0]);
  return sequence;
}

const metaFor = (seq: number) => ({ seq, remainingMs: 5, credit: 2, metadata: { a: 'b' } });

describe('META', () => {
  it('is for its Command alone: the next one has none', () => {
    const sequence = greetedSequence();
    for (const seq of [1, 3]) {
      sequence.onMeta(metaFor(seq));
      expect(sequence.takeMeta(seq)).toEqual(metaFor(seq));
      expect(sequence.takeMeta(seq + 1)).toEqual({ remainingMs: undefined, credit: 0, metadata: {} });
    }
  });

  it('may be followed by its Command only, and by anything behind that', () => {
    const sequence = greetedSequence();
    expect(() => sequence.checkMeta()).not.toThrow();
    sequence.onMeta(metaFor(4));
    expect(() => sequence.checkMeta()).toThrow('META must be followed by its Command');
    sequence.takeMeta(4);
    expect(() => sequence.checkMeta()).not.toThrow();
  });

  it('before another Command breaks the protocol', () => {
    const sequence = greetedSequence();
    sequence.onMeta(metaFor(4));
    expect(() => sequence.takeMeta(5)).toThrow('META for the Command 4 before the Command 5');
  });
});

describe('a Command', () => {
  it('may not come before HELLO', () => {
    const sequence = new FrameSequence();
    expect(sequence.hello).toBeUndefined();
    expect(() => sequence.claim(1)).toThrow('a Command before HELLO');
  });

  it('may come again and again behind HELLO, with numbers that grow, until DONE', () => {
    const sequence = greetedSequence();
    expect(sequence.hello).toMatchObject({ timeoutMs: 7 });
    expect([sequence.claim(1), sequence.claim(2), sequence.claim(9)]).toEqual([1, 2, 9]);
    expect(() => sequence.claim(9)).toThrow('seq 9 after 9');
    expect(sequence.isDone).toBe(false);
    sequence.onDone();
    expect(sequence.isDone).toBe(true);
    expect(() => sequence.claim(10)).toThrow('a Command after DONE');
  });
});

it('a frame for a Command that never was breaks the protocol, one for another does not, behind DONE either', () => {
  const sequence = greetedSequence();
  expect(() => sequence.check(1)).toThrow('never used');
  sequence.claim(2);
  sequence.onDone();
  expect(() => sequence.check(2)).not.toThrow();
  expect(() => sequence.check(3)).toThrow('never used');
});
