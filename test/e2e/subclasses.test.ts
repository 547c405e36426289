// Subclasses of the client and the server: what Nest's own base classes call of them is called here, too. The same
// program runs over Nest's TCP transport beside this one.
import { describe, expect, it } from '@jest/globals';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientTCP,
  EventPattern,
  MessagePattern,
  ServerTCP,
  type BaseRpcContext,
  type ClientProxy,
  type MessageHandler,
  type MicroserviceOptions,
  type MsPattern,
  type ReadPacket,
  type Server,
  type WritePacket,
} from '@nestjs/microservices';
import { CmdStreamClient, CmdStreamServer, CommandHandler, type CommandClient } from 'nestjs-cmd-stream';
import { firstValueFrom, lastValueFrom, type Observer } from 'rxjs';
import { until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, calcContract } from './calc.contract.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();

let calls: unknown[] = [];
let received: unknown[] = [];

/* oxlint-disable typescript/no-explicit-any -- a mixin takes any constructor */
type Made<T> = new (...args: any[]) => T;

/** A client that changes what goes out and comes back in every way that Nest's base class offers. */
function reportingOf(Client: Made<any>) {
  return class extends Client {
    createPacket(pattern: unknown, data: object): ReadPacket {
      calls.push('createPacket');
      return super.createPacket(pattern, { ...data, created: true }) as ReadPacket;
    }

    normalizePattern(pattern: MsPattern): string {
      return String(super.normalizePattern(pattern)).toLowerCase();
    }

    publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
      calls.push('publish');
      const lower = {
        ...packet,
        pattern: String(packet.pattern).toLowerCase(),
        data: { ...packet.data, published: true },
      };
      return super.publish(lower, (answer: WritePacket) => {
        calls.push('answer');
        callback(answer);
      }) as () => void;
    }

    async dispatchEvent(packet: ReadPacket): Promise<unknown> {
      calls.push('dispatchEvent');
      return super.dispatchEvent({ ...packet, data: { ...packet.data, dispatched: true } });
    }

    createObserver(observer: Observer<unknown>): (packet: WritePacket) => void {
      calls.push('createObserver');
      return super.createObserver(observer) as (packet: WritePacket) => void;
    }

    serializeResponse(response: unknown): unknown {
      return { response: super.serializeResponse(response) as unknown };
    }

    serializeError(error: unknown): unknown {
      return { error: super.serializeError(error) as unknown };
    }
  } as unknown as Made<ClientProxy>;
}

/** A server that finds handlers by a part of the pattern, and sees all events. */
function seenBy(Strategy: Made<any>) {
  return class extends Strategy {
    getHandlerByPattern(pattern: string): MessageHandler | null {
      const handler = super.getHandlerByPattern(pattern.replace(/^v\d\./, '')) as MessageHandler | null;
      if (handler === null) return null;
      calls.push(`handler of ${pattern}`);
      return handler;
    }

    async handleEvent(pattern: string, packet: ReadPacket, context: BaseRpcContext): Promise<unknown> {
      calls.push(`event ${pattern}`);
      await super.handleEvent(pattern, { ...packet, data: { ...packet.data, seen: true } }, context);
      return undefined;
    }
  } as unknown as Made<Server>;
}
/* oxlint-enable typescript/no-explicit-any */

@Controller()
class Echo {
  @MessagePattern('echo')
  echo(data: unknown): unknown {
    return data;
  }

  @EventPattern('note')
  note(data: unknown): void {
    received.push(data);
  }
}

@Controller()
class EchoAndAdd extends Echo {
  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    return new CalcResult(A + B);
  }
}

interface Pair {
  readonly client: ClientProxy;
  readonly logger: SpyLogger;
}

async function listen(strategy: object, controller: object): Promise<{ port: number; logger: SpyLogger }> {
  @Module({ controllers: [controller as Made<unknown>] })
  class RootModule {}
  const logger = new SpyLogger();
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(RootModule, { strategy, logger } as never);
  own({ destroy: () => app.close() });
  await app.listen();
  const unwrapped = (strategy as Server).unwrap<{ address: { port: number } & (() => { port: number }) }>();
  const { port } = typeof unwrapped.address === 'function' ? unwrapped.address() : unwrapped.address;
  return { port, logger };
}

