// Messages and events by pattern between their bytes and Nest's table of handlers, without a server.
import { describe, expect, it } from '@jest/globals';
import {
  Server,
  type BaseRpcContext,
  type Deserializer,
  type MessageHandler,
  type ReadPacket,
  type Serializer,
} from '@nestjs/microservices';
import { PatternMessage } from '../../../lib/codec/pattern-message.js';
import type { CommandContext, ResultSink } from '../../../lib/core.js';
import { CmdStreamContext } from '../../../lib/nest/server/cmd-stream.context.js';
import { PatternInvoker, type HandlerTable } from '../../../lib/nest/server/pattern-invoker.js';
import { PeerLog } from '../../../lib/nest/peer-log.js';
import { turns } from '../../support/deadline.js';

class Sink implements ResultSink {
  readonly isOpen = true;
  readonly isAnswered = false;
  readonly drained = undefined;
  readonly given: unknown[] = [];

  next(result: unknown): number {
    return this.given.push(['next', result]);
  }

  complete(result?: unknown): void {
    this.given.push(['complete', result]);
  }

  error(error: unknown): void {
    this.given.push(['error', error]);
  }
}

interface Setup {
  readonly handlers?: Record<string, MessageHandler>;
  /** In place of Nest's own way to find one. */
  readonly find?: (pattern: string) => MessageHandler | null;
  readonly serializer?: Serializer;
  readonly deserializer?: Deserializer;
}

function start({ handlers = {}, find, serializer, deserializer }: Setup) {
  const lines: string[] = [];
  const keep = (text: unknown) => void lines.push(String(text));
  const logger = { log: keep, warn: keep, error: keep };
  const all = new Map(Object.entries(handlers));
  // Nest's own way to find a handler, without the rest of a server.
  const table = Object.assign(Object.create(Server.prototype) as HandlerTable, {
    messageHandlers: all,
    ...(find && { getHandlerByPattern: find }),
    handleEvent: (pattern: string, packet: ReadPacket, context: BaseRpcContext) =>
      invoker.handleEvent(pattern, packet, context as CmdStreamContext),
  });
  const invoker: PatternInvoker = new PatternInvoker({
    handlers: table,
    forms: () => ({ serializer, deserializer }),
    failureOf: (error) => error,
    onUnsaid: keep,
    log: new PeerLog(logger),
    run: (handler, data, context, sink) =>
      void handler(data, context).then(
        (given: unknown) => sink.complete(given),
        (error: unknown) => sink.error(error),
      ),
  });
  const invoke = async (message: PatternMessage): Promise<unknown[]> => {
    const sink = new Sink();
    invoker.invoke(message, { seq: 7, signal: new AbortController().signal } as CommandContext, sink);
    await turns();
    return sink.given;
  };
  return { invoke, lines };
}

/** Gives what it was called with. */
const echo: MessageHandler = async (data: unknown, context: CmdStreamContext) => [data, context.getPattern()];

describe('what a deserializer sees', () => {
  it.each<[string, PatternMessage, unknown]>([
    ['a message', new PatternMessage('message', 'sum', [1]), { pattern: 'sum', data: [1], id: '7' }],
    ['an event', new PatternMessage('event', 'sum', [1]), { pattern: 'sum', data: [1] }],
    ['a packet', new PatternMessage('message', '', { any: 'thing' }, true), { any: 'thing' }],
  ])('is the packet of %s', async (_, message, expected) => {
    const seen: unknown[] = [];
    const { invoke } = start({
      deserializer: {
        deserialize: (packet) => {
          seen.push(packet);
          return { pattern: 'sum', data: 1 };
        },
      },
      handlers: { sum: echo },
    });
    await invoke(message);
    expect(seen).toStrictEqual([expected]);
  });

  it.each<[string, unknown, unknown]>([
    ['a pattern that is text', { pattern: 'sum', data: 1 }, [1, 'sum']],
    ['a pattern that is an object', { pattern: { cmd: 'sum' }, data: 2 }, [2, '{"cmd":"sum"}']],
    ['a promise', Promise.resolve({ pattern: 'sum', data: 3 }), [3, 'sum']],
  ])('may become %s', async (_, packet, expected) => {
    const deserializer = { deserialize: () => packet } as Deserializer;
    const { invoke } = start({ deserializer, handlers: { sum: echo, '{"cmd":"sum"}': echo } });
    expect(await invoke(new PatternMessage('message', 'other', 0))).toEqual([['complete', expected]]);
  });

  it('may be what it fails with, now, later, or as the packet is dispatched', async () => {
    const failure = new Error('it cannot be unwrapped');
    const raise = (): never => {
      throw failure;
    };
    for (const setup of [
      { deserializer: { deserialize: raise } },
      { deserializer: { deserialize: () => Promise.reject(failure) } },
      { deserializer: { deserialize: () => ({ pattern: 'sum' }) }, find: raise },
    ] as Setup[]) {
      expect(await start(setup).invoke(new PatternMessage('message', 'sum', 0))).toEqual([['error', failure]]);
    }
  });

  it('is nothing without one, and a packet is read all the same', async () => {
    const { invoke } = start({ handlers: { sum: echo } });
    expect(await invoke(new PatternMessage('message', 'sum', 1))).toEqual([['complete', [1, 'sum']]]);
    const packet = new PatternMessage('message', '', { pattern: 'sum', data: 2 }, true);
    expect(await invoke(packet)).toEqual([['complete', [2, 'sum']]]);
  });
});

