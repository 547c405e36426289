// Circuit breakers around the calls of a real client: what they are asked and what they are notified of, one for each
// server.
import { describe, expect, it } from '@jest/globals';
import { circuitBreaker as makePolicy, ConsecutiveBreaker, handleAll } from 'cockatiel';
import { cockatielBreaker } from '../../../lib/cockatiel.js';
import type {
  CircuitBreaker,
  CircuitBreakerFactory,
  CircuitBreakerState,
  CommandClient,
  CommandClientOptions,
  CommandServerOptions,
  CommandInvoker,
} from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { addFrame, GREETING } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { turns, until } from '../../support/deadline.js';
import { GOAWAY, hello } from '../../support/extension-frames.js';
import { freePort } from '../../support/free-port.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { askedName, groupClient, NamedServer, soon } from '../../support/named-server.js';
import { RawServer } from '../../support/raw-server.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd, CalcResult, CountCmd, FailCmd, UnknownCmd } from '../../support/vector-contract.js';

const own = guardLeaks();

/** A breaker that writes down what it is notified of. */
class Diary implements CircuitBreaker {
  readonly news: string[] = [];
  state: CircuitBreakerState = 'closed';
  #calls = 0;

  constructor(readonly isFailure?: (error: unknown) => boolean) {}

  acquire() {
    if (this.state === 'open') return undefined;
    const call = ++this.#calls;
    const tell = (news: string) => () => void this.news.push(`${call} ${news}`);
    return { succeed: tell('succeeded'), fail: tell('failed'), release: tell('released') };
  }
}

async function open(
  client: Partial<CommandClientOptions> = {},
  server: Partial<CommandServerOptions> = {},
  diary = new Diary(),
): Promise<{ calc: CalcServer; client: CommandClient; diary: Diary }> {
  const calc = own(await CalcServer.start(server));
  const options = { extension: true, circuitBreaker: () => diary, ...client };
  return { calc, diary, client: own(calcClient(calc.port, options)) };
}

const never: CommandInvoker = { invoke: () => {} };

describe('a circuit breaker', () => {
  it('is made for each server, with its name', async () => {
    const servers = [own(await NamedServer.start('a')), own(await NamedServer.start('b'))];
    const names: string[] = [];
    const circuitBreaker = (server: string) => {
      names.push(server);
      return new Diary();
    };
    const client = own(groupClient(servers, { connectionsPerServer: 2, circuitBreaker }));
    expect(names).toEqual(servers.map(({ port }) => `127.0.0.1:${port}`));
    expect(client.servers.map(({ circuit }) => circuit)).toEqual(['closed', 'closed']);
  });

  it('that lets no call through fails it with CIRCUIT_OPEN before anything is written', async () => {
    const { calc, client, diary } = await open();
    await client.connect();
    diary.state = 'open';
    const call = client.execute(new AddCmd(2, 3));
    await expect(call).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', sent: false });
    diary.state = 'closed';
    const sink = new RecordingSink();
    expect(client.dispatch(new AddCmd(2, 3), sink).seq).toBe(1);
    await sink.ended();
    expect(calc.server.inFlight).toBe(0);
    expect(diary.news).toEqual(['1 succeeded']);
  });

  it('that lets no call through has it sent to another server', async () => {
    const servers = [own(await NamedServer.start('a')), own(await NamedServer.start('b'))];
    const diaries: Diary[] = [];
    const circuitBreaker = () => {
      diaries.push(new Diary());
      return diaries.at(-1)!;
    };
    const client = own(groupClient(servers, { connectionsPerServer: 2, circuitBreaker }));
    await client.connect();
    await until('all are open', () => client.status === 'connected');
    diaries[0]!.state = 'open';
    for (let call = 0; call < 6; call++) expect(await askedName(client)).toBe('b');
    diaries[1]!.state = 'open';
    await expect(askedName(client)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' });
  });

  it('that throws fails the call, not the client', async () => {
    const refuse = (): never => {
      throw new Error('a breaker throws');
    };
    const permit = { succeed: refuse, fail: refuse, release: refuse };
    let acquire: CircuitBreaker['acquire'] = refuse;
    const { client } = await open({ circuitBreaker: () => ({ state: 'closed', acquire: () => acquire() }) });
    await client.connect();
    await expect(client.execute(new AddCmd(2, 3))).rejects.toThrow('a breaker throws');
    acquire = () => permit;
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    await expect(client.execute(new FailCmd())).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(client.pending).toBe(0);
  });

  it.each([undefined, null, {}, 'closed', () => {}])('cannot be %p', async (made) => {
    expect(() => calcClient(1, { circuitBreaker: () => made as never })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('circuitBreaker') }),
    );
  });
});

