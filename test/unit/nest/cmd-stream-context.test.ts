// The signal of a context, and which error of a handler says that it gave up because that asked it to; without a
// server.
import { describe, expect, it } from '@jest/globals';
import type { CommandContext } from '../../../lib/core.js';
import { CmdStreamError } from '../../../lib/errors.js';
import { CmdStreamContext, isAbandonment } from '../../../lib/nest/server/cmd-stream.context.js';

const reason = new Error('no answer is wanted any more');
const aborted = AbortSignal.abort(reason);
const waiting = new AbortController().signal;
const abortError = Object.assign(new Error('aborted'), { name: 'AbortError' });

function contextOf(signal: AbortSignal): CmdStreamContext {
  return new CmdStreamContext([{ signal } as CommandContext, 'command:AddCmd']);
}

const odd = Object.defineProperty({}, 'name', {
  get: () => {
    throw new Error('do not look at it');
  },
});

describe('an error of a handler', () => {
  it.each<[string, unknown, readonly unknown[], boolean]>([
    ['the reason of its signal', reason, [aborted], true],
    ['the reason of the signal of its context', reason, [contextOf(aborted)], true],
    ['an AbortError', abortError, [{}, contextOf(aborted)], true],
    ['an AbortError of its signal among others', abortError, [waiting, aborted, undefined], true],
    ['another error', new Error('a mistake'), [aborted, contextOf(aborted)], false],
    ['its reason while an answer is wanted', reason, [waiting, contextOf(waiting)], false],
    ['an AbortError while an answer is wanted', abortError, [waiting, contextOf(waiting)], false],
    ['an AbortError of a handler that has no signal', abortError, [{ aborted: true, reason }, {}, undefined], false],
    ['an AbortError of a handler without parameters', abortError, [], false],
    ['undefined', undefined, [aborted], false],
    ['null', null, [aborted], false],
    ['what fails when it is asked', odd, [aborted], false],
  ])('gives up, or is a mistake: %s', (_, error, args, expected) => {
    expect(isAbandonment(error, args)).toBe(expected);
  });
});

describe('the signal of a context', () => {
  it.each(['ANSWERED', 'CANCELLED', 'TIMEOUT'] as const)('has a reason that Nest does not log: %s', (code) => {
    for (const isOver of [true, false]) {
      const controller = new AbortController();
      const own = new CmdStreamError(code, 'no answer is wanted any more');
      const before: unknown = Object.getPrototypeOf(own);
      if (isOver) controller.abort(own);
      const { signal } = contextOf(controller.signal);
      if (!isOver) controller.abort(own);
      expect(signal.reason).toBe(own);
      expect(own).toBeInstanceOf(CmdStreamError);
      expect(own.constructor).toBe(CmdStreamError);
      expect(Object.getPrototypeOf(own)).not.toBe(before);
    }
  });

  it.each<[string, unknown]>([
    ['CLOSED', new CmdStreamError('CLOSED', 'the server ends')],
    ['CONNECTION_LOST', new CmdStreamError('CONNECTION_LOST', 'gone')],
    ['an Error', reason],
    ['an Error with the same code', Object.assign(new Error('x'), { code: 'CANCELLED' })],
    ['a text', 'CANCELLED'],
    ['an object', { code: 'CANCELLED' }],
  ])('leaves a reason as it is that is not of its Command alone: %s', (_, given) => {
    for (const isOver of [true, false]) {
      const controller = new AbortController();
      const before: unknown = Object.getPrototypeOf(given);
      if (isOver) controller.abort(given);
      const { signal } = contextOf(controller.signal);
      if (!isOver) controller.abort(given);
      expect(signal.reason).toBe(given);
      expect(Object.getPrototypeOf(given)).toBe(before);
    }
  });

  it('is listened to once, however often it is asked for', () => {
    const added: unknown[] = [];
    const { signal } = new AbortController();
    const add = signal.addEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      added.push(args[2]);
      add(...args);
    };
    const context = contextOf(signal);
    expect(added).toEqual([]);
    for (let time = 0; time < 3; time++) expect(context.signal).toBe(signal);
    expect(added).toEqual([{ once: true }]);
  });
});
