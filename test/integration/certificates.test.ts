// Certificates that are not good, on either side: not a single Command gets through, and each side says why.
import { describe, expect, it } from '@jest/globals';
import { rootCertificates, type ConnectionOptions, type SecureVersion, type TlsOptions } from 'node:tls';
import { CommandServer, type CommandServerOptions } from '../../lib/core.js';
import { calcClient } from '../support/calc-client.js';
import { calcInvoker } from '../support/calc-invoker.js';
import { CalcServer } from '../support/calc-server.js';
import { CertificateAuthority, selfSigned, type KeyPair } from '../support/certificates.js';
import { inTime, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { RawPeer } from '../support/raw-peer.js';
import { AddCmd, CalcResult, vectorContract } from '../support/vector-contract.js';

const own = guardLeaks();
const authority = new CertificateAuthority('the CA');
const another = new CertificateAuthority('another CA');
const namesake = new CertificateAuthority('the CA');
const ca = authority.cert;
const here = ['DNS:localhost', 'IP:127.0.0.1'];
const good = { name: 'good', alternativeNames: here };
const server = authority.issue(good);
const client = authority.issue({ name: 'client' });
const expired = authority.issue({ ...good, since: 3, days: -1 });
const early = authority.issue({ ...good, since: -1, days: 3 });
const ofAnother = another.issue(good);
const ofNamesake = namesake.issue(good);
const bySelf = selfSigned();
const elsewhere = authority.issue({ name: 'elsewhere', alternativeNames: ['IP:10.9.9.9'] });

const versions: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
const ways = versions.flatMap((version) => [false, true].map((extension) => ({ version, extension })));
const described = ways.map((way) => ({ ...way, kind: `${way.version}, ${way.extension ? 'extended' : 'plain'}` }));

/** A server that counts the Commands it runs. */
async function start(tls: TlsOptions): Promise<{ calc: CalcServer; ran: () => number }> {
  let ran = 0;
  const invoker: CommandServerOptions['invoker'] = {
    invoke(...args) {
      ran++;
      return calcInvoker.invoke(...args);
    },
  };
  return { calc: own(await CalcServer.start({ tls, invoker })), ran: () => ran };
}

async function refuses(
  { version, extension }: { version: SecureVersion; extension: boolean },
  serverTls: TlsOptions,
  clientTls: ConnectionOptions,
): Promise<{ atClient: string; atServer: string }> {
  const { calc, ran } = await start({ ...serverTls, maxVersion: version });
  const caller = own(calcClient(calc.port, { tls: clientTls, extension }));
  const failed = caller.execute(new AddCmd(2, 3)).then(
    () => Promise.reject(new Error('it was let in')),
    (error: unknown) => error as Error,
  );
  const error = await failed;
  expect(error).toMatchObject({ code: 'TLS_ERROR', sent: false });
  const atServer = (await calc.lostCause()).message;
  expect(ran()).toBe(0);
  return { atClient: error.message, atServer };
}

describe.each(described)('over $kind', ({ version, extension }) => {
  const way = { version, extension };

  describe('a server that asks for certificates refuses', () => {
    const mutual = { ...server, ca, requestCert: true, rejectUnauthorized: true };
    it.each<[string, Partial<KeyPair>, RegExp, RegExp]>([
      ['none', {}, /asks for a certificate|may ask for a certificate/, /the client has no certificate/],
      ['one that has expired', expired, /refuses the certificate of this side, which has expired/, /has expired/],
      ['one that is not valid yet', early, /which is not valid yet, only from/, /is not valid yet/],
      ['one of another CA', ofAnother, /as it seems: is it of a CA that the server trusts/, /CA that is not trusted/],
      ['one of a CA of the same name', ofNamesake, /as it seems/, /is not of the CA whose name it carries/],
      ['one that is signed by itself', bySelf, /as it seems/, /signed by itself/],
    ])('%s', async (_what, pair, atClient, atServer) => {
      const said = await refuses(way, mutual, { ca, ...pair });
      expect(said.atClient).toMatch(atClient);
      expect(said.atServer).toMatch(atServer);
      expect(said.atServer).toMatch(/^TLS handshake failed: /);
    });

    it('none that is good', async () => {
      const { calc, ran } = await start({ ...mutual, maxVersion: version });
      const caller = own(calcClient(calc.port, { tls: { ca, ...client }, extension }));
      await expect(caller.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
      expect(ran()).toBe(1);
    });
  });

  describe('a client refuses a server with a certificate', () => {
    it.each<[string, KeyPair, RegExp]>([
      ['that has expired', expired, /the certificate of the peer has expired.*certificate has expired/],
      ['that is not valid yet', early, /is not valid yet: are the clocks/],
      ['of another CA', ofAnother, /CA that is not trusted here.*tls\.ca/],
      ['of a CA of the same name', ofNamesake, /is not of the CA whose name it carries/],
      ['that is signed by itself', bySelf, /signed by itself and not trusted here/],
      ['for another name', elsewhere, /is for another name.*10\.9\.9\.9/],
    ])('%s', async (_what, pair, atClient) => {
      const { atClient: said } = await refuses(way, pair, { ca });
      expect(said).toMatch(atClient);
      expect(said).toMatch(/^cannot connect to 127\.0\.0\.1:\d+: TLS failed: /);
    });
  });
});

describe('a side that speaks TLS, and one that does not', () => {
  it('a client without TLS waits in vain, and is asked about it', async () => {
    const { calc, ran } = await start(server);
    const caller = own(calcClient(calc.port, { connectTimeoutMs: 200 }));
    await expect(caller.execute(new AddCmd(2, 3))).rejects.toMatchObject({
      code: 'CONNECT_TIMEOUT',
      message: expect.stringMatching(/is it a cmd-stream server, with or without TLS as here/),
      sent: false,
    });
    expect(await calc.lostCause()).toMatchObject({ code: 'TLS_ERROR', message: expect.stringMatching(/hung up/) });
    expect(ran()).toBe(0);
  });

  it('a server with TLS says that its client speaks none', async () => {
    const { calc } = await start(server);
    const peer = own(await RawPeer.connect(calc.port));
    peer.write('000102');
    peer.write(Buffer.alloc(16));
    expect(await calc.lostCause()).toMatchObject({
      code: 'TLS_ERROR',
      message: expect.stringMatching(/speaks no TLS/),
    });
  });

  it.each([false, true])('a client with TLS says that its server speaks none, extended: %s', async (extension) => {
    const calc = own(await CalcServer.start());
    const caller = own(calcClient(calc.port, { tls: { ca }, extension }));
    await expect(caller.execute(new AddCmd(2, 3))).rejects.toMatchObject({
      code: 'TLS_ERROR',
      message: expect.stringMatching(/the peer speaks no TLS: is the option `tls` given on both sides/),
      sent: false,
    });
  });
});

describe('versions of TLS', () => {
  const old = { ciphers: 'DEFAULT:@SECLEVEL=0', minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } as const;

  it('below 1.2 are refused by a server', async () => {
    const said = await refuses({ version: 'TLSv1.3', extension: false }, server, { ca, ...old });
    expect(said.atClient).toMatch(/no version of TLS in common/);
    expect(said.atServer).toMatch(/no version of TLS in common/);
  });

  it('below 1.2 are refused by a client', async () => {
    const said = await refuses({ version: 'TLSv1.1', extension: false }, { ...server, ...old }, { ca });
    expect(said.atClient).toMatch(/no version of TLS in common/);
  });

  it('below 1.2 are taken where both sides name them', async () => {
    const { calc } = await start({ ...server, ...old });
    const caller = own(calcClient(calc.port, { tls: { ca, ...old } }));
    await expect(caller.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
  });
});

describe('half of mutual TLS', () => {
  const make = (tls: TlsOptions) => () => new CommandServer({ contract: vectorContract, invoker: calcInvoker, tls });
  const whole = { ...server, ca, requestCert: true, rejectUnauthorized: true };

  it.each<[string, TlsOptions, RegExp]>([
    ['asks, and does not say what becomes of the others', { ...server, ca, requestCert: true }, /rejectUnauthorized/],
    [
      'asks, and trusts every public CA',
      { ...server, requestCert: true, rejectUnauthorized: true },
      /any public CA would do/,
    ],
    ['refuses, and does not ask', { ...server, ca, rejectUnauthorized: true }, /does nothing without `requestCert/],
    ['trusts a CA, and does not ask', { ...server, ca }, /keeps no client out without `requestCert/],
  ])('does not start: it %s', (_what, tls, reason) => {
    expect(make(tls)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(reason) }),
    );
  });

  it.each<[string, TlsOptions]>([
    ['all of it', whole],
    ['that it only looks at certificates', { ...whole, rejectUnauthorized: false }],
    ['that any CA will do', { ...whole, ca: [...rootCertificates] }],
    ['that it does not ask', { ...server, ca, requestCert: false }],
    ['nothing of it', server],
  ])('starts where it says %s', (_what, tls) => {
    expect(make(tls)).not.toThrow();
  });
});

describe('a server whose certificate is of no use', () => {
  const options = { port: 0, contract: vectorContract, invoker: calcInvoker };
  const make = (tls: TlsOptions) => () => new CommandServer({ ...options, tls });

  it.each<[string, TlsOptions]>([
    ['none', {}],
    ['none, for mutual TLS', { ca, requestCert: true, rejectUnauthorized: true }],
    ['one without its key', { cert: server.cert }],
    ['the key alone', { key: server.key }],
    ['an empty one', { ...server, cert: '' }],
  ])('is not made where it has %s', (_what, tls) => {
    const message = expect.stringContaining('option "tls": `key` and `cert` are needed') as unknown;
    expect(make(tls)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', message }));
  });

  it.each<[string, TlsOptions]>([
    ['for each name', { SNICallback: () => {} }],
    ['never, but a key that both sides know', { pskCallback: () => null }],
    ['in a container', { pfx: 'a container' }],
  ])('is made where it is given %s', (_what, tls) => {
    expect(make(tls)).not.toThrow();
  });

  it.each<[string, TlsOptions, RegExp]>([
    [
      'the key of another one',
      { cert: server.cert, key: client.key },
      /the private key is not that of the certificate/,
    ],
    ['the name of a file', { cert: 'server.crt', key: server.key }, /it must be what is in its file, as PEM/],
    [
      'the name of the file of its key',
      { cert: server.cert, key: 'server.key' },
      /as PEM, and not the name of the file/,
    ],
  ])('does not listen with %s, and says what to do', async (_what, tls, reason) => {
    const made = own(make(tls)());
    await expect(made.listen()).rejects.toMatchObject({
      code: 'TLS_ERROR',
      message: expect.stringMatching(reason),
    });
  });
});

describe('clients that are silent in the handshake', () => {
  it('all go, 200 of them, while another one is served', async () => {
    const calc = own(await CalcServer.start({ tls: server, handshakeTimeoutMs: 1_000 }));
    const mute = await Promise.all(Array.from({ length: 200 }, async () => own(await RawPeer.connect(calc.port))));
    const caller = own(calcClient(calc.port, { tls: { ca } }));
    await expect(caller.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    await inTime('all are ended', Promise.all(mute.map((peer) => peer.ends())));
    await until('all are reported', () => calc.lost.length === 200);
    expect(new Set(calc.lost.map(({ cause }) => cause.code))).toEqual(new Set(['HANDSHAKE_TIMEOUT']));
    expect(calc.server.connections).toBe(1);
  });
});
