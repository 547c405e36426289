// What becomes of a client that is closed and opened anew, beside Nest's own TCP client where it does the same.
import { describe, expect, it } from '@jest/globals';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  MessagePattern,
  Transport,
  type ClientProxy,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import type { CmdStreamClientOptions, CommandClient } from 'nestjs-cmd-stream';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { inTime, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd } from './calc.contract.js';
import { dropInClient } from './drop-in-pair.js';
import { NestServer, type HandMadeClient } from './nest-server.js';

const own = guardLeaks();

let answer = (): void => {};

@Controller()
class Asked {
  @MessagePattern('sum')
  sum(numbers: number[]): number {
    return numbers.reduce((a, b) => a + b, 0);
  }

  @MessagePattern('later')
  later(): Promise<string> {
    return new Promise((resolve) => (answer = () => resolve('late')));
  }
}

@Module({ controllers: [Asked] })
class AskedModule {}

async function serve(): Promise<NestServer> {
  return own(await NestServer.listen({ module: { controllers: [Asked] }, options: { contract: undefined } }));
}

async function clientOf(options: Partial<CmdStreamClientOptions> = {}): Promise<HandMadeClient> {
  return own(dropInClient((await serve()).port, options));
}

async function tcpClient(): Promise<ClientProxy> {
  const options = { host: '127.0.0.1', port: 0 };
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(AskedModule, {
    transport: Transport.TCP,
    options,
    logger: false,
  });
  await app.listen();
  own({ destroy: () => app.close() });
  const { port } = app.unwrap<{ address(): { port: number } }>().address();
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { ...options, port } });
  own({ destroy: () => client.close() as unknown });
  return client;
}

function sumOf(client: ClientProxy): Promise<number> {
  return inTime('an answer', firstValueFrom(client.send<number>('sum', [2, 3])));
}

const clients: [string, () => Promise<ClientProxy>][] = [
  ['of this package', () => clientOf()],
  ["that is Nest's own, for TCP", tcpClient],
];

describe.each(clients)('a client %s', (_, make) => {
  it('is opened anew by connect() after close(), again and again', async () => {
    const client = await make();
    for (let round = 0; round < 3; round++) {
      await inTime('it is open', client.connect());
      expect(await sumOf(client)).toBe(5);
      await client.close();
    }
  });

  it('is opened anew by a connect() that does not wait for the end of close()', async () => {
    const client = await make();
    expect(await sumOf(client)).toBe(5);
    const closed: unknown = client.close();
    await inTime('it is open', client.connect());
    expect(await sumOf(client)).toBe(5);
    await closed;
    expect(await sumOf(client)).toBe(5);
  });

  it('leaves no call waiting when connect() after close() is followed by close()', async () => {
    const client = await make();
    await client.connect();
    await client.close();
    const connected = (client.connect() as Promise<unknown>).then(
      () => 'open',
      () => 'failed',
    );
    await client.close();
    expect(['open', 'failed']).toContain(await inTime('connect() ends', connected));
  });
});

describe('a client that was closed', () => {
  it('fails calls with CLOSED, and says what opens it anew', async () => {
    const client = await clientOf();
    await sumOf(client);
    await client.close();
    const closed = {
      code: 'CLOSED',
      sent: false,
      message: expect.stringContaining('connect() opens a CmdStreamClient anew'),
    };
    await expect(sumOf(client)).rejects.toMatchObject(closed);
    await expect(lastValueFrom(client.emit('sum', [1]))).rejects.toMatchObject(closed);
    await expect(client.execute(new AddCmd(1, 1))).rejects.toMatchObject(closed);
    await expect(client.iterate(new AddCmd(1, 1)).next()).rejects.toMatchObject(closed);
    await expect(client.unwrap<CommandClient>().ping()).rejects.toMatchObject(closed);
    await expect(client.unwrap<CommandClient>().connect()).rejects.toMatchObject(closed);
    expect(client.unwrap<CommandClient>().status).toBe('closed');
    await client.connect();
    expect(await sumOf(client)).toBe(5);
  });

  it('fails what waits for a connection, and connect() itself, and is opened by the next one', async () => {
    const client = await clientOf();
    const before = client.connect();
    const ended = before.catch((error: unknown) => error);
    const closed = client.close();
    const after = client.connect();
    expect(await ended).toMatchObject({ code: 'CLOSED' });
    await Promise.all([closed, inTime('it is open', after)]);
    expect(await sumOf(client)).toBe(5);
  });

  it('still answers the calls from before, and close() waits for them, when it is opened anew meanwhile', async () => {
    const client = await clientOf();
    const late = firstValueFrom(client.send<string>('later', {}));
    const core = client.unwrap<CommandClient>();
    await client.connect();
    await until('the call is pending', () => core.pending === 1);
    const first = client.close();
    await client.connect();
    expect(await sumOf(client)).toBe(5);
    expect(core.pending).toBe(1);
    expect(core.has(1)).toBe(true);
    let over = false;
    const second = client.close().then(() => (over = true));
    await until('it drains', () => core.status === 'closed');
    expect(over).toBe(false);
    answer();
    expect(await inTime('the answer', late)).toBe('late');
    await inTime('both ends', Promise.all([first, second]));
    expect(core.pending).toBe(0);
  });

  it('tells of its new connection, and nothing of the old one any more', async () => {
    const client = await clientOf();
    const events: unknown[] = [];
    client.on('connect', () => events.push('connect'));
    client.on('disconnect', () => events.push('disconnect'));
    client.status.subscribe((status) => events.push(status));
    const late = firstValueFrom(client.send<string>('later', {}));
    await client.connect();
    const closed = client.close();
    await client.connect();
    answer();
    await late;
    await closed;
    expect(events.slice(events.lastIndexOf('connect') - 1)).toEqual(['connected', 'connect']);
    expect(events.filter((one) => one === 'disconnect')).toEqual([]);
    expect(client.unwrap<CommandClient>().status).toBe('connected');
  });

  it('goes on with the numbers of its Commands', async () => {
    const client = await clientOf();
    await sumOf(client);
    await client.close();
    await client.connect();
    const subscription = client.send('later', {}).subscribe();
    expect([1, 2].map((seq) => client.unwrap<CommandClient>().has(seq))).toEqual([false, true]);
    subscription.unsubscribe();
  });

  it('ends all its connections when it is destroyed', async () => {
    const server = await serve();
    const client = own(dropInClient(server.port));
    const late = firstValueFrom(client.send<string>('later', {}));
    const failed = late.catch((error: unknown) => error);
    await client.connect();
    const closed = client.close();
    await client.connect();
    client.destroy();
    expect(await failed).toMatchObject({ code: 'CLOSED' });
    await inTime('close() ends', closed);
    answer();
    await until('the server has no connection', () => server.core.connections === 0);
  });
});
