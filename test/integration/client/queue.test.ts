// Calls that wait for room at the server: each is written once, in turn, or never, and all of them end.
import { describe, expect, it } from '@jest/globals';
import {
  Command,
  defineContract,
  Result,
  type CommandClientOptions,
  type CommandContext,
  type DispatchStrategy,
  type ResultSink,
} from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { GREETING } from '../../support/calc-frames.js';
import { RawServer } from '../../support/raw-server.js';
import { CalcServer } from '../../support/calc-server.js';
import { turns, until } from '../../support/deadline.js';
import { FaultProxy } from '../../support/fault-proxy.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RecordingSink } from '../../support/recording-sink.js';

const own = guardLeaks();

class Done extends Result {}

class TaskCmd extends Command<Done> {
  constructor(readonly n: number = 0) {
    super();
  }
}

const contract = defineContract({ commands: [TaskCmd], results: [Done] });
/** A number that JSON cannot write. */
const UNWRITABLE = Number.NaN;

interface Running {
  readonly n: number;
  finish(): void;
}

/**
 * A server that runs so many Commands of a connection at a time, each until the test ends it, whatever its signal says.
 */
async function open(maxInFlightPerConnection: number, options: Partial<CommandClientOptions> = {}) {
  const running: Running[] = [];
  const invoker = {
    invoke: ({ n }: TaskCmd, _context: CommandContext, sink: ResultSink) =>
      void running.push({ n, finish: () => sink.complete(new Done()) }),
  };
  const calc = own(await CalcServer.start({ contract, invoker: invoker as never, maxInFlightPerConnection }));
  const client = own(calcClient(calc.port, { contract, extension: 'require', ...options }));
  const started = async (count: number): Promise<Running> => {
    await until(`Command ${count} runs`, () => running.length >= count);
    return running[count - 1]!;
  };
  return { calc, client, running, started };
}

describe('a call that waits', () => {
  it('is written when the server has room again, although a refused one was before it', async () => {
    const { client, started } = await open(1);
    const cancelled = client.dispatch(new TaskCmd(1), new RecordingSink());
    const first = await started(1);
    cancelled.cancel();
    const calls = [client.execute(new TaskCmd(2)), client.execute(new TaskCmd(3))];
    // The server still runs the cancelled one: the next is refused, and sent again.
    await client.ping();
    first.finish();
    (await started(2)).finish();
    (await started(3)).finish();
    await expect(Promise.all(calls)).resolves.toHaveLength(2);
    expect(client.pending).toBe(0);
  });

  it('is never written when another one that waited with it has ended it', async () => {
    const strategy: DispatchStrategy = {
      pick: ([connection], command) => {
        if ((command as TaskCmd).n === 1) throw new Error('the strategy fails');
        return connection!;
      },
    };
    const { calc, client, running } = await open(8, { dispatchStrategy: strategy });
    const second = new RecordingSink();
    const failing = Object.assign(new RecordingSink(), { error: () => waiting.cancel() });
    client.dispatch(new TaskCmd(1), failing);
    const waiting = client.dispatch(new TaskCmd(2), second);
    await client.connect();
    await client.ping();
    await turns();
    expect(running).toEqual([]);
    expect(calc.server.inFlight).toBe(0);
    expect(client.pending).toBe(0);
  });

  it('ends with its own error when thousands before it cannot be written', async () => {
    const { client, started } = await open(1);
    const first = client.execute(new TaskCmd(1));
    const running = await started(1);
    const failing = Array.from({ length: 5_000 }, () => client.execute(new TaskCmd(UNWRITABLE)));
    const settled = Promise.allSettled(failing);
    const last = client.execute(new TaskCmd(2));
    running.finish();
    await expect(first).resolves.toEqual(new Done());
    for (const call of await settled) expect(call).toMatchObject({ reason: { code: 'ENCODE_FAILED', sent: false } });
    (await started(2)).finish();
    await expect(last).resolves.toEqual(new Done());
  });

  it('goes to the next connection when its own is lost before it was written', async () => {
    const { calc, started } = await open(1);
    const proxy = await FaultProxy.listen(calc.port);
    own({ destroy: () => proxy.close() });
    const client = own(calcClient(proxy.port, { contract, extension: 'require' }));
    const lost = client.execute(new TaskCmd(1));
    await started(1);
    const waiting = client.execute(new TaskCmd(2));
    proxy.cut('rst');
    await proxy.heal();
    await expect(lost).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
    (await started(2)).finish();
    await expect(waiting).resolves.toEqual(new Done());
  });
});

it('an iterator that was returned before its first Result sends nothing', async () => {
  const { client, running } = await open(1);
  const results = client.iterate(new TaskCmd(1));
  await results.return?.();
  await expect(results.next()).resolves.toEqual({ value: undefined, done: true });
  await client.connect();
  await client.ping();
  expect(running).toEqual([]);
});

it.each([
  [0, 1024],
  [2000, 2000],
])('who waits for a connection without a Command is one of few (queue.maxCommands: %p)', async (maxCommands, most) => {
  const raw = own(await RawServer.listen());
  const client = own(calcClient(raw.port, { queue: { maxCommands } }));
  const waiting = Array.from({ length: most }, () => client.connect());
  await expect(client.connect()).rejects.toMatchObject({
    code: 'QUEUE_FULL',
    message: expect.stringContaining(`${most} wait for a connection already`),
  });
  (await raw.peer()).write(GREETING);
  await Promise.all(waiting);
  await client.connect();
  expect(client.status).toBe('connected');
});
