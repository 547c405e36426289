// What a Nest handler gives to be taken item by item ends with its Command or message, also where Nest, or an
// interceptor, never gets to it; and keeps to the pace of its taker behind operators that are asynchronous.
import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { Controller, UseInterceptors, type CallHandler, type ExecutionContext, type Type } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { CmdStreamContext, Command, CommandHandler, defineContract, StreamCommand } from 'nestjs-cmd-stream';
import { concatMap, lastValueFrom, of, timeout } from 'rxjs';
import { turns, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { Said } from '../support/said.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();

class GiveCmd extends StreamCommand<Said> {}
class PourCmd extends StreamCommand<Said> {}
/** It has one Result, whatever its handler gives. */
class AskCmd extends Command<Said> {}

const contract = defineContract({ commands: [GiveCmd, PourCmd, AskCmd], results: [Said] });

type Interceptor = new () => { intercept(context: ExecutionContext, next: CallHandler): unknown };

class Passing {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle();
  }
}

class Replacing {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(concatMap(() => of(new Said('instead', false))));
  }
}

class Waiting {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(timeout(50));
  }
}

class Asynchronous {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(
      concatMap(async (item: unknown) => {
        await turns(0);
        return item;
      }),
    );
  }
}

class Giving {
  readonly streams: Readable[] = [];
  release = (): void => {};
  running = false;

  stream(): Readable {
    const stream = new Readable({ objectMode: true, read() {} });
    this.streams.push(stream);
    return stream;
  }

  async later(): Promise<Readable> {
    this.running = true;
    await new Promise<void>((resolve) => (this.release = resolve));
    return this.stream();
  }
}

function giver(giving: Giving, interceptor?: Interceptor): Type {
  @Controller()
  class Giver {
    @CommandHandler(GiveCmd)
    give() {
      return giving.later() as unknown as AsyncIterable<Said>;
    }

    @CommandHandler(AskCmd)
    async ask(): Promise<Said> {
      return (await giving.later()) as unknown as Said;
    }

    @CommandHandler(PourCmd)
    pour(_command: PourCmd, _context: CmdStreamContext) {
      return giving.stream() as unknown as AsyncIterable<Said>;
    }

    @MessagePattern('give')
    giveByPattern() {
      return giving.later();
    }

    @MessagePattern('pour')
    pourByPattern(@Payload() _data: unknown, @Ctx() _context: CmdStreamContext) {
      return giving.stream();
    }
  }
  if (interceptor) UseInterceptors(interceptor)(Giver);
  return Giver;
}

async function pair(controller: Type, options = {}) {
  const server = own(
    await NestServer.listen({ module: { controllers: [controller] }, options: { contract, ...options } }),
  );
  const client = own(new HandMadeClient(server.port, { contract, extension: true }));
  await client.connect();
  return { server, client };
}

const sends: [string, (client: HandMadeClient, what: 'give' | 'pour') => { unsubscribe(): void }][] = [
  [
    'by its class',
    (client, what) =>
      client.send(what === 'give' ? new GiveCmd() : new PourCmd()).subscribe({ error: () => {}, complete: () => {} }),
  ],
  ['by pattern', (client, what) => client.send(what, 1).subscribe({ error: () => {}, complete: () => {} })],
];
const interceptors: [string, Interceptor | undefined][] = [
  ['no interceptor', undefined],
  ['an interceptor', Passing],
  ['an asynchronous one', Asynchronous],
];

describe.each(interceptors)('a stream of a handler behind %s', (_name, interceptor) => {
  it.each(sends)('is ended when its caller leaves, sent %s', async (_how, send) => {
    const giving = new Giving();
    const { server, client } = await pair(giver(giving, interceptor));
    const subscription = send(client, 'pour');
    await until('it is given', () => giving.streams.length === 1);
    await turns(20);
    expect(giving.streams[0]!.destroyed).toBe(false);
    subscription.unsubscribe();
    await until('it is ended', () => giving.streams[0]!.destroyed && server.core.inFlight === 0);
    expect(server.logger.having('error:')).toEqual([]);
  });

  it.each(sends)('is ended when its caller has gone before it was given, sent %s', async (_how, send) => {
    const giving = new Giving();
    const { server, client } = await pair(giver(giving, interceptor));
    const subscription = send(client, 'give');
    await until('the handler runs', () => giving.running);
    await turns(20);
    subscription.unsubscribe();
    await lastValueFrom(client.send(new PourCmd(), { timeoutMs: 50 })).catch(() => {});
    giving.release();
    await until('both are ended', () => giving.streams.length === 2 && giving.streams.every((one) => one.destroyed));
    await until('their Commands have ended', () => server.core.inFlight === 0);
    expect(server.logger.having('error:')).toEqual([]);
  });
});

describe('a stream of a handler', () => {
  it('is ended when a Command of one Result is over before it was given', async () => {
    const giving = new Giving();
    const { server, client } = await pair(giver(giving));
    const subscription = client.send(new AskCmd()).subscribe({ error: () => {} });
    await until('the handler runs', () => giving.running);
    subscription.unsubscribe();
    // Behind it the server has read that the caller is gone.
    await lastValueFrom(client.send(new PourCmd(), { timeoutMs: 50 })).catch(() => {});
    giving.release();
    await until('both are ended', () => giving.streams.length === 2 && giving.streams.every((one) => one.destroyed));
    await until('their Commands have ended', () => server.core.inFlight === 0);
    expect(server.logger.having('error:')).toEqual([]);
  });

  it.each([
    ['the interceptor has answered', Replacing],
    ['the interceptor has lost its patience', Waiting],
  ])('is ended when %s', async (_what, interceptor) => {
    const giving = new Giving();
    const { client } = await pair(giver(giving, interceptor));
    const answer = lastValueFrom(client.send(new PourCmd(), { timeoutMs: 5_000 })).catch(() => {});
    await until('it is given', () => giving.streams.length === 1);
    giving.streams[0]!.push(new Said('one'));
    await answer;
    if (interceptor === Replacing) giving.streams[0]!.push(null);
    await until('it is ended', () => giving.streams[0]!.destroyed);
    expect(giving.streams).toHaveLength(1);
  });
});

describe('a generator behind an asynchronous interceptor', () => {
  it('is not far ahead of its taker', async () => {
    let made = 0;
    @Controller()
    @UseInterceptors(Asynchronous)
    class Pouring {
      @CommandHandler(PourCmd)
      async *pour() {
        for (; made < 1_000; made++) yield new Said('x'.repeat(1_000), false);
      }
    }
    const { client } = await pair(Pouring, { maxStreamBufferBytes: 65_536 });
    let [taken, most] = [0, 0];
    for await (const drop of client.iterate(new PourCmd())) {
      expect(drop.text).toHaveLength(1_000);
      taken++;
      most = Math.max(most, made - taken);
      if (taken % 32 === 0) await turns(10);
    }
    expect(taken).toBe(1_000);
    expect(most).toBeLessThan(200);
  });
});
