// What a client says about calls, and does with them, when connections come and go beneath them.
import { describe, expect, it } from '@jest/globals';
import { Command, defineContract, Result, type CommandContext, type ResultSink } from '../../../lib/core.js';
import { ADD_2_3, frame, GREETING } from '../../support/calc-frames.js';
import { calcClient } from '../../support/calc-client.js';
import { CalcServer } from '../../support/calc-server.js';
import { inTime, turns, until } from '../../support/deadline.js';
import { error, EXTENDED_GREETING, hello, stream } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd } from '../../support/vector-contract.js';

const own = guardLeaks();

class Done extends Result {}

class TwiceCmd extends Command<Done> {
  static readonly idempotent = true;
}

class SaysCmd extends Command<Done> {
  /** Is called when the Command is written. */
  constructor(readonly toJSON: () => unknown = () => ({})) {
    super();
  }
}

const contract = defineContract({ commands: [TwiceCmd, SaysCmd], results: [Done] });
const TWICE = frame(1, 0, '{}');

describe('a call that may have been executed', () => {
  it('says so although it was to be sent again and could not', async () => {
    const raw = await RawServer.listen();
    const client = own(calcClient(raw.port, { contract, reconnect: true, queue: { timeoutMs: 300 } }));
    const call = client.execute(new TwiceCmd());
    call.catch(() => {});
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(TWICE);
    await raw.destroy();
    await expect(call).rejects.toMatchObject({ sent: true });
  });

  it('says so when its Result cannot be read', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const call = client.execute(new AddCmd(2, 3));
    call.catch(() => {});
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    await until('the Command arrives', () => peer.hex.endsWith(ADD_2_3));
    peer.write(frame(1, 0, '{{{'));
    await expect(call).rejects.toMatchObject({ code: 'BAD_PAYLOAD', sent: true });
  });

  it('begins anew when it is sent again: the stream of the lost connection is forgotten', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { contract, extension: true }));
    const sink = new RecordingSink();
    client.dispatch(new TwiceCmd(), sink);
    const first = await raw.peer();
    first.write(GREETING + hello());
    await until('the Command arrives', () => first.hex.includes(TWICE.slice(2)));
    first.write(stream(1));
    await until('it is read', () => first.socket.writableLength === 0);
    await turns();
    first.reset();
    const second = await raw.peer(1);
    second.write(GREETING + hello());
    await until('it arrives again', () => second.hex.includes(TWICE.slice(2)));
    second.write(frame(2, 0, '{}'));
    expect(await sink.ended()).toBeUndefined();
    expect(sink.results).toHaveLength(1);
  });
});

it('a connection that was replaced for its age ends when its last call is refused', async () => {
  const raw = own(await RawServer.listen());
  const client = own(calcClient(raw.port, { extension: true, maxConnectionAgeMs: 100 }));
  const call = client.execute(new AddCmd(2, 3));
  call.catch(() => {});
  const old = await raw.peer();
  old.write(EXTENDED_GREETING);
  await until('the Command arrives', () => old.hex.endsWith(ADD_2_3));
  const successor = await raw.peer(1);
  successor.write(EXTENDED_GREETING);
  await until('it is open', () => client.servers[0]!.open === 1 && successor.hex.length > 4);
  old.write(error(1, 'OVERLOADED'));
  await inTime('the old one ends', old.ends());
  expect(successor.isEnded).toBe(false);
});

it('a call that is cancelled while another one is written ends, and the other one is sent', async () => {
  const ran: unknown[] = [];
  const invoker = {
    invoke: (command: unknown, _: CommandContext, sink: ResultSink) => {
      ran.push(command);
      if (command instanceof SaysCmd) sink.complete(new Done());
    },
  };
  const calc = own(await CalcServer.start({ contract, invoker }));
  const client = own(calcClient(calc.port, { contract, extension: true }));
  const stop = new AbortController();
  const waiting = client.execute(new TwiceCmd(), { signal: stop.signal });
  await until('it runs', () => ran.length === 1);
  const other = client.execute(new SaysCmd(() => (stop.abort(new Error('enough')), {})));
  await expect(waiting).rejects.toThrow('enough');
  await expect(other).resolves.toEqual(new Done());
  expect(client.pending).toBe(0);
});

it('what was emitted reaches a plain server although the client closes at once and the server answers', async () => {
  let ran = 0;
  const invoker = {
    invoke: (_command: unknown, _: CommandContext, sink: ResultSink) => {
      ran++;
      sink.complete(new Done());
    },
  };
  const calc = own(await CalcServer.start({ contract, invoker }));
  const client = own(calcClient(calc.port, { contract }));
  await client.connect();
  await Promise.all(Array.from({ length: 5_000 }, () => client.emit(new TwiceCmd())));
  await client.close();
  await until('all have run', () => ran === 5_000);
  expect(ran).toBe(5_000);
});

it('Commands that are handed on to a successor are no failures of their server', async () => {
  const news: string[] = [];
  const circuitBreaker = () => ({
    state: 'closed' as const,
    acquire: () => ({
      succeed: () => void news.push('succeeded'),
      fail: () => void news.push('failed'),
      release: () => void news.push('released'),
    }),
  });
  const invoker = {
    invoke: (_command: unknown, _: CommandContext, sink: ResultSink) =>
      void setTimeout(() => sink.complete(new Done()), 60),
  };
  const calc = own(await CalcServer.start({ contract, invoker, maxInFlightPerConnection: 1 }));
  const client = own(calcClient(calc.port, { contract, extension: true, maxConnectionAgeMs: 100, circuitBreaker }));
  await Promise.all(Array.from({ length: 8 }, () => client.execute(new TwiceCmd())));
  expect(news).toContain('succeeded');
  expect(news).not.toContain('failed');
});
