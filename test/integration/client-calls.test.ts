// Calls of a client that end well or by the caller's will: execute, dispatch, emit, cancel, forget, time limits, signals.
import { describe, expect, it } from '@jest/globals';
import type { Call, CommandClient, UnexpectedResult } from '../../lib/core.js';
import { calcClient } from '../support/calc-client.js';
import { ADD_2_3, addFrame, countFrame, countResultFrame, GREETING, SUM_5, sumFrame } from '../support/calc-frames.js';
import { CalcServer } from '../support/calc-server.js';
import { openPair } from '../support/client-pair.js';
import { inTime, turns, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { RawServer } from '../support/raw-server.js';
import { RecordingSink } from '../support/recording-sink.js';
import { AddCmd, CalcResult, CountCmd, CountResult, EchoCmd, EchoResult, SubCmd } from '../support/vector-contract.js';

const own = guardLeaks();
const count = (I: number, Last: boolean): CountResult => new CountResult(I, Last);

describe('execute()', () => {
  it('resolves with the Result, an instance of its class', async () => {
    const { client, peer } = await openPair(own);
    const sum = client.execute(new AddCmd(2, 3));
    await peer.receives(ADD_2_3);
    peer.write(SUM_5);
    const result: CalcResult = await sum;
    expect(result).toBeInstanceOf(CalcResult);
    expect(result).toEqual(new CalcResult(5));
    expect(client.pending).toBe(0);
  });

  it('numbers Commands from 1 and matches Results by their number', async () => {
    const { client, peer } = await openPair(own);
    const sums = [1, 2, 3].map((A) => client.execute(new AddCmd(A, 0)));
    await peer.receives(addFrame(1, 1, 0) + addFrame(2, 2, 0) + addFrame(3, 3, 0));
    peer.write(sumFrame(3, 30) + sumFrame(1, 10) + sumFrame(2, 20));
    await expect(Promise.all(sums)).resolves.toEqual([new CalcResult(10), new CalcResult(20), new CalcResult(30)]);
  });

  it('answers 1,000 Commands that are under way at once', async () => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port));
    const numbers = Array.from({ length: 1_000 }, (_, at) => at);
    const sums = numbers.map((A) => client.execute(new AddCmd(A, 1)));
    expect(client.pending).toBe(1_000);
    const results = await Promise.all(sums);
    expect(results.map(({ value }) => value)).toEqual(numbers.map((A) => A + 1));
    expect(client.pending).toBe(0);
  });

  it.each([
    ['one Result that is not the last', countResultFrame(1, 0, false)],
    ['several Results', countResultFrame(1, 0, false) + countResultFrame(1, 1, true)],
  ])('rejects MULTIPLE_RESULTS when it gets %s, and the connection lives', async (_what, answer) => {
    const { client, peer } = await openPair(own);
    const counted = client.execute(new CountCmd(2));
    peer.write(answer);
    await expect(counted).rejects.toMatchObject({ code: 'MULTIPLE_RESULTS', sent: true });
    expect(client.pending).toBe(0);
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(sumFrame(2, 5));
    await expect(sum).resolves.toEqual(new CalcResult(5));
  });

  it('counts what follows MULTIPLE_RESULTS as unexpected', async () => {
    const { client, peer } = await openPair(own);
    const counted = client.execute(new CountCmd(3));
    peer.write([0, 1, 2].map((at) => countResultFrame(1, at, at === 2)).join(''));
    await expect(counted).rejects.toMatchObject({ code: 'MULTIPLE_RESULTS' });
    await until('the others arrive', () => client.unexpectedResults === 2);
  });
});

