// Who is at the other end of a connection, for guards and handlers: by a certificate, and without one.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { Controller, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern } from '@nestjs/microservices';
import {
  CmdStreamClient,
  CmdStreamContext,
  CommandHandler,
  type CmdStreamServerOptions,
  type PeerIdentity,
} from 'nestjs-cmd-stream';
import { lastValueFrom } from 'rxjs';
import { GuardedOrdersModule } from '../../docs/examples/client-certificates.js';
import { ordersContract, OrderTaken, TakeOrder } from '../../docs/examples/orders.js';
import { CertificateAuthority, type KeyPair } from '../support/certificates.js';
import { until } from '../support/deadline.js';
import { Folder } from '../support/folder.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, calcContract, CalcResult } from './calc.contract.js';
import { NestServer } from './nest-server.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();
const authority = new CertificateAuthority('the CA');
const ca = authority.cert;
const server = authority.issue({ name: 'server', alternativeNames: ['IP:127.0.0.1'] });
const shop = authority.issue({
  name: 'shop',
  units: ['one', 'two'],
  alternativeNames: [
    'DNS:shop.example.com',
    'URI:spiffe://example.com/shop, DNS:office.example.com',
    'email:a@b.example',
  ],
});
const office = authority.issue({ name: 'office', alternativeNames: ['DNS:office.example.com'] });
const stranger = new CertificateAuthority('another CA').issue({
  name: 'shop',
  alternativeNames: ['DNS:shop.example.com'],
});
const mutual = { ...server, ca, requestCert: true, rejectUnauthorized: true };

/** Lets all in, and keeps who they are. */
class Watch implements CanActivate {
  readonly peers: PeerIdentity[] = [];

  canActivate(context: ExecutionContext): boolean {
    this.peers.push(context.switchToRpc().getContext<CmdStreamContext>().peer);
    return true;
  }
}

@Controller()
class Greeter {
  static readonly events: PeerIdentity[] = [];

  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    return new CalcResult(A + B);
  }

  @MessagePattern('hello')
  hello() {
    return 'hello';
  }

  @EventPattern<string>('seen')
  seen(@Ctx() context: CmdStreamContext) {
    Greeter.events.push(context.peer);
  }
}

async function watched(tls: CmdStreamServerOptions['tls']) {
  const watch = new Watch();
  const nest = own(
    await NestServer.listen({
      module: { controllers: [Greeter] },
      options: tls ? { tls } : {},
      before: (app) => app.useGlobalGuards(watch),
    }),
  );
  const clientOf = (options: object): CmdStreamClient => {
    const client = new CmdStreamClient({ host: '127.0.0.1', port: nest.port, contract: calcContract, ...options });
    own({ destroy: () => client.close() });
    return client;
  };
  return { nest, watch, clientOf };
}

