// The certificate of a client is replaced while it is used, by a call and by files that change, and certificates that
// were revoked are refused by both sides.
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createSecureContext, type TLSSocket, type TlsOptions } from 'node:tls';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { CommandClient, CommandClientOptions, CommandInvoker } from '../../../lib/core.js';
import { CmdStreamClient } from '../../../lib/index.js';
import { calcClient } from '../../support/calc-client.js';
import { calcInvoker } from '../../support/calc-invoker.js';
import { CalcServer } from '../../support/calc-server.js';
import { CertificateAuthority, type KeyPair } from '../../support/certificates.js';
import { inTime, turns, until } from '../../support/deadline.js';
import { Folder } from '../../support/folder.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();
const authority = new CertificateAuthority('the CA');
const successor = new CertificateAuthority('the next CA');
const ca = authority.cert;
const here = ['DNS:localhost', 'IP:127.0.0.1'];
const server = authority.issue({ name: 'server', alternativeNames: here });
const first = authority.issue({ name: 'first' });
const second = authority.issue({ name: 'second' });
const versions = ['TLSv1.2', 'TLSv1.3'] as const;
const ways = versions.flatMap((maxVersion) => [false, true].map((extension) => ({ maxVersion, extension })));
const five = new CalcResult(5);

/** A server that lets in clients with a certificate only, and knows their names. */
class Doorkeeper {
  /** Whose Commands were run. */
  readonly names: (string | undefined)[] = [];
  readonly sockets: TLSSocket[] = [];
  /** Of each connection: whose certificate, and was a session taken up? */
  readonly shown: (readonly [string | undefined, boolean])[] = [];
  readonly calc: CalcServer;

  constructor(tls: TlsOptions) {
    const invoker: CommandInvoker = {
      invoke: (command, context, sink) => {
        this.names.push(context.peer.commonName);
        return calcInvoker.invoke(command, context, sink);
      },
    };
    this.calc = own(
      new CalcServer({ tls: { ...server, ca, requestCert: true, rejectUnauthorized: true, ...tls }, invoker }),
    );
  }

  async listen(): Promise<this> {
    await this.calc.server.listen();
    this.calc.server.netServer!.prependListener('secureConnection', (socket: TLSSocket) => {
      this.sockets.push(socket);
      this.shown.push([socket.getPeerX509Certificate()?.subject, socket.isSessionReused()]);
    });
    return this;
  }

  /** Ends the connection that was opened last. */
  async hangUp(client: CommandClient): Promise<void> {
    const last = this.sockets.at(-1)!;
    const closed = once(last, 'close');
    last.destroy();
    await inTime('the connection is gone', closed);
    await until('the client knows', () => client.status === 'disconnected');
  }
}

function add(client: CommandClient): Promise<CalcResult> {
  return client.execute(new AddCmd(2, 3));
}

describe.each(ways)('reloadTls() of a client over $maxVersion, extended: $extension', ({ maxVersion, extension }) => {
  it('shows another certificate with the next connection, and leaves the open one alone', async () => {
    const door = await new Doorkeeper({ maxVersion }).listen();
    const client = own(calcClient(door.calc.port, { tls: { ca, ...first }, extension }));
    await expect(add(client)).resolves.toEqual(five);
    client.reloadTls(second);
    await expect(add(client)).resolves.toEqual(five);
    await door.hangUp(client);
    await expect(add(client)).resolves.toEqual(five);
    await door.hangUp(client);
    await expect(add(client)).resolves.toEqual(five);
    expect(door.names).toEqual(['first', 'first', 'second', 'second']);
    // By a session from before the server would have known the one of before.
    expect(door.shown.map(([, isReused]) => isReused)).toEqual([false, false, true]);
  });

  it('trusts another CA from then on', async () => {
    const door = await new Doorkeeper({ maxVersion }).listen();
    const client = own(calcClient(door.calc.port, { tls: { ca: successor.cert, ...first }, extension }));
    await expect(add(client)).rejects.toMatchObject({ code: 'TLS_ERROR', sent: false });
    client.reloadTls({ ca });
    await expect(add(client)).resolves.toEqual(five);
    client.reloadTls({ ca: successor.cert });
    await door.hangUp(client);
    await expect(add(client)).rejects.toMatchObject({ code: 'TLS_ERROR', sent: false });
    expect(door.names).toEqual(['first']);
  });
});