describe('a message', () => {
  it('without a handler, or with the handler of a Command alone, is answered in the words of Nest, and warned of', async () => {
    const text = 'There is no matching message handler defined in the remote service.';
    const forCommand = Object.assign(echo.bind(undefined), { extras: { command: class {} } }) as MessageHandler;
    const { invoke, lines } = start({ handlers: { 'command:Add': forCommand } });
    for (const route of ['sum', 'command:Add']) {
      expect(await invoke(new PatternMessage('message', route, 1))).toMatchObject([
        ['error', { code: 'REMOTE', message: text, payload: text }],
      ]);
    }
    // One line a second of what peers cause in the same way.
    expect(lines).toEqual([expect.stringMatching(/^no handler for messages with the pattern sum;/)]);
  });

  it('has the handler of its text, also of one that Nest would read as another', async () => {
    const { invoke } = start({ handlers: { '1.0': echo, 1: async () => 'not this one' } });
    expect(await invoke(new PatternMessage('message', '1.0', 1))).toEqual([['complete', [1, '1.0']]]);
  });

  it('has the handler that a subclass finds', async () => {
    const asked: string[] = [];
    const find = (pattern: string): MessageHandler | null => {
      asked.push(pattern);
      return pattern === 'sum' ? echo : null;
    };
    const { invoke } = start({ handlers: { sum: async () => 'not this one' }, find });
    expect(await invoke(new PatternMessage('message', 'sum', 1))).toEqual([['complete', [1, 'sum']]]);
    expect(await invoke(new PatternMessage('message', 'other', 1))).toMatchObject([['error', { code: 'REMOTE' }]]);
    expect(asked).toEqual(['sum', 'other']);
  });

  it('has its answer wrapped by the serializer, with its number', async () => {
    const serializer: Serializer = { serialize: (packet: object) => ({ wrapped: packet }) };
    const { invoke } = start({ serializer, handlers: { sum: echo } });
    expect(await invoke(new PatternMessage('message', 'sum', 1))).toEqual([
      ['complete', { packet: { wrapped: { response: [1, 'sum'], isDisposed: true, id: '7' } } }],
    ]);
  });
});

describe('an event', () => {
  it('ends when its handlers have ended, without an answer, or with their error', async () => {
    const failure = new Error('no');
    const { invoke } = start({ handlers: { echo, failing: () => Promise.reject(failure) } });
    expect(await invoke(new PatternMessage('event', 'echo', 1))).toEqual([['complete', undefined]]);
    expect(await invoke(new PatternMessage('event', 'failing', 1))).toEqual([['error', failure]]);
  });

  it('without a handler has a line in the log, in the words of Nest', async () => {
    const { invoke, lines } = start({});
    expect(await invoke(new PatternMessage('event', 'unecho\n', 1))).toEqual([['complete', undefined]]);
    expect(lines).toEqual([
      'There is no matching event handler defined in the remote service. Event pattern: unecho\\u{a}',
    ]);
  });
});
