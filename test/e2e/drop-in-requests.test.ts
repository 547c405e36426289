// Requests by pattern without a contract: what applications may expect of Nest's TCP transport holds here too.
import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { jsonCodec, type ClientPattern, type CmdStreamError, type CommandClient } from 'nestjs-cmd-stream';
import { EmptyError, firstValueFrom, from, lastValueFrom, map, of, scan, throwError, toArray, Observable } from 'rxjs';
import { turns } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { DropInPair, dropInClient } from './drop-in-pair.js';

const own = guardLeaks();

function total(numbers: readonly number[]): number {
  return (numbers ?? []).reduce((sum, number) => sum + number, 0);
}

const SECRET = 'the password is 1234';

class PassingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}

@Controller()
class MathController {
  calls = 0;

  @MessagePattern({ cmd: 'sum' })
  sum(numbers: number[]): number {
    return total(numbers);
  }

  @MessagePattern({ cmd: 'asyncSum' })
  async asyncSum(numbers: number[]): Promise<number> {
    return total(numbers);
  }

  @MessagePattern({ cmd: 'promiseSum' })
  promiseSum(numbers: number[]): Promise<number> {
    return Promise.resolve(total(numbers));
  }

  @MessagePattern({ cmd: 'streamSum' })
  streamSum(numbers: number[]): Observable<number> {
    return of(total(numbers));
  }

  @MessagePattern({ cmd: 'promiseStreamSum' })
  async promiseStreamSum(numbers: number[]): Promise<Observable<number>> {
    return of(total(numbers));
  }

  @MessagePattern({ cmd: 'oneObject' })
  oneObject(count: number): Observable<{ n: number }> {
    return new Observable((subscriber) => {
      const row = { n: 0 };
      for (; row.n < count; row.n++) subscriber.next(row);
      subscriber.complete();
    });
  }

  @MessagePattern({ cmd: 'withNothing' })
  withNothing(): Observable<number | undefined> {
    return of(1, undefined, 2);
  }

  @MessagePattern({ cmd: 'half said', version: undefined, list: [1, undefined] })
  halfSaid(data: unknown): unknown {
    return data;
  }

  @MessagePattern(true as never)
  yes(data: unknown): unknown {
    return ['yes', data];
  }

  @MessagePattern(1 as never)
  one(data: unknown): unknown {
    return ['one', data];
  }

  @MessagePattern({ cmd: 'streaming' })
  streaming(numbers: number[]): Observable<number> {
    return from(numbers);
  }

  @MessagePattern({ b: { y: 2, x: 1 }, a: 'sorted' })
  sorted(@Payload('name') name: string): string {
    return `hello ${name}`;
  }

  @MessagePattern('text')
  text(data: unknown): unknown {
    return data;
  }

  @MessagePattern(['first', 'second'])
  either(data: unknown): unknown {
    return data;
  }

  @MessagePattern(404)
  number(data: unknown): unknown {
    return data;
  }

  @MessagePattern('count')
  count(): number {
    return ++this.calls;
  }

  @MessagePattern('void')
  nothing(): void {}

  @MessagePattern('list')
  list(length: number): number[] {
    return Array.from({ length }, () => 1);
  }

  @MessagePattern('generator')
  async *generator(numbers: number[]): AsyncGenerator<number> {
    yield* numbers;
  }

  @UseInterceptors(PassingInterceptor)
  @MessagePattern('intercepted void')
  interceptedNothing(): void {}

  @MessagePattern('null')
  none(): null {
    return null;
  }

  @MessagePattern('nulls')
  nulls(): Observable<null> {
    return of(null, null);
  }

  @MessagePattern('throw')
  fail({ kind }: { kind: string }): Observable<number> {
    if (kind === 'text') throw new RpcException('refused');
    if (kind === 'object') throw new RpcException({ code: 17, details: ['a', 'b'] });
    if (kind === 'stream') {
      return of(1, 2).pipe(
        map((n) => {
          if (n === 2) throw new RpcException('after one');
          return n;
        }),
      );
    }
    if (kind === 'observable') return throwError(() => new RpcException('at once'));
    throw new Error(SECRET);
  }
}

