// Events by pattern without a contract: hot, for every handler of the pattern, without an answer.
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
import { firstValueFrom, lastValueFrom, Observable, throwError } from 'rxjs';
import { turns, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { DropInPair, dropInClient } from './drop-in-pair.js';
import type { HandMadeClient } from './nest-server.js';
import type { SpyLogger } from './spy-logger.js';

const own = guardLeaks();

let received: unknown[] = [];

/** Makes an Observable of what a handler gives, which ends if it is not held on to. */
class PassingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}

@Controller()
class FirstListener {
  @EventPattern('user.created')
  created(data: unknown): void {
    received.push(['first', data]);
  }

  @EventPattern({ topic: 'orders', kind: 'placed' })
  placed(@Payload() data: unknown, @Ctx() context: CmdStreamContext): void {
    received.push([context.getPattern(), data]);
  }

  @EventPattern('failing')
  failing(_data: unknown): void {
    throw new RpcException('no listener should fail like this');
  }

  @UseInterceptors(PassingInterceptor)
  @EventPattern('slow')
  async slow(data: unknown): Promise<void> {
    await turns(2);
    received.push(data);
  }

  @EventPattern('failing unexpectedly')
  async failingUnexpectedly(_data: unknown): Promise<void> {
    throw new Error('a mistake');
  }

  @EventPattern('failing later')
  failingLater(_data: unknown): Observable<never> {
    return throwError(() => new Error('a mistake'));
  }

  @EventPattern('observable')
  observable(data: unknown): Observable<unknown> {
    return new Observable((subscriber) => {
      received.push(['observable', data]);
      subscriber.complete();
    });
  }

  @EventPattern('many')
  async *many(data: unknown): AsyncGenerator<unknown> {
    await turns(1);
    received.push(['before', data]);
    yield 1;
    await turns(1);
    yield 2;
    received.push(['behind', data]);
  }

  @EventPattern('many of several')
  async *several(data: unknown): AsyncGenerator<unknown> {
    yield 1;
    received.push(['first', data]);
  }

  @UseInterceptors(PassingInterceptor)
  @EventPattern('many behind an interceptor')
  async *behind(data: unknown): AsyncGenerator<unknown> {
    yield 1;
    received.push(['behind', data]);
  }

  @EventPattern('many that fail')
  async *failingMany(_data: unknown): AsyncGenerator<unknown> {
    yield 1;
    throw new Error('a mistake');
  }

  @MessagePattern('ask')
  ask(data: unknown): unknown {
    return data;
  }
}

@Controller()
class ThirdListener {
  @EventPattern('many of several')
  async *several(data: unknown): AsyncGenerator<unknown> {
    yield 1;
    received.push(['third', data]);
  }
}

@Controller()
class SecondListener {
  @EventPattern('many of several')
  async *several(data: unknown): AsyncGenerator<unknown> {
    yield 1;
    received.push(['second', data]);
  }

  @EventPattern('user.created')
  async created(data: unknown): Promise<void> {
    received.push(['second', data]);
  }
}

async function pair(): Promise<DropInPair> {
  received = [];
  return own(await DropInPair.listen({ controllers: [FirstListener, SecondListener, ThirdListener] }));
}

