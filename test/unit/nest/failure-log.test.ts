// What a server logs of failures, whose text a peer may have written: how often, how much, and in which form.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CmdStreamError } from '../../../lib/errors.js';
import { PeerLog } from '../../../lib/nest/peer-log.js';
import { FailureLog } from '../../../lib/nest/server/failure-log.js';

const HOSTILE = 'no\r\n[Nest] 1  - LOG forged\u001b[2J\u2028\u202e\n    at forged (forged.js:1:1)';
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

function start() {
  const entries: (readonly unknown[])[] = [];
  const keep = (...given: unknown[]) => void entries.push(given);
  const logger = { log: keep, warn: keep, error: keep };
  const failures = new FailureLog(() => logger, new PeerLog(logger));
  /** As they stand in the log. */
  const lines = () => entries.flat().flatMap((text) => (text === undefined ? [] : String(text).split('\n')));
  return { failures, entries, lines };
}

const eventFailed = (cause: unknown) =>
  new CmdStreamError('HANDLER_ERROR', `the event failed: ${String(cause)}`, { cause });

class OwnFilter {
  catch(message: string): unknown {
    const error = new Error(message);
    const [text, frame] = [`Error: ${message}`, '    at OwnFilter.catch (own.js:1:1)'];
    return Object.assign(error, {
      stack: `${text}\n${frame}\n    at RpcExceptionsHandler.invokeCustomFilters (nest.js:1:1)`,
    });
  }
}

describe('a failure whose text comes from a peer', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it.each([
    ['of an event', eventFailed(new Error(HOSTILE))],
    [
      'of an event, behind a REMOTE error',
      eventFailed(new CmdStreamError('REMOTE', 'no', { cause: new Error(HOSTILE) })),
    ],
    ['of anything else', new Error(HOSTILE)],
    ['with such a cause', new Error('no', { cause: new Error(HOSTILE) })],
    ['of a filter', new OwnFilter().catch(HOSTILE)],
    ['that is no Error', { message: HOSTILE, stack: `Error: ${HOSTILE}\n    at here (a.js:1:1)` }],
    ['whose text has changed', { message: 'other', stack: `Error: ${HOSTILE}\n    at here (a.js:1:1)` }],
    ['after the last Result', new CmdStreamError('RESULT_AFTER_LAST', HOSTILE)],
  ])('has nothing in it that could forge a line: %s', (_, error) => {
    const { failures, lines } = start();
    failures.report(error);
    expect(lines().length).toBeGreaterThan(0);
    for (const line of lines()) {
      expect(line).not.toMatch(hidden);
      expect(line).not.toMatch(/^\[Nest\]/);
    }
    expect(lines().join('\n')).toContain('\\u{1b}[2J');
  });

  it('is shown with its own frames, and no other', () => {
    const { failures, entries } = start();
    failures.report(new Error(HOSTILE));
    const [[text, stack]] = entries as [[string, string]];
    expect(text).toMatch(/^no\\u\{d\}\\u\{a\}\[Nest\].*\\u\{a\} {4}at forged/);
    const [first, ...frames] = stack.split('\n');
    expect(first).toBe(`Error: ${text}`);
    expect(frames.length).toBeGreaterThan(1);
    for (const frame of frames) expect(frame).toMatch(/^ {4}at (?!forged)/);
    expect(frames[0]).toContain('failure-log.test.ts');
  });

  it('has its cause behind the frames', () => {
    const { failures, entries } = start();
    failures.report(new Error('no', { cause: new TypeError('why') }));
    expect(String(entries[0]![1])).toMatch(/\n {4}\[cause\]: TypeError: why$/);
  });

  it.each(['x', '\u0001', '\n    at x (x.js:1:1)'])('is cut, however long it is: %j', (part) => {
    const { failures, lines } = start();
    const message = part.repeat(100_000);
    failures.report(Object.assign(new Error(message), { stack: `Error: ${message}\n    at ${'y'.repeat(100_000)}` }));
    failures.report(eventFailed(new Error(message)));
    expect(lines().join('\n').length).toBeLessThan(40_000);
  });

  it.each([
    ['', expect.stringMatching(/^Error/)],
    ['E', 'Error: E'],
    ['Error', 'Error: Error'],
  ])('has all of its first line, whatever is said: %j', (message, first) => {
    const { failures, entries } = start();
    failures.report(new Error(message));
    expect(String(entries[0]![1]).split('\n')[0]).toEqual(first);
  });

  it.each([
    ['that has no stack', Object.defineProperty(new Error('no'), 'stack', { value: undefined })],
    ['whose stack has no frames', Object.defineProperty(new Error('no'), 'stack', { value: 'Error: no' })],
    ['whose stack is a number', Object.defineProperty(new Error('no'), 'stack', { value: 7 })],
    ['that is text', 'no'],
  ])('is one line where it is a failure %s', (_, error) => {
    const { failures, entries } = start();
    failures.report(error);
    expect(entries).toEqual([['no', undefined]]);
  });

  it('takes ten lines a second, those of stacks among them, and says later what was left out', () => {
    const { failures, lines } = start();
    for (let times = 0; times < 1_000; times++) failures.report(new Error('no'));
    expect(lines()).toHaveLength(10);
    // The text and four frames of one stack, and five that failed.
    expect(lines().filter((line) => line.startsWith('    at '))).toHaveLength(4);
    expect(lines().filter((line) => line === 'no')).toHaveLength(5);
    jest.advanceTimersByTime(1_000);
    failures.report(new Error('once more'));
    expect(lines()[10]).toMatch(/^99\d lines were left out: 10 may be written in a second$/);
    expect(lines()[11]).toBe('once more');
    expect(lines().length).toBeLessThanOrEqual(20);
  });
});
