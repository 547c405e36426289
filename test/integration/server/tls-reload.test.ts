// The certificate of a server is replaced while it serves: by a call, and by files that change.
import { writeFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { CommandServerOptions, TlsFilesOptions } from '../../../lib/core.js';
import { CmdStreamServer } from '../../../lib/index.js';
import { calcClient } from '../../support/calc-client.js';
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
const names = { alternativeNames: ['DNS:localhost', 'IP:127.0.0.1'] };
const first = authority.issue({ name: 'first', ...names });
const second = authority.issue({ name: 'second', ...names });
const client = authority.issue({ name: 'client' });
const nextClient = successor.issue({ name: 'next client' });

/** The common name of the certificate that a new connection gets. */
async function nameAt({ port }: CalcServer): Promise<string> {
  const socket = own(connect({ port, host: '127.0.0.1', ca }).on('error', () => {}));
  await inTime('TLS is agreed on', once(socket, 'secureConnect'));
  const name = socket.getPeerX509Certificate()!.subject;
  socket.destroy();
  return name.replace('CN=', '');
}

async function start(options: Partial<CommandServerOptions>): Promise<CalcServer> {
  return own(await CalcServer.start(options));
}

describe('reloadTls()', () => {
  it('gives new connections another certificate, and leaves the old ones alone', async () => {
    const calc = await start({ tls: first });
    const old = own(calcClient(calc.port, { tls: { ca } }));
    await old.connect();
    expect(await nameAt(calc)).toBe('first');
    calc.server.reloadTls(second);
    expect(await nameAt(calc)).toBe('second');
    await expect(old.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
  });

  it('trusts another CA from then on, and no more the one before', async () => {
    const calc = await start({ tls: { ...first, ca, requestCert: true, rejectUnauthorized: true } });
    const connects = (pair: KeyPair) => own(calcClient(calc.port, { tls: { ca, ...pair } })).connect();
    await connects(client);
    await expect(connects(nextClient)).rejects.toMatchObject({ code: 'TLS_ERROR' });
    calc.server.reloadTls({ ca: successor.cert });
    await connects(nextClient);
    await expect(connects(client)).rejects.toMatchObject({ code: 'TLS_ERROR' });
    expect(await nameAt(calc)).toBe('first');
  });

  it('holds for a server that listens again, or has not listened yet', async () => {
    const calc = new CalcServer({ tls: first });
    own(calc).server.reloadTls(second);
    await calc.server.listen();
    expect(await nameAt(calc)).toBe('second');
    calc.server.reloadTls(first);
    await calc.server.close();
    await calc.server.listen();
    expect(await nameAt(calc)).toBe('first');
  });

  it.each<[string, object | undefined, string, RegExp]>([
    ['a key of another certificate', { cert: second.cert }, 'TLS_ERROR', /the certificate cannot be used/],
    ['no certificate', { cert: 'nonsense', key: second.key }, 'TLS_ERROR', /the certificate cannot be used/],
    ['an empty key', { key: '' }, 'TLS_ERROR', /`key` is empty/],
    ['a list without a key', { key: [] }, 'TLS_ERROR', /`key` is empty/],
    ['a key that is empty, with its passphrase', { key: [{ pem: '', passphrase: '' }] }, 'TLS_ERROR', /`key` is empty/],
    ['an empty certificate', { cert: Buffer.alloc(0) }, 'TLS_ERROR', /`cert` is empty/],
    ['an empty archive', { pfx: '' }, 'TLS_ERROR', /`pfx` is empty/],
    ['a CA that is none', { ca: [ca, 'nonsense'] }, 'TLS_ERROR', /`ca` holds no certificate/],
    ['an empty CA', { ca: '' }, 'INVALID_OPTION', /any public CA/],
    ['no CA', { ca: null }, 'INVALID_OPTION', /option "ca" must be/],
    ['what belongs to the server as a whole', { requestCert: false }, 'INVALID_OPTION', /unknown option "requestCert"/],
    ['nothing, where there are no files', undefined, 'INVALID_OPTION', /needs options/],
  ])('refuses %s, and changes nothing', async (_what, options, code, message) => {
    const calc = await start({ tls: { ...first, ca, requestCert: true, rejectUnauthorized: true } });
    const reload = () => calc.server.reloadTls(options);
    expect(reload).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
    await own(calcClient(calc.port, { tls: { ca, ...client } })).connect();
    expect(await nameAt(calc)).toBe('first');
  });

  it('is refused by a server without TLS', async () => {
    const calc = await start({});
    expect(() => calc.server.reloadTls(first)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });

  it('is there on the Nest server as well', () => {
    const strategy = new CmdStreamServer({ tls: first });
    strategy.reloadTls(second);
    expect(() => strategy.reloadTls({ cert: first.cert })).toThrow(expect.objectContaining({ code: 'TLS_ERROR' }));
  });
});

describe('the option tlsFiles', () => {
  function files(pair: KeyPair, more: Partial<TlsFilesOptions> = {}): TlsFilesOptions {
    const folder = own(new Folder());
    const paths = { cert: folder.file('crt'), key: folder.file('key'), checkIntervalMs: 10, ...more };
    writeFileSync(paths.cert, pair.cert);
    writeFileSync(paths.key, pair.key);
    return paths;
  }

  it('reads the certificate when the server begins to listen, and when it has changed', async () => {
    const tlsFiles = files(first);
    const calc = await start({ tlsFiles });
    expect(await nameAt(calc)).toBe('first');
    writeFileSync(tlsFiles.cert, second.cert);
    await until('the failure is reported', () => calc.errors.length > 0);
    expect(calc.errors).toMatchObject([
      { code: 'TLS_ERROR', message: expect.stringMatching(/the certificate cannot be used/) },
    ]);
    expect(await nameAt(calc)).toBe('first');
    writeFileSync(tlsFiles.key, second.key);
    let name = 'first';
    while (name === 'first') name = await nameAt(calc);
    expect(name).toBe('second');
    expect(calc.errors).toHaveLength(1);
  });

  it('takes no CA file that holds none for "any public CA"', async () => {
    const path = own(new Folder()).file('ca');
    writeFileSync(path, ca);
    const tlsFiles = files(first, { ca: path });
    const calc = await start({ tlsFiles, tls: { requestCert: true, rejectUnauthorized: true } });
    writeFileSync(path, '');
    await until('the failure is reported', () => calc.errors.length > 0);
    expect(calc.errors).toMatchObject([{ code: 'TLS_ERROR', message: 'the file `tlsFiles.ca` holds no certificate' }]);
    await own(calcClient(calc.port, { tls: { ca, ...client } })).connect();
    writeFileSync(path, successor.cert);
    const connects = () => own(calcClient(calc.port, { tls: { ca, ...nextClient } })).connect();
    let isIn = false;
    while (!isIn) {
      isIn = await connects().then(
        () => true,
        () => false,
      );
    }
  });

  it('takes no file that is still empty for "no key"', async () => {
    const tlsFiles = files(first);
    const calc = await start({ tlsFiles });
    writeFileSync(tlsFiles.key, '');
    await until('the failure is reported', () => calc.errors.length > 0);
    expect(calc.errors).toMatchObject([{ code: 'TLS_ERROR', message: expect.stringMatching(/`key` is empty/) }]);
    expect(await nameAt(calc)).toBe('first');
  });

  it('reads only when it is asked to with the interval 0', async () => {
    const tlsFiles = files(first, { checkIntervalMs: 0 });
    const calc = await start({ tlsFiles });
    for (const name of ['cert', 'key'] as const) writeFileSync(tlsFiles[name], second[name]);
    await turns(20);
    expect(await nameAt(calc)).toBe('first');
    calc.server.reloadTls();
    expect(await nameAt(calc)).toBe('second');
    writeFileSync(tlsFiles.key, 'nonsense');
    expect(() => calc.server.reloadTls()).toThrow(expect.objectContaining({ code: 'TLS_ERROR' }));
    expect(await nameAt(calc)).toBe('second');
  });

  it('keeps a server whose files are not there, or of no use, from listening', async () => {
    const gone = new CalcServer({ tlsFiles: { cert: 'gone.crt', key: 'gone.key' } });
    await expect(gone.server.listen()).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringMatching(/"tlsFiles": ENOENT/),
    });
    const mixed = new CalcServer({ tlsFiles: files({ cert: first.cert, key: second.key }) });
    await expect(mixed.server.listen()).rejects.toMatchObject({ code: 'TLS_ERROR' });
    expect(mixed.server.status).toBe('disconnected');
  });

  it.each<[string, object, RegExp]>([
    ['without a key', { tlsFiles: { cert: 'a' } }, /option "tlsFiles": option "key" is required/],
    ['with an unknown member', { tlsFiles: { cert: 'a', key: 'b', crt: 'c' } }, /unknown option "crt"/],
    ['beside a certificate', { tlsFiles: { cert: 'a', key: 'b' }, tls: first }, /`key` and option "tlsFiles" exclude/],
    ['with a CA that is not asked for', { tlsFiles: { cert: 'a', key: 'b', ca: 'c' } }, /keeps no client out/],
  ])('is refused %s', (_what, options, message) => {
    const make = () => new CalcServer(options);
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(message) }));
  });
});
