// A server from outside: the status it tells of, the callbacks it calls, and that neither a crowd of silent clients,
// nor a handler, nor a callback that fails ever ends it.
import { describe, expect, it } from '@jest/globals';
import {
  CmdStreamError,
  CommandServer,
  type CommandServerOptions,
  type ConnectionAddresses,
  type CommandInvoker,
  type ResultSink,
} from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { ADD_2_3, addFrame, failFrame, GREETING, SUM_5 } from '../../support/calc-frames.js';
import { calcInvoker } from '../../support/calc-invoker.js';
import { CalcServer } from '../../support/calc-server.js';
import { inTime, turns, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawPeer } from '../../support/raw-peer.js';
import { selfSigned } from '../../support/certificates.js';
import { AddCmd, CalcResult, FailCmd, vectorContract } from '../../support/vector-contract.js';

const own = guardLeaks();

function watch({ server }: CalcServer): unknown[] {
  const seen: unknown[] = [];
  server.onStatus((status, cause) => seen.push(cause ? [status, cause.code] : status));
  return seen;
}

async function answers(calc: CalcServer): Promise<void> {
  const peer = own(await calc.connect());
  peer.write(ADD_2_3);
  await peer.receives(GREETING + SUM_5);
}

describe('the status of a server', () => {
  it('has no connections before it listens, nor an address', () => {
    const { server } = new CalcServer();
    expect(server.connections).toBe(0);
    expect(server.inFlight).toBe(0);
    expect(server.address).toBeNull();
  });

  it('is notified from listen() to close(), and again', async () => {
    const calc = own(new CalcServer());
    expect(calc.server.status).toBe('disconnected');
    expect([calc.server.connections, calc.server.inFlight, calc.server.address]).toEqual([0, 0, null]);
    const seen = watch(calc);
    for (let life = 0; life < 2; life++) {
      await calc.server.listen();
      await inTime('it is closed', calc.server.close());
    }
    const life = ['connecting', 'connected', 'draining', 'closed'];
    expect(seen).toEqual([...life, ...life]);
    expect(calc.server.status).toBe('closed');
  });

  it('may be looked at by its listener before anything listens', async () => {
    const calc = own(new CalcServer());
    const seen: unknown[] = [];
    calc.server.onStatus(() => seen.push([calc.server.netServer === undefined, calc.server.address === null]));
    await calc.server.listen();
    expect(seen).toEqual([
      [true, true],
      [false, false],
    ]);
    expect(calc.errors).toEqual([]);
  });

  it.each<[string, Partial<CommandServerOptions>, string]>([
    ['an address of another machine', { host: '203.0.113.1' }, 'LISTEN_FAILED'],
    ['a key that is none', { tls: { key: 'no key', cert: 'no certificate' } }, 'TLS_ERROR'],
  ])('is disconnected when it cannot listen because of %s, and it may be closed', async (_what, options, code) => {
    const calc = own(new CalcServer(options));
    const seen = watch(calc);
    await expect(calc.server.listen()).rejects.toMatchObject({ code });
    expect(seen).toEqual(['connecting', ['disconnected', code]]);
    expect(calc.server.address).toBeNull();
    await inTime('it is closed', calc.server.close());
    expect(calc.server.status).toBe('closed');
  });

  it('is closed at once when it is destroyed, while it drains, too', async () => {
    const calc = own(await CalcServer.start({ invoker: { invoke: () => {} } }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await until('a Command runs', () => calc.server.inFlight === 1);
    const seen = watch(calc);
    const closed = calc.server.close();
    calc.server.destroy();
    expect(seen).toEqual(['draining', ['closed', 'CLOSED']]);
    await inTime('it is closed', closed);
    expect(seen).toHaveLength(2);
  });

  it('is notified no more to a listener that was taken away', async () => {
    const calc = own(new CalcServer());
    const seen: string[] = [];
    const remove = calc.server.onStatus((status) => seen.push(status));
    await calc.server.listen();
    remove();
    await calc.server.close();
    expect(seen).toEqual(['connecting', 'connected']);
  });

  it('may make its listener close the server, and open it again', async () => {
    const calc = own(new CalcServer());
    const listening: Promise<unknown>[] = [];
    calc.server.onStatus((status) => {
      if (listening.length > 1) return;
      if (status === 'connected') void calc.server.close();
      if (status === 'closed') listening.push(calc.server.listen());
    });
    listening.push(calc.server.listen());
    await until('it was opened again', () => listening.length > 1);
    await Promise.all(listening);
    await answers(calc);
    expect(calc.server.status).toBe('connected');
  });

  it('makes listen() fail with CLOSED when its listener closes the server before it listens', async () => {
    const calc = own(new CalcServer());
    calc.server.onStatus((status) => {
      if (status === 'connecting') calc.server.destroy();
    });
    await expect(calc.server.listen()).rejects.toMatchObject({ code: 'CLOSED' });
    expect(calc.server.status).toBe('closed');
  });
});

describe('the callbacks about connections', () => {
  it('are given one object for each connection, when it begins and when it has ended', async () => {
    const open = new Map<ConnectionAddresses, string>();
    const seen: string[] = [];
    const calc = own(
      await CalcServer.start({
        onConnection: (connection) => open.set(connection, `of ${connection.remotePort}`),
        onDisconnect: (connection, cause) => seen.push(`${cause.code} ${open.get(connection)}`),
        onConnectionRefused: (client, cause) => seen.push(`${cause.code} ${client.remotePort}`),
        maxConnections: 2,
      }),
    );
    const first = own(await calc.connect());
    const second = own(await calc.connect());
    await Promise.all([first.receives(GREETING), second.receives(GREETING)]);
    expect(open.size).toBe(2);
    const ports = [first, second].map(({ socket }) => socket.localPort);
    const third = own(await calc.connect());
    const { localPort } = third.socket;
    await third.ends();
    await until('it is refused', () => seen.length === 1);
    expect(seen).toEqual([`MAX_CONNECTIONS ${localPort}`]);
    second.finish();
    await until('one has ended', () => seen.length === 2);
    expect(seen[1]).toBe(`PEER_CLOSED of ${ports[1]}`);
    calc.server.destroy();
    expect(seen[2]).toBe(`CLOSED of ${ports[0]}`);
    expect([open.size, seen.length]).toEqual([2, 3]);
  });

  it('may destroy the server as soon as a client connects', async () => {
    const seen: string[] = [];
    const calc = own(
      new CalcServer({
        onConnection: () => calc.server.destroy(),
        onDisconnect: (_connection, cause) => seen.push(cause.code),
      }),
    );
    await calc.server.listen();
    const peer = own(await calc.connect());
    await peer.ends();
    await until('the connection has ended', () => calc.server.connections === 0);
    expect(seen).toHaveLength(1);
    expect(calc.errors).toEqual([]);
    await calc.server.listen();
    await calc.server.close();
  });
});

describe('a callback that fails', () => {
  const failure = new Error('a callback fails');
  const ways: [string, () => never | Promise<never>][] = [
    [
      'throws',
      () => {
        throw failure;
      },
    ],
    ['rejects', () => Promise.reject(failure)],
  ];
  const names = ['onConnection', 'onDisconnect'] as const;
  const cases = names.flatMap((name) => ways.map(([how, fail]) => [name, how, fail] as const));

  it.each(cases)('ends nothing when it is %s and %s, and is reported', async (name, _how, fail) => {
    const calc = own(await CalcServer.start({ [name]: fail as () => void }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.reset();
    await until('it is reported', () => calc.errors.length > 0);
    expect(calc.errors).toEqual([failure]);
    await answers(calc);
  });

  it.each(ways)('ends nothing when it is onError and %s', async (_how, fail) => {
    const calc = own(await CalcServer.start({ onDisconnect: fail as () => void, onError: fail as () => void }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.reset();
    await until('the connection is gone', () => calc.server.connections === 0);
    await turns();
    await answers(calc);
  });

  it.each(ways)('ends nothing when it listens to the status and %s; others are notified', async (_how, fail) => {
    const calc = own(new CalcServer());
    calc.server.onStatus(fail as () => void);
    const seen = watch(calc);
    await calc.server.listen();
    await answers(calc);
    await calc.server.close();
    expect(seen).toEqual(['connecting', 'connected', 'draining', 'closed']);
    await turns();
    expect(calc.errors).toEqual(Array.from({ length: 4 }, () => failure));
  });
});

describe('a handler that fails with an error that means the end of a server elsewhere', () => {
  const errors: [string, unknown][] = [
    ['CANCELLED', new CmdStreamError('CANCELLED', 'the caller does not wait any more')],
    ['CLOSED', new CmdStreamError('CLOSED', 'the server was destroyed')],
    ['SHUTDOWN', new CmdStreamError('SHUTDOWN', 'the server is shutting down')],
    ['an AbortError', AbortSignal.abort().reason],
    ['EMFILE', Object.assign(new Error('too many open files'), { code: 'EMFILE' })],
  ];

  it.each(errors)('ends its own connection only: %s', async (_what, error) => {
    const invoker: CommandInvoker = {
      invoke(command, context, sink) {
        if (command instanceof FailCmd) throw error;
        return calcInvoker.invoke(command, context, sink);
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const [peer, other] = [own(await calc.connect()), own(await calc.connect())];
    peer.write(failFrame(1));
    await peer.ends();
    other.write(ADD_2_3);
    await other.receives(GREETING + SUM_5);
    expect(calc.server.status).toBe('connected');
    expect(calc.lost).toHaveLength(1);
    expect(await calc.lostCause()).toMatchObject({ code: 'HANDLER_ERROR' });
  });

  it.each(errors)('ends its own call only, of an extended peer: %s', async (_what, error) => {
    const calc = own(await CalcServer.start({ invoker: { invoke: () => Promise.reject(error) } }));
    const client = own(calcClient(calc.port, { extension: true }));
    await client.connect();
    const call = client.execute(new AddCmd(2, 3));
    await expect(call).rejects.toMatchObject({ code: expect.any(String) as unknown });
    expect(calc.lost).toEqual([]);
    expect(calc.server.status).toBe('connected');
  });
});

describe('a server among silent clients', () => {
  it('answers others at once, however many say nothing', async () => {
    const calc = own(await CalcServer.start());
    const mute = await Promise.all(Array.from({ length: 300 }, () => calc.connect()));
    mute.forEach(own);
    await Promise.all(mute.map((peer) => peer.receives(GREETING)));
    await answers(calc);
    expect(calc.server.connections).toBe(301);
  });

  it('answers others at once, however many say nothing in their TLS handshake', async () => {
    const { key, cert } = selfSigned();
    const calc = own(await CalcServer.start({ tls: { key, cert }, handshakeTimeoutMs: 600 }));
    const mute = await Promise.all(Array.from({ length: 100 }, () => RawPeer.connect(calc.port)));
    mute.forEach(own);
    const client = own(calcClient(calc.port, { tls: { ca: cert } }));
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    await until('all of them are refused', () => calc.lost.length === mute.length);
    expect(new Set(calc.lost.map(({ cause }) => cause.code))).toEqual(new Set(['HANDSHAKE_TIMEOUT']));
    await turns();
    expect(calc.lost).toHaveLength(mute.length);
  });

  it('has no time limit that outlives its greeting', async () => {
    const limits = { writeStallTimeoutMs: 50, frameTimeoutMs: 50, handshakeTimeoutMs: 50 };
    const calc = own(await CalcServer.start({ ...limits, idleTimeoutMs: 1_000 }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    const measure = own(await CalcServer.start({ idleTimeoutMs: 400 }));
    await own(await measure.connect()).ends();
    peer.write(ADD_2_3);
    await peer.receives(GREETING + SUM_5);
  });
});

describe('a server by default', () => {
  it('runs at most 1,024 Commands of one connection, and all of them in the end', async () => {
    const sinks: ResultSink[] = [];
    let most = 0;
    const invoker: CommandInvoker = {
      invoke(_command, _context, sink) {
        sinks.push(sink);
        most = Math.max(most, sinks.length);
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    const commands = 5_000;
    peer.write(Array.from({ length: commands }, (_, at) => addFrame(at + 1, 2, 3)).join(''));
    let answered = 0;
    while (answered < commands) {
      await until('Commands run', () => sinks.length === Math.min(1_024, commands - answered));
      for (const sink of sinks.splice(0)) {
        answered++;
        sink.complete(new CalcResult(5));
      }
    }
    expect(most).toBe(1_024);
  });
});

describe('nonsense options of a server', () => {
  it.each<[string, readonly unknown[], RegExp]>([
    ['maxConnections', [0, -1, 1.5, Number.NaN, '5', 1_000_001, null], /from 1 to 1000000, or Infinity \(no limit\)/],
    ['maxInFlight', [0, -1, 0.5, -Infinity, true, null], /from 1 to 100000000, or Infinity \(no limit\)/],
    ['firstConnectionTimeoutMs', [-1, 2 ** 31, Number.NaN, '1s', null], /milliseconds from 1 to 2147483647, or 0/],
    ['receiveTimeoutMs', [-1, 2 ** 31, Number.NaN, '1s', null], /milliseconds from 1 to 2147483647, or 0/],
    ['idleTimeoutMs', [-1, 2 ** 31, Number.NaN, '1s', null], /milliseconds from 1 to 2147483647, or 0/],
  ])('are refused when it is made, with the allowed range: %s', (name, values, range) => {
    for (const value of values) {
      const options = { contract: vectorContract, invoker: calcInvoker, [name]: value };
      const make = () => new CommandServer(options as CommandServerOptions);
      expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }) as unknown as Error);
      expect(make).toThrow(`"${name}"`);
      expect(make).toThrow(range);
    }
  });
});

describe('an option that has another name, or is no more', () => {
  it.each([
    ['path', 'it is `listenOn: { path }` now'],
    ['onConnectionLost', 'it is "onDisconnect" now'],
    ['onConnectionEnd', 'it is "onDisconnect" now'],
    ['noDelay', "Nagle's algorithm is always off"],
    ['sendHighWaterBytes', '`maxSendBufferBytes` bounds'],
    ['contractCheck', 'commandType() and resultType()'],
    ['cert', '`tls: { cert }`'],
    ['maxTokens', '`jsonCodec({ maxTokens })`'],
  ])('is refused with what to do instead: %s', (name, remedy) => {
    const options = { contract: vectorContract, invoker: calcInvoker, [name]: 1 };
    const message = expect.stringContaining(`unknown option "${name}": `) as unknown;
    const refusal = expect.objectContaining({ code: 'INVALID_OPTION', message }) as unknown as Error;
    expect(() => new CommandServer(options)).toThrow(refusal);
    expect(() => new CommandServer(options)).toThrow(remedy);
  });
});

describe('onDisconnect', () => {
  it('is called once for a client that goes before it is greeted', async () => {
    const calc = own(await CalcServer.start());
    const peers = await Promise.all(Array.from({ length: 50 }, () => calc.connect()));
    for (const peer of peers) own(peer).reset();
    await until('all are lost', () => calc.lost.length === peers.length);
    await turns(20);
    expect(calc.lost).toHaveLength(peers.length);
    expect(calc.server.connections).toBe(0);
  });

  it('is called once for each client in its TLS handshake when the server is closed', async () => {
    const { key, cert } = selfSigned();
    const calc = own(await CalcServer.start({ tls: { key, cert } }));
    const mute = await Promise.all(Array.from({ length: 5 }, () => RawPeer.connect(calc.port)));
    mute.forEach(own);
    await turns(20);
    await inTime('it is closed', calc.server.close());
    await Promise.all(mute.map((peer) => peer.ends()));
    await turns(20);
    expect(calc.lost.map(({ cause }) => cause.code)).toEqual(mute.map(() => 'SHUTDOWN'));
  });
});
