// The end of a stream from either side: its last Result, the client's farewell, the loss of the connection. Whatever
// produces the Results is notified, once, and what it does then harms nothing.
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { Controller, type Type } from '@nestjs/common';
import {
  type CmdStreamContext,
  CommandHandler,
  defineContract,
  Result,
  StreamCommand,
  type Contract,
} from 'nestjs-cmd-stream';
import { concatMap, delayWhen, firstValueFrom, from, lastValueFrom, map, Observable, of, take, toArray } from 'rxjs';
import { inTime, turns, until } from '../support/deadline.js';
import { keepLost, type LostConnection } from '../support/lost-connection.js';
import { guardLeaks } from '../support/leak-guard.js';
import { countFrame } from '../support/calc-frames.js';
import { AddCmd, CalcResult, CountCmd, CountResult, EchoResult } from './calc.contract.js';
import { Adder, HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();

function raise(error: unknown): never {
  throw error;
}

async function serve(controller: Type, lost: LostConnection[] = []): Promise<NestServer> {
  const module = { controllers: [Adder, controller] };
  const options = keepLost(lost);
  return own(await NestServer.listen({ module, options }));
}

/** Emits one Result, and what a test likes later; keeps what became of its subscriptions. */
class Source {
  readonly log: string[] = [];
  emit: (result: CountResult) => void = () => {};

  get results(): Observable<CountResult> {
    return new Observable((subscriber) => {
      this.log.push('subscribed');
      this.emit = (result) => subscriber.next(result);
      subscriber.next(new CountResult(1));
      return () => void this.log.push('unsubscribed');
    });
  }
}

function streaming(source: Source): Type {
  @Controller()
  class Streamer {
    @CommandHandler(CountCmd)
    count() {
      return source.results;
    }
  }
  return Streamer;
}

describe('an Observable of a handler', () => {
  it('is unsubscribed when it has given the last Result', async () => {
    const source = new Source();
    const server = await serve(streaming(source));
    const client = own(new HandMadeClient(server.port));
    const results = firstValueFrom(client.send(new CountCmd()).pipe(toArray()));
    await until('the stream runs', () => source.log.length > 0);
    source.emit(new CountResult(2, true));
    expect(await results).toEqual([new CountResult(1), new CountResult(2, true)]);
    expect(source.log).toEqual(['subscribed', 'unsubscribed']);
    expect(server.core.inFlight).toBe(0);
  });

  it('is stopped at the last Result even if it pushes for ever and all at once', async () => {
    function* numbers(): Generator<number> {
      for (let n = 1; n < 1_000_000; n++) yield n;
      throw new Error('it was not stopped');
    }
    @Controller()
    class Rushing {
      @CommandHandler(CountCmd)
      count({ N }: CountCmd) {
        return from(numbers()).pipe(map((n) => new CountResult(n, n === N)));
      }
    }
    const server = await serve(Rushing);
    const client = own(new HandMadeClient(server.port));
    const results = await firstValueFrom(client.send(new CountCmd(3)).pipe(toArray()));
    expect(results.map(({ I }) => I)).toEqual([1, 2, 3]);
    expect(server.logger.having('it was not stopped')).toEqual([]);
  });

  it('is unsubscribed when the connection is lost', async () => {
    const source = new Source();
    const server = await serve(streaming(source));
    const peer = own(await server.connect());
    peer.write(countFrame(1, 9));
    await until('the stream runs', () => source.log.length > 0);
    peer.reset();
    await until('it is unsubscribed', () => source.log.length > 1);
    await until('the Command has ended', () => server.core.inFlight === 0 && server.core.connections === 0);
    expect(source.log).toEqual(['subscribed', 'unsubscribed']);
  });

  it('is not even subscribed when the connection was lost before the handler gave it', async () => {
    const source = new Source();
    @Controller()
    class Late {
      @CommandHandler(CountCmd)
      async count(_command: CountCmd, { signal }: CmdStreamContext): Promise<Observable<CountResult>> {
        source.log.push('called');
        await once(signal, 'abort');
        return source.results;
      }
    }
    const server = await serve(Late);
    const peer = own(await server.connect());
    peer.write(countFrame(1, 9));
    await until('the handler runs', () => source.log.length > 0);
    peer.reset();
    await until('the Command has ended', () => server.core.inFlight === 0);
    expect(source.log).toEqual(['called']);
  });

  it('goes on when the client unsubscribes, which a plain server cannot know; the rest are unexpected', async () => {
    const source = new Source();
    const server = await serve(streaming(source));
    const client = own(new HandMadeClient(server.port));
    const unexpected: unknown[] = [];
    client.on('unexpectedResult', ({ result }) => unexpected.push(result));
    expect(await firstValueFrom(client.send(new CountCmd()).pipe(take(1)))).toEqual(new CountResult(1));
    source.emit(new CountResult(2));
    await until('the rest arrives', () => unexpected.length > 0);
    expect(unexpected).toEqual([new CountResult(2)]);
    expect(source.log).toEqual(['subscribed']);
    client.destroy();
    await until('it is unsubscribed', () => source.log.length > 1);
  });
});

describe('a generator of a handler', () => {
  it('runs its finally when it has given the last Result', async () => {
    let cleaned = 0;
    @Controller()
    class Endless {
      @CommandHandler(CountCmd)
      async *count({ N }: CountCmd) {
        try {
          for (let i = 1; ; i++) yield new CountResult(i, i === N);
        } finally {
          cleaned++;
        }
      }
    }
    const server = await serve(Endless);
    const client = own(new HandMadeClient(server.port));
    const results = await firstValueFrom(client.send(new CountCmd(3)).pipe(toArray()));
    expect(results.map(({ I }) => I)).toEqual([1, 2, 3]);
    await until('its finally ran', () => cleaned > 0);
    expect(cleaned).toBe(1);
  });

  it('runs its finally when the connection is lost, and learns of it through the signal', async () => {
    const log: string[] = [];
    @Controller()
    class Patient {
      @CommandHandler(CountCmd)
      async *count(_command: CountCmd, { signal }: CmdStreamContext) {
        try {
          yield new CountResult(1);
          await once(signal, 'abort');
          log.push(`aborted: ${(signal.reason as { code: string }).code}`);
          yield new CountResult(2);
        } finally {
          log.push('finally');
        }
      }
    }
    const server = await serve(Patient);
    const client = own(new HandMadeClient(server.port));
    await firstValueFrom(client.send(new CountCmd()));
    client.destroy();
    await until('its finally ran', () => log.includes('finally'));
    expect(log).toEqual(['aborted: PEER_CLOSED', 'finally']);
    await until('the Command has ended', () => server.core.inFlight === 0);
  });

  it('is a failed handler when it returns before a last Result, which a plain peer waits for', async () => {
    @Controller()
    class Short {
      @CommandHandler(CountCmd)
      async *count() {
        yield new CountResult(1);
      }
    }
    const server = await serve(Short);
    const client = own(new HandMadeClient(server.port));
    await expect(lastValueFrom(client.send(new CountCmd()))).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(await server.logger.line('HANDLER_ERROR')).toContain('the handler of CountCmd ended without a last Result');
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
  });

  it('gets to its own end behind the last Result', async () => {
    let done = 0;
    @Controller()
    class Whole {
      @CommandHandler(CountCmd)
      async *count() {
        yield new CountResult(1, true);
        await turns(2);
        done++;
      }
    }
    const server = await serve(Whole);
    const client = own(new HandMadeClient(server.port));
    await firstValueFrom(client.send(new CountCmd()));
    await until('it is done', () => done === 1);
    await turns();
    expect(server.logger.lines.filter((line) => /^warn|^error/.test(line) && !/no handler for/.test(line))).toEqual([]);
  });

  const goingOn: [string, () => Observable<CountResult> | AsyncIterable<CountResult>][] = [
    [
      'a generator',
      async function* () {
        for (;;) yield new CountResult(1, true);
      },
    ],
    ['an Observable', () => from([1, 2, 3]).pipe(map((n) => new CountResult(n, true)))],
  ];

  it.each(goingOn)('is warned of once when it goes on behind its last Result: %s', async (_, results) => {
    @Controller()
    class Careless {
      @CommandHandler(CountCmd)
      count() {
        return results();
      }
    }
    const server = await serve(Careless);
    const client = own(new HandMadeClient(server.port));
    for (let time = 0; time < 3; time++) {
      expect(await lastValueFrom(client.send(new CountCmd()))).toMatchObject({ Last: true });
    }
    expect(await server.logger.line('CountCmd goes on')).toMatch(
      /^warn: the handler of CountCmd goes on after its last/,
    );
    await until('the Commands have ended', () => server.core.inFlight === 0);
    await turns();
    expect(server.logger.having('goes on')).toHaveLength(1);
  });
});

describe('a stream of Results that are all the last one', () => {
  class TicksCmd extends StreamCommand<CalcResult> {}
  class EmptyCmd extends StreamCommand<CalcResult> {}
  @Controller()
  class Clock {
    @CommandHandler(TicksCmd)
    ticks() {
      return of(1, 2, 3).pipe(
        concatMap((n) => Promise.resolve(n)),
        map((n) => new CalcResult(n)),
      );
    }

    @CommandHandler(EmptyCmd)
    empty() {
      return of(new CalcResult(0)).pipe(delayWhen(() => Promise.resolve()));
    }

    @CommandHandler(AddCmd)
    add() {
      return new CalcResult(5);
    }
  }
  const commands = [TicksCmd, EmptyCmd, AddCmd];
  const allLast = defineContract({ commands, results: [CalcResult, EchoResult] });
  const serveWith = async (contract: Contract): Promise<readonly [NestServer, HandMadeClient]> => {
    const server = own(await NestServer.listen({ module: { controllers: [Clock] }, options: { contract } }));
    return [server, own(new HandMadeClient(server.port, { contract }))];
  };

  it('is warned of once for each Command: a plain peer gets the first alone', async () => {
    const [server, client] = await serveWith(allLast);
    for (const time of [1, 2]) {
      expect([time, await lastValueFrom(client.send(new TicksCmd()).pipe(toArray()))]).toEqual([
        time,
        [new CalcResult(1)],
      ]);
    }
    await client.execute(new AddCmd(2, 3));
    expect(server.logger.lines.filter((line) => line.startsWith('warn'))).toEqual([
      expect.stringMatching(/^warn: TicksCmd is a StreamCommand, and every Result of the contract is a last one: /),
    ]);
  });

  it('is not warned of where a Result of the contract can say that it is not the last', async () => {
    const [server, client] = await serveWith(defineContract({ commands, results: [CalcResult, CountResult] }));
    await lastValueFrom(client.send(new EmptyCmd()));
    expect(server.logger.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
  });

  it('is not warned of where a Result has a field lastOne, which no class shows', async () => {
    class FieldResult extends Result {
      isLast = false;
      override lastOne = (): boolean => this.isLast;
    }
    class FieldsCmd extends StreamCommand<FieldResult> {}
    const contract = defineContract({ commands: [FieldsCmd], results: [FieldResult] });
    @Controller()
    class Fields {
      @CommandHandler(FieldsCmd)
      fields() {
        return of(false, true).pipe(map((isLast) => Object.assign(new FieldResult(), { isLast })));
      }
    }
    const server = own(await NestServer.listen({ module: { controllers: [Fields] }, options: { contract } }));
    const client = own(new HandMadeClient(server.port, { contract }));
    expect(await lastValueFrom(client.send(new FieldsCmd()).pipe(toArray()))).toMatchObject([
      { isLast: false },
      { isLast: true },
    ]);
    expect(server.logger.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
  });

  it('is not warned of between two peers of this package, which get all of it', async () => {
    const [server] = await serveWith(allLast);
    const client = own(new HandMadeClient(server.port, { contract: allLast, extension: 'require' }));
    expect(await lastValueFrom(client.send(new TicksCmd()).pipe(toArray()))).toHaveLength(3);
    expect(server.logger.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
  });
});

describe('a producer that fails while it is stopped', () => {
  const failure = new Error('cannot even stop');
  const throwing: [string, () => Observable<CountResult> | AsyncIterable<CountResult>][] = [
    [
      'the teardown of an Observable',
      () =>
        new Observable((subscriber) => {
          subscriber.next(new CountResult(1));
          return () => raise(failure);
        }),
    ],
    [
      'the return() of an iterator',
      () => {
        let given = false;
        return {
          [Symbol.asyncIterator]: () => ({
            next: () => {
              if (given) return new Promise<never>(() => {});
              given = true;
              return Promise.resolve({ done: false, value: new CountResult(1) });
            },
            return: () => raise(failure),
          }),
        };
      },
    ],
    [
      'the finally of a generator',
      async function* () {
        try {
          for (;;) yield new CountResult(1);
        } finally {
          raise(failure);
        }
      },
    ],
  ];

  it.each(throwing)('harms nothing when it is %s and the connection is lost', async (_, produce) => {
    @Controller()
    class Failing {
      @CommandHandler(CountCmd)
      count() {
        return produce();
      }
    }
    const lost: LostConnection[] = [];
    const server = await serve(Failing, lost);
    const client = own(new HandMadeClient(server.port));
    await firstValueFrom(client.send(new CountCmd()));
    client.destroy();
    await until('the connection and its Command have ended', () => lost.length > 0);
    expect(server.core.inFlight).toBe(0);
    const next = own(new HandMadeClient(server.port));
    expect(await inTime('the next answer', next.execute(new AddCmd(2, 3)))).toEqual(new CalcResult(5));
  });

  it.each(['last Result', 'complete', 'error'])(
    'harms nothing when an Observable with such a teardown ends by %s',
    async (way) => {
      @Controller()
      class Failing {
        @CommandHandler(CountCmd)
        count() {
          return new Observable<CountResult>((subscriber) => {
            subscriber.next(new CountResult(1));
            setImmediate(() => {
              if (way === 'last Result') subscriber.next(new CountResult(2, true));
              else if (way === 'complete') subscriber.complete();
              else subscriber.error(new Error('an end by error'));
            });
            return () => {
              throw failure;
            };
          });
        }
      }
      const server = await serve(Failing);
      const client = own(new HandMadeClient(server.port));
      await firstValueFrom(client.send(new CountCmd()));
      await until('the Command has ended', () => server.core.inFlight === 0);
      const next = own(new HandMadeClient(server.port));
      expect(await inTime('the next answer', next.execute(new AddCmd(2, 3)))).toEqual(new CalcResult(5));
    },
  );
});