describe('what a circuit breaker is notified of a call, once', () => {
  it.each<[string, string, (client: CommandClient) => unknown, Partial<CommandServerOptions>]>([
    ['succeeded', 'is answered', (client) => client.execute(new AddCmd(2, 3)), {}],
    ['succeeded', 'has many Results', (client) => client.dispatch(new CountCmd(5), new RecordingSink()), {}],
    ['failed', 'fails at the server', (client) => client.execute(new FailCmd()), {}],
    [
      'failed',
      'has no answer in time',
      (client) => client.execute(new AddCmd(), { timeoutMs: 20 }),
      { invoker: never },
    ],
    [
      'released',
      'is cancelled',
      (client) => client.dispatch(new AddCmd(), new RecordingSink()).cancel(),
      { invoker: never },
    ],
    ['released', 'cannot be written', (client) => client.execute(new UnknownCmd()), {}],
    ['released', 'is only written', (client) => client.emit(new AddCmd(2, 3)), {}],
  ])('%s when it %s', async (news, _what, send, server) => {
    const { client, diary } = await open({}, server);
    await client.connect();
    await Promise.resolve(send(client)).catch(() => {});
    await until('it was notified', () => diary.news.length > 0);
    await client.close();
    expect(diary.news).toEqual([`1 ${news}`]);
  });

  it('failed when its connection is lost', async () => {
    const raw = own(await RawServer.listen());
    const diary = new Diary();
    const client = own(calcClient(raw.port, { circuitBreaker: () => diary }));
    const lost = client.execute(new AddCmd(1, 1));
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(addFrame(1, 1, 1));
    peer.reset();
    await expect(lost).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(diary.news).toEqual(['1 failed']);
  });

  it('released when it was never written because its server drains', async () => {
    const raw = own(await RawServer.listen());
    const diary = new Diary();
    const client = own(calcClient(raw.port, { extension: true, reconnect: soon, circuitBreaker: () => diary }));
    const connected = client.connect();
    const peer = await raw.peer();
    // A server that runs one Command at a time has the others wait.
    peer.write(GREETING + hello({ maxInFlight: 1 }));
    await connected;
    const calls = [new AddCmd(1, 1), new AddCmd(2, 2)].map((command) => client.execute(command));
    for (const call of calls) call.catch(() => {});
    await until('one is written', () => peer.hex.endsWith(addFrame(1, 1, 1)));
    peer.write(GOAWAY);
    await until('the other is taken back', () => diary.news.length > 0);
    expect(diary.news).toEqual(['2 released']);
  });

  it('is decided by isFailure', async () => {
    const seen: unknown[] = [];
    const isFailure = (error: unknown) => {
      seen.push((error as { code: string }).code);
      return false;
    };
    const { client, diary } = await open({}, {}, new Diary(isFailure));
    await expect(client.execute(new FailCmd())).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(seen).toEqual(['INTERNAL']);
    expect(diary.news).toEqual(['1 succeeded']);
  });

  it('failed when isFailure throws', async () => {
    const isFailure = (): never => {
      throw new Error('who knows');
    };
    const { client, diary } = await open({}, {}, new Diary(isFailure));
    await expect(client.execute(new FailCmd())).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(diary.news).toEqual(['1 failed']);
  });

  it('is refused with an isFailure that is no function', () => {
    const circuitBreaker = () => ({
      state: 'closed' as const,
      acquire: () => undefined,
      isFailure: 'TIMEOUT' as never,
    });
    const text = 'option "circuitBreaker": isFailure of what it returns must be a function';
    expect(() => calcClient(1, { circuitBreaker })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: text }),
    );
  });
});

