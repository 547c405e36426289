// A client that takes the smallest frames there are: errors still reach it, and nothing else suffers.
import { describe, expect, it } from '@jest/globals';
import { CmdStreamError, type CommandInvoker } from '../../../lib/core.js';
import { addFrame, ADD_2_3, SUM_5 } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { error, EXTENDED_GREETING, hello, PROBE } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { CalcResult, EchoResult } from '../../support/vector-contract.js';

const own = guardLeaks();
const long = new EchoResult('x'.repeat(200));
const fail = (): never => {
  throw new Error('intentional failure');
};

describe('an error in frames of at most 64 bytes arrives as INTERNAL, without its payload,', () => {
  it.each<[string, CommandInvoker['invoke']]>([
    ['when a handler throws', fail],
    ['when a handler rejects', () => Promise.resolve().then(fail)],
    ['when the only Result is too large', (_command, _context, sink) => sink.complete(long)],
    ['when a Result that could be the only one is too large', (_command, _context, sink) => void sink.next(long)],
    [
      'when a promise has left a Result behind',
      (_command, _context, sink) => Promise.resolve().then(() => void sink.next(long)),
    ],
  ])('%s', async (_when, invoke) => {
    let isFirst = true;
    const invoker: CommandInvoker = {
      invoke: (command, context, sink) => {
        if (!isFirst) return sink.complete(new CalcResult(5));
        isFirst = false;
        return invoke(command, context, sink);
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello({ maxFrameBytes: 64 }) + addFrame(1, 2, 3));
    await peer.receives(EXTENDED_GREETING + error(1, 'INTERNAL'));
    peer.write(`02${ADD_2_3.slice(2)}`);
    await peer.receives(EXTENDED_GREETING + error(1, 'INTERNAL') + `02${SUM_5.slice(2)}`);
    expect(calc.lost).toEqual([]);
  });
});

it('a payload that is too large gives way to the text of Nest for errors that are not shown', async () => {
  const invoke = (): never => {
    throw new CmdStreamError('REMOTE', 'no', { payload: 'x'.repeat(200) });
  };
  const calc = own(await CalcServer.start({ invoker: { invoke } }));
  const peer = own(await calc.connect());
  peer.write(PROBE + hello({ maxFrameBytes: 128 }) + ADD_2_3);
  const hidden = { status: 'error', message: 'Internal server error' };
  await peer.receives(EXTENDED_GREETING + error(1, 'INTERNAL', hidden));
});
