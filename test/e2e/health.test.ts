// What /health of an application says: of the servers its client needs, and of its own server.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { HealthCheck, HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import {
  CmdStreamClient,
  CmdStreamModule,
  CmdStreamServer,
  CommandHandler,
  InjectCmdStreamClient,
  type CmdStreamClientOptions,
  type CommandClient,
  type CommandServer,
} from 'nestjs-cmd-stream';
import { CmdStreamHealthIndicator, type PingCheckOptions } from 'nestjs-cmd-stream/terminus';
import { ADD_2_3, GREETING } from '../support/calc-frames.js';
import { CalcServer } from '../support/calc-server.js';
import { inTime, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { RawPeer } from '../support/raw-peer.js';
import { RawServer } from '../support/raw-server.js';
import { AddCmd, calcContract, CalcResult, SubCmd } from './calc.contract.js';
import { HandMadeClient, serverOptions } from './nest-server.js';

const own = guardLeaks();
const host = '127.0.0.1';

interface Health {
  readonly status: number;
  readonly body: unknown;
}

/** An application with a server of its own that needs the servers at these ports. */
class Gateway {
  static finish = (): void => {};

  private constructor(readonly app: INestApplication) {}

  static async listen(ports: readonly number[], options: Partial<CmdStreamClientOptions> = {}): Promise<Gateway> {
    const servers = ports.map((port) => ({ host, port }));
    const reconnect = { delayMs: 20 };

    @Controller()
    class GatewayController {
      constructor(
        private readonly health: HealthCheckService,
        private readonly cmdStream: CmdStreamHealthIndicator,
        @InjectCmdStreamClient() private readonly calc: CmdStreamClient,
        private readonly server: CmdStreamServer,
      ) {}

      @Get('health')
      @HealthCheck()
      needs() {
        return this.health.check([() => this.cmdStream.pingCheck('calc', this.calc)]);
      }

      @Get('health/all')
      @HealthCheck()
      needsAll() {
        return this.health.check([() => this.cmdStream.pingCheck('calc', this.calc, { requireAll: true })]);
      }

      @Get('ready')
      @HealthCheck()
      ready() {
        return this.health.check([() => this.cmdStream.servingCheck('server', this.server)]);
      }

      @CommandHandler(AddCmd)
      async add({ A, B }: AddCmd) {
        await new Promise<void>((resolve) => (Gateway.finish = resolve));
        return new CalcResult(A + B);
      }

      @CommandHandler(SubCmd)
      sub({ A, B }: SubCmd) {
        return new CalcResult(A - B);
      }
    }

    @Module({
      imports: [
        TerminusModule.forRoot({ logger: false }),
        CmdStreamModule.register({
          contract: calcContract,
          servers,
          reconnect,
          ...options,
        }),
      ],
      controllers: [GatewayController],
      providers: [
        CmdStreamHealthIndicator,
        {
          provide: CmdStreamServer,
          useFactory: () => new CmdStreamServer({ ...serverOptions, gracePeriodMs: 10_000 }),
        },
      ],
    })
    class GatewayModule {}

    const app = await NestFactory.create(GatewayModule, { logger: false });
    const gateway = new Gateway(app);
    app.connectMicroservice<MicroserviceOptions>({ strategy: gateway.strategy });
    await app.listen(0, host);
    return gateway;
  }

  get strategy(): CmdStreamServer {
    return this.app.get(CmdStreamServer);
  }

  get client(): CommandClient {
    return this.app.get(CmdStreamClient).unwrap<CommandClient>();
  }

  get server(): CommandServer {
    return this.strategy.unwrap<CommandServer>();
  }

  async get(path: string): Promise<Health> {
    const response = await fetch(`${await this.app.getUrl()}/${path}`, { headers: { connection: 'close' } });
    return { status: response.status, body: await response.json() };
  }

  destroy(): Promise<void> {
    Gateway.finish();
    return this.app.close();
  }
}

function up(key: string, details: object): Health {
  const what = { [key]: { status: 'up', ...details } };
  return { status: 200, body: { status: 'ok', info: what, error: {}, details: what } };
}

function down(key: string, details: object): Health {
  const what = { [key]: { status: 'down', ...details } };
  return { status: 503, body: { status: 'error', info: {}, error: what, details: what } };
}

function serverAt(port: number, state: object): object {
  return { server: `${host}:${port}`, connections: 1, pending: 0, ...state };
}

const open = { status: 'connected', open: 1, roundTripMs: expect.any(Number) as unknown };
const refused = { status: 'disconnected', open: 0, error: 'CONNECT_FAILED' };

describe('/health of an application that needs two servers', () => {
  let servers: CalcServer[];
  let ports: number[];
  let gateway: Gateway;

  beforeEach(async () => {
    servers = [own(await CalcServer.start()), own(await CalcServer.start())];
    ports = servers.map(({ port }) => port);
    gateway = own(await Gateway.listen(ports));
  });

  const isConnected = (count: number) => () =>
    gateway.client.servers.filter(({ status }) => status === 'connected').length === count;
  /** Every attempt to connect to the servers that are gone was refused at least once. */
  const isRefused = (count: number) => () =>
    gateway.client.servers.filter(({ lastError }) => lastError?.code === 'CONNECT_FAILED').length === count;

  it('says up, and opens the connections that a call would have opened', async () => {
    expect(gateway.client.status).toBe('disconnected');
    expect((await gateway.get('health')).status).toBe(200);
    await until('both are connected', isConnected(2));
    const details = { state: 'connected', servers: ports.map((port) => serverAt(port, open)) };
    expect(await gateway.get('health')).toEqual(up('calc', details));
    expect(await gateway.get('health/all')).toEqual(up('calc', details));
    expect(servers.map(({ server }) => server.connections)).toEqual([1, 1]);
  });

  it('says up when one server is gone, with details, unless all are required', async () => {
    await gateway.client.connect();
    await until('both are connected', isConnected(2));
    servers[0]!.destroy();
    await until('it is refused', isRefused(1));
    const details = { state: 'degraded', servers: [serverAt(ports[0]!, refused), serverAt(ports[1]!, open)] };
    expect(await gateway.get('health')).toEqual(up('calc', details));
    expect(await gateway.get('health/all')).toEqual(down('calc', details));
  });

  it('says down when no server is left, and up again when one is back', async () => {
    await gateway.client.connect();
    await until('both are connected', isConnected(2));
    for (const server of servers) server.destroy();
    await until('both are refused', isRefused(2));
    const details = { state: 'disconnected', servers: ports.map((port) => serverAt(port, refused)) };
    expect(await gateway.get('health')).toEqual(down('calc', { ...details, error: 'CONNECT_FAILED' }));
    own(await CalcServer.start({ port: ports[1]! }));
    await until('it is found', isConnected(1));
    const again = { state: 'degraded', servers: [serverAt(ports[0]!, refused), serverAt(ports[1]!, open)] };
    expect(await gateway.get('health')).toEqual(up('calc', again));
  });

  it('says down when the client is closed', async () => {
    await gateway.client.close();
    const gone = ports.map((port) => serverAt(port, { status: 'closed', open: 0 }));
    expect(await gateway.get('health')).toEqual(down('calc', { state: 'closed', servers: gone, error: 'CLOSED' }));
  });
});

describe('/ready of an application with a server', () => {
  let gateway: Gateway;

  beforeEach(async () => {
    gateway = own(await Gateway.listen([1]));
  });

  afterEach(() => Gateway.finish());

  it('says down before the server listens, up while it does, down while it drains and when it is closed', async () => {
    const idle = { connections: 0, inFlight: 0 };
    expect(await gateway.get('ready')).toEqual(down('server', { state: 'disconnected', ...idle }));
    await gateway.app.startAllMicroservices();
    expect(await gateway.get('ready')).toEqual(up('server', { state: 'connected', ...idle }));

    const peer = own(await RawPeer.connect(gateway.server.address!.port));
    peer.write(ADD_2_3);
    await until('the handler runs', () => gateway.server.inFlight === 1);
    const busy = { connections: 1, inFlight: 1 };
    expect(await gateway.get('ready')).toEqual(up('server', { state: 'connected', ...busy }));

    const closed = gateway.strategy.close();
    await until('it drains', () => gateway.server.status === 'draining');
    expect(await gateway.get('ready')).toEqual(down('server', { state: 'draining', ...busy }));
    Gateway.finish();
    await inTime('it is closed', closed);
    expect(await gateway.get('ready')).toEqual(down('server', { state: 'closed', ...idle }));
  });

  it('says up while the server is full', async () => {
    const strategy = new CmdStreamServer({ ...serverOptions, maxConnections: 1 });
    const core = strategy.unwrap<CommandServer>();
    own(core);
    await core.listen();
    own(await RawPeer.connect(core.address!.port));
    await until('it is full', () => core.status === 'degraded');
    const indicator = new CmdStreamHealthIndicator(new HealthIndicatorService());
    const details = { state: 'degraded', connections: 1, inFlight: 0 };
    expect(indicator.servingCheck('server', strategy)).toEqual({ server: { status: 'up', ...details } });
  });
});

describe('pingCheck()', () => {
  const indicator = new CmdStreamHealthIndicator(new HealthIndicatorService());

  it('is up although one of two servers does not answer, and names it', async () => {
    const raws = [own(await RawServer.listen()), own(await RawServer.listen())];
    const servers = raws.map(({ port }) => ({ host, port }));
    const client = own(new HandMadeClient(1, { host: undefined, port: undefined, servers }));
    const connected = client.connect();
    const peers = await Promise.all(raws.map((raw) => raw.peer()));
    for (const peer of peers) peer.write(GREETING);
    await connected;
    await until('all are open', () => client.unwrap<CommandClient>().status === 'connected');
    const check = indicator.pingCheck('calc', client);
    await peers[1]!.receives('00');
    peers[1]!.write('00');
    expect(await check).toMatchObject({
      calc: { status: 'up', state: 'connected', servers: [{ error: 'TIMEOUT' }, { error: undefined }] },
    });
  });

  it('leaves nothing behind when it fails 10,000 times because no server is there', async () => {
    const raw = await RawServer.listen();
    const client = own(new HandMadeClient(raw.port, { reconnect: { delayMs: 20 } }));
    await raw.destroy();
    const failing = Array.from({ length: 10_000 }, () => indicator.pingCheck('calc', client, { timeoutMs: 20 }));
    const statuses = new Set((await Promise.all(failing)).map(({ calc }) => calc.status));
    expect([...statuses]).toEqual(['down']);
    expect(client.unwrap<CommandClient>().pending).toBe(0);
  });

  it('leaves nothing behind when it fails 10,000 times because the server does not answer', async () => {
    const raw = own(await RawServer.listen());
    const client = own(new HandMadeClient(raw.port, { keepalive: false }));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(GREETING);
    await connected;
    for (let round = 0; round < 10; round++) {
      const failing = Array.from({ length: 1_000 }, () => indicator.pingCheck('calc', client, { timeoutMs: 1 }));
      const codes = new Set((await Promise.all(failing)).map(({ calc }) => JSON.stringify(calc.servers)));
      expect([...codes]).toEqual([expect.stringContaining('"error":"TIMEOUT"')]);
    }
    expect(client.unwrap<CommandClient>().pending).toBe(0);
    const back = indicator.pingCheck('calc', client, { timeoutMs: 10_000 });
    await peer.receivesBytes(16);
    peer.write('00'.repeat(16));
    expect(await back).toMatchObject({ calc: { status: 'up' } });
    // Of checks at the same time 16 send a ping, and the others wait with them; no connection more is made.
    expect(peer.received).toHaveLength(16);
    expect(raw.peers).toHaveLength(1);
  });

  it.each<[string, unknown]>([
    ['timeoutMs', { timeoutMs: 0 }],
    ['timeoutMs', { timeoutMs: Number.NaN }],
    ['requireAll', { requireAll: 'yes' }],
    ['timeout', { timeout: 5 }],
  ])('refuses an option %s that makes no sense: %j', async (name, options) => {
    const client = own(new HandMadeClient(1));
    const check = indicator.pingCheck('calc', client, options as PingCheckOptions);
    await expect(check).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(`"${name}"`) as unknown,
    });
  });
});
