// A peer that has answers made and does not read them costs its own connection, and no memory.
import { describe, expect, it } from '@jest/globals';
import { CmdStreamError, type CommandInvoker } from '../../../lib/core.js';
import { addFrame, frame, GREETING } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { until } from '../../support/deadline.js';
import { EXTENDED_GREETING, hello, PROBE } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';

const own = guardLeaks();
const MIB = 1024 * 1024;
/** More than the system's own buffers take on both sides, and the server's in between. */
const FLOOD_BYTES = 64 * MIB;

/** So many Commands with growing numbers, in one go. */
function commands(write: (seq: number) => string): () => Uint8Array {
  let seq = 0;
  return () => Buffer.from(Array.from({ length: 2_000 }, () => write(++seq)).join(''), 'hex');
}

const zeros = Buffer.alloc(64 * 1024);
const failing: CommandInvoker = {
  invoke: () => {
    throw new CmdStreamError('REMOTE', 'no', { payload: 'x'.repeat(3_000) });
  },
};
const silent: CommandInvoker = { invoke: (_command, _context, sink) => sink.complete() };
const add = (seq: number): string => addFrame(seq, 1, 1);

describe('a peer that does not read loses its connection with SEND_BUFFER_FULL', () => {
  it.each([
    ['pongs', silent, () => zeros],
    ['errors of handlers', failing, commands(add)],
    ['refusals', silent, commands((seq) => frame(seq, 99, '{}'))],
  ])('when it floods the server for %s', async (_what, invoker, bytes) => {
    const limits = { maxSendBufferBytes: 131_072, maxResultBytes: 4_096, maxPingsPerSecond: Infinity };
    const calc = own(await CalcServer.start({ invoker, ...limits }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.socket.pause();
    peer.write(PROBE + hello());
    let written = 0;
    await until(
      'the connection is lost',
      () => {
        if (written < FLOOD_BYTES && peer.socket.writableLength < MIB) {
          const chunk = bytes();
          written += chunk.length;
          peer.write(chunk);
        }
        return calc.lost.length > 0;
      },
      10_000,
    );
    expect(calc.lost[0]!.cause).toMatchObject({
      code: 'SEND_BUFFER_FULL',
      message: expect.stringContaining('maxSendBufferBytes (131072)') as unknown,
    });
  });
});

it('a peer that reads may ask for millions of pongs at once, where that is not limited', async () => {
  const calc = own(await CalcServer.start({ maxPingsPerSecond: Infinity }));
  const peer = own(await calc.connect());
  peer.write(PROBE + hello());
  await peer.receives(EXTENDED_GREETING);
  for (let count = 0; count < 6 * MIB; count += zeros.length) peer.write(zeros);
  await peer.receivesBytes(EXTENDED_GREETING.length / 2 + 6 * MIB);
  expect(calc.lost).toEqual([]);
});
