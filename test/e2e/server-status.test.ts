// What an application can learn of its server: address, status, events, the core server behind it.
import { describe, expect, it } from '@jest/globals';
import { Controller, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern } from '@nestjs/microservices';
import { lastValueFrom, NEVER } from 'rxjs';
import {
  CMD_STREAM,
  CmdStreamServer,
  CommandHandler,
  type CmdStreamError,
  type ConnectionAddresses,
} from 'nestjs-cmd-stream';
import { CommandServer } from 'nestjs-cmd-stream/core';
import { ADD_2_3, GREETING, SUM_5 } from '../support/calc-frames.js';
import { inTime, until } from '../support/deadline.js';
import { Folder } from '../support/folder.js';
import { guardLeaks } from '../support/leak-guard.js';
import { RawPeer } from '../support/raw-peer.js';
import { AddCmd, CalcResult } from './calc.contract.js';
import { Adder, HandMadeClient, NestServer, serverOptions } from './nest-server.js';

const own = guardLeaks();

const module = { controllers: [Adder] };
const received: string[] = [];

function raise(text: string): never {
  throw new Error(text);
}

function Listening(name: string): Type {
  @Controller()
  class Listener {
    @EventPattern('event')
    event(_data: unknown): void {
      received.push(name);
    }
  }
  return Listener;
}

