// Commands on a server: their numbers, what they learn about themselves, and the sink they answer by.
import { describe, expect, it } from '@jest/globals';
import type { CommandContext, CommandInvoker, ResultSink } from '../../../lib/core.js';
import {
  ADD_2_3,
  addFrame,
  countFrame,
  countResultFrame,
  GREETING,
  SUM_5,
  sumFrame,
} from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { turns, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import type { RawPeer } from '../../support/raw-peer.js';
import { AddCmd, CalcResult, CountCmd, CountResult, EchoResult } from '../../support/vector-contract.js';

const own = guardLeaks();

/** Keeps what each Command is given, by seq, and leaves it running. */
class Keeping implements CommandInvoker {
  readonly contexts: CommandContext[] = [];
  readonly sinks: ResultSink[] = [];

  invoke(_command: unknown, context: CommandContext, sink: ResultSink): void {
    this.contexts.push(context);
    this.sinks.push(sink);
  }
}

async function startKeeping(frames: string, count = 1) {
  const keeping = new Keeping();
  const calc = own(await CalcServer.start({ invoker: keeping }));
  const peer: RawPeer = own(await calc.connect());
  peer.write(frames);
  await until('the Commands run', () => keeping.sinks.length === count);
  return { calc, peer, contexts: keeping.contexts, sinks: keeping.sinks };
}

describe('seq', () => {
  const seqs = [
    1n,
    63n,
    127n,
    128n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 53n + 1n,
    2n ** 63n - 1n,
    -1n,
    -63n,
    -(2n ** 53n) + 1n,
    -(2n ** 53n),
    -(2n ** 63n),
  ];

  it.each(seqs)('%s is copied to the Result', async (seq) => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write(addFrame(seq, 2, 3));
    await peer.receives(GREETING + sumFrame(seq, 5));
  });

  it('may repeat: every Command is answered', async () => {
    const { peer, sinks } = await startKeeping(addFrame(9, 2, 3).repeat(3), 3);
    sinks.forEach((sink, at) => sink.next(new CalcResult(at)));
    await peer.receives(GREETING + sumFrame(9, 0) + sumFrame(9, 1) + sumFrame(9, 2));
  });

  it('may descend and jump', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    const order = [900, 5, 4, 3, 1_000_000, 2, 1];
    peer.write(order.map((seq) => addFrame(seq, seq, 0)).join(''));
    await peer.receives(GREETING + order.map((seq) => sumFrame(seq, seq)).join(''));
  });

  it('is the same number in the context, a bigint only where a number would not be exact', async () => {
    const { contexts } = await startKeeping(seqs.map((seq) => addFrame(seq, 2, 3)).join(''), seqs.length);
    expect(contexts.map(({ seq }) => seq)).toEqual(
      seqs.map((seq) => (seq > -(2n ** 53n) && seq < 2n ** 53n ? Number(seq) : seq)),
    );
  });

  it('in a padded form is answered in the shortest form', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write(`8100${ADD_2_3.slice(2)}`);
    await peer.receives(GREETING + SUM_5);
  });
});