describe('dispatch()', () => {
  it('gives the sink each Result in order, then the end', async () => {
    const { client, peer } = await openPair(own);
    const sink = new RecordingSink<CountResult>();
    const call = client.dispatch(new CountCmd(3), sink);
    expect(call).toMatchObject({ seq: 1, isPending: true });
    await peer.receives(countFrame(1, 3));
    peer.write(countResultFrame(1, 0, false));
    await until('a Result arrives', () => sink.results.length === 1);
    expect(sink.ends).toEqual([]);
    peer.write(countResultFrame(1, 1, false) + countResultFrame(1, 2, true));
    expect(await sink.ended()).toBeUndefined();
    expect(sink.results).toEqual([count(0, false), count(1, false), count(2, true)]);
    expect(sink.ends).toEqual(['complete']);
    expect(call.isPending).toBe(false);
  });

  it('keeps the Results of calls apart that come interleaved', async () => {
    const { client, peer } = await openPair(own);
    const sinks = [new RecordingSink(), new RecordingSink()];
    for (const sink of sinks) client.dispatch(new CountCmd(2), sink);
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(
      countResultFrame(2, 0, false) +
        countResultFrame(1, 10, false) +
        sumFrame(3, 5) +
        countResultFrame(2, 1, true) +
        countResultFrame(1, 11, true),
    );
    await expect(sum).resolves.toEqual(new CalcResult(5));
    await Promise.all(sinks.map((sink) => sink.ended()));
    expect(sinks[0]!.results).toEqual([count(10, false), count(11, true)]);
    expect(sinks[1]!.results).toEqual([count(0, false), count(1, true)]);
  });

  it('comes after the calls that waited for the connection when it is made by a status listener', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const sinks = [new RecordingSink(), new RecordingSink()];
    client.onStatus((status) => {
      if (status === 'open') client.dispatch(new AddCmd(2, 0), sinks[1]!);
    });
    client.dispatch(new AddCmd(1, 0), sinks[0]!);
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(addFrame(1, 1, 0) + addFrame(2, 2, 0));
    peer.write(sumFrame(1, 1) + sumFrame(2, 2));
    await Promise.all(sinks.map((sink) => sink.ended()));
  });

  it('has the number 0 until its Command was written', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const sink = new RecordingSink();
    const call = client.dispatch(new AddCmd(2, 3), sink);
    expect(call.seq).toBe(0);
    expect(client.has(0)).toBe(false);
    const peer = await raw.peer();
    peer.write(GREETING + SUM_5);
    await sink.ended();
    expect(call.seq).toBe(1);
  });

  it.each([
    ['next', (sink: RecordingSink) => (sink.next = fail)],
    ['complete', (sink: RecordingSink) => (sink.complete = fail)],
  ])('leaves other calls alone when the sink throws in %s', async (_what, break_) => {
    const { client, peer } = await openPair(own);
    const sink = new RecordingSink();
    break_(sink);
    client.dispatch(new AddCmd(2, 3), sink);
    const sum = client.execute(new AddCmd(4, 5));
    peer.write(sumFrame(1, 5) + sumFrame(2, 9));
    await expect(sum).resolves.toEqual(new CalcResult(9));
    expect(client.pending).toBe(0);
    expect(client.status).toBe('open');
  });

  it('gives the sink the error it threw in next', async () => {
    const { client, peer } = await openPair(own);
    const sink = new RecordingSink();
    sink.next = fail;
    client.dispatch(new CountCmd(2), sink);
    peer.write(countResultFrame(1, 0, false) + countResultFrame(1, 1, true));
    expect(await sink.ended()).toEqual(new Error('a sink throws'));
    await until('the second is unexpected', () => client.unexpectedResults === 1);
    expect(sink.ends).toHaveLength(1);
  });

  it('leaves other calls alone when sinks throw in error', async () => {
    const { client, peer } = await openPair(own);
    for (let at = 0; at < 3; at++) {
      const sink = new RecordingSink();
      sink.error = fail;
      client.dispatch(new AddCmd(2, 3), sink);
    }
    const sum = client.execute(new AddCmd(4, 5));
    peer.reset();
    await expect(sum).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(client.pending).toBe(0);
  });

  it.each([
    ['next and then in error', { next: fail, error: fail }],
    ['error after a time limit', { error: fail }],
  ])('leaves the process alone when a sink throws in %s', async (_what, broken) => {
    const { client, peer } = await openPair(own);
    const sink = Object.assign(new RecordingSink(), broken);
    const call = client.dispatch(new AddCmd(2, 3), sink, { timeoutMs: 20 });
    if ('next' in broken) peer.write(SUM_5);
    await until('the call ends', () => !call.isPending);
    await turns();
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(sumFrame(2, 5));
    await expect(sum).resolves.toEqual(new CalcResult(5));
  });

  it('leaves the process alone when a sink throws in error after its signal has aborted', async () => {
    const { client } = await openPair(own);
    const controller = new AbortController();
    const sink = Object.assign(new RecordingSink(), { error: fail });
    const call = client.dispatch(new AddCmd(2, 3), sink, { signal: controller.signal });
    controller.abort();
    await turns();
    expect(call.isPending).toBe(false);
    expect(client.status).toBe('open');
  });
});

