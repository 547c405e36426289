// Threats S18 and C15: every method of a server and of a client, in every state it can be in. Nothing throws that is
// not coded, every promise settles, and what was destroyed stays closed.
import { describe, expect, it } from '@jest/globals';
import { CommandClient, CommandServer, isCmdStreamError } from '../../lib/core.js';
import { GREETING, sumFrame } from '../support/calc-frames.js';
import { CalcServer } from '../support/calc-server.js';
import { selfSigned } from '../support/certificates.js';
import { inTime, turns, until } from '../support/deadline.js';
import { guardInvariants } from '../support/invariants.js';
import { RawServer } from '../support/raw-server.js';
import { RecordingSink } from '../support/recording-sink.js';
import { AddCmd, CountCmd } from '../support/vector-contract.js';

const { own, client: clientOf } = guardInvariants();
const pair = selfSigned();

/** The names of what instances of a class have in public, those with symbols left out. */
function publicNames(type: { prototype: object }): string[] {
  return Object.getOwnPropertyNames(type.prototype).filter((name) => name !== 'constructor');
}

/** What a use of it has come to: a code, or that it went well. Anything else is a fault. */
async function outcomeOf(what: string, use: () => unknown): Promise<string> {
  try {
    await inTime(what, Promise.resolve(use()));
    return 'well';
  } catch (error) {
    if (!isCmdStreamError(error)) throw new Error(`${what} throws what has no code`, { cause: error });
    return error.code;
  }
}

const clientUses: Readonly<Record<string, (client: CommandClient) => unknown>> = {
  status: (client) => client.status,
  servers: (client) => client.servers,
  pending: (client) => client.pending,
  unexpectedResults: (client) => client.unexpectedResults,
  lateFrames: (client) => client.lateFrames,
  isExtended: (client) => client.isExtended,
  onStatus: (client) => client.onStatus(() => {})(),
  reloadTls: (client) => client.reloadTls(pair),
  has: (client) => [client.has(1), client.has(2n ** 62n), client.has(-1)],
  forget: (client) => [client.forget(1), client.forget(2n ** 62n), client.forget(-1)],
  dispatch: async (client) => {
    const sink = new RecordingSink();
    client.dispatch(new AddCmd(2, 3), sink, { timeoutMs: 50 });
    const error = await sink.ended();
    if (error !== undefined) throw error;
  },
  execute: (client) => client.execute(new AddCmd(2, 3), { timeoutMs: 50 }),
  iterate: async (client) => {
    for await (const result of client.iterate(new CountCmd(1), { timeoutMs: 50 })) expect(result).toBeDefined();
  },
  emit: (client) => client.emit(new AddCmd(2, 3)),
  ping: (client) => client.ping({ timeoutMs: 50 }),
  pingEach: (client) => client.pingEach({ timeoutMs: 50 }),
  connect: (client) => client.connect(),
  reopen: (client) => client.reopen(),
  close: (client) => client.close(),
  destroy: (client) => client.destroy(),
};

interface Meeting {
  readonly client: CommandClient;
  readonly raw: RawServer;
}

const limits = { gracePeriodMs: 20, queue: false } as const;

/** With a server that greets; where it does not, the attempt to connect is soon over. */
async function connected(): Promise<Meeting> {
  const raw = own(await RawServer.listen());
  raw.onPeer = (peer) => peer.write(GREETING);
  const client = clientOf(raw.port, limits);
  await client.connect();
  await raw.peer();
  return { client, raw };
}

const clientStates: Readonly<Record<string, () => Promise<Meeting>>> = {
  'that was never used': async () => {
    const raw = own(await RawServer.listen());
    return { client: clientOf(raw.port, { ...limits, connectTimeoutMs: 50 }), raw };
  },
  'that is connecting': async () => {
    const raw = own(await RawServer.listen());
    const client = clientOf(raw.port, { ...limits, connectTimeoutMs: 50 });
    client.connect().catch(() => {});
    await raw.peer();
    return { client, raw };
  },
  'that is connected': connected,
  'with a call under way': async () => {
    const meeting = await connected();
    meeting.client.execute(new AddCmd(1, 1)).catch(() => {});
    await until('it is sent', () => meeting.raw.peers[0]!.hex !== '');
    return meeting;
  },
  'whose connection is lost': async () => {
    const meeting = await connected();
    meeting.raw.peers[0]!.reset();
    await until('it is lost', () => meeting.client.status === 'disconnected');
    return meeting;
  },
  'that is closing': async () => {
    const meeting = await connected();
    meeting.client.execute(new AddCmd(1, 1)).catch(() => {});
    meeting.client.close().catch(() => {});
    return meeting;
  },
  'that is closed': async () => {
    const meeting = await connected();
    await meeting.client.close();
    return meeting;
  },
  'that was destroyed': async () => {
    const meeting = await connected();
    meeting.client.destroy();
    return meeting;
  },
  'that was opened anew': async () => {
    const meeting = await connected();
    await meeting.client.close();
    await meeting.client.reopen();
    return meeting;
  },
};

