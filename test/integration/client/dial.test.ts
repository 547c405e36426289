// The socket of a client from its first stage to its last: what it waits for, what gives it up, and what is left of the
// attempt.
import { describe, expect, it } from '@jest/globals';
import { getEventListeners, once } from 'node:events';
import { createServer, type AddressInfo, type LookupFunction, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { addressText, dial, type DialStage, type DialTarget } from '../../../lib/connection/dial.js';
import { inTime, turns } from '../../support/deadline.js';
import { Folder } from '../../support/folder.js';
import { freePort } from '../../support/free-port.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { selfSigned } from '../../support/certificates.js';

const own = guardLeaks();
const lookup: LookupFunction = (_host, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]);

class Attempt {
  readonly stages: DialStage[] = [];
  readonly abort = new AbortController();
  readonly socket: Promise<Socket>;

  constructor(target: Omit<DialTarget, 'turn'>) {
    const onStage = (stage: DialStage): void => void this.stages.push(stage);
    this.socket = dial({ turn: 0, onStage, ...target }, this.abort.signal);
    this.socket.then(own, () => {});
  }

  /** What listens to the signal. */
  get listeners(): number {
    return getEventListeners(this.abort.signal, 'abort').length;
  }
}

const at = (port: number, host = '127.0.0.1'): DialTarget['address'] => ({ host, port });

describe('an attempt to connect', () => {
  it.each([
    ['an address', '127.0.0.1', ['connect']],
    ['a name', 'calc.internal', ['lookup', 'connect']],
  ])('goes through its stages and leaves nothing behind: %s', async (_what, host, stages) => {
    const server = own(await RawServer.listen());
    const attempt = new Attempt({ address: at(server.port, host), lookup });
    expect(attempt.listeners).toBe(1);
    const socket = await inTime('it is connected', attempt.socket);
    await server.peer();
    expect(attempt.stages).toEqual(stages);
    expect(attempt.listeners).toBe(0);
    attempt.abort.abort(new Error('too late'));
    await turns();
    expect(socket.destroyed).toBe(false);
    expect([socket.listenerCount('error'), socket.listenerCount('close')]).toEqual([0, 0]);
  });

  it('opens the path of a socket, for which nothing is looked up', async () => {
    const folder = own(new Folder());
    const server = createServer((socket) => void own(socket));
    own({ destroy: () => server.close() });
    const path = folder.file('calc.sock');
    await once(server.listen(path), 'listening');
    const attempt = new Attempt({ address: { path }, lookup });
    expect((await inTime('it is connected', attempt.socket)).destroyed).toBe(false);
    expect(attempt.stages).toEqual(['connect']);
  });

  it('waits for TLS once it is connected', async () => {
    const server = own(await RawServer.listen());
    const attempt = new Attempt({ address: at(server.port, 'calc.internal'), lookup, tls: {} });
    const peer = await server.peer();
    await peer.receivesBytes(1);
    expect(attempt.stages).toEqual(['lookup', 'connect', 'tls']);
    attempt.abort.abort(new Error('long enough'));
    await expect(inTime('it is given up', attempt.socket)).rejects.toThrow('long enough');
    expect(attempt.listeners).toBe(0);
  });

  it('needs no callback for its stages', async () => {
    const server = own(await RawServer.listen());
    const attempt = new Attempt({ address: at(server.port), onStage: undefined });
    await inTime('it is connected', attempt.socket);
    expect(attempt.stages).toEqual([]);
  });
});

