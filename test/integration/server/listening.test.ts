// Where a server can listen: a port, the path of a Unix domain socket, a server or a descriptor it is given, and
// together with other processes.
import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { existsSync, linkSync, lstatSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { CommandServerOptions } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { ADD_2_3, GREETING, SUM_5 } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { ServerProcess } from '../../support/child-process.js';
import { inTime, until } from '../../support/deadline.js';
import { Folder } from '../../support/folder.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawPeer } from '../../support/raw-peer.js';
import { selfSigned } from '../../support/certificates.js';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();
const { key, cert } = selfSigned();

/** A `net.Server` that listens already. */
async function listening(): Promise<Server> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  own({ destroy: () => server.close() });
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function isAnswered(to: number | string): Promise<void> {
  const peer = own(await RawPeer.connect(to));
  peer.write(ADD_2_3);
  await peer.receives(GREETING + SUM_5);
  await peer.destroy();
}

describe('port 0', () => {
  it('is a port that the system chooses, which can be read', async () => {
    const calc = own(new CalcServer({ port: 0 }));
    const { port } = await calc.server.listen();
    expect(port).toBeGreaterThan(0);
    await isAnswered(port);
  });
});

describe('a server on a path', () => {
  it('answers, tells its address, and leaves no file behind', async () => {
    const path = own(new Folder()).file('calc.sock');
    const calc = own(new CalcServer({ listenOn: { path } }));
    expect(await calc.server.listen()).toEqual({ address: path, family: 'unix', port: 0 });
    expect(calc.server.address).toEqual({ address: path, family: 'unix', port: 0 });
    const peer = own(await RawPeer.connect(path));
    peer.write(ADD_2_3);
    await peer.receives(GREETING + SUM_5);
    peer.finish();
    expect(await calc.lostCause()).toMatchObject({ code: 'PEER_CLOSED' });
    const none = { remoteAddress: undefined, remotePort: undefined, localAddress: undefined, localPort: undefined };
    expect(calc.lost[0]).toMatchObject(none);
    await inTime('it is closed', calc.server.close());
    expect(existsSync(path)).toBe(false);
    await calc.server.listen();
    await isAnswered(path);
  });

  it('speaks TLS there, too, and ends a mute handshake when it is closed', async () => {
    const path = own(new Folder()).file('calc.sock');
    const calc = own(await CalcServer.start({ listenOn: { path }, tls: { key, cert }, handshakeTimeoutMs: 0 }));
    const [mute, second] = [own(await RawPeer.connect(path)), own(await RawPeer.connect(path))];
    const peer = own(new RawPeer(connectTls({ path, ca: cert, servername: 'localhost' })));
    await peer.receives(GREETING);
    peer.write(ADD_2_3);
    await peer.receives(GREETING + SUM_5);
    await peer.destroy();
    await calc.lostCause();
    await inTime('it is closed', calc.server.close());
    await Promise.all([mute.ends(), second.ends()]);
  });

  it('takes the place of a socket whose process has died', async () => {
    const folder = own(new Folder());
    const path = folder.file('calc.sock');
    const dead = own(new ServerProcess(own(new Folder()), { options: { listenOn: { path } } }));
    expect(await dead.address()).toMatchObject({ address: path });
    await dead.destroy();
    expect(lstatSync(path).isSocket()).toBe(true);
    own(await CalcServer.start({ listenOn: { path } }));
    await isAnswered(path);
    expect(readdirSync(folder.path)).toEqual(['calc.sock']);
  });

  it('takes the place of such a socket alone when several want it at once', async () => {
    const folder = own(new Folder());
    const path = folder.file('calc.sock');
    const dead = createServer().listen(folder.file('dead.sock'));
    await once(dead, 'listening');
    linkSync(folder.file('dead.sock'), path);
    dead.close();
    const all = Array.from({ length: 8 }, () => own(new CalcServer({ listenOn: { path } })));
    const outcomes = await Promise.allSettled(all.map(({ server }) => server.listen()));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await isAnswered(path);
    expect(readdirSync(folder.path)).toEqual(['calc.sock']);
  });

  it('fails with LISTEN_FAILED when another server listens there, which goes on', async () => {
    const folder = own(new Folder());
    const path = folder.file('calc.sock');
    own(await CalcServer.start({ listenOn: { path } }));
    const second = own(new CalcServer({ listenOn: { path } }));
    await expect(second.server.listen()).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringContaining(path) as unknown,
      cause: { code: 'EADDRINUSE' },
    });
    expect(second.server.status).toBe('disconnected');
    await isAnswered(path);
    expect(readdirSync(folder.path)).toEqual(['calc.sock']);
  });

  it.each<[string, (folder: Folder) => void]>([
    ['a file', (folder) => writeFileSync(folder.file('calc.sock'), 'precious')],
    ['an empty file', (folder) => writeFileSync(folder.file('calc.sock'), '')],
    ['a link to a file', (folder) => symlinkSync(folder.file('elsewhere'), folder.file('calc.sock'))],
  ])('fails with LISTEN_FAILED when %s is there, and leaves it alone', async (_what, put) => {
    const folder = own(new Folder());
    writeFileSync(folder.file('elsewhere'), 'precious');
    put(folder);
    const before = lstatSync(folder.file('calc.sock'), { bigint: true });
    const calc = own(new CalcServer({ listenOn: { path: folder.file('calc.sock') } }));
    await expect(calc.server.listen()).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
    const after = lstatSync(folder.file('calc.sock'), { bigint: true });
    expect([after.ino, after.size, after.mtimeNs]).toEqual([before.ino, before.size, before.mtimeNs]);
    expect(readdirSync(folder.path).toSorted()).toEqual(['calc.sock', 'elsewhere']);
  });

  it('fails with LISTEN_FAILED in a folder that does not exist', async () => {
    const calc = own(new CalcServer({ listenOn: { path: own(new Folder()).file('no/such/calc.sock') } }));
    await expect(calc.server.listen()).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
  });
});