async function pair(): Promise<DropInPair> {
  return own(await DropInPair.listen({ controllers: [MathController] }));
}

function ask(client: DropInPair['client'], pattern: ClientPattern, data: unknown): Promise<unknown> {
  return firstValueFrom(client.send(pattern, data));
}

describe('a request', () => {
  it.each(['sum', 'asyncSum', 'promiseSum', 'streamSum', 'promiseStreamSum'])(
    'gets the answer of a handler of the kind %s',
    async (cmd) => {
      const { client } = await pair();
      expect(await ask(client, { cmd }, [1, 2, 3, 4, 5])).toBe(15);
    },
  );

  it('gets the items of an async generator', async () => {
    const { client } = await pair();
    expect(await lastValueFrom(client.send('generator', [1, 2, 3]).pipe(toArray()))).toEqual([1, 2, 3]);
  });

  it.each(['void', 'intercepted void'])(
    'completes without an answer of a handler that gives none: %s',
    async (pattern) => {
      const { client } = await pair();
      expect(await lastValueFrom(client.send(pattern, {}).pipe(toArray()))).toEqual([]);
    },
  );

  it('gets its own answer when many are under way', async () => {
    const { client } = await pair();
    const lists = Array.from({ length: 200 }, (_, n) => Array.from({ length: n }, (__, i) => i));
    const kinds = ['sum', 'asyncSum', 'promiseSum', 'streamSum'];
    const sums = await Promise.all(lists.map((list, n) => ask(client, { cmd: kinds[n % kinds.length] }, list)));
    expect(sums).toEqual(lists.map(total));
  });

  it('gets every item of a stream, and its end', async () => {
    const { client } = await pair();
    const items = client.send<number, number[]>({ cmd: 'streaming' }, [1, 2, 3, 4, 5]);
    expect(await lastValueFrom(items.pipe(toArray()))).toEqual([1, 2, 3, 4, 5]);
    expect(await lastValueFrom(items.pipe(scan((sum, n) => sum + n)))).toBe(15);
    expect(await lastValueFrom(client.send({ cmd: 'streaming' }, []).pipe(toArray()))).toEqual([]);
  });

  it('finds its handler whatever the order of the keys of its pattern', async () => {
    const { client } = await pair();
    for (const pattern of [
      { a: 'sorted', b: { x: 1, y: 2 } },
      { b: { y: 2, x: 1 }, a: 'sorted' },
    ]) {
      expect(await ask(client, pattern, { name: 'Nest' })).toBe('hello Nest');
    }
  });

  it.each([['text'], ['first'], ['second'], [404], ['404']])('finds its handler by %p', async (pattern) => {
    const { client } = await pair();
    expect(await ask(client, pattern, 'data')).toBe('data');
  });

  it.each([
    ['text', ''],
    ['zero', 0],
    ['false', false],
    ['nested values', { list: [1, { deep: ['ä', null] }], on: true }],
    ['a list', [[], {}, 1.5, -1e300]],
  ])('carries %s there and back', async (_, data) => {
    const { client } = await pair();
    expect(await ask(client, 'text', data)).toEqual(data);
  });

  it('ends without a value when the handler returns nothing', async () => {
    const { client } = await pair();
    expect(await lastValueFrom(client.send('void', {}).pipe(toArray()))).toEqual([]);
    await expect(ask(client, 'void', {})).rejects.toBeInstanceOf(EmptyError);
  });

  it('gets null when the handler returns null', async () => {
    const { client } = await pair();
    expect(await lastValueFrom(client.send('nulls', {}).pipe(toArray()))).toEqual([null, null]);
  });

  it('is cold: nothing is sent before it is subscribed, and each subscription sends anew', async () => {
    const { client } = await pair();
    const counted = client.send('count', {});
    await turns();
    expect(client.unwrap<CommandClient>().status).toBe('disconnected');
    expect(await firstValueFrom(counted)).toBe(1);
    expect(await firstValueFrom(counted)).toBe(2);
  });

  it('is answered on several connections at a time', async () => {
    const { server } = await pair();
    const clients = [1, 2, 3].map(() => own(dropInClient(server.port)));
    const streams = clients.map((client, n) =>
      lastValueFrom(client.send({ cmd: 'streaming' }, [n, n + 1]).pipe(toArray())),
    );
    expect(await Promise.all(streams)).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
  });
});

