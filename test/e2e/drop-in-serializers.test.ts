// Custom serializers and deserializers of patterns, on both sides and on one, as Nest's transports take them.
import { describe, expect, it } from '@jest/globals';
import { Controller } from '@nestjs/common';
import {
  EventPattern,
  MessagePattern,
  RpcException,
  type Deserializer,
  type IncomingRequest,
  type IncomingResponse,
  type OutgoingResponse,
  type ReadPacket,
  type Serializer,
} from '@nestjs/microservices';
import type { ClientPattern } from 'nestjs-cmd-stream';
import { firstValueFrom, from, lastValueFrom, toArray, type Observable } from 'rxjs';
import { turns, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { DropInPair } from './drop-in-pair.js';
import { HandMadeClient } from './nest-server.js';

const own = guardLeaks();

let received: unknown[] = [];
const SECRET = 'select * from users';

@Controller()
class Handlers {
  @MessagePattern({ cmd: 'sum' })
  sum(numbers: number[]): number {
    return numbers.reduce((sum, n) => sum + n, 0);
  }

  @MessagePattern('each')
  each(items: unknown[]): Observable<unknown> {
    return from(items);
  }

  @MessagePattern('void')
  nothing(): void {}

  @MessagePattern('fail')
  fail(): never {
    throw new RpcException({ code: 5 });
  }

  @MessagePattern('circle')
  circle(): object {
    const circle: Record<string, unknown> = { query: SECRET };
    circle.self = circle;
    return circle;
  }

  @EventPattern('note')
  note(data: unknown): void {
    received.push(data);
  }
}

interface Envelope<T> {
  readonly envelope: T;
}

class Enveloping<T> implements Serializer<T, Envelope<T>> {
  readonly packets: T[] = [];

  serialize(packet: T): Envelope<T> {
    this.packets.push({ ...packet });
    return { envelope: packet };
  }
}

class Unpacking<T> implements Deserializer<Envelope<T>, T> {
  readonly received: unknown[] = [];

  deserialize(value: Envelope<T>): T {
    this.received.push(value);
    return value.envelope;
  }
}

/** The longer the queue, the sooner it answers. */
class Overtaking implements Deserializer<IncomingResponse, Promise<IncomingResponse>> {
  #left = 5;

  async deserialize(value: IncomingResponse): Promise<IncomingResponse> {
    await turns(Math.max(0, this.#left--));
    return value;
  }
}

function enveloped() {
  return {
    server: { deserializer: new Unpacking<IncomingRequest>(), serializer: new Enveloping<OutgoingResponse>() },
    client: { serializer: new Enveloping<ReadPacket>(), deserializer: new Unpacking<IncomingResponse>() },
  };
}

type Setup = Pick<Parameters<typeof DropInPair.listen>[0], 'server' | 'client'>;

async function pair(setup: Setup): Promise<DropInPair> {
  received = [];
  return own(await DropInPair.listen({ controllers: [Handlers], ...setup }));
}

function all({ client }: DropInPair, pattern: ClientPattern, data: unknown): Promise<unknown[]> {
  return lastValueFrom(client.send(pattern, data).pipe(toArray()));
}

describe('custom serializers on both sides', () => {
  it('make what travels, and get what Nest gives them', async () => {
    const setup = enveloped();
    const both = await pair(setup);
    expect(await all(both, { cmd: 'sum' }, [1, 2])).toEqual([3]);
    const id = expect.any(String) as unknown;
    expect(setup.client.serializer.packets).toEqual([{ pattern: { cmd: 'sum' }, data: [1, 2], id }]);
    expect(setup.server.deserializer.received).toEqual([{ envelope: { pattern: { cmd: 'sum' }, data: [1, 2], id } }]);
    expect(setup.server.serializer.packets).toEqual([{ response: 3, isDisposed: true, id }]);
    expect(setup.client.deserializer.received).toEqual([{ envelope: { response: 3, isDisposed: true, id } }]);
  });

  it('carry streams, nothing, errors and unknown patterns', async () => {
    const both = await pair(enveloped());
    expect(await all(both, 'each', [1, null, 'three'])).toEqual([1, null, 'three']);
    expect(await all(both, 'void', {})).toEqual([]);
    await expect(all(both, 'fail', {})).rejects.toEqual({ code: 5 });
    await expect(all(both, 'nowhere', {})).rejects.toMatch(/no matching message handler/);
  });

  it('carry events, which have no id', async () => {
    const setup = enveloped();
    const both = await pair(setup);
    both.client.emit('note', { text: 'x' });
    await until('it is received', () => received.length === 1);
    expect(received).toEqual([{ text: 'x' }]);
    expect(setup.client.serializer.packets).toEqual([{ pattern: 'note', data: { text: 'x' } }]);
  });
});

describe('a custom serializer on one side', () => {
  it('of the client is understood while its packets look like those of Nest', async () => {
    const serializer = { serialize: (packet: ReadPacket) => ({ ...packet, traced: true }) };
    const one = await pair({ client: { serializer } });
    expect(await all(one, { cmd: 'sum' }, [4, 5])).toEqual([9]);
    one.client.emit('note', 1);
    await until('it is received', () => received.length === 1);
  });

  it('of the server is understood while its packets look like those of Nest', async () => {
    const serializer = {
      serialize: ({ response, ...rest }: OutgoingResponse) => ({ ...rest, response: response && [response] }),
    };
    const one = await pair({ server: { serializer } });
    expect(await all(one, 'each', [1, 2])).toEqual([[1], [2]]);
    await expect(all(one, 'fail', {})).rejects.toEqual({ code: 5 });
  });

  it('may be a deserializer of the server that changes pattern and data', async () => {
    const deserializer = {
      deserialize: async ({ data, id }: IncomingRequest) => ({ pattern: { cmd: 'sum' }, data: [data, 1], id }),
    };
    const one = await pair({ server: { deserializer } });
    expect(await all(one, 'whatever', 41)).toEqual([42]);
  });

  it('may be an asynchronous deserializer of the client: items keep their order', async () => {
    const one = await pair({ client: { deserializer: new Overtaking() } });
    expect(await all(one, 'each', [1, 2, 3, 4, 5])).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('a serializer that throws', () => {
  const failing = () => {
    throw new Error(SECRET);
  };

  it.each([
    ['serializer', 'each', [1]],
    ['serializer', { cmd: 'sum' }, [1]],
    ['serializer', 'fail', {}],
    ['serializer', 'nowhere', {}],
    ['deserializer', { cmd: 'sum' }, [1]],
  ])('costs its request only when it is the %s of the server (%p)', async (which, pattern, data) => {
    let broken = true;
    const serializer = {
      serialize: (value: unknown) => (broken && which === 'serializer' ? failing() : value),
      deserialize: (value: unknown) => (broken && which === 'deserializer' ? failing() : value),
    } as unknown as Serializer & Deserializer;
    const one = await pair({ server: { [which]: serializer } });
    const outcome = all(one, pattern, data);
    await expect(outcome).rejects.toEqual({ status: 'error', message: 'Internal server error' });
    await one.server.logger.line(SECRET);
    broken = false;
    expect(await all(one, { cmd: 'sum' }, [1, 2])).toEqual([3]);
  });

  it.each(['serializer', 'deserializer'])('fails the call when it is the %s of the client', async (which) => {
    const one = await pair({ client: { [which]: { serialize: failing, deserialize: failing } } });
    await expect(firstValueFrom(one.client.send('each', [1, 2]))).rejects.toThrow(SECRET);
    await expect(firstValueFrom(one.client.send('each', [1, 2]))).rejects.toThrow(SECRET);
  });
});

/** A client whose own word on what comes fails, where Nest lets a subclass have one. */
class Refusing extends HandMadeClient {
  refuses: 'responses' | 'errors' | undefined;

  protected override serializeResponse(response: unknown): unknown {
    if (this.refuses === 'responses') throw new Error('refused');
    return response;
  }

  protected override serializeError(error: unknown): unknown {
    if (this.refuses === 'errors') throw new Error('refused');
    return error;
  }
}

describe('serializeResponse and serializeError of a subclass that throw', () => {
  it.each([
    ['an asynchronous', { deserializer: new Overtaking() }],
    ['no', {}],
  ])('fail the call, and that only, behind %s deserializer', async (_, options) => {
    const { server } = await pair({});
    const client = own(new Refusing(server.port, { contract: undefined, extension: true, ...options }));
    client.refuses = 'responses';
    await expect(lastValueFrom(client.send('each', [1, 2]))).rejects.toThrow('refused');
    client.refuses = 'errors';
    await expect(lastValueFrom(client.send('fail', {}))).rejects.toThrow('refused');
    await turns();
    client.refuses = undefined;
    expect(await lastValueFrom(client.send('each', [1, 2]).pipe(toArray()))).toEqual([1, 2]);
  });
});

describe('an answer that cannot be written', () => {
  it.each([
    ['with a serializer', { serializer: { serialize: (packet: object) => ({ ...packet }) } }],
    ['without one', {}],
  ])('fails its request %s and shows nothing of it', async (_, server) => {
    const one = await pair({ server: server as Setup['server'] & object });
    const error: unknown = await all(one, 'circle', {}).catch((failure: unknown) => failure);
    expect(error).toMatchObject({
      code: 'ENCODE_FAILED',
      message: expect.stringContaining('a value cannot be written by the codec ('),
    });
    expect(JSON.stringify(error)).not.toContain(SECRET);
  });
});

describe('an asynchronous serializer', () => {
  const GAVE_PROMISE = 'the serializer gave a promise';
  const serializer = { serialize: async () => raise() };

  function raise(): never {
    throw new Error('not for the caller');
  }

  it('of the client fails its calls and ends nothing', async () => {
    const one = await pair({ client: { serializer } });
    const failed = { code: 'ENCODE_FAILED', message: expect.stringContaining(GAVE_PROMISE) as unknown };
    await expect(firstValueFrom(one.client.send({ cmd: 'sum' }, [1, 2]))).rejects.toMatchObject(failed);
    await expect(lastValueFrom(one.client.emit('note', { text: 'x' }))).rejects.toMatchObject(failed);
  });

  it('of the server fails its calls, ends nothing and is logged', async () => {
    const one = await pair({ server: { serializer } });
    const failed = { status: 'error', message: 'Internal server error' };
    await expect(firstValueFrom(one.client.send({ cmd: 'sum' }, [1, 2]))).rejects.toEqual(failed);
    expect(await one.server.logger.line(GAVE_PROMISE)).toMatch(/^error/);
  });
});
