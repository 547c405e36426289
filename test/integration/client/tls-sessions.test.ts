// A client takes up its last session of TLS when it connects anew.
import { once } from 'node:events';
import type { ConnectionOptions, SecureVersion, TLSSocket } from 'node:tls';
import { describe, expect, it, jest } from '@jest/globals';
import type { CommandClient, PeerIdentity } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { calcInvoker } from '../../support/calc-invoker.js';
import { CalcServer } from '../../support/calc-server.js';
import { CertificateAuthority } from '../../support/certificates.js';
import { inTime, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();
const authority = new CertificateAuthority('the CA');
const ca = authority.cert;
const names = { alternativeNames: ['DNS:localhost', 'IP:127.0.0.1'] };
const server = authority.issue({ name: 'server', ...names, days: 9 });
const elsewhere = authority.issue({ name: 'elsewhere', alternativeNames: ['IP:10.9.9.9'] });
const certificate = authority.issue({ name: 'client', days: 1 });
const lasting = authority.issue({ name: 'client', days: 9 });
const DAY_MS = 86_400_000;
const versions: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];

interface Stage {
  readonly calc: CalcServer;
  readonly peers: PeerIdentity[];
  /** Of each connection: was a session taken up? */
  readonly reused: boolean[];
  /** Answers one Command, and loses the connection. */
  callAndLose(client: CommandClient): Promise<void>;
}

async function stage(maxVersion: SecureVersion, pair = server, rejectUnauthorized = true): Promise<Stage> {
  const peers: PeerIdentity[] = [];
  const reused: boolean[] = [];
  const calc = own(
    await CalcServer.start({
      tls: { ...pair, maxVersion, ca, requestCert: true, rejectUnauthorized },
      invoker: {
        invoke(command, context, sink) {
          peers.push(context.peer);
          return calcInvoker.invoke(command, context, sink);
        },
      },
    }),
  );
  let last: TLSSocket | undefined;
  calc.server.netServer!.prependListener('secureConnection', (socket: TLSSocket) => {
    last = socket;
    reused.push(socket.isSessionReused());
  });
  const callAndLose = async (client: CommandClient): Promise<void> => {
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    const closed = once(last!, 'close');
    last!.destroy();
    await inTime('the connection is gone', closed);
    await until('the client knows', () => client.status === 'disconnected');
  };
  return { calc, peers, reused, callAndLose };
}

/** By the clock that this package reads; that of OpenSSL stays as it is. */
function later(ms: number): void {
  const now = Date.now() + ms;
  const clock = jest.spyOn(Date, 'now').mockReturnValue(now);
  own({ destroy: () => clock.mockRestore() });
}

function clientOf({ calc }: Stage, tls: ConnectionOptions = {}): CommandClient {
  return own(calcClient(calc.port, { tls: { ca, ...certificate, ...tls } }));
}

describe.each(versions)('a client that connects anew over %s', (version) => {
  it('takes up the session, and is who it was', async () => {
    const at = await stage(version);
    const client = clientOf(at);
    for (let times = 0; times < 3; times++) await at.callAndLose(client);
    expect(at.reused).toEqual([false, true, true]);
    expect(at.peers.map(({ authorized, commonName }) => [authorized, commonName])).toEqual(
      Array.from({ length: 3 }, () => [true, 'client']),
    );
  });

  it('does not where `session` or `checkServerIdentity` is given, which is asked each time', async () => {
    const at = await stage(version);
    let asked = 0;
    const checking = clientOf(at, { checkServerIdentity: () => void asked++ });
    const given = clientOf(at, { session: Buffer.alloc(0) });
    for (const client of [checking, checking, given, given]) await at.callAndLose(client);
    expect(at.reused).toEqual([false, false, false, false]);
    expect(asked).toBe(2);
  });

  it('has a new one when the server has another certificate', async () => {
    const at = await stage(version);
    const client = clientOf(at);
    await at.callAndLose(client);
    at.calc.server.reloadTls(authority.issue({ name: 'next', ...names }));
    await at.callAndLose(client);
    await at.callAndLose(client);
    expect(at.reused).toEqual([false, false, true]);
  });

  it('is authorized by no session, where it has no certificate', async () => {
    const at = await stage(version, server, false);
    const client = own(calcClient(at.calc.port, { tls: { ca } }));
    await at.callAndLose(client);
    await at.callAndLose(client);
    expect(at.reused).toEqual([false, true]);
    expect(at.peers.map(({ authorized, certificate: shown }) => [authorized, shown])).toEqual([
      [false, undefined],
      [false, undefined],
    ]);
  });

  it('is let in by no session when its certificate has expired since', async () => {
    const at = await stage(version);
    const client = clientOf(at);
    await at.callAndLose(client);
    later(2 * DAY_MS);
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({
      code: 'TLS_ERROR',
      message: expect.stringMatching(/which has expired/),
    });
    expect(at.reused).toEqual([false, true]);
    expect(at.peers).toHaveLength(1);
    expect(at.calc.lost.at(-1)!.cause).toMatchObject({
      code: 'TLS_ERROR',
      message: expect.stringMatching(/session not taken up again: .*has expired/),
    });
  });

  it('is authorized by none when its certificate has expired since, where it is let in all the same', async () => {
    const at = await stage(version, server, false);
    const client = clientOf(at);
    await at.callAndLose(client);
    later(2 * DAY_MS);
    await at.callAndLose(client);
    expect(at.reused).toEqual([false, true]);
    expect(at.peers).toMatchObject([
      { authorized: true, authorizationError: undefined, commonName: 'client' },
      { authorized: false, authorizationError: 'CERT_HAS_EXPIRED', commonName: undefined },
    ]);
  });

  it('takes up none of a server whose certificate has expired since', async () => {
    const at = await stage(version, authority.issue({ name: 'brief', ...names }));
    const client = clientOf(at, lasting);
    await at.callAndLose(client);
    later(2 * DAY_MS);
    await at.callAndLose(client);
    expect(at.reused).toEqual([false, false]);
  });

  it('keeps none of a server that is not the right one', async () => {
    const at = await stage(version, elsewhere);
    const client = clientOf(at);
    for (let times = 0; times < 3; times++)
      await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'TLS_ERROR' });
    expect(at.reused).not.toContain(true);
    expect(at.peers).toEqual([]);
  });
});
