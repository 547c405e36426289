// What an application can learn of its server: address, status, events, the core server behind it.
import { describe, expect, it } from '@jest/globals';
import { Controller } from '@nestjs/common';
import { CMD_STREAM, CmdStreamServer, CommandHandler, type LostConnection } from 'nestjs-cmd-stream';
import { CommandServer } from 'nestjs-cmd-stream/core';
import { ADD_2_3, GREETING, SUM_5 } from '../support/calc-frames.js';
import { inTime, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult } from './calc.contract.js';
import { NestServer, serverOptions } from './nest-server.js';

const own = guardLeaks();

@Controller()
class Adder {
  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    return new CalcResult(A + B);
  }
}

const module = { controllers: [Adder] };

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

  it('tells of lost connections, by event and by option, even if a listener throws', async () => {
    const seen: string[] = [];
    const note = (what: string) => (lost: LostConnection) => {
      seen.push(`${what}: ${lost.cause.code} of ${lost.remoteAddress}`);
    };
    const server = own(await NestServer.listen({ module, options: { onConnectionLost: note('option') } }));
    server.app.on('connectionLost', note('event'));
    server.app.on('connectionLost', () => {
      throw new Error('a listener fails');
    });
    const peer = own(await server.connect());
    await peer.receives(GREETING);
    const { localPort } = peer.socket;
    peer.finish();
    await until('it is told', () => seen.length === 2);
    const what = `PEER_CLOSED of 127.0.0.1:${localPort}`;
    expect(seen.toSorted()).toEqual([`event: ${what}`, `option: ${what}`]);
    await server.logger.line('a listener fails');
    const other = own(await server.connect());
    other.write(ADD_2_3);
    await other.receives(GREETING + SUM_5);
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