describe.each(ways)(
  'a certificate that was revoked, over $maxVersion, extended: $extension',
  ({ maxVersion, extension }) => {
    it('of a client is refused by a server that knows', async () => {
      const door = await new Doorkeeper({ maxVersion, crl: authority.revoke(first.cert) }).listen();
      const refused = own(calcClient(door.calc.port, { tls: { ca, ...first }, extension }));
      await expect(add(refused)).rejects.toMatchObject({ code: 'TLS_ERROR', sent: false });
      expect(await door.calc.lostCause()).toMatchObject({
        code: 'TLS_ERROR',
        message: expect.stringMatching(/was revoked: it needs a new one/),
      });
      await expect(add(own(calcClient(door.calc.port, { tls: { ca, ...second }, extension })))).resolves.toEqual(five);
      expect(door.names).toEqual(['second']);
    });

    it('of a client is refused by a server that learns of it, and by no session from before', async () => {
      const door = await new Doorkeeper({ maxVersion }).listen();
      const client = own(calcClient(door.calc.port, { tls: { ca, ...first }, extension }));
      await expect(add(client)).resolves.toEqual(five);
      door.calc.server.reloadTls({ crl: authority.revoke(first.cert) });
      await door.hangUp(client);
      await expect(add(client)).rejects.toMatchObject({ code: 'TLS_ERROR', sent: false });
      expect(door.names).toEqual(['first']);
    });

    it('of a server is refused by a client that knows, or learns of it', async () => {
      const door = await new Doorkeeper({ maxVersion }).listen();
      const crl = authority.revoke(server.cert);
      const revoked = { code: 'TLS_ERROR', sent: false, message: expect.stringMatching(/was revoked/) };
      const knowing = own(calcClient(door.calc.port, { tls: { ca, ...first, crl }, extension }));
      await expect(add(knowing)).rejects.toMatchObject(revoked);
      const client = own(calcClient(door.calc.port, { tls: { ca, ...first, crl: authority.revoke() }, extension }));
      await expect(add(client)).resolves.toEqual(five);
      client.reloadTls({ crl });
      await door.hangUp(client);
      await expect(add(client)).rejects.toMatchObject(revoked);
      expect(door.names).toEqual(['first']);
    });
  },
);

