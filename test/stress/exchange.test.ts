// What counts as the answer of a Command.
import { describe, expect, it } from '@jest/globals';
import { checkEcho, StreamCheck, WrongAnswer } from './exchange.js';
import { StressEcho, StressItem, textOf } from './stress-contract.js';

const plan = { length: 40, count: 3 };
const item = (id: number, index: number, last: boolean): StressItem =>
  new StressItem(id, index, textOf(id, index, plan.length), last);

describe('an echo', () => {
  it('is right with its number and its text', () => {
    expect(() => checkEcho(7, plan, new StressEcho(7, textOf(7, 0, 40)))).not.toThrow();
  });

  it.each([
    ["another one's number", new StressEcho(8, textOf(7, 0, 40))],
    ["another one's text", new StressEcho(7, textOf(8, 0, 40))],
    ['a text that is cut', new StressEcho(7, textOf(7, 0, 39))],
  ])('is wrong with %s', (_what, answer) => {
    expect(() => checkEcho(7, plan, answer)).toThrow(WrongAnswer);
  });
});

describe('a stream', () => {
  it('is right with all its Results in order', () => {
    const check = new StreamCheck(7, plan);
    for (const index of [0, 1, 2]) check.take(item(7, index, index === 2));
    expect(() => check.end()).not.toThrow();
  });

  it.each<[string, StressItem]>([
    ['a Result is missing', item(7, 2, true)],
    ['a Result comes twice', item(7, 0, false)],
    ['a Result is of another stream', item(8, 1, false)],
    ['a Result says too early that it is the last', item(7, 1, true)],
    ['a text is that of another Result', new StressItem(7, 1, textOf(7, 2, 40), false)],
  ])('is wrong when %s', (_what, second) => {
    const check = new StreamCheck(7, plan);
    check.take(item(7, 0, false));
    expect(() => check.take(second)).toThrow(WrongAnswer);
  });

  it('is wrong when it ends too early', () => {
    const check = new StreamCheck(7, plan);
    check.take(item(7, 0, false));
    expect(() => check.end()).toThrow('stream 7 has ended after 1 of 3 Results');
  });
});