describe('a pattern', () => {
  it.each([
    [true, 'yes'],
    ['true', 'yes'],
    [1, 'one'],
    ['1', 'one'],
  ])('may be %j', async (pattern, name) => {
    const { client } = await pair();
    expect(await firstValueFrom(client.send(pattern, 'data'))).toEqual([name, 'data']);
  });

  it.each([
    ['the client', { cmd: 'sum', version: undefined }, [3], 3],
    ['the client, deep within', { a: 'sorted', b: { x: 1, y: 2, z: undefined } }, { name: 'Nest' }, 'hello Nest'],
    ['the handler', { cmd: 'half said', list: [1, null] }, 'data', 'data'],
    ['both', { cmd: 'half said', version: undefined, list: [1, undefined] }, 'data', 'data'],
  ])('has what JSON leaves of it where it is undefined to %s', async (_, pattern, data, answer) => {
    const { client } = await pair();
    expect(await ask(client, pattern, data)).toBe(answer);
  });

  it('is another one where it has the text "undefined"', async () => {
    const { client } = await pair();
    await expect(ask(client, { cmd: 'sum:undefined' }, [1])).rejects.toMatch('no matching message handler');
    await expect(ask(client, { cmd: 'sum', version: 'undefined' }, [1])).rejects.toMatch('no matching message handler');
  });

  it.each([[false], ['false']])('without a handler may be %j', async (pattern) => {
    const { client } = await pair();
    await expect(firstValueFrom(client.send(pattern, 'data'))).rejects.toMatch('no matching message handler');
  });

  it.each([[Symbol('s')], [() => {}], [1n]] as never[])('that no text stands for is refused: %p', async (pattern) => {
    const { client } = await pair();
    const refused = { code: 'ENCODE_FAILED', message: expect.stringContaining('a pattern must be') };
    await expect(firstValueFrom(client.send(pattern, 'data'))).rejects.toMatchObject(refused);
    await expect(lastValueFrom(client.emit(pattern, 'data'))).rejects.toMatchObject(refused);
  });
});

describe('an object that a handler changes behind its back', () => {
  it('is answered as it was given: each item of an Observable', async () => {
    const { client } = await pair();
    const rows = client.send<{ n: number }>({ cmd: 'oneObject' }, 5).pipe(toArray());
    expect(await lastValueFrom(rows)).toEqual([0, 1, 2, 3, 4].map((n) => ({ n })));
    expect(await lastValueFrom(client.send({ cmd: 'oneObject' }, 1).pipe(toArray()))).toEqual([{ n: 0 }]);
  });

  it('keeps items of nothing among the others', async () => {
    const { client } = await pair();
    const items = client.send({ cmd: 'withNothing' }, {}).pipe(toArray());
    expect(await lastValueFrom(items)).toEqual([1, undefined, 2]);
  });
});