describe('the breaker of cockatiel', () => {
  it.each<[string, (isFailure: () => boolean) => CircuitBreakerFactory]>([
    ['with options', (isFailure) => cockatielBreaker({ windowSize: 1, failureRate: 1, isFailure })],
    [
      'with a policy',
      (isFailure) =>
        cockatielBreaker(() => makePolicy(handleAll, { breaker: new ConsecutiveBreaker(1), halfOpenAfter: 60_000 }), {
          isFailure,
        }),
    ],
  ])('counts what its isFailure says, %s', async (_what, breakerOf) => {
    for (const counts of [false, true]) {
      const { client } = await open({ circuitBreaker: breakerOf(() => counts) });
      await expect(client.execute(new FailCmd())).rejects.toMatchObject({ code: 'INTERNAL' });
      await turns();
      expect(client.servers[0]!.circuit).toBe(counts ? 'open' : 'closed');
    }
  });

  it('keeps calls away from the server that fails, for each server of its own', async () => {
    const broken: CommandInvoker = {
      invoke() {
        throw new Error('broken');
      },
    };
    const servers = [own(await NamedServer.start('bad', { invoker: broken })), own(await NamedServer.start('good'))];
    const news: string[] = [];
    const circuitBreaker = cockatielBreaker({
      windowSize: 4,
      openDurationMs: 60_000,
      onStateChange: (state, server) => news.push(`${server} ${state}`),
    });
    const client = own(groupClient(servers, { circuitBreaker }));
    await client.connect();
    await until('both are open', () => client.status === 'connected');
    let failures = 0;
    for (let call = 0; call < 12; call++) await askedName(client).catch(() => failures++);
    expect(failures).toBe(2);
    expect(client.servers.map(({ circuit }) => circuit)).toEqual(['open', 'closed']);
    expect(news).toEqual([`127.0.0.1:${servers[0]!.port} open`]);
  });

  it('closes again when its trial calls succeed, also if one of them was cancelled', async () => {
    let isBroken = true;
    const invoker: CommandInvoker = {
      invoke(_command, _context, sink) {
        if (isBroken) throw new Error('broken');
        sink.complete(new CalcResult(1));
      },
    };
    const circuitBreaker = cockatielBreaker({ windowSize: 2, openDurationMs: 50, successThreshold: 2 });
    const { client } = await open({ circuitBreaker }, { invoker });
    const states = (): unknown => client.servers[0]!.circuit;
    await expect(client.execute(new AddCmd())).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(client.execute(new AddCmd())).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' });
    isBroken = false;
    await until('it is tried', () => states() === 'half-open');
    client.dispatch(new AddCmd(), new RecordingSink()).cancel();
    for (let trial = 0; trial < 2; trial++) await client.execute(new AddCmd());
    await until('it closes', () => states() === 'closed');
  });

  it('counts a server that is lost as failed', async () => {
    const circuitBreaker = cockatielBreaker({ windowSize: 1, openDurationMs: 60_000 });
    const raw = own(await RawServer.listen());
    const client = own(groupClient([raw], { circuitBreaker, extension: false }));
    const lost = client.execute(new AddCmd(1, 1));
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(addFrame(1, 1, 1));
    peer.reset();
    await expect(lost).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    (await raw.peer(1)).write(GREETING);
    await until('it is open again', () => client.status === 'connected');
    await expect(client.execute(new AddCmd(1, 1))).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' });
  });

  it('opens for a server that refuses connections, and calls fail at once from then on', async () => {
    const circuitBreaker = cockatielBreaker({ windowSize: 4, openDurationMs: 60_000 });
    const client = own(calcClient(await freePort(), { circuitBreaker, reconnect: soon, queue: { timeoutMs: 30 } }));
    for (let call = 0; call < 6 && client.servers[0]!.circuit === 'closed'; call++)
      await expect(client.execute(new AddCmd())).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    expect(client.servers[0]!.circuit).toBe('open');
    const sink = new RecordingSink();
    client.dispatch(new AddCmd(), sink);
    expect(sink.ends).toEqual([
      { error: expect.objectContaining({ code: 'CIRCUIT_OPEN', sent: false, cause: expect.anything() }) },
    ]);
    expect(client.pending).toBe(0);
  });

  it('closes again over a connection that its trial call has waited for', async () => {
    const port = await freePort();
    const circuitBreaker = cockatielBreaker({ windowSize: 1, openDurationMs: 50, successThreshold: 1 });
    const client = own(calcClient(port, { circuitBreaker, extension: true }));
    await expect(client.execute(new AddCmd())).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    await expect(client.execute(new AddCmd())).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' });
    await until('it is tried', () => client.servers[0]!.circuit === 'half-open');
    await expect(client.execute(new AddCmd())).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    await expect(client.execute(new AddCmd())).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' });
    own(await CalcServer.start({ port }));
    await until('it is tried again', () => client.servers[0]!.circuit === 'half-open');
    const trial = client.execute(new AddCmd(2, 3));
    await expect(client.execute(new AddCmd())).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' });
    await expect(trial).resolves.toEqual(new CalcResult(5));
    await until('it closes', () => client.servers[0]!.circuit === 'closed');
  });
});