describe('C15 a client', () => {
  it('has all its methods in this table', () => {
    expect(Object.keys(clientUses).toSorted()).toEqual(publicNames(CommandClient).toSorted());
  });

  const uses = Object.keys(clientStates).flatMap((state) => Object.keys(clientUses).map((name) => ({ state, name })));

  it.each(uses)('$state can be asked for $name, and is closed by destroy() all the same', async ({ state, name }) => {
    const { client, raw } = await clientStates[state]!();
    const outcome = await outcomeOf(`${name} of a client ${state}`, () => clientUses[name]!(client));
    expect(outcome).toMatch(/^(well|[A-Z_]+)$/);
    client.destroy();
    expect(client.status).toBe('closed');
    expect(client.pending).toBe(0);
    const { length } = raw.peers;
    for (const { isEnded, socket } of raw.peers) if (!isEnded) socket.write(Buffer.from(sumFrame(1, 2), 'hex'));
    await turns();
    expect(raw.peers).toHaveLength(length);
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

const serverUses: Readonly<Record<string, (server: CommandServer) => unknown>> = {
  status: (server) => server.status,
  address: (server) => server.address,
  connections: (server) => server.connections,
  inFlight: (server) => server.inFlight,
  bufferedBytes: (server) => server.bufferedBytes,
  lateFrames: (server) => server.lateFrames,
  netServer: (server) => server.netServer,
  onStatus: (server) => server.onStatus(() => {})(),
  listen: (server) => server.listen(),
  reloadTls: (server) => server.reloadTls(pair),
  close: (server) => server.close({ gracePeriodMs: 20 }),
  destroy: (server) => server.destroy(),
};

const serverStates: Readonly<Record<string, (calc: CalcServer) => unknown>> = {
  'that was never used': () => {},
  'that is about to listen': ({ server }) => void server.listen().catch(() => {}),
  'that listens': ({ server }) => server.listen(),
  'with a peer': async (calc) => {
    await calc.server.listen();
    own(await calc.connect());
    await until('it is there', () => calc.server.connections === 1);
  },
  'that drains': async (calc) => {
    await calc.server.listen();
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.write('01');
    void calc.server.close({ gracePeriodMs: 20 });
  },
  'that is closed': async ({ server }) => {
    await server.listen();
    await server.close();
  },
  'that was destroyed': async ({ server }) => {
    await server.listen();
    server.destroy();
  },
  'that was closed unused': ({ server }) => server.close(),
  'that listens again': async ({ server }) => {
    await server.listen();
    await server.close();
    await server.listen();
  },
};

describe('S18 a server', () => {
  it('has all its methods in this table', () => {
    expect(Object.keys(serverUses).toSorted()).toEqual(publicNames(CommandServer).toSorted());
  });

  const uses = Object.keys(serverStates).flatMap((state) => Object.keys(serverUses).map((name) => ({ state, name })));

  it.each(uses)('$state can be asked for $name, and is closed by destroy() all the same', async ({ state, name }) => {
    const calc = own(new CalcServer());
    await serverStates[state]!(calc);
    const outcome = await outcomeOf(`${name} of a server ${state}`, () => serverUses[name]!(calc.server));
    expect(outcome).toMatch(/^(well|[A-Z_]+)$/);
    calc.server.destroy();
    await inTime('it is closed', calc.server.close());
    expect(calc.server.status).toBe('closed');
    expect(calc.server.address).toBeNull();
    expect(calc.server.connections).toBe(0);
    expect(calc.errors).toEqual([]);
  });
});