async function pairOf(kind: 'TCP' | 'cmd-stream'): Promise<Pair> {
  calls = [];
  received = [];
  const address = { host: '127.0.0.1', port: 0 };
  if (kind === 'TCP') {
    const { port, logger } = await listen(new (seenBy(ServerTCP))(address), Echo);
    const client = new (reportingOf(ClientTCP))({ ...address, port });
    own({ destroy: () => client.close() as unknown });
    return { client, logger };
  }
  const { port, logger } = await listen(
    new (seenBy(CmdStreamServer))({ ...address, contract: calcContract }),
    EchoAndAdd,
  );
  const client = new (reportingOf(CmdStreamClient))({ ...address, port, contract: calcContract });
  own({ destroy: () => client.unwrap<CommandClient>().destroy() });
  return { client, logger };
}

describe.each(['TCP', 'cmd-stream'] as const)('subclasses over %s', (kind) => {
  it('see and change messages', async () => {
    const { client } = await pairOf(kind);
    const answer = await firstValueFrom(client.send('v1.ECHO', { n: 1 }));
    expect(answer).toEqual({ response: { n: 1, created: true, published: true } });
    expect(calls.toSorted()).toEqual(['answer', 'createObserver', 'createPacket', 'handler of v1.echo', 'publish']);
  });

  it('see and change events', async () => {
    const { client } = await pairOf(kind);
    await lastValueFrom(client.emit('v2.NOTE', { n: 1 }), { defaultValue: undefined });
    await until('it is received', () => received.length === 1);
    expect(received).toEqual([{ n: 1, created: true, dispatched: true, seen: true }]);
    expect(calls).toEqual(['createPacket', 'dispatchEvent', 'event v2.note', 'handler of v2.note']);
  });

  it('see errors', async () => {
    const { client } = await pairOf(kind);
    const failed = firstValueFrom(client.send('nothing', {}));
    await expect(failed).rejects.toEqual({ error: expect.stringContaining('no matching message handler') });
  });

  it('see events without a handler', async () => {
    const { client, logger } = await pairOf(kind);
    await lastValueFrom(client.emit('nothing', {}), { defaultValue: undefined });
    await logger.line('no matching event handler');
    expect(calls).toContain('event nothing');
  });
});

describe('a subclass of the server', () => {
  it('finds the handlers of Commands, too', async () => {
    const { client } = await pairOf('cmd-stream');
    expect(await (client as CmdStreamClient).execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
    expect(calls).toEqual(['handler of command:AddCmd']);
  });
});

describe('a subclass of the client', () => {
  it('may connect in its own way before each message', async () => {
    const { port } = await listen(new CmdStreamServer({ host: '127.0.0.1', port: 0 }), Echo);
    let connects = 0;
    class Own extends CmdStreamClient {
      override async connect(): Promise<void> {
        connects++;
        await super.connect();
      }
    }
    const client = new Own({ host: '127.0.0.1', port });
    own({ destroy: () => client.unwrap<CommandClient>().destroy() });
    received = [];
    expect(await firstValueFrom(client.send('echo', 1))).toBe(1);
    await lastValueFrom(client.emit('note', 2));
    await until('it is received', () => received.length === 1);
    expect(connects).toBe(2);
  });
});

describe('serializers that a subclass sets itself', () => {
  it('are those of both sides', async () => {
    class Wrapping {
      serialize = (packet: object): object => ({ wrapped: packet });
      deserialize = ({ wrapped }: { wrapped: never }): never => wrapped;
    }
    class OwnServer extends CmdStreamServer {
      protected override initializeSerializer(): void {
        this.serializer = new Wrapping();
      }
      protected override initializeDeserializer(): void {
        this.deserializer = new Wrapping();
      }
    }
    class OwnClient extends CmdStreamClient {
      protected override initializeSerializer(): void {
        this.serializer = new Wrapping() as never;
      }
      protected override initializeDeserializer(): void {
        this.deserializer = new Wrapping() as never;
      }
    }
    const { port } = await listen(new OwnServer({ host: '127.0.0.1', port: 0 }), Echo);
    const client = new OwnClient({ host: '127.0.0.1', port });
    own({ destroy: () => client.unwrap<CommandClient>().destroy() });
    expect(await firstValueFrom(client.send('echo', { n: 1 }))).toEqual({ n: 1 });
  });
});