describe('emit()', () => {
  it('resolves when the Command was written, and leaves nothing pending', async () => {
    const { client, peer } = await openPair(own);
    await inTime('the Command is written', client.emit(new AddCmd(2, 3)));
    expect(client.pending).toBe(0);
    expect(client.has(1)).toBe(false);
    await peer.receives(ADD_2_3);
  });

  it('opens the connection when there is none', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const emitted = client.emit(new AddCmd(2, 3));
    const peer = await raw.peer();
    peer.write(GREETING);
    await inTime('the Command is written', emitted);
    await peer.receives(ADD_2_3);
  });

  it('resolves for a Command larger than one write', async () => {
    const { client, peer } = await openPair(own);
    await inTime('the Command is written', client.emit(new EchoCmd('x'.repeat(500_000))));
    await inTime('the next one, too', client.emit(new EchoCmd('x'.repeat(70_000))));
    await peer.receivesBytes(570_000);
  });

  it('keeps the order of calls while the connection is being opened', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const emitted = [client.emit(new AddCmd(1, 0)), client.execute(new AddCmd(2, 0)), client.emit(new AddCmd(3, 0))];
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(addFrame(1, 1, 0) + addFrame(2, 2, 0) + addFrame(3, 3, 0));
    peer.write(sumFrame(2, 2));
    await Promise.all(emitted);
  });

  it('takes the Results that come all the same for unexpected ones', async () => {
    const unexpected: UnexpectedResult[] = [];
    const { client, peer } = await openPair(own, { onUnexpectedResult: (result) => unexpected.push(result) });
    await client.emit(new AddCmd(2, 3));
    peer.write(SUM_5);
    await until('a Result arrives', () => client.unexpectedResults === 1);
    expect(unexpected).toEqual([{ seq: 1, result: new CalcResult(5), bytesRead: 4 }]);
  });
});

describe('unexpected Results', () => {
  it('are counted and given to the callback, and the connection lives', async () => {
    const unexpected: UnexpectedResult[] = [];
    const { client, peer } = await openPair(own, { onUnexpectedResult: (result) => unexpected.push(result) });
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(sumFrame(42, 1) + sumFrame(-1, 2) + SUM_5 + SUM_5 + sumFrame(2n ** 63n - 1n, 3));
    await expect(sum).resolves.toEqual(new CalcResult(5));
    await until('all have arrived', () => client.unexpectedResults === 4);
    expect(unexpected.map(({ seq }) => seq)).toEqual([42, -1, 1, 2n ** 63n - 1n]);
    expect(unexpected.map(({ result }) => (result as CalcResult).value)).toEqual([1, 2, 5, 3]);
    expect(client.status).toBe('open');
  });

  it('are counted without a callback', async () => {
    const { client, peer } = await openPair(own);
    peer.write(sumFrame(42, 1));
    await until('it has arrived', () => client.unexpectedResults > 0);
    expect(client.unexpectedResults).toBe(1);
  });

  it('leave the connection alone when the callback throws', async () => {
    const { client, peer } = await openPair(own, { onUnexpectedResult: fail });
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(sumFrame(42, 1) + SUM_5);
    await expect(sum).resolves.toEqual(new CalcResult(5));
    expect(client.unexpectedResults).toBe(1);
  });
});

