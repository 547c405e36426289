// The same bytes inside TLS, and connections that do not get that far.
import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import {
  connect as connectTls,
  createServer,
  type ConnectionOptions,
  type Server as TlsServer,
  type TlsOptions,
} from 'node:tls';
import type { CommandClient, CommandClientOptions, CommandServerOptions } from '../../lib/core.js';
import { codeOf } from '../../lib/errors.js';
import { calcClient } from '../support/calc-client.js';
import { ADD_2_3, GREETING, SUM_5 } from '../support/calc-frames.js';
import { CalcServer } from '../support/calc-server.js';
import { inTime, turns, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { RawPeer } from '../support/raw-peer.js';
import { RawServer } from '../support/raw-server.js';
import { selfSigned } from '../support/certificates.js';
import { AddCmd, CalcResult, EchoCmd, EchoResult } from '../support/vector-contract.js';

const own = guardLeaks();
const { key, cert } = selfSigned();
const clock = new Int32Array(new SharedArrayBuffer(4));

/** Nothing happens in this process meanwhile. */
function standStill(ms: number): void {
  Atomics.wait(clock, 0, 0, ms);
}

function startTls(options: Partial<CommandServerOptions> = {}): Promise<CalcServer> {
  return CalcServer.start({ tls: { key, cert }, ...options });
}

function tlsClient(calc: CalcServer, options: Partial<CommandClientOptions> = {}): CommandClient {
  return own(calcClient(calc.port, { tls: { ca: cert }, ...options }));
}

describe('TLS', () => {
  it.each(['127.0.0.1', 'localhost'])('carries Commands and Results to %s', async (host) => {
    const calc = own(await startTls());
    const client = tlsClient(calc, { host });
    const text = 'ß'.repeat(200_000);
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    await expect(client.execute(new EchoCmd(text))).resolves.toEqual(new EchoResult(text));
    await inTime('the client is closed', client.close());
    await inTime('the server is closed', calc.server.close());
  });

  it.each([
    ['localhost', {}, 'localhost'],
    ['127.0.0.1', {}, false],
    ['127.0.0.1', { servername: 'localhost' }, 'localhost'],
  ])('names the server by SNI unless its address is an IP address: %s, %p', async (host, tls, servername) => {
    const calc = own(await startTls());
    const names: unknown[] = [];
    (calc.server.netServer as TlsServer).on('secureConnection', (socket) => names.push(socket.servername));
    await tlsClient(calc, { host, tls: { ca: cert, ...tls } }).connect();
    expect(names).toEqual([servername]);
  });

  it('answers what was accepted before a draining server ends the connection', async () => {
    const calc = own(await startTls());
    const client = tlsClient(calc);
    await client.connect();
    const sum = client.execute(new AddCmd(2, 3));
    const closed = calc.server.close();
    await expect(sum).resolves.toEqual(new CalcResult(5));
    await inTime('the server is closed', closed);
    await until('the client sees the end', () => client.status === 'disconnected');
  });
});

describe('a callback of the TLS options of a server that fails', () => {
  const failure = new Error('it fails');
  const fail = (): never => {
    throw failure;
  };
  const psk = { ciphers: 'PSK', maxVersion: 'TLSv1.2' as const };
  const callbacks: [string, TlsOptions, ConnectionOptions][] = [
    ['SNICallback, and throws', { SNICallback: fail }, {}],
    ['SNICallback, and rejects', { SNICallback: async () => fail() }, {}],
    [
      'SNICallback, and gives a promise that rejects',
      { SNICallback: (_name, done) => done(null, Promise.reject(new Error('it rejects')) as never) },
      {},
    ],
    ['ALPNCallback, and throws', { ALPNCallback: fail }, {}],
    ['ALPNCallback, and rejects', { ALPNCallback: (async () => fail()) as never }, {}],
    ['pskCallback, and throws', { ...psk, pskCallback: fail }, psk],
    ['pskCallback, and rejects', { ...psk, pskCallback: (async () => fail()) as never }, psk],
  ];

  it.each(callbacks)('costs its handshake only: %s', async (_what, callback, options) => {
    const calc = own(await startTls({ tls: { key, cert, ...callback } }));
    const socket = own(
      connectTls({
        port: calc.port,
        host: '127.0.0.1',
        ca: cert,
        servername: 'localhost',
        ALPNProtocols: ['calc'],
        pskCallback: () => ({ psk: Buffer.from('00'), identity: 'another' }),
        ...options,
      }).on('error', () => {}),
    );
    await inTime('the handshake is over', new Promise((resolve) => socket.once('close', resolve)));
    expect(await calc.lostCause()).toMatchObject({ code: 'TLS_ERROR' });
    await turns();
    expect(calc.server.status).toBe('connected');
    expect(calc.lost).toHaveLength(1);
  });
});

describe('a callback of the TLS options of a client that fails', () => {
  const failure = new Error('it fails');
  const fail = (): never => {
    throw failure;
  };
  const psk = { ciphers: 'PSK', maxVersion: 'TLSv1.2' as const };

  it.each<[string, ConnectionOptions, RegExp]>([
    ['checkServerIdentity, and throws', { checkServerIdentity: fail }, /it fails/],
    ['checkServerIdentity, and rejects', { checkServerIdentity: (async () => fail()) as never }, /must answer at once/],
    ['checkServerIdentity, and promises', { checkServerIdentity: (async () => {}) as never }, /must answer at once/],
    ['pskCallback, and throws', { ...psk, pskCallback: fail }, /it fails/],
    ['pskCallback, and rejects', { ...psk, pskCallback: (async () => fail()) as never }, /must answer at once/],
  ])('refuses the server: %s', async (_what, callback, reason) => {
    const calc = own(await startTls({ tls: { key, cert, pskCallback: () => Buffer.alloc(16), ciphers: 'ALL' } }));
    const client = tlsClient(calc, { tls: { ca: cert, ...callback } });
    const failed = { code: expect.stringMatching(/TLS_ERROR|CONNECT_FAILED/), message: expect.stringMatching(reason) };
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject(failed);
    await turns();
  });

  it('is none that answers at once', async () => {
    const calc = own(await startTls());
    const client = tlsClient(calc, { tls: { ca: cert, checkServerIdentity: () => undefined } });
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
  });
});

describe('a client', () => {
  it('fails with TLS_ERROR when it does not trust the certificate', async () => {
    const calc = own(await startTls());
    const client = own(calcClient(calc.port, { tls: {} }));
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'TLS_ERROR', sent: false });
    expect(client.status).toBe('disconnected');
    expect(await calc.lostCause()).toMatchObject({ code: 'TLS_ERROR' });
  });

  it('fails with TLS_ERROR when the certificate is for another name', async () => {
    const calc = own(await startTls());
    const client = tlsClient(calc, { tls: { ca: cert, servername: 'elsewhere.example' } });
    await expect(client.connect()).rejects.toMatchObject({ code: 'TLS_ERROR', sent: false });
  });

  it.each<[string, ConnectionOptions, string | false]>([
    ['localhost', {}, 'localhost'],
    ['127.0.0.1', {}, false],
    ['127.0.0.1', { servername: 'calc.example' }, 'calc.example'],
    ['localhost', { servername: 'calc.example' }, 'calc.example'],
  ])('asks %s with %j for the name %s, an address for none', async (host, tls, name) => {
    const calc = own(await startTls());
    const names: (string | false | null)[] = [];
    const server = createServer({ key, cert }, (socket) => {
      names.push(socket.servername);
      socket.destroy();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    own({ destroy: () => server.close() });
    const { port } = server.address() as AddressInfo;
    const client = tlsClient(calc, { host, port, tls: { ca: cert, rejectUnauthorized: false, ...tls } });
    await client.connect().catch(() => {});
    expect(names).toEqual([name]);
  });

  it('fails with TLS_ERROR when the server speaks no TLS', async () => {
    const calc = own(await CalcServer.start());
    const client = tlsClient(calc);
    await expect(client.connect()).rejects.toMatchObject({ code: 'TLS_ERROR', sent: false });
    await calc.lostCause();
  });

  it('fails with CONNECT_TIMEOUT when the server is silent in the handshake', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { tls: { ca: cert }, connectTimeoutMs: 100 }));
    await expect(client.connect()).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT', sent: false });
    await (await raw.peer()).ends();
  });

  it('fails with CONNECT_FAILED when the server ends the connection in the handshake', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { tls: { ca: cert } }));
    const connected = client.connect();
    (await raw.peer()).finish();
    await expect(connected).rejects.toMatchObject({ code: 'CONNECT_FAILED', sent: false });
  });

  it('fails with TLS_ERROR when the server resets the connection after the handshake', async () => {
    // What a refused client certificate may look like: TLS 1.3 has finished for the client when the server looks at it.
    const tcp: Socket[] = [];
    const server = createServer({ key, cert }, () => tcp[0]!.resetAndDestroy());
    server.on('connection', (socket) => tcp.push(socket)).on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    own({ destroy: () => server.close() });
    const client = own(calcClient((server.address() as AddressInfo).port, { tls: { ca: cert } }));
    await expect(client.connect()).rejects.toMatchObject({ code: 'TLS_ERROR', sent: false });
  });

  it('names a reason when each of several addresses has failed', async () => {
    const raw = await RawServer.listen();
    const { port } = raw;
    await raw.destroy();
    const both = [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ];
    const tls = { lookup: (_host: string, _options: unknown, found: Found) => found(null, both) };
    const client = own(calcClient(port, { host: 'both.example', tls: tls as CommandClientOptions['tls'] }));
    await expect(client.connect()).rejects.toThrow(/both\.example:\d+: E[A-Z]+/);
  });
});