describe('context', () => {
  it('tells where the Command came from and how long it was', async () => {
    const before = Date.now();
    const { peer, contexts } = await startKeeping(`${ADD_2_3}${addFrame(300, 20, 30)}`, 2);
    const [first, second] = contexts;
    const { localAddress, localPort, remoteAddress, remotePort } = peer.socket;
    expect([first!.remoteAddress, first!.remotePort]).toEqual([localAddress, localPort]);
    expect([first!.localAddress, first!.localPort]).toEqual([remoteAddress, remotePort]);
    expect([first!.bytesRead, second!.bytesRead]).toEqual([16, 19]);
    for (const { receivedAt } of contexts) {
      expect(receivedAt).toBeGreaterThanOrEqual(before);
      expect(receivedAt).toBeLessThanOrEqual(Date.now());
    }
  });

  it('has a signal that aborts with the reason when the connection ends', async () => {
    const { calc, peer, contexts, sinks } = await startKeeping(ADD_2_3);
    const { signal } = contexts[0]!;
    expect(signal).toBe(contexts[0]!.signal);
    expect(signal.aborted).toBe(false);
    peer.finish();
    await until('the signal aborts', () => signal.aborted);
    sinks[0]!.complete();
    expect(signal.reason).toBe(await calc.lostCause());
  });

  it('has a signal that is aborted already when it is first asked for after the end', async () => {
    const { calc, peer, contexts, sinks } = await startKeeping(ADD_2_3);
    peer.finish();
    await until('the connection ends', () => !sinks[0]!.isOpen);
    expect(contexts[0]!.signal.aborted).toBe(true);
    sinks[0]!.complete();
    expect(contexts[0]!.signal.reason).toBe(await calc.lostCause());
  });

  it('has a signal that aborts with ANSWERED when the last Result is sent, and keeps that reason', async () => {
    const { calc, peer, contexts, sinks } = await startKeeping(ADD_2_3);
    const { signal } = contexts[0]!;
    expect(signal.aborted).toBe(false);
    sinks[0]!.next(new CalcResult(5));
    expect(signal.reason).toMatchObject({ code: 'ANSWERED' });
    expect(calc.server.inFlight).toBe(1);
    sinks[0]!.complete();
    await peer.receives(GREETING + SUM_5);
    peer.finish();
    await calc.lostCause();
    expect(signal.reason).toMatchObject({ code: 'ANSWERED' });
  });

  it('has a signal that is aborted with ANSWERED when it is first asked for behind the answer', async () => {
    const { calc, peer, contexts, sinks } = await startKeeping(ADD_2_3);
    sinks[0]!.complete(new CalcResult(5));
    await peer.receives(GREETING + SUM_5);
    peer.finish();
    await calc.lostCause();
    expect(contexts[0]!.signal.reason).toMatchObject({ code: 'ANSWERED' });
  });

  it('has a signal that tells the end of the connection when the handler ends behind that, or in its middle', async () => {
    const { calc, contexts, sinks, peer } = await startKeeping(ADD_2_3 + ADD_2_3, 2);
    const { signal } = contexts[0]!;
    peer.finish();
    await until('the connection ends', () => signal.aborted);
    sinks.forEach((sink) => sink.complete());
    const cause = await calc.lostCause();
    expect(signal.reason).toBe(cause);
    expect(contexts[1]!.signal.reason).toBe(cause);
  });
});