describe('a server in an application', () => {
  it('is reached by unwrap and knows its address', async () => {
    const server = own(await NestServer.create({ module }));
    expect(server.app.unwrap()).toBeInstanceOf(CommandServer);
    expect(server.core.address).toBeNull();
    const address: unknown = await server.app.listen();
    expect(address).toEqual(server.core.address);
    expect(server.core.address).toMatchObject({ address: '127.0.0.1', port: expect.any(Number) as unknown });
    expect(server.strategy.transportId).toBe(CMD_STREAM);
  });

  it('serves a second application when the first is closed, with the handlers of the second', async () => {
    const first = await NestServer.create({ module: { controllers: [Adder, Listening('first')] } });
    await first.app.listen();
    await first.app.close();
    for (const name of ['second', 'third']) {
      received.length = 0;
      @Module({ controllers: [Adder, Listening(name)] })
      class Again {}
      const app = await NestFactory.createMicroservice(Again, {
        strategy: first.strategy,
        logger: first.logger,
        abortOnError: false,
      });
      await app.listen();
      const client = own(new HandMadeClient(first.port, { extension: true }));
      expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
      await lastValueFrom(client.emit('event', 1));
      await until('the event is received', () => received.length > 0);
      await app.close();
      expect(received).toEqual([name]);
    }
  });

  it('keeps its handlers when it is closed and listens again', async () => {
    const server = own(await NestServer.create({ module }));
    await server.app.listen();
    await server.strategy.close();
    await new Promise((resolve) => server.strategy.listen(resolve));
    const client = own(new HandMadeClient(server.port));
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
  });

  it('tells its status', async () => {
    const server = own(await NestServer.create({ module }));
    const statuses: unknown[] = [];
    server.app.status.subscribe((status) => statuses.push(status));
    expect(statuses).toEqual([]);
    await server.app.listen();
    expect(statuses).toEqual(['connecting', 'connected']);
    const late: unknown[] = [];
    server.app.status.subscribe((status) => late.push(status));
    expect(late).toEqual(['connected']);
    const [first, second] = [server.app.close(), server.app.close()];
    expect(statuses).toEqual(['connecting', 'connected', 'draining']);
    await Promise.all([first, second]);
    await server.app.close();
    expect(statuses).toEqual(['connecting', 'connected', 'draining', 'closed']);
  });

  it('tells its status by event, too, with the reason, and what is wrong in one line a second', async () => {
    const server = own(await NestServer.create({ module, options: { maxConnections: 2 } }));
    const seen: unknown[] = [];
    const observed: unknown[] = [];
    server.app.on('status', (status: unknown, cause?: CmdStreamError) => seen.push([status, cause?.code]));
    server.app.status.subscribe((status) => observed.push(status));
    await server.app.listen();
    const [first] = [own(await server.connect()), own(await server.connect())];
    await until('it is full', () => server.core.status === 'degraded');
    await first.destroy();
    await until('there is room', () => server.core.status === 'connected');
    const cause = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' });
    for (let time = 0; time < 1_000; time++) server.core.netServer!.emit('error', cause);
    expect(seen).toEqual([
      ['connecting', undefined],
      ['connected', undefined],
      ['degraded', 'MAX_CONNECTIONS'],
      ['connected', undefined],
      ['degraded', 'ACCEPT_FAILED'],
    ]);
    expect(observed).toEqual(seen.map((change) => (change as unknown[])[0]));
    expect(server.logger.having('ACCEPT_FAILED')).toHaveLength(1);
  });

  it('closes by itself when no client comes within firstConnectionTimeoutMs, and says so', async () => {
    const options = { firstConnectionTimeoutMs: 20 };
    const server = own(await NestServer.create({ module, options }));
    const statuses: unknown[] = [];
    server.app.status.subscribe((status) => statuses.push(status));
    await server.app.listen();
    await until('it is closed', () => server.core.status === 'closed');
    expect(statuses).toEqual(['connecting', 'connected', 'closed']);
    await server.logger.line('firstConnectionTimeoutMs (20)');
  });

  it('listens on a path', async () => {
    const path = own(new Folder()).file('calc.sock');
    const server = own(await NestServer.create({ module, options: { listenOn: { path } } }));
    expect(await server.app.listen()).toEqual({ address: path, family: 'unix', port: 0 });
    const peer = own(await RawPeer.connect(path));
    peer.write(ADD_2_3);
    await peer.receives(GREETING + SUM_5);
  });

  it('can listen again after it was closed', async () => {
    const strategy = new CmdStreamServer(serverOptions);
    const listen = (): Promise<unknown> =>
      new Promise((resolve, reject) => strategy.listen((error, info) => (error ? reject(error) : resolve(info))));
    const core = strategy.unwrap<CommandServer>();
    for (let life = 0; life < 2; life++) {
      expect(await listen()).toEqual(core.address);
      const peer = own(await RawPeer.connect(core.address!.port));
      await peer.receives(GREETING);
      await peer.destroy();
      await strategy.close();
      expect(core.address).toBeNull();
    }
  });

  it('ends a drain that takes too long when it is closed with a shorter gracePeriodMs', async () => {
    @Controller()
    class Endless {
      @CommandHandler(AddCmd)
      add() {
        return NEVER;
      }
    }
    const options = { gracePeriodMs: 1_000_000 };
    const server = await NestServer.listen({ module: { controllers: [Endless] }, options });
    const peer = own(await server.connect());
    peer.write(ADD_2_3);
    await until('the handler runs', () => server.core.inFlight === 1);
    const closed = server.app.close();
    await until('it drains', () => server.core.status === 'draining');
    await server.strategy.close({ gracePeriodMs: 0 });
    await inTime('the application has closed', closed);
    await peer.ends();
    expect(server.core.inFlight).toBe(0);
  });

  it('tells of connections, by event and by option, even if a listener throws', async () => {
    const seen: string[] = [];
    const note =
      (what: string) =>
      ({ remoteAddress, remotePort }: ConnectionAddresses, cause?: CmdStreamError) => {
        seen.push(`${what}: ${cause?.code ?? 'begins'} of ${remoteAddress}:${remotePort}`);
      };
    const options = { onConnection: note('option'), onDisconnect: note('option') };
    const server = own(await NestServer.listen({ module, options }));
    server.app.on('connection', note('event'));
    server.app.on('disconnect', note('event'));
    server.app.on('disconnect', () => {
      throw new Error('a listener fails');
    });
    server.app.on('disconnect', async () => {
      throw new Error('a promise of a listener fails');
    });
    server.app.on('disconnect', note('last event'));
    const peer = own(await server.connect());
    await peer.receives(GREETING);
    const { localPort } = peer.socket;
    peer.finish();
    await until('it is notified', () => seen.length === 5);
    const [begins, ends] = ['begins', 'PEER_CLOSED'].map((what) => `${what} of 127.0.0.1:${localPort}`);
    expect(seen).toEqual([
      `option: ${begins}`,
      `event: ${begins}`,
      `option: ${ends}`,
      `event: ${ends}`,
      `last event: ${ends}`,
    ]);
    await server.logger.line('a listener fails');
    await server.logger.line('a promise of a listener fails');
    const other = own(await server.connect());
    other.write(ADD_2_3);
    await other.receives(GREETING + SUM_5);
  });

  it.each([
    ['throws', () => raise('the option fails')],
    ['rejects', async () => raise('the option fails')],
  ])('tells listeners of a lost connection although the option %s', async (_how, onDisconnect) => {
    const lost: unknown[] = [];
    const server = own(await NestServer.listen({ module, options: { onDisconnect } }));
    server.app.on('disconnect', (_connection: ConnectionAddresses, cause: CmdStreamError) => lost.push(cause.code));
    const peer = own(await server.connect());
    peer.finish();
    await until('it is notified', () => lost.length === 1);
    expect(await server.logger.line('the option fails')).toBe('error: the option fails');
  });

  it('is closed by Symbol.asyncDispose', async () => {
    const server = own(await NestServer.listen({ module }));
    await inTime('it is closed', server.strategy[Symbol.asyncDispose]());
    expect(server.core.status).toBe('closed');
  });

  it('tells a listener no more that was taken away, and others on', async () => {
    const server = own(await NestServer.listen({ module }));
    const seen: string[] = [];
    const listener = (status: string): void => void seen.push(status);
    const [end] = [server.strategy.on('status', listener), server.strategy.on('status', listener)];
    end!();
    end!();
    await server.app.close();
    expect(seen).toEqual(['draining', 'closed']);
  });

  it.each(['Connection', 'conection', 'toString', '__proto__', ''])('refuses to listen to "%s"', async (event) => {
    const server = own(await NestServer.listen({ module }));
    const text = `CmdStreamServer: unknown event "${event}"; known are status, connection, disconnect, connectionRefused`;
    const refusal = expect.objectContaining({ code: 'INVALID_OPTION', message: text }) as unknown as Error;
    expect(() => server.strategy.on(event as 'status', () => {})).toThrow(refusal);
  });

  it.each([
    ['connectionLost', 'it is "disconnect" now, which is given (connection, cause)'],
    ['close', 'it is the status "closed" of "status"'],
  ])('says what the event "%s" is called', async (event, remedy) => {
    const server = own(await NestServer.listen({ module }));
    const message = `CmdStreamServer: unknown event "${event}": ${remedy}`;
    const refusal = expect.objectContaining({ code: 'INVALID_OPTION', message }) as unknown as Error;
    expect(() => server.strategy.on(event as 'status', () => {})).toThrow(refusal);
  });

  it.each([undefined, null, {}, 'callback'])('refuses the callback %p', async (callback) => {
    const server = own(await NestServer.listen({ module }));
    const message = expect.stringMatching(/^CmdStreamServer: the callback of "status" must be a function, got /);
    const refusal = expect.objectContaining({ code: 'INVALID_OPTION', message }) as unknown as Error;
    expect(() => server.strategy.on('status', callback as never)).toThrow(refusal);
  });

  it('answers and serves on although the logger of the application fails', async () => {
    @Controller()
    class Failing {
      @CommandHandler(AddCmd)
      add(): CalcResult {
        throw new Error('a mistake');
      }
    }
    const server = own(
      await NestServer.listen({
        module: { controllers: [Failing] },
        options: { onDisconnect: () => raise('the option fails'), onPlainError: () => new CalcResult(-1) },
        before: (_app, strategy) => strategy.setOnProcessingEndHook(() => raise('the hook fails')),
      }),
    );
    for (const method of ['error', 'warn', 'log'] as const) server.logger[method] = () => raise('the logger fails');
    for (let time = 0; time < 2; time++) {
      const peer = own(await server.connect());
      peer.write(ADD_2_3);
      await until('it is answered', () => peer.received.length > GREETING.length / 2);
      peer.reset();
      await until('the connection is gone', () => server.core.connections === 0);
    }
    expect(server.core.status).toBe('connected');
  });

  it('answers what it has received, then ends its connections, when the application closes', async () => {
    const server = await NestServer.listen({ module });
    const peer = own(await server.connect());
    peer.write(ADD_2_3);
    await peer.receives(GREETING + SUM_5);
    await server.app.close();
    await peer.ends();
    expect(server.core.address).toBeNull();
    expect(server.core.connections).toBe(0);
  });

  it.each([0, 20])(
    'answers what is still running when it closes, with a quietPeriodMs of %p',
    async (quietPeriodMs) => {
      let running = false;
      let finish = (): void => {};
      @Controller()
      class Slow {
        @CommandHandler(AddCmd)
        async add({ A, B }: AddCmd) {
          running = true;
          await new Promise<void>((resolve) => (finish = resolve));
          return new CalcResult(A + B);
        }
      }
      const options = { quietPeriodMs, gracePeriodMs: 10_000 };
      const server = await NestServer.listen({ module: { controllers: [Slow] }, options });
      const [peer, idle] = [own(await server.connect()), own(await server.connect())];
      peer.write(ADD_2_3);
      await until('the handler runs', () => running);
      const closed = server.app.close();
      await idle.ends();
      finish();
      await peer.receives(GREETING + SUM_5);
      await peer.ends();
      await inTime('the application has closed', closed);
    },
  );

  it('can be closed before it listened', async () => {
    const server = await NestServer.create({ module });
    await server.app.close();
    expect(server.core.status).toBe('closed');
    const strategy = new CmdStreamServer(serverOptions);
    await strategy.close();
    await strategy.close();
  });
});
