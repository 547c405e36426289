// Events by pattern without a contract: hot, for every handler of the pattern, answered by nobody.
import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { CmdStreamContext } from 'nestjs-cmd-stream';
import { firstValueFrom, lastValueFrom, Observable } from 'rxjs';
import { turns, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { DropInPair, dropInClient } from './drop-in-pair.js';

const own = guardLeaks();

let heard: unknown[] = [];

/** Makes an Observable of what a handler gives, which ends if nobody holds on to it. */
class PassingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}

@Controller()
class FirstListener {
  @EventPattern('user.created')
  created(data: unknown): void {
    heard.push(['first', data]);
  }

  @EventPattern({ topic: 'orders', kind: 'placed' })
  placed(@Payload() data: unknown, @Ctx() context: CmdStreamContext): void {
    heard.push([context.getPattern(), data]);
  }

  @EventPattern('failing')
  failing(_data: unknown): void {
    throw new RpcException('no listener should fail like this');
  }

  @UseInterceptors(PassingInterceptor)
  @EventPattern('slow')
  async slow(data: unknown): Promise<void> {
    await turns(2);
    heard.push(data);
  }

  @EventPattern('observable')
  observable(data: unknown): Observable<unknown> {
    return new Observable((subscriber) => {
      heard.push(['observable', data]);
      subscriber.complete();
    });
  }

  @MessagePattern('ask')
  ask(data: unknown): unknown {
    return data;
  }
}

@Controller()
class SecondListener {
  @EventPattern('user.created')
  async created(data: unknown): Promise<void> {
    heard.push(['second', data]);
  }
}

async function pair(): Promise<DropInPair> {
  heard = [];
  return own(await DropInPair.listen({ controllers: [FirstListener, SecondListener] }));
}

describe('an event', () => {
  it('reaches every handler of its pattern, without anybody subscribed', async () => {
    const { client } = await pair();
    client.emit('user.created', { id: 7 });
    await until('both have heard of it', () => heard.length === 2);
    expect(heard).toEqual(
      expect.arrayContaining([
        ['first', { id: 7 }],
        ['second', { id: 7 }],
      ]),
    );
  });

  it('finds its handler by a pattern with keys in any order', async () => {
    const { client } = await pair();
    await lastValueFrom(client.emit({ kind: 'placed', topic: 'orders' }, [1]));
    await until('it is heard', () => heard.length === 1);
    expect(heard).toEqual([['{"kind":"placed","topic":"orders"}', [1]]]);
  });

  it('is sent once, however many subscribe', async () => {
    const { client } = await pair();
    const emitted = client.emit('user.created', 'once');
    await Promise.all([lastValueFrom(emitted), lastValueFrom(emitted)]);
    await firstValueFrom(client.send('ask', 'is it through?'));
    expect(heard).toHaveLength(2);
  });

  it('has the Observable of its handler subscribed', async () => {
    const { client } = await pair();
    client.emit('observable', 1);
    await until('it ran', () => heard.length === 1);
    expect(heard).toEqual([['observable', 1]]);
  });

  it('comes before what was sent after it', async () => {
    const { client } = await pair();
    for (let n = 0; n < 50; n++) client.emit({ topic: 'orders', kind: 'placed' }, n);
    await firstValueFrom(client.send('ask', 'all of them?'));
    expect(heard.map((entry) => (entry as unknown[])[1])).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it('without a handler is logged, and nothing more', async () => {
    const { client, server } = await pair();
    await lastValueFrom(client.emit('unheard', 1));
    await server.logger.line(
      'There is no matching event handler defined in the remote service. Event pattern: unheard',
    );
    expect(await firstValueFrom(client.send('ask', 'still there'))).toBe('still there');
  });

  it('whose handler fails is logged, and nothing more', async () => {
    const { client, server } = await pair();
    await lastValueFrom(client.emit('failing', 1));
    await server.logger.line('no listener should fail like this');
    expect(await firstValueFrom(client.send('ask', 'still there'))).toBe('still there');
  });

  it('is heard although its sender has gone, and so are all before it', async () => {
    const { client, server } = own(
      await DropInPair.listen({ controllers: [FirstListener], server: { maxInFlightPerConnection: 8 } }),
    );
    heard = [];
    await client.connect();
    for (let n = 0; n < 300; n++) client.emit('slow', n);
    await client.close();
    await until('none runs', () => server.core.connections === 0);
    expect(heard).toHaveLength(300);
  });

  it('fails for those who subscribe when there is no server', async () => {
    const { server } = await pair();
    const { port } = server;
    await server.destroy();
    const client = own(dropInClient(port));
    await expect(lastValueFrom(client.emit('user.created', 1))).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
  });

  it('reaches each of the servers it is sent to', async () => {
    const [one, other] = [await pair(), await pair()];
    for (const { client } of [one, other]) client.emit('user.created', 'broadcast');
    await until('four handlers have heard of it', () => heard.length === 4);
    expect(heard.map((entry) => (entry as unknown[])[1])).toEqual(Array.from({ length: 4 }, () => 'broadcast'));
  });
});