describe('an event', () => {
  it('reaches every handler of its pattern, without a subscriber', async () => {
    const { client } = await pair();
    client.emit('user.created', { id: 7 });
    await until('both have received it', () => received.length === 2);
    expect(received).toEqual(
      expect.arrayContaining([
        ['first', { id: 7 }],
        ['second', { id: 7 }],
      ]),
    );
  });

  it('finds its handler by a pattern with keys in any order', async () => {
    const { client } = await pair();
    await lastValueFrom(client.emit({ kind: 'placed', topic: 'orders' }, [1]));
    await until('it is received', () => received.length === 1);
    expect(received).toEqual([['{"kind":"placed","topic":"orders"}', [1]]]);
  });

  it('is sent once, however many subscribe', async () => {
    const { client } = await pair();
    const emitted = client.emit('user.created', 'once');
    await Promise.all([lastValueFrom(emitted), lastValueFrom(emitted)]);
    await firstValueFrom(client.send('ask', 'is it through?'));
    expect(received).toHaveLength(2);
  });

  it('has the Observable of its handler subscribed', async () => {
    const { client } = await pair();
    client.emit('observable', 1);
    await until('it ran', () => received.length === 1);
    expect(received).toEqual([['observable', 1]]);
  });

  it.each([
    [
      'many',
      [
        ['before', 7],
        ['behind', 7],
      ],
    ],
    ['many behind an interceptor', [['behind', 7]]],
    [
      'many of several',
      [
        ['first', 7],
        ['second', 7],
        ['third', 7],
      ],
    ],
  ])('whose handler is a generator runs to its end: %s', async (pattern, expected) => {
    const { client, server } = await pair();
    client.emit(pattern, 7);
    await until('all are received', () => received.length === expected.length);
    expect(received.toSorted()).toEqual(expected);
    await until('it has ended', () => server.core.inFlight === 0);
  });

  it('comes before what was sent after it', async () => {
    const { client } = await pair();
    for (let n = 0; n < 50; n++) client.emit({ topic: 'orders', kind: 'placed' }, n);
    await firstValueFrom(client.send('ask', 'all of them?'));
    expect(received.map((entry) => (entry as unknown[])[1])).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it('without a handler is logged, and nothing more', async () => {
    const { client, server } = await pair();
    await lastValueFrom(client.emit('unheard', 1));
    await server.logger.line(
      'There is no matching event handler defined in the remote service. Event pattern: unheard',
    );
    expect(await firstValueFrom(client.send('ask', 'still there'))).toBe('still there');
  });

  it.each([
    ['failing', 'the handler of the event failing failed: no listener should fail like this'],
    ['failing unexpectedly', 'a mistake'],
    ['failing later', 'a mistake'],
    ['many that fail', 'a mistake'],
  ])('whose handler fails is logged once, and nothing more: %s', async (pattern, line) => {
    const { client, server } = await pair();
    await lastValueFrom(client.emit(pattern, 1));
    await server.logger.line(line);
    expect(await firstValueFrom(client.send('ask', 'still there'))).toBe('still there');
    await until('it has ended', () => server.core.inFlight === 0);
    expect(server.logger.lines.filter((logged) => logged.startsWith('error'))).toEqual([`error: ${line}`]);
  });

  it('is received although its sender has gone, and so are all before it', async () => {
    const { client, server } = own(
      await DropInPair.listen({ controllers: [FirstListener], server: { maxInFlightPerConnection: 8 } }),
    );
    received = [];
    await client.connect();
    for (let n = 0; n < 300; n++) client.emit('slow', n);
    await client.close();
    await until('none runs', () => server.core.connections === 0);
    expect(received).toHaveLength(300);
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
    await until('four handlers have received it', () => received.length === 4);
    expect(received.map((entry) => (entry as unknown[])[1])).toEqual(Array.from({ length: 4 }, () => 'broadcast'));
  });
});

describe('many events before the first connection', () => {
  it('are all handled, in order', async () => {
    const { client } = await pair();
    for (let n = 0; n < 3_000; n++) client.emit('user.created', n);
    await until('all are handled', () => received.length === 6_000);
    const numbers = received.filter((one) => (one as unknown[])[0] === 'first').map((one) => (one as unknown[])[1]);
    expect(numbers).toEqual(Array.from({ length: 3_000 }, (_, n) => n));
  });
});

describe('an emit() that fails', () => {
  async function unheard(): Promise<{ client: HandMadeClient; logger: SpyLogger }> {
    const { client, server } = own(
      await DropInPair.listen({ controllers: [FirstListener], client: { queue: { maxCommands: 2 } } }),
    );
    return { client, logger: server.logger };
  }

  it('is logged without a subscriber, with a line a second and the number of those left out', async () => {
    const { client, logger } = await unheard();
    for (let n = 0; n < 100; n++) client.emit('user.created', n);
    expect(await logger.line('an emit() of user.created without a subscriber failed')).toContain(
      'QUEUE_FULL: queue.maxCommands (2)',
    );
    await turns();
    expect(logger.having('an emit() of user.created without')).toHaveLength(1);
  });

  it('is the business of its subscribers alone when there are any', async () => {
    const { client, logger } = await unheard();
    const emitted = Array.from({ length: 3 }, (_, n) => lastValueFrom(client.emit('user.created', n)));
    const [first, second, third] = await Promise.allSettled(emitted);
    expect([first, second, third].map((one) => one?.status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(third).toMatchObject({ reason: { code: 'QUEUE_FULL' } });
    client.setOnDispatchHook(() => {
      throw new Error('the hook fails');
    });
    await expect(lastValueFrom(client.emit('user.created', 4))).rejects.toThrow('the hook fails');
    expect(logger.having('emit()')).toEqual([]);
  });
});
