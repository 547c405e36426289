// What instrumentation sees of clients and servers: each call and each Command from begin to end, and connections.
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import type {
  CallObserver,
  CircuitBreaker,
  CommandClientOptions,
  CommandObserver,
  CommandServerOptions,
  ConnectionChange,
  Instrumentation,
  ObservedClient,
  ObservedServer,
} from '../../../lib/core.js';
import { until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import {
  AddCmd,
  CountCmd,
  execInvoker,
  failureOf,
  FailCmd,
  SlowCmd,
  watchedClient,
  watchedServer,
} from '../../support/watched-pair.js';

const own = guardLeaks();

/** Writes down what it is asked, one line each, the two sides apart. */
class Notes {
  readonly client: string[] = [];
  readonly server: string[] = [];
  readonly connections: string[] = [];
  observedClient: ObservedClient | undefined;
  observedServer: ObservedServer | undefined;

  readonly instrumentation: Instrumentation = {
    observeClient: (client) => {
      this.observedClient = client;
      return {
        onCall: ({ kind, name, awaitsAnswer }): CallObserver => {
          this.client.push(`${kind} ${name}${awaitsAnswer ? '' : ' without answer'}`);
          return {
            onResult: ({ seq }, result, bytes) => {
              this.client.push(`${seq}: ${result?.constructor.name} ${bytes > 0 ? 'with' : 'without'} bytes`);
            },
            onEnd: ({ seq, bytes, attempts, server }, { how, error }) => {
              const code = (error as { code?: string } | undefined)?.code ?? String(error);
              this.client.push([how, code, seq, bytes > 0, attempts, server !== undefined].join(' '));
            },
          };
        },
        onConnection: ({ status, cause }) => this.connections.push(`client ${status} ${cause?.code}`),
        onClose: () => this.connections.push('client is closed'),
      };
    },
    observeServer: (server) => {
      this.observedServer = server;
      return {
        onCommand: ({ kind, name, isHandled, context }): CommandObserver => {
          this.server.push(`${kind} ${name} ${isHandled} ${context.seq}`);
          return {
            onResult: (result, bytes) => {
              this.server.push(`${result?.constructor.name} ${bytes > 0 ? 'with' : 'without'} bytes`);
            },
            onEnd: ({ how, error, code }) => {
              const what = (error as { code?: string } | undefined)?.code ?? (error as Error | undefined)?.message;
              this.server.push(`${how}: ${what}, sent ${code}`);
            },
          };
        },
        onConnection: () => this.connections.push('server connected'),
        onDisconnect: (_connection, { code }) => this.connections.push(`server disconnected ${code}`),
        onClose: () => this.connections.push('server is closed'),
      };
    },
  };

  serverEnded(): Promise<void> {
    return until('the Command is over at the server', () => / sent /.test(this.server.at(-1) ?? ''));
  }
}

async function watchedPair(
  options: { client?: Partial<CommandClientOptions>; server?: Partial<CommandServerOptions> } = {},
) {
  const notes = new Notes();
  const { instrumentation } = notes;
  const server = await watchedServer(own, { instrumentation, ...options.server });
  const client = watchedClient(own, server.address!.port, { instrumentation, ...options.client });
  await client.connect();
  return { notes, server, client };
}

describe('a call that is watched', () => {
  it('is seen with its Result on both sides', async () => {
    const { notes, client } = await watchedPair();
    await client.execute(new AddCmd(2, 3));
    expect(notes.client).toEqual(['command AddCmd', '1: Sum with bytes', 'completed undefined 1 true 1 true']);
    expect(notes.server).toEqual(['command AddCmd true 1', 'Sum with bytes', 'completed: undefined, sent undefined']);
  });

  it('is seen with each Result of a stream', async () => {
    const { notes, client } = await watchedPair();
    for await (const _ of client.iterate(new CountCmd(3)));
    const item = '1: Item with bytes';
    expect(notes.client).toEqual(['command CountCmd', item, item, item, 'completed undefined 1 true 1 true']);
    expect(notes.server.filter((line) => line === 'Item with bytes')).toHaveLength(3);
    expect(notes.server.at(-1)).toBe('completed: undefined, sent undefined');
  });

  it('has failed where its handler throws: the server sees what, the client sees the code', async () => {
    const { notes, client } = await watchedPair();
    await failureOf(client.execute(new FailCmd()));
    expect(notes.client.at(-1)).toBe('failed INTERNAL 1 true 1 true');
    expect(notes.server.at(-1)).toBe('failed: it has failed, sent INTERNAL');
  });

  it('has timed out on both sides', async () => {
    const { notes, client } = await watchedPair();
    await failureOf(client.execute(new SlowCmd(), { timeoutMs: 500 }));
    expect(notes.client.at(-1)).toBe('timed out TIMEOUT 1 true 1 true');
    await notes.serverEnded();
    expect(notes.server.at(-1)).toBe('timed out: TIMEOUT, sent undefined');
  });

  it('has timed out at the server by its own limit, and failed at the client', async () => {
    const { notes, client } = await watchedPair({ server: { commandTimeoutMs: 20 } });
    await failureOf(client.execute(new SlowCmd()));
    expect(notes.client.at(-1)).toBe('failed TIMEOUT 1 true 1 true');
    expect(notes.server.at(-1)).toBe('timed out: TIMEOUT, sent TIMEOUT');
  });

  it('was cancelled on both sides', async () => {
    const { notes, client } = await watchedPair();
    const sink = { next: () => {}, complete: () => {}, error: () => {} };
    const call = client.dispatch(new SlowCmd(), sink);
    await until('it runs', () => notes.server.length > 0);
    call.cancel();
    expect(notes.client.at(-1)).toBe('cancelled undefined 1 true 1 true');
    await notes.serverEnded();
    expect(notes.server.at(-1)).toBe('cancelled: CANCELLED, sent undefined');
  });

  it('is seen though its signal had aborted before', async () => {
    const { notes, client } = await watchedPair();
    await failureOf(client.execute(new AddCmd(), { signal: AbortSignal.abort('no') }));
    expect(notes.client).toEqual(['command AddCmd', 'cancelled no 0 false 0 false']);
  });

  it('is seen though it could not be sent', async () => {
    const { notes, client } = await watchedPair();
    await failureOf(client.execute(Object.assign(new AddCmd(), { a: Symbol('no JSON') as unknown as number })));
    await failureOf(client.execute(new AddCmd(), { timeoutMs: -1 }));
    expect(notes.client).toEqual([
      'command AddCmd',
      'failed ENCODE_FAILED 1 false 1 true',
      'command AddCmd',
      'failed INVALID_OPTION 0 false 0 false',
    ]);
  });

  it('is lost with its connection: the server sees that it was not waited for any more', async () => {
    const { notes, server, client } = await watchedPair();
    const failed = failureOf(client.execute(new SlowCmd()));
    await until('it runs', () => notes.server.length > 0);
    server.destroy();
    await failed;
    expect(notes.client.at(-1)).toBe('failed CONNECTION_LOST 1 true 1 true');
    expect(notes.server.at(-1)).toBe('cancelled: CLOSED, sent undefined');
  });

  it('was refused by a server that runs as many as it may: each attempt is seen there', async () => {
    const { notes, server, client } = await watchedPair({ server: { maxInFlight: 1 } });
    const other = watchedClient(own, server.address!.port);
    const slow = other.dispatch(new SlowCmd(), { next: () => {}, complete: () => {}, error: () => {} });
    await until('it runs', () => server.inFlight > 0);
    await failureOf(client.execute(new AddCmd()));
    expect(notes.client.at(-1)).toMatch(/^failed OVERLOADED \d true 6 true$/);
    expect(notes.server.filter((line) => line === 'failed: OVERLOADED, sent OVERLOADED')).toHaveLength(6);
    slow.cancel();
  });

  it('is over when it is written where no answer is awaited', async () => {
    const { notes, client } = await watchedPair();
    await client.emit(new AddCmd());
    expect(notes.client).toEqual(['command AddCmd without answer', 'completed undefined 1 true 1 true']);
    await notes.serverEnded();
    expect(notes.server).toEqual(['event AddCmd true 1', 'completed: undefined, sent undefined']);
  });

  it('is no ping', async () => {
    const { notes, client } = await watchedPair();
    await client.ping();
    expect([notes.client, notes.server]).toEqual([[], []]);
  });

  it('is answered by a handler of a plain peer as by any other', async () => {
    const { notes, client } = await watchedPair({ client: { extension: false } });
    await client.execute(new AddCmd(2, 3));
    expect(notes.server).toEqual(['command AddCmd true 1', 'Sum with bytes', 'completed: undefined, sent undefined']);
    await failureOf(client.execute(new FailCmd()));
    expect(notes.server.at(-1)).toBe('failed: it has failed, sent undefined');
  });
});

describe('what an observer of calls gives', () => {
  const given = { trace: 'a', own: 'b' };
  const giving: Instrumentation = { observeClient: () => ({ onCall: () => ({ metadata: given }) }) };
  let metadata: unknown;
  const invoker = execInvoker((_command, context) => {
    ({ metadata } = context);
  });

  it('travels as metadata, in the place of what the caller says under the same keys', async () => {
    const server = await watchedServer(own, { invoker });
    const client = watchedClient(own, server.address!.port, {
      instrumentation: giving,
      hooks: () => ({ beforeSend: () => ({ hook: 'c' }) }),
    });
    await client.execute(new AddCmd(), { metadata: { trace: 'of an earlier call', tenant: 'd' } });
    expect(metadata).toEqual({ trace: 'a', own: 'b', hook: 'c', tenant: 'd' });
  });

  it('is left out towards plain peers', async () => {
    const server = await watchedServer(own, { invoker });
    const client = watchedClient(own, server.address!.port, { instrumentation: giving, extension: false });
    await expect(client.execute(new AddCmd(2, 3))).resolves.toMatchObject({ value: 5 });
  });

  it('costs no call where it cannot travel', async () => {
    const server = await watchedServer(own);
    const bad = { trace: 7 as unknown as string };
    const instrumentation = { observeClient: () => ({ onCall: () => ({ metadata: bad }) }) };
    const client = watchedClient(own, server.address!.port, { instrumentation });
    await expect(client.execute(new AddCmd(2, 3))).resolves.toMatchObject({ value: 5 });
  });
});

describe('the handler of a Command that is watched', () => {
  it('runs in what the observers have entered, the first outermost: its generator and its listeners, too', async () => {
    const storage = new AsyncLocalStorage<string>();
    const entering = (name: string): Instrumentation => ({
      observeServer: () => ({
        onCommand: () => ({ enter: (work) => storage.run(`${storage.getStore() ?? ''}${name}`, work) }),
      }),
    });
    const seen: (string | undefined)[] = [];
    const see = (): void => void seen.push(storage.getStore());
    async function* items() {
      see();
      yield 1;
      await Promise.resolve();
      see();
    }
    const invoker = {
      async invoke(_command: unknown, { signal }: { signal: AbortSignal }) {
        signal.addEventListener('abort', see, { once: true });
        for await (const _ of items());
      },
    };
    const server = await watchedServer(own, { invoker, instrumentation: [entering('a'), entering('b')] });
    const client = watchedClient(own, server.address!.port);
    await failureOf(client.execute(new AddCmd()));
    expect(seen).toEqual(['ab', 'ab', 'ab']);
  });

  it('runs though an observer calls nothing', async () => {
    const instrumentation = {
      observeServer: () => ({ onCommand: () => ({ enter: (() => {}) as unknown as <T>(work: () => T) => T }) }),
    };
    const server = await watchedServer(own, { instrumentation });
    const client = watchedClient(own, server.address!.port);
    await expect(client.execute(new AddCmd(2, 3))).resolves.toMatchObject({ value: 5 });
  });
});

describe('an observer that throws', () => {
  it.each(['now', 'later'])('does no harm, be it %s', async (when) => {
    const fail = (): never => {
      if (when === 'later') return Promise.reject(new Error('an observer fails')) as never;
      throw new Error('an observer throws');
    };
    const all = { onResult: fail, onEnd: fail, enter: fail };
    const throwing: Instrumentation = {
      observeClient: () => ({ onCall: () => all, onConnection: fail, onClose: fail }),
      observeServer: () => ({ onCommand: () => all, onConnection: fail, onDisconnect: fail, onClose: fail }),
    };
    const more: Instrumentation[] = [
      { observeClient: fail, observeServer: fail },
      { observeClient: () => ({ onCall: fail }), observeServer: () => ({ onCommand: fail }) },
    ];
    const instrumentation = [throwing, ...more];
    const server = await watchedServer(own, { instrumentation });
    const client = watchedClient(own, server.address!.port, { instrumentation });
    await expect(client.execute(new AddCmd(2, 3))).resolves.toMatchObject({ value: 5 });
    await client.close();
    await server.close();
  });
});

describe('a client and a server that are watched', () => {
  it('say what they are now, and when they are closed', async () => {
    const { notes, server, client } = await watchedPair();
    await client.execute(new AddCmd(2, 3));
    const { observedClient, observedServer } = notes;
    expect(observedClient).toMatchObject({ pending: 0, queued: 0, servers: [{ open: 1, pending: 0 }] });
    expect(observedServer).toMatchObject({ connections: 1, inFlight: 0, bufferedBytes: 0 });
    await until('all bytes are counted', () => observedServer!.traffic.sent === observedClient!.traffic.received);
    expect(observedServer!.traffic.received).toBe(observedClient!.traffic.sent);
    expect(observedClient!.traffic.sent).toBeGreaterThan(10);
    await client.close();
    await server.close();
    expect(notes.connections).toEqual([
      'client connecting undefined',
      'server connected',
      'client connected undefined',
      'client is closed',
      expect.stringMatching(/^server disconnected/),
      'server is closed',
    ]);
  });

  it('are watched anew when they are opened anew', async () => {
    const { notes, client, server } = await watchedPair();
    const { port } = server.address!;
    client.destroy();
    await client.reopen();
    await client.execute(new AddCmd());
    expect(notes.client).toHaveLength(3);
    client.destroy();
    server.destroy();
    await server.listen();
    await watchedClient(own, server.address!.port).execute(new AddCmd());
    expect(port).toBeGreaterThan(0);
    expect(notes.server).toHaveLength(6);
  });
});

describe('the connections of a client that is watched', () => {
  /** Like the log of the Nest client: of connections and circuits alone. */
  class Changes {
    readonly all: ConnectionChange[] = [];
    readonly circuits: string[] = [];
    client: ObservedClient | undefined;
    readonly instrumentation: Instrumentation = {
      observeClient: (client) => {
        this.client = client;
        return {
          onConnection: (change) => void this.all.push(change),
          onCircuit: ({ circuit }) => void this.circuits.push(circuit),
        };
      },
    };
  }

  it('say how many are open, and when a lost one is tried again', async () => {
    const changes = new Changes();
    const { server } = await watchedPair();
    const { instrumentation } = changes;
    const client = watchedClient(own, server.address!.port, {
      instrumentation,
      connectionsPerServer: 2,
      reconnect: true,
    });
    await client.connect();
    await until('both are open', () => changes.all.at(-1)?.open === 2);
    server.destroy();
    await until('both are lost', () => changes.all.filter(({ status }) => status === 'disconnected').length >= 2);
    const [first, second] = changes.all.filter(({ status }) => status === 'disconnected');
    expect([first!.open, second!.open]).toEqual([1, 0]);
    expect(first!.retryInMs).toBeGreaterThanOrEqual(0);
    expect(changes.all.find(({ status }) => status === 'connected')!.retryInMs).toBeUndefined();
  });

  it('say nothing of a next attempt where none is made by itself', async () => {
    const changes = new Changes();
    const { server } = await watchedPair();
    const { instrumentation } = changes;
    const client = watchedClient(own, server.address!.port, { instrumentation, reconnect: false });
    await client.connect();
    server.destroy();
    await until('it is lost', () => changes.all.at(-1)?.status === 'disconnected');
    expect(changes.all.at(-1)).toMatchObject({ open: 0, retryInMs: undefined });
  });

  it('count the calls that were lost with them, and those that found none', async () => {
    const changes = new Changes();
    const { server } = await watchedPair();
    const { instrumentation } = changes;
    const queue = { timeoutMs: 50, maxCommands: 1 };
    const client = watchedClient(own, server.address!.port, { instrumentation, queue });
    await client.execute(new AddCmd());
    expect(changes.client!.losses).toEqual({ lost: 0, unsent: 0 });
    const calls = [client.execute(new SlowCmd()), client.execute(new SlowCmd())].map(failureOf);
    await until('they run', () => server.inFlight === 2);
    server.destroy();
    await Promise.all(calls);
    await Promise.all([client.execute(new AddCmd()), client.execute(new AddCmd())].map(failureOf));
    expect(changes.client!.losses).toEqual({ lost: 2, unsent: 2 });
  });

  it('say each change of a circuit once', async () => {
    const changes = new Changes();
    const { server } = await watchedPair();
    const { instrumentation } = changes;
    let state: CircuitBreaker['state'] = 'closed';
    const outcomes = { succeed: () => void (state = 'closed'), fail: () => void (state = 'open'), release: () => {} };
    const breaker: CircuitBreaker = {
      get state() {
        return state;
      },
      acquire: () => (state === 'open' ? undefined : outcomes),
      isFailure: () => true,
    };
    const client = watchedClient(own, server.address!.port, { instrumentation, circuitBreaker: () => breaker });
    await client.execute(new AddCmd());
    await failureOf(client.execute(new FailCmd()));
    await until('it is open', () => changes.circuits.length === 1);
    await failureOf(client.execute(new AddCmd()));
    state = 'half-open';
    await client.execute(new AddCmd());
    await until('it is closed', () => changes.circuits.length === 2);
    await client.execute(new AddCmd());
    expect(changes.circuits).toEqual(['open', 'closed']);
  });
});
