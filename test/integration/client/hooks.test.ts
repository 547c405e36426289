// Send hooks around the calls of a real client: when each is called, and what beforeSend sends along.
import { describe, expect, it } from '@jest/globals';
import type { CommandContext, SendHooks } from '../../../lib/core.js';
import { ADD_2_3, GREETING, SUM_5 } from '../../support/calc-frames.js';
import { calcClient } from '../../support/calc-client.js';
import { CalcServer } from '../../support/calc-server.js';
import { until } from '../../support/deadline.js';
import { freePort } from '../../support/free-port.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { Item, openStage, PlayCmd } from '../../support/stage.js';
import { AddCmd, CalcResult, CountCmd, UnknownCmd } from '../../support/vector-contract.js';

const own = guardLeaks();

/** Hooks that write down what they are notified of. */
function diary(more: SendHooks = {}): { news: unknown[]; hooks: () => SendHooks } {
  const news: unknown[] = [];
  const code = (error: unknown): unknown => (error as { code?: unknown }).code ?? (error as Error).message;
  const hooks = (): SendHooks => ({
    beforeSend: (command) => void news.push(['before', (command as object).constructor.name]),
    onResult: ({ seq }, { number, bytes }) => news.push(['result', seq, number, bytes]),
    onError: ({ seq }, error) => news.push(['error', seq, code(error)]),
    onTimeout: ({ seq }, error) => news.push(['timeout', seq, code(error)]),
    onEnd: ({ seq, bytes }) => news.push(['end', seq, bytes]),
    ...more,
  });
  return { news, hooks };
}

describe('the hooks of a call', () => {
  it('are notified of its Command, each Result and the end, in this order', async () => {
    const calc = own(await CalcServer.start());
    const { news, hooks } = diary();
    const client = own(calcClient(calc.port, { hooks }));
    await client.execute(new AddCmd(2, 3));
    const sink = new RecordingSink();
    client.dispatch(new CountCmd(2), sink);
    await sink.ended();
    expect(news).toEqual([
      ['before', 'AddCmd'],
      ['result', 1, 1, SUM_5.length / 2],
      ['end', 1, ADD_2_3.length / 2],
      ['before', 'CountCmd'],
      ['result', 2, 1, 23],
      ['result', 2, 2, 22],
      ['end', 2, 10],
    ]);
  });

  it('are notified that it could not be sent', async () => {
    const { news, hooks } = diary();
    const client = own(calcClient(await freePort(), { hooks }));
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    expect(news).toEqual([
      ['before', 'AddCmd'],
      ['error', 0, 'CONNECT_FAILED'],
      ['end', 0, 0],
    ]);
  });

  it('are notified that it cannot be written, that its connection was lost, that its time was over', async () => {
    const raw = own(await RawServer.listen());
    const { news, hooks } = diary();
    const client = own(calcClient(raw.port, { hooks }));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(GREETING);
    await connected;
    await client.execute(new UnknownCmd()).catch(() => {});
    await client.execute(new AddCmd(2, 3), { timeoutMs: 20 }).catch(() => {});
    const lost = client.execute(new AddCmd(2, 3));
    peer.reset();
    await lost.catch(() => {});
    const bytes = ADD_2_3.length / 2;
    expect(news).toEqual([
      ['before', 'UnknownCmd'],
      ['error', 1, 'COMMAND_NOT_IN_CONTRACT'],
      ['end', 1, 0],
      ['before', 'AddCmd'],
      ['timeout', 2, 'TIMEOUT'],
      ['end', 2, bytes],
      ['before', 'AddCmd'],
      ['error', 3, 'CONNECTION_LOST'],
      ['end', 3, bytes],
    ]);
  });

  it('are made anew for each call, and notified nothing of others', async () => {
    const calc = own(await CalcServer.start());
    const ended: number[][] = [];
    const hooks = (): SendHooks => {
      const seqs: number[] = [];
      ended.push(seqs);
      return { onEnd: ({ seq }) => seqs.push(seq) };
    };
    const client = own(calcClient(calc.port, { hooks }));
    await Promise.all([1, 2, 3].map((n) => client.execute(new AddCmd(n, n))));
    expect(ended).toEqual([[1], [2], [3]]);
  });

  it('are not asked for a call that its signal has aborted before', async () => {
    const { news, hooks } = diary();
    const client = own(calcClient(1, { hooks }));
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(client.execute(new AddCmd(), { signal })).rejects.toThrow('too late');
    expect(news).toEqual([]);
  });

  it('do no harm when they throw', async () => {
    const refuse = (): never => {
      throw new Error('a hook throws');
    };
    const { hooks } = diary({ onResult: refuse, onError: refuse, onTimeout: refuse, onEnd: refuse });
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port, { hooks }));
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    await expect(client.execute(new UnknownCmd())).rejects.toMatchObject({ code: 'COMMAND_NOT_IN_CONTRACT' });
    expect(client.pending).toBe(0);
  });
});

describe('beforeSend', () => {
  it('that throws fails the call with what it throws: nothing is sent and no other hook is notified', async () => {
    const raw = own(await RawServer.listen());
    const refusal = new Error('not today');
    const { news, hooks } = diary({
      beforeSend: () => {
        throw refusal;
      },
    });
    const client = own(calcClient(raw.port, { hooks }));
    await expect(client.execute(new AddCmd(2, 3))).rejects.toBe(refusal);
    await expect(client.emit(new AddCmd(2, 3))).rejects.toBe(refusal);
    expect(news).toEqual([]);
    expect(client.status).toBe('disconnected');
    expect(raw.peers).toHaveLength(0);
  });

  it('has what it returns reach the server as metadata, under what the call says itself', async () => {
    let context: CommandContext | undefined;
    const play = (_command: PlayCmd, given: CommandContext): Item => {
      context = given;
      return new Item();
    };
    const hooks = () => ({ beforeSend: () => ({ tenant: 'acme', trace: '1' }) });
    const { client } = await openStage(own, play, {}, { hooks });
    await client.execute(new PlayCmd());
    expect(context?.metadata).toEqual({ tenant: 'acme', trace: '1' });
    await client.execute(new PlayCmd(), { metadata: { trace: 'own' } });
    expect(context?.metadata).toEqual({ tenant: 'acme', trace: 'own' });
    await client.emit(new PlayCmd());
    await until('it ran', () => context?.metadata['trace'] === '1');
  });

  it('has what it returns left out towards a plain server', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true, hooks: () => ({ beforeSend: () => ({ a: 'b' }) }) }));
    const sum = client.execute(new AddCmd(2, 3));
    const peer = await raw.peer();
    peer.write(`${GREETING}00`);
    await peer.receives(`8000${ADD_2_3}`);
    peer.write(SUM_5);
    await expect(sum).resolves.toEqual(new CalcResult(5));
  });
});

describe('a hook that ends the call it is notified of', () => {
  it('has nothing given to its sink any more', async () => {
    const calc = own(await CalcServer.start());
    const enough = new AbortController();
    const hooks = (): SendHooks => ({ onResult: () => enough.abort(new Error('enough')) });
    const client = own(calcClient(calc.port, { hooks }));
    const sink = new RecordingSink();
    client.dispatch(new CountCmd(3), sink, { signal: enough.signal });
    await sink.ended();
    await client.execute(new AddCmd(2, 3)).catch(() => {});
    expect(sink.results).toEqual([]);
    expect(sink.ends).toEqual([{ error: new Error('enough') }]);
  });
});
