// What the end of a call says about its server, and how a Command is called in errors.
import { describe, expect, it } from '@jest/globals';
import { breakerVerdict, nameOfSent } from '../../../lib/client/call/call-outcome.js';
import type { CallOutcome } from '../../../lib/instrumentation/instrumentation.js';
import { isPermanent } from '../../../lib/client/failure.js';
import { PatternMessage } from '../../../lib/codec/pattern-message.js';
import { CmdStreamError } from '../../../lib/core.js';

const failure = new CmdStreamError('INTERNAL', 'it has failed', { sent: true });
const refused = new CmdStreamError('REMOTE', 'no', { sent: true });
const unsent = new CmdStreamError('QUEUE_FULL', 'too many');

it.each<[CallOutcome, boolean | undefined]>([
  [{ how: 'completed' }, true],
  [{ how: 'cancelled' }, undefined],
  [{ how: 'cancelled', error: 'enough' }, undefined],
  [{ how: 'cancelled', error: refused }, undefined],
  [{ how: 'timed out', error: refused }, undefined],
  [{ how: 'timed out', error: failure }, false],
  [{ how: 'cancelled', error: failure }, false],
  [{ how: 'failed', error: failure }, false],
  [{ how: 'failed', error: refused }, true],
  [{ how: 'failed', error: unsent }, undefined],
  [{ how: 'failed', error: { sent: true } }, undefined],
])('%j: the server has done its part: %s', (end, expected) => {
  expect(breakerVerdict(end, (error) => error === failure)).toBe(expected);
});

describe('what was sent', () => {
  class SumCmd {}

  it.each<[unknown, string]>([
    [new SumCmd(), 'SumCmd'],
    [null, 'null'],
    [7, 'a number'],
    [new PatternMessage('message', 'sum', []), 'the message sum'],
    [new PatternMessage('event', 'a\nb', []), 'the event a'],
    [new PatternMessage('event', '', {}, true), 'the event'],
  ])('is named: %j', (command, name) => {
    expect(nameOfSent(command)).toContain(name);
    expect(nameOfSent(command)).not.toMatch(/\n|the event .*the event| $/);
  });

  it('is named although it throws when it is looked at', () => {
    const throws = new Proxy(
      {},
      {
        get: () => {
          throw new Error('looked at');
        },
        getPrototypeOf: () => {
          throw new Error('looked at');
        },
      },
    );
    expect(nameOfSent(throws)).toBe('a Command');
  });
});

it.each<[CmdStreamError | undefined, boolean]>([
  [undefined, false],
  [new CmdStreamError('CONNECT_FAILED', 'refused'), false],
  [new CmdStreamError('SERVER_INFO_MISMATCH', 'another server'), true],
  [new CmdStreamError('SERVER_INFO_TOO_LARGE', 'no server of this kind'), true],
  [new CmdStreamError('CONTRACT_MISMATCH', 'another contract'), true],
  [new CmdStreamError('EXTENSION_UNAVAILABLE', 'a plain one'), true],
  [new CmdStreamError('TLS_ERROR', 'an unknown certificate', { cause: new Error('of Node') }), true],
  [new CmdStreamError('TLS_ERROR', 'a reset in the middle', { cause: failure }), false],
])('%s: waiting cannot cure it: %s', (error, expected) => {
  expect(isPermanent(error)).toBe(expected);
});
