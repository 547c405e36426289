// The certificate of a client is replaced while it is used, and certificates that were revoked are refused by both
// sides.
import { once } from 'node:events';
import { createSecureContext, type TLSSocket, type TlsOptions } from 'node:tls';
import { describe, expect, it } from '@jest/globals';
import type { CommandClient, CommandInvoker } from '../../../lib/core.js';
import { CmdStreamClient } from '../../../lib/index.js';
import { calcClient } from '../../support/calc-client.js';
import { calcInvoker } from '../../support/calc-invoker.js';
import { CalcServer } from '../../support/calc-server.js';
import { CertificateAuthority } from '../../support/certificates.js';
import { inTime, until } from '../../support/deadline.js';
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