describe('what a circuit breaker is notified of calls that wait for a connection', () => {
  it('failed once when an attempt fails, however many calls wait', async () => {
    const diary = new Diary();
    const client = own(calcClient(await freePort(), { circuitBreaker: () => diary, queue: false }));
    const calls = Array.from({ length: 5 }, () => client.execute(new AddCmd()).catch(({ code }) => code));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 5 }, () => 'CONNECT_FAILED'));
    expect(diary.news.toSorted()).toEqual(['1 failed', '2 released', '3 released', '4 released', '5 released']);
  });

  it('failed for each call that is refused while no attempt will be made', async () => {
    const diary = new Diary();
    const reconnect = { fastPeriodMs: 0, maxDelayMs: 3_600_000 };
    const options = { circuitBreaker: () => diary, queue: false, reconnect } as const;
    const client = own(calcClient(await freePort(), options));
    for (let call = 0; call < 3; call++)
      await expect(client.execute(new AddCmd())).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    expect(diary.news).toEqual(['1 failed', '2 failed', '3 failed']);
  });

  it('failed for a call whose queue.timeoutMs is over, if an attempt has failed before', async () => {
    const diary = new Diary();
    const reconnect = { fastPeriodMs: 0, maxDelayMs: 3_600_000 };
    const client = own(
      calcClient(await freePort(), { circuitBreaker: () => diary, queue: { timeoutMs: 30 }, reconnect }),
    );
    for (let call = 0; call < 3; call++)
      await expect(client.execute(new AddCmd())).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    expect(diary.news).toEqual(['1 failed', '2 failed', '3 failed']);
  });

  it.each<[string, (client: CommandClient) => unknown]>([
    ['has no time', (client) => client.execute(new AddCmd(), { timeoutMs: 20 })],
    ['is aborted', (client) => client.execute(new AddCmd(), { signal: AbortSignal.timeout(20) })],
    ['is cancelled', (client) => client.dispatch(new AddCmd(), new RecordingSink()).cancel()],
    [
      'is closed with its client',
      (client) => {
        const call = client.execute(new AddCmd());
        client.destroy();
        return call;
      },
    ],
  ])('released when a call %s before a connection is there', async (_what, send) => {
    const raw = own(await RawServer.listen());
    const diary = new Diary();
    const client = own(calcClient(raw.port, { circuitBreaker: () => diary }));
    await Promise.resolve(send(client)).catch(() => {});
    expect(diary.news).toEqual(['1 released']);
  });

  it('released when a call has no time between two attempts', async () => {
    const diary = new Diary();
    const reconnect = { fastPeriodMs: 0, maxDelayMs: 3_600_000 };
    const client = own(
      calcClient(await freePort(), { circuitBreaker: () => diary, queue: { timeoutMs: 20 }, reconnect }),
    );
    await expect(client.execute(new AddCmd())).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    await expect(client.execute(new AddCmd(), { timeoutMs: 5 })).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(diary.news).toEqual(['1 failed', '2 released']);
  });

  it('nothing when no call waits', async () => {
    const diary = new Diary();
    const client = own(
      calcClient(await freePort(), { circuitBreaker: () => diary, reconnect: soon, queue: { timeoutMs: 50 } }),
    );
    let failed = 0;
    client.onStatus(({ cause }) => {
      if (cause) failed++;
    });
    client.connect().catch(() => {});
    await until('it was tried often', () => failed >= 5);
    expect(diary.news).toEqual([]);
  });

  it('what becomes of the call, by the permit it has waited with, and nothing to the others', async () => {
    const servers = [own(await NamedServer.start('a')), own(await NamedServer.start('b'))];
    const diaries: Diary[] = [];
    const circuitBreaker = () => {
      diaries.push(new Diary());
      return diaries.at(-1)!;
    };
    const client = own(groupClient(servers, { circuitBreaker }));
    await askedName(client);
    const all = diaries.flatMap(({ news }) => news);
    expect(all.toSorted()).toEqual(['1 released', '1 succeeded']);
  });

  it('failed by the servers that were tried in vain only', async () => {
    const raw = own(await RawServer.listen());
    const diaries = new Map<string, Diary>();
    const circuitBreaker = (server: string) => {
      diaries.set(server, new Diary());
      return diaries.get(server)!;
    };
    const dead = { port: await freePort() };
    const client = own(groupClient([raw, dead], { circuitBreaker, extension: false, queue: { timeoutMs: 100 } }));
    await expect(client.execute(new AddCmd())).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    expect(diaries.get(`127.0.0.1:${raw.port}`)!.news).toEqual(['1 released']);
    expect(diaries.get(`127.0.0.1:${dead.port}`)!.news[0]).toBe('1 failed');
  });

  it('that none lets a call through fails it although its queue has room, and no connection is tried for it', async () => {
    const raw = own(await RawServer.listen());
    const diary = new Diary();
    diary.state = 'open';
    const client = own(calcClient(raw.port, { circuitBreaker: () => diary }));
    await expect(client.execute(new AddCmd())).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', sent: false });
    expect(client.status).toBe('disconnected');
    expect(raw.peers).toEqual([]);
  });

  it('is no news when a breaker throws: that fails the call', async () => {
    const acquire = (): never => {
      throw new Error('a breaker throws');
    };
    const client = own(calcClient(await freePort(), { circuitBreaker: () => ({ state: 'closed', acquire }) }));
    await expect(client.execute(new AddCmd())).rejects.toThrow('a breaker throws');
    expect(client.pending).toBe(0);
  });
});