describe('a server on a net.Server that listens already', () => {
  it('takes its connections until it is closed, and leaves it open', async () => {
    const given = await listening();
    const calc = own(await CalcServer.start({ listenOn: given }));
    expect(calc.server.address).toEqual(given.address());
    expect(calc.server.netServer).toBe(given);
    await isAnswered(portOf(given));
    await inTime('it is closed', calc.server.close());
    expect(calc.server.address).toBeNull();
    expect(given.listening).toBe(true);
    expect(['connection', 'error', 'close'].map((event) => given.listenerCount(event))).toEqual([0, 0, 0]);
    await calc.server.listen();
    await isAnswered(portOf(given));
  });

  it('secures what it accepts when it has the option tls', async () => {
    const given = await listening();
    const calc = own(await CalcServer.start({ listenOn: given, tls: { key, cert } }));
    const client = own(calcClient(portOf(given), { tls: { ca: cert } }));
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    const plain = own(await RawPeer.connect(portOf(given)));
    plain.write(ADD_2_3);
    await plain.ends();
    expect(await calc.lostCause()).toMatchObject({ code: 'TLS_ERROR' });
    const mute = own(await RawPeer.connect(portOf(given)));
    await client.close();
    await inTime('it is closed', calc.server.close());
    await mute.ends();
  });

  it('keeps to maxConnections', async () => {
    const given = await listening();
    const calc = own(await CalcServer.start({ listenOn: given, maxConnections: 1 }));
    const first = own(await RawPeer.connect(portOf(given)));
    await first.receives(GREETING);
    const second = own(await RawPeer.connect(portOf(given)));
    await second.ends();
    expect(second.hex).toBe('');
    expect(await calc.lostCause()).toMatchObject({ code: 'MAX_CONNECTIONS' });
    await first.destroy();
    await until('there is room', () => calc.server.status === 'connected');
    await isAnswered(portOf(given));
  });

  it('refuses what arrives while it drains', async () => {
    const given = await listening();
    let answer = (): void => {};
    const calc = own(
      await CalcServer.start({
        listenOn: given,
        invoker: { invoke: (_command, _context, sink) => void (answer = () => sink.complete(new CalcResult(5))) },
      }),
    );
    const first = own(await RawPeer.connect(portOf(given)));
    first.write(ADD_2_3);
    await until('a Command runs', () => calc.server.inFlight === 1);
    const closed = calc.server.close();
    const late = own(await RawPeer.connect(portOf(given)));
    await late.ends();
    expect(late.hex).toBe('');
    expect(await calc.lostCause()).toMatchObject({ code: 'SHUTDOWN' });
    answer();
    await first.receives(GREETING + SUM_5);
    await inTime('it is closed', closed);
    expect(calc.lost).toHaveLength(2);
  });

  it('fails with LISTEN_FAILED when that one does not listen', async () => {
    const calc = own(new CalcServer({ listenOn: createServer() }));
    const message = 'cannot listen on the server of listenOn: it does not listen';
    await expect(calc.server.listen()).rejects.toMatchObject({ code: 'LISTEN_FAILED', message });
    expect(calc.server.status).toBe('disconnected');
  });

  it('is closed, and says why, when that one is closed', async () => {
    const given = await listening();
    const calc = own(await CalcServer.start({ listenOn: given }));
    const causes: unknown[] = [];
    calc.server.onStatus((status, cause) => causes.push([status, cause?.code]));
    given.close();
    await until('it is closed', () => calc.server.status === 'closed');
    expect(causes).toEqual([['closed', 'CLOSED']]);
    await expect(calc.server.listen()).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
  });
});

