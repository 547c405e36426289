// Calls that end by the caller's will: cancel and forget, time limits, signals.
import { describe, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import type { Call, CommandClient } from '../../../lib/core.js';
import { CmdStreamClient } from '../../../lib/index.js';
import { calcClient } from '../../support/calc-client.js';
import { ADD_2_3, countResultFrame, GREETING, SUM_5, sumFrame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { openPair } from '../../support/client-pair.js';
import { until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd, CalcResult, CountCmd, SubCmd, vectorContract } from '../../support/vector-contract.js';

const own = guardLeaks();

describe('cancel() and forget()', () => {
  it.each<[string, (call: Call, client: CommandClient) => void]>([
    ['cancel()', (call) => call.cancel()],
    ['forget()', ({ seq }, client) => client.forget(seq)],
  ])('%s: the sink is called no more, late Results are unexpected', async (_what, end) => {
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

  it.each<[string, (client: CommandClient) => Promise<unknown>]>([
    ['the promise of execute()', (client) => client.execute(new AddCmd(2, 3))],
    ['the iterator of iterate()', (client) => client.iterate(new CountCmd(3)).next()],
  ])('forget(): %s fails with CANCELLED', async (_what, begin) => {
    const { client, peer } = await openPair(own);
    const ended = begin(client);
    await until('it is sent', () => client.has(1));
    client.forget(1);
    await expect(ended).rejects.toMatchObject({ code: 'CANCELLED', sent: true });
    expect(client.pending).toBe(0);
    peer.write(SUM_5);
    await until('its late Result is unexpected', () => client.unexpectedResults === 1);
  });

  it('forget(): an Observable of the Nest client fails with CANCELLED', async () => {
    const raw = own(await RawServer.listen());
    const options = { host: '127.0.0.1', port: raw.port, extension: false, contract: vectorContract };
    const nest = new CmdStreamClient(options);
    own(nest.unwrap());
    const ended = firstValueFrom(nest.send(new AddCmd(2, 3)));
    (await raw.peer()).write(GREETING);
    await until('it is sent', () => nest.unwrap().has(1));
    nest.unwrap().forget(1);
    await expect(ended).rejects.toMatchObject({ code: 'CANCELLED' });
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
    expect(client.status).toBe('connected');
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
    await until('the connection is open', () => client.status === 'connected');
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
    await until('the connection is open', () => client.status === 'connected');
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
    expect(client.status).toBe('connected');
  });

  it.each<[string, object]>([
    ['cannot be left', { aborted: false, addEventListener() {} }],
    ['cannot be listened to', { aborted: false, removeEventListener() {} }],
    ['does not say whether it has aborted', { addEventListener() {}, removeEventListener() {} }],
  ])('that %s is none', async (_what, signal) => {
    const client = own(calcClient(1));
    const sum = client.execute(new AddCmd(2, 3), { signal: signal as AbortSignal });
    await expect(sum).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    expect(client.pending).toBe(0);
  });

  const fail = (): never => {
    throw new Error('no');
  };

  it.each([
    ['is sent', () => 2],
    ['cannot be sent', fail],
  ])('that aborts while its Command is encoded, which then %s: the connection lives on', async (_what, a) => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port, { extension: true }));
    await client.connect();
    const controller = new AbortController();
    const command = new AddCmd(2, 3);
    const get = (): number => {
      controller.abort(reason);
      return a();
    };
    Object.defineProperty(command, 'a', { enumerable: true, get });
    await expect(client.execute(command, { signal: controller.signal })).rejects.toBe(reason);
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    expect(calc.lost).toEqual([]);
  });

  it('that throws when it is left costs nothing', async () => {
    const { client, peer } = await openPair(own);
    const signal = { aborted: false, addEventListener() {}, removeEventListener: fail } as unknown as AbortSignal;
    const sum = client.execute(new AddCmd(2, 3), { signal });
    peer.write(SUM_5);
    await expect(sum).resolves.toEqual(new CalcResult(5));
    expect(client.pending).toBe(0);
  });

  it('that throws when it is listened to fails its call', async () => {
    const client = own(calcClient(1));
    const signal = { aborted: false, addEventListener: fail, removeEventListener() {} } as unknown as AbortSignal;
    await expect(client.execute(new AddCmd(2, 3), { signal })).rejects.toThrow('no');
    const again = client.execute(new AddCmd(2, 3), { signal });
    await expect(again).rejects.toThrow('no');
    expect(client.pending).toBe(0);
  });
});