describe('a server', () => {
  it('ends a client that is silent in the handshake with HANDSHAKE_TIMEOUT', async () => {
    const calc = own(await startTls({ handshakeTimeoutMs: 50 }));
    const mute = own(await RawPeer.connect(calc.port));
    await mute.ends();
    expect(mute.hex).toBe('');
    const cause = { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' };
    expect(await calc.lostCause()).toMatchObject({ code: 'HANDSHAKE_TIMEOUT', cause });
    await expect(tlsClient(calc).execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    expect(calc.lost).toHaveLength(1);
  });

  it('does not take a time in which its process stood still for one of the handshake', async () => {
    const calc = own(await startTls({ handshakeTimeoutMs: 1_000 }));
    let accepted = 0;
    calc.server.netServer!.on('connection', () => accepted++);
    const raw = connect(calc.port, '127.0.0.1');
    own({ destroy: () => raw.destroy() });
    const mute = own(await RawPeer.connect(calc.port));
    const gone = own(await RawPeer.connect(calc.port));
    await until('all are in their handshake', () => accepted === 3);
    standStill(3_500);
    // What Node's own limit ends is ended by now.
    await turns(20);
    expect(calc.lost).toEqual([]);
    gone.reset();
    const late = connectTls({ socket: raw, ca: cert, servername: 'localhost' });
    let received = '';
    late.on('data', (bytes: Buffer) => (received += bytes.toString('hex')));
    late.write(Buffer.from(ADD_2_3, 'hex'));
    await until('it has its Result', () => received === GREETING + SUM_5);
    await mute.ends();
    await until('the others have ended', () => calc.lost.length === 2);
    expect(calc.lost.map(({ cause }) => codeOf(cause))).toEqual(['TLS_ERROR', 'HANDSHAKE_TIMEOUT']);
    expect(late.destroyed).toBe(false);
  });

  it('ends a client that speaks no TLS with TLS_ERROR', async () => {
    const calc = own(await startTls());
    const plain = own(await RawPeer.connect(calc.port));
    plain.write(ADD_2_3);
    await plain.ends();
    expect(await calc.lostCause()).toMatchObject({ code: 'TLS_ERROR' });
    expect(plain.hex).not.toContain(GREETING);
  });

  it('refuses a client without the certificate it asks for', async () => {
    const calc = own(await startTls({ tls: { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true } }));
    await expect(tlsClient(calc).execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'TLS_ERROR', sent: false });
    const client = tlsClient(calc, { tls: { ca: cert, key, cert } });
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
  });

  it('knows where a client came from that hung up in its handshake', async () => {
    const calc = own(await startTls());
    const netServer = calc.server.netServer as TlsServer;
    const accepted = once(netServer, 'connection') as Promise<[Socket]>;
    const socket = own(connect(calc.port, '127.0.0.1').on('error', () => {}));
    const [{ remoteAddress, remotePort, localAddress, localPort }] = await accepted;
    expect(remotePort).toBe(socket.localPort);
    socket.destroy();
    expect(await calc.lostCause()).toMatchObject({ code: 'TLS_ERROR' });
    expect(calc.lost[0]).toMatchObject({ remoteAddress, remotePort, localAddress, localPort });
  });

  it.each([
    ['close()', (calc: CalcServer) => calc.server.close()],
    ['destroy()', (calc: CalcServer) => calc.server.destroy()],
  ])('ends clients in their handshake on %s', async (_what, end) => {
    const calc = own(await startTls({ handshakeTimeoutMs: 0 }));
    const mute = own(await RawPeer.connect(calc.port));
    await turns(20);
    await inTime('the server ends', Promise.resolve(end(calc)));
    await mute.ends();
    expect(mute.hex).toBe('');
  });
});

describe('a plain server', () => {
  it('reacts to TLS as to any bytes that are no Command', async () => {
    const calc = own(await CalcServer.start());
    const good = own(await calc.connect());
    const client = own(calcClient(calc.port, { tls: { ca: cert } }));
    await expect(client.connect()).rejects.toMatchObject({ code: 'TLS_ERROR' });
    good.write(ADD_2_3);
    await good.receives(GREETING + SUM_5);
  });
});

type Found = (error: null, addresses: { address: string; family: number }[]) => void;