describe('a server in a process of its own', () => {
  it('listens on a descriptor that it inherits', async () => {
    const given = await listening();
    const port = portOf(given);
    const { fd } = (given as unknown as { _handle: { fd: number } })._handle;
    const child = own(new ServerProcess(own(new Folder()), { options: { listenOn: { fd: 4 } }, inherits: fd }));
    expect(await child.address()).toMatchObject({ port });
    given.close();
    await isAnswered(port);
    expect(await child.close()).toBe(0);
  });

  it('shares its port with the other workers of a cluster', async () => {
    const child = own(new ServerProcess(own(new Folder()), { workers: 2 }));
    const [first, second] = [await child.address(0), await child.address(1)];
    expect(first).toEqual(second);
    while (new Set(child.reported('ranIn')).size < 2) await isAnswered(first.port);
    expect(await child.close()).toBe(0);
  });

  it('refuses a connection when all workers of a cluster have as many as they may', async () => {
    const options = { maxConnections: 1 };
    const child = own(new ServerProcess(own(new Folder()), { workers: 2, options }));
    const { port } = await child.address(1);
    for (let worker = 0; worker < 2; worker++) await own(await RawPeer.connect(port)).receives(GREETING);
    await own(await RawPeer.connect(port)).ends();
    expect(await child.close()).toBe(0);
  });

  it('shares a path with the other workers of a cluster, also where a process that has died left its socket', async () => {
    const folder = own(new Folder());
    const path = folder.file('calc.sock');
    const dead = createServer().listen(folder.file('dead.sock'));
    await once(dead, 'listening');
    linkSync(folder.file('dead.sock'), path);
    dead.close();
    const child = own(new ServerProcess(own(new Folder()), { workers: 3, options: { listenOn: { path } } }));
    expect(await child.address(2)).toMatchObject({ address: path });
    while (new Set(child.reported('ranIn')).size < 3) await isAnswered(path);
    expect(await child.close()).toBe(0);
    expect(existsSync(path)).toBe(false);
  });
});

describe('a descriptor', () => {
  it('is used for one life of the server only: its number may mean something else later', async () => {
    const calc = own(new CalcServer({ listenOn: { fd: 100_000 } }));
    await expect(calc.server.listen()).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
    await calc.server.close();
    await expect(calc.server.listen()).rejects.toMatchObject({ code: 'CLOSED' });
    expect(calc.server.status).toBe('closed');
  });

  it('that does not listen makes listen() fail with LISTEN_FAILED', async () => {
    const calc = own(new CalcServer({ listenOn: { fd: 100_000 } }));
    await expect(calc.server.listen()).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
  });
});

describe('what a server shall listen on', () => {
  it.each<[string, Partial<Record<keyof CommandServerOptions, unknown>>]>([
    ['listenOn', { listenOn: { path: '' } }],
    ['listenOn', { listenOn: { path: 5 } }],
    ['listenOn', { listenOn: { path: 'x'.repeat(104) } }],
    ['listenOn', { listenOn: { path: 'ß'.repeat(52) } }],
    ['listenOn', { listenOn: null }],
    ['listenOn', { listenOn: {} }],
    ['listenOn', { listenOn: { fd: -1 } }],
    ['listenOn', { listenOn: { fd: '3' } }],
    ['listenOn', { listenOn: { fd: 3, port: 1 } }],
    ['listenOn', { listenOn: createTlsServer() }],
    ['listenOn', { listenOn: { path: 'calc.sock', fd: 3 } }],
  ])('is refused when %s makes no sense', (option, options) => {
    const make = () => new CalcServer(options as Partial<CommandServerOptions>);
    const message = expect.stringContaining(`"${option}"`) as unknown;
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', message }) as unknown as Error);
  });
});