describe('reloadTls() of a client', () => {
  it.each<[string, object, string, RegExp]>([
    ['a key of another certificate', { cert: second.cert }, 'TLS_ERROR', /the certificate cannot be used/],
    ['no certificate', { cert: 'nonsense', key: second.key }, 'TLS_ERROR', /the certificate cannot be used/],
    ['an empty key', { key: '' }, 'TLS_ERROR', /`key` is empty/],
    ['an empty CA, which would be any public one', { ca: '' }, 'TLS_ERROR', /`ca` is empty/],
    ['a CA that is none', { ca: 'nonsense' }, 'TLS_ERROR', /`ca` holds no certificate/],
    ['no CA', { ca: null }, 'INVALID_OPTION', /option "ca" must be/],
    ['what is no part of it', { servername: 'elsewhere' }, 'INVALID_OPTION', /unknown option "servername"/],
  ])('refuses %s, and changes nothing', async (_what, options, code, message) => {
    const door = await new Doorkeeper({}).listen();
    const client = own(calcClient(door.calc.port, { tls: { ca, ...first } }));
    const reload = () => client.reloadTls(options);
    expect(reload).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
    await expect(add(client)).resolves.toEqual(five);
    expect(door.names).toEqual(['first']);
  });

  it('is refused by a client without TLS', () => {
    const client = own(calcClient(1));
    expect(() => client.reloadTls(first)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });

  it('holds for a client that is opened anew, is there on the Nest client, and drops a context that was given', async () => {
    const door = await new Doorkeeper({}).listen();
    const tls = { ca, secureContext: createSecureContext({ ca, ...first }) };
    const nest = new CmdStreamClient({ port: door.calc.port, host: '127.0.0.1', extension: false, tls });
    const client = own(nest.unwrap());
    await client.connect();
    await client.close();
    nest.reloadTls(second);
    await client.reopen();
    await until('it is connected', () => door.sockets.length === 2);
    expect(door.shown).toEqual([
      ['CN=first', false],
      ['CN=second', false],
    ]);
  });
});

/** What is in these files, with the options that name them. */
class Files {
  readonly paths: Readonly<Record<'cert' | 'key' | 'ca', string>>;

  constructor(contents: Partial<KeyPair & { readonly ca: string }>) {
    const folder = own(new Folder());
    this.paths = { cert: folder.file('crt'), key: folder.file('key'), ca: folder.file('ca') };
    this.write(contents);
  }

  write(contents: Partial<KeyPair & { readonly ca: string }>): void {
    for (const [name, text] of Object.entries(contents)) writeFileSync(this.paths[name as 'ca'], text);
  }
}

function watching(port: number, options: Partial<CommandClientOptions>) {
  const errors: unknown[] = [];
  const instrumentation = { observeClient: () => ({ onReloadError: (error: unknown) => void errors.push(error) }) };
  return { client: own(calcClient(port, { instrumentation, ...options })), errors };
}

describe.each(ways)('the option tlsFiles of a client over $maxVersion, extended: $extension', (way) => {
  const { maxVersion, extension } = way;

  it('shows another certificate with the next connection when the files have changed', async () => {
    const door = await new Doorkeeper({ maxVersion }).listen();
    const files = new Files({ ...first, ca });
    const tlsFiles = { ...files.paths, checkIntervalMs: 10 };
    const { client, errors } = watching(door.calc.port, { tlsFiles, extension });
    await expect(add(client)).resolves.toEqual(five);
    files.write({ cert: second.cert });
    await until('it is reported that the key is another one', () => errors.length > 0);
    expect(errors).toMatchObject([
      { code: 'TLS_ERROR', message: expect.stringMatching(/^the certificate cannot be used/) },
    ]);
    await door.hangUp(client);
    await expect(add(client)).resolves.toEqual(five);
    expect(door.names).toEqual(['first', 'first']);
    files.write({ key: second.key });
    while (door.names.at(-1) === 'first') {
      await expect(add(client)).resolves.toEqual(five);
      await door.hangUp(client);
      await expect(add(client)).resolves.toEqual(five);
    }
    expect(door.names.at(-1)).toBe('second');
    // By a session from before the server would have known the one of before.
    expect(door.shown.find(([name]) => name === 'CN=second')).toEqual(['CN=second', false]);
    expect(errors).toHaveLength(1);
  });

  it('trusts another CA when its file has changed, and none that is empty', async () => {
    const door = await new Doorkeeper({ maxVersion }).listen();
    const files = new Files({ ca: successor.cert });
    const tlsFiles = { ca: files.paths.ca, checkIntervalMs: 10 };
    const { client, errors } = watching(door.calc.port, { tls: first, tlsFiles, extension });
    await expect(add(client)).rejects.toMatchObject({ code: 'TLS_ERROR', sent: false });
    files.write({ ca });
    const isKnown = () =>
      add(client).then(
        () => true,
        () => false,
      );
    while (!(await isKnown())) expect(client.status).not.toBe('closed');
    files.write({ ca: '' });
    await until('it is reported that there is none', () => errors.length > 0);
    expect(errors).toMatchObject([{ code: 'TLS_ERROR', message: 'the file `tlsFiles.ca` holds no certificate' }]);
    await door.hangUp(client);
    await expect(add(client)).resolves.toEqual(five);
    expect(new Set(door.names)).toEqual(new Set(['first']));
  });
});

describe('the option tlsFiles of a client', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('is TLS with files that are there when a connection is opened', async () => {
    const door = await new Doorkeeper({}).listen();
    const files = new Files({ ca });
    const { client, errors } = watching(door.calc.port, { tlsFiles: files.paths });
    await expect(client.connect()).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      message: expect.stringMatching(/option "tlsFiles": ENOENT.*crt/),
    });
    files.write({ cert: first.cert, key: second.key });
    await expect(client.connect()).rejects.toMatchObject({ code: 'TLS_ERROR' });
    files.write(first);
    await expect(add(client)).resolves.toEqual(five);
    expect(door.names).toEqual(['first']);
    expect(errors).toEqual([]);
  });

  it('tells once that a file is gone, and uses what was in it', async () => {
    const door = await new Doorkeeper({}).listen();
    const folder = own(new Folder());
    const files = new Files({ ...first, ca });
    const cert = folder.file('later');
    writeFileSync(cert, first.cert);
    const { client, errors } = watching(door.calc.port, { tlsFiles: { ...files.paths, cert, checkIntervalMs: 10 } });
    await client.connect();
    rmSync(cert);
    await until('it is reported', () => errors.length > 0);
    writeFileSync(cert, 'nonsense');
    await until('it is reported what is there now', () => errors.length > 1);
    expect(errors).toMatchObject([
      { code: 'TLS_ERROR', message: expect.stringMatching(/ENOENT/) },
      { code: 'TLS_ERROR', message: 'the file `tlsFiles.cert` holds no certificate' },
    ]);
    await door.hangUp(client);
    await expect(add(client)).resolves.toEqual(five);
  });

  it('is read only by reloadTls(), and when the client is opened anew, with the interval 0', async () => {
    const door = await new Doorkeeper({}).listen();
    const files = new Files({ ...first, ca });
    const { client } = watching(door.calc.port, { tlsFiles: { ...files.paths, checkIntervalMs: 0 } });
    await add(client);
    files.write(second);
    await turns(20);
    await door.hangUp(client);
    await add(client);
    client.reloadTls();
    await door.hangUp(client);
    await add(client);
    expect(door.names).toEqual(['first', 'first', 'second']);
    files.write({ key: first.key });
    expect(() => client.reloadTls()).toThrow(expect.objectContaining({ code: 'TLS_ERROR' }));
    await door.hangUp(client);
    await add(client);
    files.write(first);
    await client.close();
    await client.reopen();
    await add(client);
    expect(door.names.slice(3)).toEqual(['second', 'first']);
  });

  it('watches from the first connection until the client is closed, and keeps no process alive', async () => {
    const door = await new Doorkeeper({}).listen();
    const files = new Files({ ...first, ca });
    const begun = jest.spyOn(globalThis, 'setInterval');
    const ended = jest.spyOn(globalThis, 'clearInterval');
    // No other timer has it.
    const checkIntervalMs = 12_345;
    const timers = (): NodeJS.Timeout[] =>
      begun.mock.results
        .filter((_, at) => begun.mock.calls[at]![1] === checkIntervalMs)
        .map(({ value }) => value as NodeJS.Timeout);
    const running = (): number => timers().filter((timer) => !ended.mock.calls.some(([one]) => one === timer)).length;
    const { client } = watching(door.calc.port, { tlsFiles: { ...files.paths, checkIntervalMs } });
    expect(timers()).toEqual([]);
    await add(client);
    await door.hangUp(client);
    await add(client);
    expect(timers().map((timer) => timer.hasRef())).toEqual([false]);
    const closed = client.close();
    expect(running()).toBe(1);
    await closed;
    expect(running()).toBe(0);
    await client.reopen();
    expect(running()).toBe(1);
    client.destroy();
    expect(running()).toBe(0);
    await client.reopen();
    const closing = client.close();
    await client.reopen();
    await closing;
    expect(running()).toBe(1);
    client.destroy();
    expect(running()).toBe(0);
  });

  it.each<[string, object, RegExp]>([
    ['without a file', { tlsFiles: {} }, /option "tlsFiles" needs `cert` and `key`, or `ca`, or all three/],
    ['without a key', { tlsFiles: { cert: 'a' } }, /option "tlsFiles": `cert` and `key` go together/],
    ['without a certificate', { tlsFiles: { key: 'a', ca: 'b' } }, /`cert` and `key` go together/],
    ['with an unknown member', { tlsFiles: { ca: 'a', crt: 'c' } }, /unknown option "crt"/],
    ['beside a CA', { tlsFiles: { ca: 'a' }, tls: { ca } }, /"tls": `ca` and option "tlsFiles" exclude each other/],
    ['beside an archive', { tlsFiles: { cert: 'a', key: 'b' }, tls: { pfx: 'c' } }, /`pfx` and option "tlsFiles"/],
    ['beside a context', { tlsFiles: { ca: 'a' }, tls: { secureContext: createSecureContext() } }, /`secureContext`/],
    ['without TLS', { tlsFiles: { ca: 'a' }, tls: false }, /option "tls": false and option "tlsFiles" exclude/],
    [
      'with sockets of others',
      { tlsFiles: { ca: 'a' }, connect: () => Promise.reject(new Error('none')), host: undefined, port: undefined },
      /options "connect" and "tlsFiles" exclude each other/,
    ],
  ])('is refused %s', (_what, options, message) => {
    const make = () => own(calcClient(1, options));
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(message) }));
  });

  it('is what reloadTls() without options needs', () => {
    const client = own(calcClient(1, { tls: { ca } }));
    expect(() => client.reloadTls()).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(/needs options/) }),
    );
  });
});