describe('cancel() and forget()', () => {
  it.each<[string, (call: Call, client: CommandClient) => void]>([
    ['cancel()', (call) => call.cancel()],
    ['forget()', ({ seq }, client) => client.forget(seq)],
  ])('%s: the sink hears nothing more, late Results are unexpected', async (_what, end) => {
    const { client, peer } = await openPair(own);
    const sink = new RecordingSink();
    const call = client.dispatch(new CountCmd(3), sink);
    peer.write(countResultFrame(1, 0, false));
    await until('a Result arrives', () => sink.results.length === 1);
    expect(client.has(1)).toBe(true);
    end(call, client);
    expect(call.isPending).toBe(false);
    expect(client.has(1)).toBe(false);
    expect(client.pending).toBe(0);
    peer.write(countResultFrame(1, 1, false) + countResultFrame(1, 2, true));
    await until('the others arrive', () => client.unexpectedResults === 2);
    expect(sink.results).toHaveLength(1);
    expect(sink.ends).toEqual([]);
  });

  it('inside next: nothing more is given to the sink', async () => {
    const { client, peer } = await openPair(own);
    const sink = new RecordingSink();
    const call = client.dispatch(new CountCmd(2), {
      next: (result) => {
        sink.next(result);
        call.cancel();
      },
      complete: () => sink.complete(),
      error: (error) => sink.error(error),
    });
    peer.write(countResultFrame(1, 0, false) + countResultFrame(1, 1, true));
    await until('the second is unexpected', () => client.unexpectedResults === 1);
    expect(sink.results).toHaveLength(1);
    expect(sink.ends).toEqual([]);
  });

  it('before the Command was written: it is never sent', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const sink = new RecordingSink();
    const call = client.dispatch(new AddCmd(1, 1), sink);
    const difference = client.execute(new SubCmd(8, 4));
    call.cancel();
    expect(client.pending).toBe(1);
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives('01010d7b2241223a382c2242223a347d');
    peer.write('01000134');
    await expect(difference).resolves.toEqual(new CalcResult(4));
    expect(sink.ends).toEqual([]);
  });

  it('of what has ended or never was has no effect', async () => {
    const { client, peer } = await openPair(own);
    const sink = new RecordingSink();
    const call = client.dispatch(new AddCmd(2, 3), sink);
    peer.write(SUM_5);
    await sink.ended();
    call.cancel();
    for (const seq of [0, 1, 99, -1, 2n ** 60n]) client.forget(seq);
    expect(sink.ends).toEqual(['complete']);
    expect(client.status).toBe('open');
  });
});