describe('an attempt that is given up', () => {
  it('before it began does nothing', async () => {
    const asked: string[] = [];
    const watching: LookupFunction = (host, options, callback) => {
      asked.push(host);
      lookup(host, options, callback);
    };
    const reason = new Error('not wanted');
    const dialled = dial({ address: at(1, 'calc.internal'), lookup: watching, turn: 0 }, AbortSignal.abort(reason));
    await expect(dialled).rejects.toBe(reason);
    await turns();
    expect(asked).toEqual([]);
  });

  it('while its host is looked up has the reason of who gave it up, whatever the resolver says later', async () => {
    let answer = (): void => {};
    const slow: LookupFunction = (host, options, callback) => {
      answer = () => lookup(host, options, callback);
    };
    const attempt = new Attempt({ address: at(1, 'calc.internal'), lookup: slow });
    await turns();
    const reason = new Error('not wanted any more');
    attempt.abort.abort(reason);
    await expect(inTime('it is given up', attempt.socket)).rejects.toBe(reason);
    answer();
    await turns();
    expect(attempt.stages).toEqual(['lookup']);
  });
});

describe('an attempt that fails', () => {
  it('says where to, and why', async () => {
    const port = await freePort();
    const attempt = new Attempt({ address: at(port) });
    await expect(inTime('it fails', attempt.socket)).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      message: `cannot connect to 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`,
      cause: { code: 'ECONNREFUSED' },
    });
    expect(attempt.listeners).toBe(0);
  });

  it('names a file that is no socket', async () => {
    const path = own(new Folder()).file('none.sock');
    const attempt = new Attempt({ address: { path } });
    await expect(inTime('it fails', attempt.socket)).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      message: `cannot connect to ${path}: connect ENOENT ${path}`,
    });
  });

  it('for an answer that is no TLS says so on one line', async () => {
    const server = own(await RawServer.listen());
    const attempt = new Attempt({ address: at(server.port), tls: {} });
    (await server.peer()).write(Buffer.from('HTTP/1.1 400 Bad Request'));
    const error = (await inTime('it fails', attempt.socket).catch((failed: unknown) => failed)) as Error;
    expect(error).toMatchObject({ code: 'TLS_ERROR' });
    expect(error.message).toBe(error.message.trim());
  });

  it('without a word has a reason all the same', async () => {
    const silent: LookupFunction = (_host, _options, callback) =>
      callback(Object.assign(new Error('no'), { message: '' }), []);
    const attempt = new Attempt({ address: at(1, 'calc.internal'), lookup: silent });
    await expect(inTime('it fails', attempt.socket)).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      message: 'cannot connect to calc.internal:1: no reason given',
    });
  });

  it('at once, for a key that cannot be read, fails as any other', async () => {
    const attempt = new Attempt({ address: at(1), tls: { key: 'no key' } });
    await expect(inTime('it fails', attempt.socket)).rejects.toMatchObject({
      message: expect.stringContaining('cannot connect to 127.0.0.1:1: '),
      cause: expect.anything(),
    });
  });
});

describe('a server that the callback of a user refuses', () => {
  const { key, cert } = selfSigned();

  it.each([
    [
      'it throws',
      () => {
        throw new Error('not this one');
      },
      'not this one',
    ],
    ['it gives a promise', () => Promise.reject(new Error('later')), 'checkServerIdentity() must answer at once'],
  ])('is one that waiting does not cure: %s', async (_what, check, text) => {
    const server = createTlsServer({ key, cert }, (socket) => void own(socket));
    server.on('tlsClientError', () => {});
    own({ destroy: () => server.close() });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const tls = { ca: cert, checkServerIdentity: check as unknown as () => undefined };
    const attempt = new Attempt({ address: at(port), tls });
    const error = await inTime('it is refused', attempt.socket).catch((refused: unknown) => refused);
    expect(error).toMatchObject({ code: 'TLS_ERROR', message: expect.stringContaining(text) });
    expect(error).toMatchObject({ cause: { code: 'ERR_TLS_SERVER_IDENTITY', cause: expect.any(Error) } });
    await turns();
  });
});

describe('the text of an address', () => {
  it('is the path, or host and port, brackets around IPv6', () => {
    expect(addressText({ path: '/run/calc.sock' })).toBe('/run/calc.sock');
    expect(addressText(at(9000, 'calc.internal'))).toBe('calc.internal:9000');
    expect(addressText(at(9000, '::1'))).toBe('[::1]:9000');
  });
});