describe('a failed request', () => {
  it.each([
    ['text', { status: 'error', message: 'refused' }],
    ['object', { code: 17, details: ['a', 'b'] }],
    ['observable', { status: 'error', message: 'at once' }],
  ])('gets what an RpcException says (%s)', async (kind, error) => {
    const { client } = await pair();
    await expect(ask(client, 'throw', { kind })).rejects.toEqual(error);
  });

  it('gets the items before the error of a stream', async () => {
    const { client } = await pair();
    const seen: unknown[] = [];
    const stream = client.send('throw', { kind: 'stream' }).pipe(map((item) => seen.push(item)));
    await expect(lastValueFrom(stream)).rejects.toEqual({ status: 'error', message: 'after one' });
    expect(seen).toEqual([1]);
  });

  it('gets no word of an unknown error', async () => {
    const { client, server } = await pair();
    await expect(ask(client, 'throw', { kind: 'unknown' })).rejects.toEqual({
      status: 'error',
      message: 'Internal server error',
    });
    await server.logger.line(SECRET);
  });

  it.each([['nowhere'], [{ cmd: 'nowhere' }], [7]])(
    'gets the text of Nest when nothing handles %p',
    async (pattern) => {
      const { client } = await pair();
      await expect(ask(client, pattern, {})).rejects.toBe(
        'There is no matching message handler defined in the remote service.',
      );
    },
  );

  it('leaves the connection to the others', async () => {
    const { client } = await pair();
    const outcomes = await Promise.allSettled([
      ask(client, 'throw', { kind: 'unknown' }),
      ask(client, 'nowhere', {}),
      ask(client, { cmd: 'sum' }, [1, 2]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(await ask(client, { cmd: 'sum' }, [3, 4])).toBe(7);
  });

  it.each([
    [undefined, {}],
    [null, {}],
    ['text', undefined],
    ['text', null],
  ])('is refused before it is sent for the pattern %p with %p', async (given, data) => {
    const pattern = given as ClientPattern;
    const { client } = await pair();
    const invalid = 'The invalid data or message pattern (undefined/null)';
    await expect(ask(client, pattern, data)).rejects.toThrow(invalid);
    await expect(lastValueFrom(client.emit(pattern, data))).rejects.toThrow(invalid);
    expect(client.unwrap<CommandClient>().status).toBe('disconnected');
  });
});

describe('the limits of the JSON codec', () => {
  const strict = jsonCodec({ maxDepth: 3, maxTokens: 20, maxKeysPerObject: 2 });
  const nested = [[[1]]];
  const many = Array.from({ length: 20 }, () => 1);
  const keys = { a: 1, b: 2, c: 3 };
  const meant = async (asked: Promise<unknown>) => {
    const { code, message } = (await asked.catch((error: unknown) => error)) as CmdStreamError;
    return `${code} ${/max[A-Za-z]+/.exec(message)?.[0]}`;
  };

  it('let data by pattern pass that would exceed what was the default once', async () => {
    const { client } = await pair();
    const rows = Array.from({ length: 5_000 }, (_, id) => ({ id, name: 'x', price: 1.5, ok: true, tags: [] }));
    expect(await ask(client, 'text', rows)).toEqual(rows);
  });

  it('hold at a server for the data it receives and for the answers it gives', async () => {
    const { client } = own(await DropInPair.listen({ controllers: [MathController], server: { codec: strict } }));
    expect(await ask(client, 'text', [[1]])).toEqual([[1]]);
    expect(await meant(ask(client, 'text', [nested]))).toBe('JSON_LIMIT maxDepth');
    expect(await meant(ask(client, 'text', many))).toBe('JSON_LIMIT maxTokens');
    expect(await meant(ask(client, 'text', keys))).toBe('JSON_LIMIT maxKeysPerObject');
    expect(await meant(ask(client, 'list', 20))).toBe('JSON_LIMIT maxTokens');
  });

  it('hold at a client for the data it sends and for the answers it gets, keys excepted', async () => {
    const { client } = own(await DropInPair.listen({ controllers: [MathController], client: { codec: strict } }));
    expect(await meant(ask(client, 'text', [nested]))).toBe('JSON_LIMIT maxDepth');
    expect(await meant(ask(client, 'text', many))).toBe('JSON_LIMIT maxTokens');
    expect(await ask(client, 'text', keys)).toEqual(keys);
    expect(await meant(ask(client, 'list', 20))).toBe('JSON_LIMIT maxTokens');
  });

  it('have 10,000 keys for an object that a server receives, as the default', async () => {
    const { client } = await pair();
    const object = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 0]));
    expect(await ask(client, 'text', object(10_000))).toEqual(object(10_000));
    expect(await meant(ask(client, 'text', object(10_001)))).toBe('JSON_LIMIT maxKeysPerObject');
  });
});
