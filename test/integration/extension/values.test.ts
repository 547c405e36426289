// What answers a message by pattern: one value alone, several, nothing, and one that is too large; as bytes.
import { describe, expect, it } from '@jest/globals';
import { CmdStreamError, type CommandContext, type CommandServerOptions, type ResultSink } from '../../../lib/core.js';
import { ADD_2_3, SUM_5, uvarint } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { turns, until } from '../../support/deadline.js';
import {
  control,
  credit,
  end,
  error,
  event,
  EXTENDED_GREETING,
  hello,
  PROBE,
  map,
  stream,
  text,
} from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import type { RawPeer } from '../../support/raw-peer.js';
import { CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();

/** A MESSAGE without data for the pattern `sum`. */
const message = (seq: number, { allowed = 0 } = {}): string =>
  control(3, uvarint(seq) + uvarint(0) + uvarint(0) + uvarint(allowed) + map({}) + text('sum'));

/** A VALUE; without data it says nothing. */
const value = (seq: number, data: unknown, last = false): string => {
  const json = data === undefined ? '' : Buffer.from(JSON.stringify(data)).toString('hex');
  return control(6, uvarint(seq) + uvarint(last ? 1 : 0) + json);
};

interface Asked {
  readonly sink: ResultSink;
  readonly context: CommandContext;
}

/** A server whose messages are answered by the test, and a peer of it. */
async function ask(frames: string, greeting = hello(), options: Partial<CommandServerOptions> = {}) {
  const asked: Asked[] = [];
  const invoker = {
    invoke: (_message: unknown, context: CommandContext, sink: ResultSink) => void asked.push({ context, sink }),
  };
  const calc = own(await CalcServer.start({ invoker, ...options }));
  const peer: RawPeer = own(await calc.connect());
  peer.write(PROBE + greeting + frames);
  await until('the message has come', () => asked.length > 0);
  return { calc, peer, asked, ...asked[0]! };
}

describe('a message by pattern', () => {
  it('is answered by one value that is marked as the last, when that is all', async () => {
    const { peer, sink } = await ask(message(1));
    sink.next(5);
    sink.complete();
    await peer.receives(EXTENDED_GREETING + value(1, 5, true));
  });

  it('is answered by values without a word before them, and an end, when they come one by one', async () => {
    const { peer, sink } = await ask(message(1));
    sink.next(1);
    await peer.receives(EXTENDED_GREETING + value(1, 1));
    sink.next(2);
    sink.next(3);
    await peer.receives(EXTENDED_GREETING + value(1, 1) + value(1, 2) + value(1, 3));
    sink.complete();
    await peer.receives(EXTENDED_GREETING + value(1, 1) + value(1, 2) + value(1, 3) + end(1));
  });

  it('is answered by values and an end when the last is given with the end', async () => {
    const { peer, sink } = await ask(message(1));
    sink.next(1);
    sink.complete(2);
    await peer.receives(EXTENDED_GREETING + value(1, 1) + value(1, 2) + end(1));
  });

  it('is answered by the end alone when nothing is given, or a value of nothing', async () => {
    const { peer, asked } = await ask(message(1) + message(2) + message(3));
    await until('all have come', () => asked.length === 3);
    asked[0]!.sink.complete();
    asked[1]!.sink.next(undefined);
    asked[1]!.sink.complete();
    asked[2]!.sink.next(undefined);
    asked[2]!.sink.next(undefined);
    asked[2]!.sink.complete();
    await peer.receives(EXTENDED_GREETING + end(1) + end(2) + value(3, undefined) + value(3, undefined) + end(3));
  });

  it('is answered by a value and the error when its handler fails behind it in the same turn', async () => {
    const { peer, sink } = await ask(message(1));
    sink.next(1);
    sink.error(new CmdStreamError('REMOTE', 'no', { payload: 'no' }));
    await peer.receives(EXTENDED_GREETING + value(1, 1) + error(1, 'REMOTE', 'no'));
  });

  it('is answered as far as its credit goes, round after round', async () => {
    const { peer, sink } = await ask(message(1, { allowed: 1 }));
    let expected = EXTENDED_GREETING;
    let n = 0;
    for (let round = 0; round < 3; round++) {
      sink.next(++n);
      sink.next(++n);
      await peer.receives((expected += value(1, n - 1)));
      peer.write(credit(1, 1));
      await peer.receives((expected += value(1, n)));
      peer.write(credit(1, 1));
      await until('there is credit', () => sink.drained === undefined);
    }
    sink.complete();
    await peer.receives(expected + end(1));
  });
});

describe('a Command of an extended peer', () => {
  it('is answered by a Result and the error when its handler fails behind it in the same turn', async () => {
    const { peer, sink } = await ask(ADD_2_3);
    sink.next(new CalcResult(5));
    sink.error(new CmdStreamError('REMOTE', 'no', { payload: 'no' }));
    await peer.receives(EXTENDED_GREETING + stream(1) + SUM_5 + error(1, 'REMOTE', 'no'));
  });

  it('tells where it came from, as a message and an event do', async () => {
    const { peer, asked } = await ask(ADD_2_3 + message(2) + event('sum'));
    await until('all have come', () => asked.length === 3);
    const { localAddress, localPort, remoteAddress, remotePort } = peer.socket;
    for (const { context } of asked) {
      expect([context.remoteAddress, context.remotePort]).toEqual([localAddress, localPort]);
      expect([context.localAddress, context.localPort]).toEqual([remoteAddress, remotePort]);
    }
  });
});

describe('a value that is larger than the peer takes', () => {
  const large = 'x'.repeat(1000);

  it('fails its message when it is the only one so far, at the end of the turn, and says so to its handler', async () => {
    const { calc, peer, context, sink } = await ask(message(1) + message(2), hello({ maxFrameBytes: 500 }));
    const { signal } = context;
    sink.next(large);
    expect([sink.isOpen, signal.aborted]).toEqual([true, false]);
    await until('the handler is notified', () => signal.aborted);
    expect(signal.reason).toMatchObject({ code: 'FRAME_TOO_LARGE' });
    expect(sink.isOpen).toBe(false);
    await until('the caller is notified', () => peer.received.includes('FRAME_TOO_LARGE'));
    // Its handler runs on.
    expect(calc.server.inFlight).toBe(2);
    expect([sink.next(1), sink.drained]).toEqual([0, undefined]);
    sink.complete();
    await turns();
    expect([calc.server.inFlight, calc.lost, peer.isEnded]).toEqual([1, [], false]);
  });

  it('gives way to the error when its handler fails in the same turn', async () => {
    const { calc, peer, sink } = await ask(message(1), hello({ maxFrameBytes: 500 }));
    sink.next(large);
    sink.error(new CmdStreamError('REMOTE', 'no', { payload: 'no' }));
    await peer.receives(EXTENDED_GREETING + error(1, 'REMOTE', 'no'));
    expect(calc.server.inFlight).toBe(0);
  });

  it('is thrown at its handler when others were sent, which may go on', async () => {
    const { peer, sink } = await ask(message(1), hello({ maxFrameBytes: 500 }));
    sink.next(1);
    await peer.receives(EXTENDED_GREETING + value(1, 1));
    expect(() => sink.next(large)).toThrow(expect.objectContaining({ code: 'FRAME_TOO_LARGE' }) as unknown as Error);
    sink.next(2);
    sink.complete();
    await peer.receives(EXTENDED_GREETING + value(1, 1) + value(1, 2) + end(1));
  });
});