describe('timeoutMs', () => {
  it('fails the call with TIMEOUT, and its late Result is unexpected', async () => {
    const { client, peer } = await openPair(own, { timeoutMs: 20 });
    const sum = client.execute(new AddCmd(2, 3));
    await expect(sum).rejects.toMatchObject({ code: 'TIMEOUT', sent: true });
    expect(client.pending).toBe(0);
    peer.write(SUM_5);
    await until('the Result arrives', () => client.unexpectedResults === 1);
    const next = client.execute(new AddCmd(2, 3), { timeoutMs: 0 });
    peer.write(sumFrame(2, 5));
    await expect(next).resolves.toEqual(new CalcResult(5));
  });

  it('of the call comes before that of the client', async () => {
    const { client } = await openPair(own);
    await expect(client.execute(new AddCmd(2, 3), { timeoutMs: 20 })).rejects.toThrow('timeoutMs (20)');
  });

  it('counts the time before the Command could be written', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const sum = client.execute(new AddCmd(2, 3), { timeoutMs: 20 });
    await expect(sum).rejects.toMatchObject({ code: 'TIMEOUT', sent: false });
    const peer = await raw.peer();
    peer.write(GREETING);
    await until('the connection is open', () => client.status === 'open');
    await peer.receives('');
  });

  it('of the client is none for dispatch()', async () => {
    const { client, peer } = await openPair(own, { timeoutMs: 1 });
    const sink = new RecordingSink();
    client.dispatch(new AddCmd(2, 3), sink);
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(sink.ends).toEqual([]);
    peer.write(SUM_5);
    expect(await sink.ended()).toBeUndefined();
  });

  it.each([Number.POSITIVE_INFINITY, Number.NaN, -1, 1.5, 2 ** 31, '20' as unknown as number])(
    'of %p is refused with INVALID_OPTION',
    async (timeoutMs) => {
      const { client, peer } = await openPair(own);
      const sum = client.execute(new AddCmd(2, 3), { timeoutMs });
      await expect(sum).rejects.toMatchObject({ code: 'INVALID_OPTION', sent: false });
      await peer.receives('');
    },
  );
});

describe('signal', () => {
  const reason = { a: 'reason of any kind' };

  it('that has aborted before: the call fails with its reason and nothing is sent', async () => {
    const { client, peer } = await openPair(own);
    const sum = client.execute(new AddCmd(2, 3), { signal: AbortSignal.abort(reason) });
    await expect(sum).rejects.toBe(reason);
    await peer.receives('');
    expect(client.pending).toBe(0);
  });

  it('that aborts while the call waits for its answer: the call fails with its reason', async () => {
    const { client, peer } = await openPair(own);
    const controller = new AbortController();
    const sum = client.execute(new AddCmd(2, 3), { signal: controller.signal });
    await peer.receives(ADD_2_3);
    controller.abort(reason);
    await expect(sum).rejects.toBe(reason);
    expect(client.pending).toBe(0);
    peer.write(SUM_5);
    await until('the Result is unexpected', () => client.unexpectedResults === 1);
  });

  it('that aborts while the call waits for a connection: its Command is never sent', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const controller = new AbortController();
    const sum = client.execute(new AddCmd(2, 3), { signal: controller.signal });
    controller.abort();
    await expect(sum).rejects.toBe(controller.signal.reason);
    const peer = await raw.peer();
    peer.write(GREETING);
    await until('the connection is open', () => client.status === 'open');
    await peer.receives('');
  });

  it('that aborts after the end has no effect, and is not listened to any more', async () => {
    const { client, peer } = await openPair(own);
    const controller = new AbortController();
    const listeners: string[] = [];
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (type: string, ...rest: [never]) => {
      listeners.push(type);
      add(type, ...rest);
    };
    signal.removeEventListener = (type: string, ...rest: [never]) => {
      listeners.pop();
      remove(type, ...rest);
    };
    const sum = client.execute(new AddCmd(2, 3), { signal });
    expect(listeners).toEqual(['abort']);
    peer.write(SUM_5);
    await expect(sum).resolves.toEqual(new CalcResult(5));
    expect(listeners).toEqual([]);
    controller.abort();
    expect(client.status).toBe('open');
  });
});

describe('a client and a server', () => {
  it('carry text of any script', async () => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port));
    const texts = ['', 'ä', '日本語', '👩‍👩‍👧‍👦', '\u2028<&>', 'x'.repeat(100_000) + 'ß'];
    const echoes = await Promise.all(texts.map((text) => client.execute(new EchoCmd(text))));
    expect(echoes).toEqual(texts.map((text) => new EchoResult(text)));
  });
});

function fail(): never {
  throw new Error('a sink throws');
}