describe('a client with a certificate', () => {
  it.each([true, false])('is known to guards by it, with the extension: %s', async (extension) => {
    const { watch, clientOf } = await watched(mutual);
    const client = clientOf({ tls: { ca, ...shop }, extension });
    await client.execute(new AddCmd(2, 3));
    await client.execute(new AddCmd(2, 3));
    const [peer, again] = watch.peers;
    expect(again).toBe(peer);
    expect(peer).toMatchObject({ address: '127.0.0.1', authorized: true, authorizationError: undefined });
    expect(peer!.commonName).toBe('shop');
    expect({ ...peer!.subject }).toEqual({ CN: ['shop'], OU: ['one', 'two'] });
    expect(peer!.alternativeNames).toEqual({
      dns: ['shop.example.com'],
      ip: [],
      uri: ['spiffe://example.com/shop, DNS:office.example.com'],
      email: ['a@b.example'],
    });
    expect(peer!.certificate!.issuer).toBe('CN=the CA');
    expect(peer!.alternativeNames).toBe(peer!.alternativeNames);
    expect(peer!.subject).toBe(peer!.subject);
  });

  it('is known for messages and events by pattern as well, also when it has gone', async () => {
    const { watch, clientOf, nest } = await watched(mutual);
    const client = clientOf({ tls: { ca, ...office } });
    await expect(lastValueFrom(client.send('hello', {}))).resolves.toBe('hello');
    await lastValueFrom(client.emit('seen', {}), { defaultValue: undefined });
    await client.close();
    await until('the event has been handled', () => Greeter.events.length === 1);
    await until('the connection is gone', () => nest.core.connections === 0);
    expect(Greeter.events[0]).toBe(watch.peers[0]);
    expect(Greeter.events[0]!.commonName).toBe('office');
  });

  it('that is not trusted has no name, where the server lets it in', async () => {
    const { watch, clientOf } = await watched({ ...mutual, rejectUnauthorized: false });
    await clientOf({ tls: { ca, ...stranger } }).execute(new AddCmd(2, 3));
    const [peer] = watch.peers;
    expect(peer).toMatchObject({ authorized: false, authorizationError: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    expect(peer!.certificate!.subject).toBe('CN=shop');
    expect(peer!.commonName).toBeUndefined();
    expect(peer!.subject['CN']).toBeUndefined();
    expect(peer!.alternativeNames.dns).toEqual([]);
  });
});

describe('a server that listens on a net.Server', () => {
  it('knows the certificates of clients, and takes another one of its own', async () => {
    const listenOn = createServer().listen(0, '127.0.0.1');
    await once(listenOn, 'listening');
    own({ destroy: () => listenOn.close() });
    const watch = new Watch();
    const nest = own(
      await NestServer.listen({
        module: { controllers: [Greeter] },
        options: { listenOn, host: undefined, port: undefined, tls: mutual },
        before: (app) => app.useGlobalGuards(watch),
      }),
    );
    const { port } = listenOn.address() as AddressInfo;
    const clientWith = (pair: object): CmdStreamClient => {
      const client = new CmdStreamClient({ host: '127.0.0.1', port, contract: calcContract, tls: { ca, ...pair } });
      own({ destroy: () => client.close() });
      return client;
    };
    await clientWith(shop).execute(new AddCmd(2, 3));
    nest.strategy.reloadTls({ ca: new CertificateAuthority('the next CA').cert });
    await expect(clientWith(office).connect()).rejects.toMatchObject({ code: 'TLS_ERROR' });
    expect(watch.peers.map(({ commonName }) => commonName)).toEqual(['shop']);
  });
});

describe('a client that has its certificate from files', () => {
  it('is known by the new one after it has connected anew, and logs a change that is of no use', async () => {
    const { nest, watch, clientOf } = await watched(mutual);
    const sockets: Socket[] = [];
    nest.core.netServer!.prependListener('secureConnection', (socket: Socket) => sockets.push(socket));
    const folder = own(new Folder());
    const tlsFiles = { cert: folder.file('crt'), key: folder.file('key'), checkIntervalMs: 10 };
    const write = ({ cert, key }: KeyPair): void => {
      writeFileSync(tlsFiles.cert, cert);
      writeFileSync(tlsFiles.key, key);
    };
    const logger = new SpyLogger();
    write(shop);
    const client = clientOf({ tls: { ca }, tlsFiles, logger, connectOnBootstrap: true });
    await client.onApplicationBootstrap();
    await client.execute(new AddCmd(2, 3));
    writeFileSync(tlsFiles.key, '');
    expect(await logger.line('TLS_ERROR')).toBe('error: TLS_ERROR: the certificate cannot be used: `key` is empty');
    const nameAnew = async (): Promise<string | undefined> => {
      const last = sockets.at(-1)!;
      const gone = once(last, 'close');
      last.destroy();
      await gone;
      // It may be lost with the connection.
      await client.execute(new AddCmd(2, 3), { idempotent: true });
      return watch.peers.at(-1)!.commonName;
    };
    await expect(nameAnew()).resolves.toBe('shop');
    write(office);
    let name: string | undefined = 'shop';
    while (name === 'shop') name = await nameAnew();
    expect(name).toBe('office');
  });
});

describe('a client without a certificate', () => {
  it.each([
    ['over TCP', undefined, {}],
    ['over TLS', { ...server }, { tls: { ca } }],
    ['where the server asks for one, and takes any', { ...mutual, rejectUnauthorized: false }, { tls: { ca } }],
  ])('has an address and no name: %s', async (_what, tls, options) => {
    const { watch, clientOf } = await watched(tls);
    await clientOf(options).execute(new AddCmd(2, 3));
    const [peer] = watch.peers;
    expect(peer).toMatchObject({ address: '127.0.0.1', authorized: false, certificate: undefined });
    expect(peer!.commonName).toBeUndefined();
    expect(Object.keys(peer!.subject)).toEqual([]);
    expect(peer!.alternativeNames).toEqual({ dns: [], ip: [], uri: [], email: [] });
  });
});

describe('the guard of the page on Nest applications', () => {
  it.each([true, false])('tells two certificates apart, with the extension: %s', async (extension) => {
    const nest = own(
      await NestServer.listen({
        module: { imports: [GuardedOrdersModule] },
        options: { contract: ordersContract, tls: mutual },
      }),
    );
    const clientWith = (pair: object): CmdStreamClient => {
      const address = { host: '127.0.0.1', port: nest.port };
      const client = new CmdStreamClient({ ...address, contract: ordersContract, tls: { ca, ...pair }, extension });
      own({ destroy: () => client.close() });
      return client;
    };
    await expect(clientWith(shop).execute(new TakeOrder(3))).resolves.toEqual(new OrderTaken(3));
    const refused = { code: 'REMOTE', payload: { status: 'error', message: 'Forbidden resource' } };
    await expect(clientWith(office).execute(new TakeOrder(3))).rejects.toMatchObject(
      extension ? refused : { code: 'CONNECTION_LOST' },
    );
  });
});