describe('sink', () => {
  it('interleaves the Results of several Commands as they are sent', async () => {
    const { peer, sinks } = await startKeeping(countFrame(1, 2) + countFrame(2, 2) + addFrame(3, 2, 3), 3);
    const expected = [
      countResultFrame(2, 0, false),
      countResultFrame(1, 0, false),
      sumFrame(3, 5),
      countResultFrame(1, 1, true),
      countResultFrame(2, 1, true),
    ];
    sinks[1]!.next(new CountResult(0, false));
    sinks[0]!.next(new CountResult(0, false));
    sinks[2]!.next(new CalcResult(5));
    await peer.receives(GREETING + expected.slice(0, 3).join(''));
    sinks[0]!.next(new CountResult(1, true));
    sinks[1]!.next(new CountResult(1, true));
    await peer.receives(GREETING + expected.join(''));
  });

  it('runs the Commands of a connection side by side', async () => {
    const order: number[] = [];
    const gates = new Map<number, () => void>();
    const invoker: CommandInvoker = {
      async invoke(command, { seq }, sink) {
        await new Promise<void>((resolve) => gates.set(Number(seq), resolve));
        order.push(Number(seq));
        sink.next(new CalcResult(Number((command as AddCmd).A)));
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(addFrame(1, 10, 0) + addFrame(2, 20, 0) + addFrame(3, 30, 0));
    await until('three Commands run', () => gates.size === 3);
    for (const seq of [3, 1, 2]) {
      gates.get(seq)!();
      await until('the Command ends', () => order.includes(seq));
    }
    await peer.receives(GREETING + sumFrame(3, 30) + sumFrame(1, 10) + sumFrame(2, 20));
  });

  it('gives the length of each frame, as the client counts it', async () => {
    const { sinks } = await startKeeping(countFrame(300, 2));
    expect(sinks[0]!.next(new CountResult(0, false))).toBe(24);
    expect(sinks[0]!.next(new CountResult(1, true))).toBe(23);
  });

  it('may be used from anywhere, long after invoke has returned', async () => {
    const { calc, peer, sinks } = await startKeeping(ADD_2_3);
    await turns(20);
    expect(peer.hex).toBe(GREETING);
    expect(calc.server.inFlight).toBe(1);
    sinks[0]!.next(new CalcResult(5));
    await peer.receives(GREETING + SUM_5);
    sinks[0]!.complete();
    expect(calc.server.inFlight).toBe(0);
  });

  it('takes no Result after the last one', async () => {
    const { peer, sinks } = await startKeeping(ADD_2_3);
    expect(sinks[0]!.isOpen).toBe(true);
    sinks[0]!.next(new CalcResult(5));
    expect(sinks[0]!.isOpen).toBe(false);
    expect(sinks[0]!.next(new CalcResult(6))).toBe(0);
    await peer.receives(GREETING + SUM_5);
  });

  it('takes nothing after complete()', async () => {
    const { calc, peer, sinks } = await startKeeping(ADD_2_3);
    const sink = sinks[0]!;
    sink.complete(new CalcResult(5));
    expect(sink.isOpen).toBe(false);
    sink.error(new Error('too late'));
    sink.complete();
    await peer.receives(GREETING + SUM_5);
    expect(calc.lost).toEqual([]);
    expect(calc.errors).toEqual([]);
  });

  it('has no effect and does not throw after the connection has ended', async () => {
    const { calc, peer, sinks } = await startKeeping(ADD_2_3.repeat(3), 3);
    peer.reset();
    await until('the connection ends', () => sinks.every(({ isOpen }) => !isOpen));
    expect(sinks[0]!.next(new CalcResult(5))).toBe(0);
    expect(sinks[0]!.next('nothing the contract knows')).toBe(0);
    sinks[0]!.complete();
    sinks[1]!.error(new Error('too late'));
    sinks[1]!.complete();
    await turns();
    expect(calc.server.inFlight).toBe(1);
    sinks[2]!.complete();
    expect(calc.server.inFlight).toBe(0);
    expect(await calc.lostCause()).toMatchObject({ code: 'PEER_RESET' });
    expect(calc.lost).toHaveLength(1);
  });

  it.each([
    ['RESULT_NOT_IN_CONTRACT', { value: 5 }],
    ['ENCODE_FAILED', new CalcResult(Number.NaN)],
    ['FRAME_TOO_LARGE', new EchoResult('x'.repeat(200))],
  ])('throws %s for a Result that cannot be sent, and the Command goes on', async (code, result) => {
    const keeping = new Keeping();
    const calc = own(await CalcServer.start({ invoker: keeping, maxResultBytes: 100 }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await until('the Command runs', () => keeping.sinks.length === 1);
    const sink = keeping.sinks[0]!;
    expect(() => sink.next(result)).toThrow(expect.objectContaining({ code }));
    expect(sink.isOpen).toBe(true);
    sink.next(new CalcResult(5));
    sink.complete();
    await peer.receives(GREETING + SUM_5);
  });

  it('keeps a Command running while Results follow the promise of another', async () => {
    const invoker: CommandInvoker = {
      async invoke(command, _context, sink) {
        if (command instanceof CountCmd) {
          for (let at = 0; at < command.N; at++) {
            await turns(1);
            sink.next(new CountResult(at, at === command.N - 1));
          }
        } else sink.next(new CalcResult(5));
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(countFrame(1, 50) + addFrame(2, 2, 3));
    const counts = Array.from({ length: 50 }, (_, at) => countResultFrame(1, at, at === 49)).join('');
    await peer.receivesBytes((GREETING + counts).length / 2 + 4);
    await until('all have ended', () => calc.server.inFlight === 0);
    expect(peer.hex.replace(sumFrame(2, 5), '')).toBe(GREETING + counts);
  });
});

describe('onDisconnect', () => {
  it('is called once, as soon as the connection has ended, although its Commands still run', async () => {
    const { calc, peer, sinks, contexts } = await startKeeping(ADD_2_3.repeat(2), 2);
    const { signal, remoteAddress, remotePort, localAddress, localPort } = contexts[0]!;
    peer.finish();
    await until('the connection ends', () => signal.aborted);
    const lost = [{ remoteAddress, remotePort, localAddress, localPort, cause: signal.reason as unknown }];
    expect(calc.lost).toEqual(lost);
    expect(calc.server.connections).toBe(1);
    for (const sink of sinks) sink.complete();
    await turns();
    expect(calc.lost).toEqual(lost);
    expect(calc.server.connections).toBe(0);
  });

  it('is called once when the Commands end because of it', async () => {
    const { calc, peer, sinks, contexts } = await startKeeping(ADD_2_3.repeat(3), 3);
    sinks.forEach((sink, at) => contexts[at]!.signal.addEventListener('abort', () => sink.complete()));
    peer.reset();
    await calc.lostCause();
    await turns();
    expect(calc.lost).toHaveLength(1);
  });
});
