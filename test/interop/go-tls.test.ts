// TLS and mutual TLS between this package and cmd-stream-go, both ways: who is let in, and what those who are not say.
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CmdStreamClient } from 'nestjs-cmd-stream';
import { CertificateAuthority, selfSigned, type KeyPair } from '../support/certificates.js';
import { Folder } from '../support/folder.js';
import { interopContract } from '../support/interop-contract.js';
import { keepLost, type LostConnection } from '../support/lost-connection.js';
import { AddCmd } from '../support/vector-contract.js';
import { describeUnless } from '../support/unless.js';
import { GoPeers, reasonToSkipGo } from './go-peer.js';
import { startNestServer } from './interop-server.js';

const BUILD_TIMEOUT_MS = 300_000;

const authority = new CertificateAuthority('the CA');
const here = { alternativeNames: ['DNS:localhost', 'IP:127.0.0.1'] };
const server = authority.issue({ name: 'server', ...here });
const client = authority.issue({ name: 'client' });
const expired = authority.issue({ name: 'expired', ...here, since: 3, days: -1 });
const elsewhere = authority.issue({ name: 'elsewhere', alternativeNames: ['IP:10.9.9.9'] });
const ofAnother = new CertificateAuthority('another CA').issue({ name: 'other', ...here });
const bySelf = selfSigned();
const ca = authority.cert;

describeUnless(reasonToSkipGo(), 'TLS with cmd-stream-go', () => {
  const go = new GoPeers();
  const folder = new Folder();
  beforeAll(() => go.build(), BUILD_TIMEOUT_MS);
  afterAll(() => {
    go.dispose();
    folder.destroy();
  });

  let count = 0;
  function file(text: string): string {
    const path = folder.file(`${count++}.pem`);
    writeFileSync(path, text);
    return path;
  }
  const shown = ({ cert, key }: KeyPair): string[] => ['-tls-cert', file(cert), '-tls-key', file(key)];

  describe('Nest server <- Go client', () => {
    async function drive(pair: KeyPair, clientFlags: string[], isMutual: boolean, names = ['tls']) {
      const lost: LostConnection[] = [];
      const mutual = { ca, requestCert: true, rejectUnauthorized: true };
      const tls = { ...pair, ...(isMutual && mutual) };
      const { app, port } = await startNestServer({ tls, quietPeriodMs: 10, ...keepLost(lost) });
      try {
        const cases = await go.drive(port, names, '-tls', '-ca', file(ca), ...clientFlags);
        return { cases, outcome: cases[0]!, lost };
      } finally {
        await app.close();
      }
    }

    it.each([false, true])('serves a client, with its certificate: %s', async (isMutual) => {
      const names = ['tls', 'unary', 'multi', 'large', 'concurrent', 'fail', 'ping', 'info-mismatch', 'reconnect'];
      const { cases, outcome } = await drive(server, isMutual ? shown(client) : [], isMutual, names);
      expect(outcome).toMatchObject({ case: 'tls', detail: 'TLS 1.3' });
      expect(cases.map((one) => [one.case, one.ok])).toEqual(names.map((name) => [name, true]));
    });

    it.each<[string, KeyPair | undefined, RegExp]>([
      ['without a certificate', undefined, /the client has no certificate/],
      ['with one that has expired', expired, /has expired/],
      ['with one of another CA', ofAnother, /has no certificate|of a CA that is not trusted/],
      ['with one signed by itself', bySelf, /has no certificate|signed by itself/],
    ])('refuses a client %s', async (_what, pair, reason) => {
      const { outcome, lost } = await drive(server, pair ? shown(pair) : [], true);
      expect(outcome.ok).toBe(false);
      expect(lost.map(({ cause }) => cause)).toMatchObject([
        { code: 'TLS_ERROR', message: expect.stringMatching(reason) },
      ]);
    });

    it.each<[string, KeyPair, RegExp]>([
      ['that has expired', expired, /the peer refuses the certificate of this side|hung up/],
      ['of another CA', ofAnother, /the peer refuses the certificate of this side|hung up/],
      ['of another name', elsewhere, /the peer refuses the certificate of this side|hung up/],
    ])('is refused with a certificate %s', async (_what, pair, reason) => {
      const { outcome, lost } = await drive(pair, [], false);
      expect(outcome).toMatchObject({ ok: false, detail: expect.stringMatching(/certificate/) });
      expect(lost[0]!.cause).toMatchObject({ code: 'TLS_ERROR', message: expect.stringMatching(reason) });
    });
  });

  describe('Go server <- Nest client', () => {
    async function calls(pair: KeyPair, own: Partial<KeyPair>, ...flags: string[]): Promise<unknown> {
      const peer = await go.serve(...shown(pair), ...flags);
      const tls = { ca, ...own };
      const caller = new CmdStreamClient({ host: '127.0.0.1', port: peer.port, contract: interopContract, tls });
      try {
        return await caller.execute(new AddCmd(2, 3)).then(({ value }) => value);
      } catch (error) {
        return error;
      } finally {
        await caller.close();
        await peer.stop();
      }
    }
    const mutual = (): string[] => ['-tls-client-ca', file(ca)];

    it('is served over TLS and mutual TLS', async () => {
      expect(await calls(server, {})).toBe(5);
      expect(await calls(server, client, ...mutual())).toBe(5);
    });

    it.each<[string, Partial<KeyPair>, RegExp]>([
      ['without a certificate', {}, /asks for a certificate|refuses the certificate/],
      ['with one that has expired', expired, /refuses the certificate of this side: it has expired there/],
      ['with one of another CA', ofAnother, /refuses the certificate of this side: it does not trust its CA/],
    ])('is refused %s', async (_what, own, reason) => {
      expect(await calls(server, own, ...mutual())).toMatchObject({
        code: 'TLS_ERROR',
        sent: false,
        message: expect.stringMatching(reason),
      });
    });

    it.each<[string, KeyPair, RegExp]>([
      ['that has expired', expired, /has expired/],
      ['of another CA', ofAnother, /of a CA that is not trusted here/],
      ['of another name', elsewhere, /is for another name/],
    ])('refuses a server with a certificate %s', async (_what, pair, reason) => {
      expect(await calls(pair, {})).toMatchObject({
        code: 'TLS_ERROR',
        sent: false,
        message: expect.stringMatching(reason),
      });
    });
  });
});
