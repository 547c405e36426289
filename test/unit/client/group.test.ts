// The connections of a client together, with sockets and a clock of the test's own: who waits, who is sent again, and
// the end.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Duplex } from 'node:stream';
import { AsyncScope } from '../../../lib/async-scope.js';
import { groupConfigOf, resolveClientOptions } from '../../../lib/client/client-config.js';
import { Group } from '../../../lib/client/group/group.js';
import { ClientCall, type CallOptions } from '../../../lib/client/call/client-call.js';
import { CmdStreamError, type CommandClientOptions } from '../../../lib/core.js';
import { addFrame, GREETING, sumFrame } from '../../support/calc-frames.js';
import { turns } from '../../support/deadline.js';
import { control, error, hello, text } from '../../support/extension-frames.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd, vectorContract } from '../../support/vector-contract.js';
import { Wire } from '../../support/wire.js';

interface Attempt {
  succeed(wire: Wire): void;
  fail(error: Error): void;
}

class Sent extends RecordingSink {
  readonly call: ClientCall;

  constructor(n: number, group: Group, options: CallOptions) {
    super();
    this.call = new ClientCall(new AddCmd(n, 3), this, group.waiting, options);
  }

  get failure(): unknown {
    return (this.ends[0] as { error?: unknown } | undefined)?.error;
  }
}

const refused = new Error('not there');
const closed = new CmdStreamError('CLOSED', 'the client was closed');
const SILENT = { keepalive: false, reconnect: { delayMs: 1000 } } as const;

class Stage {
  readonly attempts: Attempt[] = [];
  readonly news: string[] = [];
  readonly group: Group;

  constructor(options: Partial<CommandClientOptions> = {}, limits: { readonly mostPending?: number } = {}) {
    const resolved = resolveClientOptions({ contract: vectorContract, extension: false, ...SILENT, ...options });
    const config = {
      ...groupConfigOf(resolved, new AsyncScope(), () => {}),
      ...limits,
      dial: (): Promise<Duplex> => new Promise((succeed, fail) => void this.attempts.push({ succeed, fail })),
    };
    this.group = new Group(
      config,
      { last: 0 },
      {
        onConnectionChange: ({ index }, cause) => void this.news.push(`${index} ${cause?.code ?? 'changes'}`),
        onAddresses: () => {},
        onCircuit: () => {},
        onUnexpectedResult: (seq) => void this.news.push(`unexpected ${seq}`),
        onLateFrame: () => void this.news.push('late'),
      },
    );
  }

  submit(options: CallOptions = {}, n = 2): Sent {
    const sent = new Sent(n, this.group, options);
    this.group.submit(sent.call);
    return sent;
  }

  async fail(at: number, reason = refused): Promise<void> {
    await turns(1);
    this.attempts[at]!.fail(reason);
    await turns();
  }

  async open(at = 0, greeting = GREETING): Promise<Wire> {
    const wire = new Wire();
    await turns(1);
    this.attempts[at]!.succeed(wire);
    await turns();
    await wire.brings(greeting);
    return wire;
  }
}

const pass = async (ms: number): Promise<void> => {
  jest.advanceTimersByTime(ms);
  await turns();
};

/** What has become of a promise by now. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  let state: unknown = 'pending';
  promise.then(
    () => (state = 'resolved'),
    (reason: unknown) => (state = reason),
  );
  await turns();
  return state;
}

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'clearImmediate'] });
  jest.spyOn(Math, 'random').mockReturnValue(0.5);
  jest.advanceTimersByTime(100_000);
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

describe('who waits for a connection', () => {
  it('has all of them opened, and the first one that is open', async () => {
    const stage = new Stage({ connectionsPerServer: 2 });
    const { group, attempts } = stage;
    const connected = group.connect();
    await turns();
    expect([attempts.length, await stateOf(connected), group.status]).toEqual([2, 'pending', 'connecting']);
    await stage.open(1);
    expect([await stateOf(connected), group.status, group.open.length]).toEqual(['resolved', 'degraded', 1]);
    expect(stage.news).toEqual(['0 changes', '1 changes', '1 changes']);
    expect(await stateOf(group.connect())).toBe('resolved');
    expect([group.hasOthers, group.isExtended]).toEqual([false, false]);
  });

  it('waits for its own time, and no more waits then', async () => {
    const stage = new Stage();
    const states = [stage.group.connect(500), stage.group.connect(1500)].map((promise) =>
      promise.catch((e: unknown) => e),
    );
    await pass(1000);
    expect(await states[0]).toMatchObject({
      code: 'CONNECT_TIMEOUT',
      message: expect.stringContaining('timeoutMs (500)'),
    });
    expect(await stateOf(states[1]!)).toBe('pending');
    await stage.open();
    expect(await states[1]).toBeUndefined();
  });

  it('are 1,024 at most where fewer Commands may wait, and one more when one has its connection', async () => {
    const stage = new Stage({ queue: { maxCommands: 0 } });
    const waiting = Array.from({ length: 1024 }, () => stage.group.connect());
    const failure = await stage.group.connect().catch((reason: unknown) => reason);
    expect(failure).toMatchObject({ code: 'QUEUE_FULL', cause: { code: 'CONNECT_TIMEOUT' } });
    expect(stage.submit().failure).toMatchObject({ code: 'QUEUE_FULL', message: expect.stringContaining('(0)') });
    await stage.open();
    await Promise.all(waiting);
    expect(await stateOf(stage.group.connect())).toBe('resolved');
  });
});

describe('calls that wait for a connection', () => {
  it('are counted, written in order when one is open, and not those that were given up', async () => {
    const stage = new Stage();
    const [first, second, third] = [stage.submit({}, 1), stage.submit({}, 2), stage.submit({}, 3)];
    second.call.cancel();
    expect([stage.group.pending, stage.group.find(1)]).toEqual([2, undefined]);
    const wire = await stage.open();
    expect(wire.hex).toBe(addFrame(1, 1, 3) + addFrame(2, 3, 3));
    expect([stage.group.find(1), stage.group.find(2)]).toEqual([first.call, third.call]);
    await wire.brings(sumFrame(2, 6));
    expect([third.ends, first.ends, stage.group.pending]).toEqual([['complete'], [], 1]);
  });

  it('are as many as may, and one more when one of them is given up', () => {
    const stage = new Stage({ queue: { maxCommands: 2 } });
    const first = stage.submit();
    stage.submit();
    expect(stage.submit().failure).toMatchObject({ code: 'QUEUE_FULL', sent: false });
    first.call.cancel();
    const failures = [stage.submit().failure, stage.submit().failure];
    expect(failures).toEqual([undefined, expect.objectContaining({ code: 'QUEUE_FULL' })]);
    expect(stage.group.pending).toBe(2);
  });

  it('wait for queue.timeoutMs, and fail with why the last attempt has failed', async () => {
    const stage = new Stage({ queue: { timeoutMs: 1000 }, connectTimeoutMs: 60_000 });
    const first = stage.submit();
    await pass(999);
    expect(first.ends).toEqual([]);
    await stage.fail(0);
    const second = stage.submit();
    await pass(251);
    expect(first.failure).toMatchObject({ code: 'CONNECT_FAILED', sent: false, cause: refused });
    expect((first.failure as Error).message).toBe('no connection within queue.timeoutMs (1000): not there');
    expect(second.ends).toEqual([]);
    expect(stage.group.waiting.waitsFor(second.call)).toMatchObject({
      text: 'it waited for a connection: not there',
    });
  });

  it('say of the first attempt what it waits for, and of none that there is none', async () => {
    const stage = new Stage();
    const { call } = stage.submit();
    const { text: said, cause } = stage.group.waiting.waitsFor(call);
    expect(said).toContain('it waited for a connection: no answer from localhost:3000');
    expect(cause).toMatchObject({ code: 'CONNECT_TIMEOUT' });
    const idle = new Stage().group;
    expect(idle.waiting.waitsFor(call)).toEqual({ text: 'it waited for a connection', cause: undefined });
  });

  it('have no other reason to tell when the server has drained, and its next turn is far', async () => {
    const reconnect = { fastPeriodMs: 0, maxDelayMs: 60_000 };
    const stage = new Stage({ extension: true, queue: { timeoutMs: 1000 }, reconnect });
    const connected = stage.group.connect();
    const wire = await stage.open(0, GREETING + hello());
    await connected;
    await wire.brings(control(11, text('shutdown')));
    const sent = stage.submit();
    await pass(1250);
    expect(sent.failure).toMatchObject({ code: 'CONNECT_TIMEOUT', sent: false });
    expect(sent.failure).toHaveProperty('message', 'no connection within queue.timeoutMs (1000)');
  });

  it.each<[string, Partial<CommandClientOptions>, Error, boolean]>([
    ['go on waiting when it may still be had', {}, refused, false],
    ['fail when they are not to wait', { queue: false }, refused, true],
    ['fail when no attempt will be made', { reconnect: false }, refused, true],
    ['fail when it fails for good', {}, new CmdStreamError('SERVER_INFO_MISMATCH', 'another server'), true],
  ])('%s, as soon as no attempt is under way', async (_what, options, reason, fails) => {
    const stage = new Stage({ connectionsPerServer: 2, ...options });
    const connected = stage.group.connect();
    const sent = stage.submit();
    await stage.fail(1, reason);
    expect([sent.ends, await stateOf(connected)]).toEqual([[], 'pending']);
    await stage.fail(0, reason);
    expect(sent.ends.length).toBe(fails ? 1 : 0);
    expect((await stateOf(connected)) === 'pending').toBe(!fails);
    expect(stage.group.pending).toBe(fails ? 0 : 1);
  });
});

describe('a call that is sent again', () => {
  it('was refused before it began: once more after a pause, until the server takes it', async () => {
    const stage = new Stage({ extension: true });
    const sent = stage.submit();
    const wire = await stage.open(0, GREETING + hello());
    for (const [round, pauseMs] of [10, 20].entries()) {
      await wire.brings(error(round + 1, 'OVERLOADED'));
      expect([sent.ends, sent.call.seq, stage.group.pending]).toEqual([[], 0, 1]);
      expect(stage.group.waiting.waitsFor(sent.call)).toEqual({ text: 'it was about to be sent again' });
      await pass(pauseMs - 1);
      expect(sent.call.seq).toBe(0);
      await pass(1);
      expect([sent.call.seq, sent.call.attempts]).toEqual([round + 2, round + 2]);
    }
    await wire.brings(sumFrame(3, 5));
    expect([sent.ends, stage.group.pending]).toEqual([['complete'], 0]);
  });

  it('is given up by its caller meanwhile, and is not sent', async () => {
    const stage = new Stage({ extension: true });
    const sent = stage.submit();
    const wire = await stage.open(0, GREETING + hello());
    await wire.brings(error(1, 'OVERLOADED'));
    sent.call.cancel();
    const before = wire.hex;
    await pass(1000);
    expect([stage.group.pending, wire.hex]).toEqual([0, before]);
  });

  it('was waiting for room on a connection that its server ends, and has another one', async () => {
    const stage = new Stage({ extension: true });
    const [written, waiting] = [stage.submit({}, 1), stage.submit({}, 2)];
    const wire = await stage.open(0, GREETING + hello({ maxInFlight: 1 }));
    expect([written.call.seq, waiting.call.seq]).toEqual([1, 0]);
    await wire.brings(control(11, text('shutdown')));
    expect([waiting.ends, stage.group.pending, stage.group.open]).toEqual([[], 2, []]);
    await pass(50);
    const next = await stage.open(1, GREETING + hello());
    expect(next.hex.endsWith(addFrame(2, 2, 3))).toBe(true);
    await next.brings(sumFrame(2, 5));
    await wire.brings(sumFrame(1, 4));
    expect([written.ends, waiting.ends]).toEqual([['complete'], ['complete']]);
  });

  it('is none that was lost when it may have run', async () => {
    const stage = new Stage();
    const sent = stage.submit();
    const wire = await stage.open();
    await wire.isReset();
    expect(sent.failure).toMatchObject({ code: 'CONNECTION_LOST', sent: true });
    expect(stage.group.pending).toBe(0);
  });
});

describe('what no call waits for', () => {
  it('is notified, whether it was never asked for or is late', async () => {
    const stage = new Stage({ extension: true });
    const sent = stage.submit();
    const wire = await stage.open(0, GREETING + hello());
    stage.news.length = 0;
    sent.call.cancel();
    await wire.brings(error(1, 'REMOTE') + sumFrame(7, 5));
    expect(stage.news).toEqual(['late', 'unexpected 7']);
    expect(stage.group.isExtended).toBe(true);
  });
});

describe('code of the user that picks a connection', () => {
  function picking(act: (stage: Stage, sent: Sent) => void) {
    const permits: string[] = [];
    const permit = (what: string) => () => void permits.push(what);
    const breaker = {
      state: 'closed' as const,
      acquire: () => ({ succeed: permit('succeeded'), fail: permit('failed'), release: permit('released') }),
    };
    const stage: Stage = new Stage({
      circuitBreaker: () => breaker,
      dispatchStrategy: {
        pick: ([first]) => {
          act(stage, sents.at(-1)!);
          return first!;
        },
      },
    });
    const sents: Sent[] = [];
    const submit = (): Sent => {
      sents.push(new Sent(2, stage.group, {}));
      stage.group.submit(sents[0]!.call);
      return sents[0]!;
    };
    return { stage, permits, submit };
  }

  it('and gives the call up meanwhile has it not written, and its breaker learn nothing', async () => {
    const { stage, permits, submit } = picking((_stage, { call }) => call.cancel());
    const connected = stage.group.connect();
    const wire = await stage.open();
    await connected;
    const { ends } = submit();
    await turns();
    expect([ends, wire.hex, permits, stage.group.pending]).toEqual([[], '', ['released'], 0]);
  });

  it('and ends the client meanwhile has the call fail, and its breaker learn nothing', async () => {
    const { stage, permits, submit } = picking(({ group }) => group.destroy(closed));
    const connected = stage.group.connect();
    await stage.open();
    await connected;
    expect(submit().failure).toBe(closed);
    expect(permits).toEqual(['released']);
  });
});

describe('calls that wait for their metadata', () => {
  it('are as many as may, and one more when one of them is over', () => {
    const stage = new Stage({}, { mostPending: 2 });
    const metadata = new Promise<never>(() => {});
    const wait = (): Sent => {
      const sent = new Sent(2, stage.group, {});
      stage.group.submitLater(sent.call, metadata);
      return sent;
    };
    const [first, second, third] = [wait(), wait(), wait()];
    expect([first.ends, second.ends]).toEqual([[], []]);
    expect(third.failure).toMatchObject({
      code: 'QUEUE_FULL',
      message: expect.stringContaining('2 Commands wait for their metadata'),
    });
    expect(stage.group.pending).toBe(2);
    first.call.cancel();
    expect(stage.group.pending).toBe(1);
    expect(wait().ends).toEqual([]);
    expect(wait().failure).toMatchObject({ code: 'QUEUE_FULL' });
    expect(second.ends).toEqual([]);
  });
});

describe('a connection that waits for its next attempt', () => {
  it('has it as soon as another to its server is open, and again only when that one has served', async () => {
    const reconnect = { delayMs: 60_000, fastPeriodMs: 60_000, maxDelayMs: 60_000 };
    const stage = new Stage({ connectionsPerServer: 2, reconnect });
    const connected = stage.group.connect();
    await stage.fail(1);
    const first = await stage.open(0);
    await connected;
    expect(stage.attempts.length).toBe(3);
    await stage.fail(2);

    await first.isReset();
    await pass(50);
    const second = await stage.open(3);
    expect(stage.attempts.length).toBe(4);

    const sent = stage.submit();
    await second.brings(sumFrame(1, 5));
    expect(sent.ends).toEqual(['complete']);
    await second.isReset();
    await pass(50);
    await stage.open(4);
    expect(stage.attempts.length).toBe(6);
  });
});

describe('a connection that rests', () => {
  it('is opened by the next call, although another one takes it', async () => {
    const stage = new Stage({ extension: true, connectionsPerServer: 2 });
    const connected = stage.group.connect();
    const wires = [await stage.open(0, GREETING + hello()), await stage.open(1, GREETING + hello())];
    await connected;
    expect(stage.group.hasOthers).toBe(true);
    await wires[0]!.brings(control(11, text('idle')));
    await pass(5000);
    expect([stage.attempts.length, stage.group.status]).toEqual([2, 'degraded']);
    stage.submit();
    await turns();
    expect([stage.attempts.length, wires[1]!.hex.endsWith(addFrame(1, 2, 3))]).toEqual([3, true]);
    await stage.open(2, GREETING + hello());
    expect(stage.group.status).toBe('connected');
  });
});

describe('idle()', () => {
  it('is over at once when nothing is pending, and when the last call is over, however that ends', async () => {
    const stage = new Stage();
    await stage.group.idle(60_000);
    const [first, second] = [stage.submit(), stage.submit()];
    const wire = await stage.open();
    const idle = stage.group.idle(60_000);
    await wire.brings(sumFrame(1, 5));
    expect([first.ends, await stateOf(idle)]).toEqual([['complete'], 'pending']);
    second.call.cancel();
    expect(await stateOf(idle)).toBe('resolved');
    expect(stage.group.pending).toBe(0);
  });

  it('is over with its limit although calls are pending', async () => {
    const stage = new Stage({ queue: { timeoutMs: 0 }, connectTimeoutMs: 0 });
    stage.submit();
    const idle = stage.group.idle(1000);
    await pass(999);
    expect(await stateOf(idle)).toBe('pending');
    await pass(1);
    expect([await stateOf(idle), stage.group.pending]).toEqual(['resolved', 1]);
  });
});

describe('the end for good', () => {
  it('by destroy() fails whatever waits, with the cause that was given first', async () => {
    const stage = new Stage({ extension: true });
    const refusedCall = stage.submit();
    const wire = await stage.open(0, GREETING + hello());
    await wire.brings(error(1, 'OVERLOADED'));
    await wire.ends();
    const [waiting, connected] = [stage.submit(), stage.group.connect().catch((reason: unknown) => reason)];
    expect(stage.group.pending).toBe(2);
    stage.group.destroy(closed);
    stage.group.destroy(new CmdStreamError('SHUTDOWN', 'once more'));
    expect([refusedCall.failure, waiting.failure, await connected]).toEqual([closed, closed, closed]);
    expect([stage.group.pending, stage.group.status, stage.group.destroyedBy]).toEqual([0, 'closed', closed]);
    expect([stage.submit().failure, await stateOf(stage.group.connect())]).toEqual([closed, closed]);
    await stage.group.close(closed, 1000);
    await pass(60_000);
    expect(stage.attempts).toHaveLength(1);
  });

  it('by close() is over when all sockets are closed, and is no reason to drop what was read', async () => {
    const stage = new Stage();
    const connected = stage.group.connect();
    const wire = await stage.open();
    await connected;
    const end = stage.group.close(closed, 1000);
    expect(stage.group.status).toBe('closed');
    expect([await stateOf(end), wire.isFinished]).toEqual(['pending', true]);
    expect([stage.group.destroyedBy, stage.submit().failure]).toEqual([undefined, closed]);
    await wire.ends();
    await pass(100);
    await end;
    expect(jest.getTimerCount()).toBe(0);
  });

  it('by close() ends sockets of peers that do not, in time', async () => {
    const stage = new Stage();
    const connected = stage.group.connect();
    const wire = await stage.open();
    await connected;
    const end = stage.group.close(closed, 600);
    await pass(299);
    expect(wire.destroyed).toBe(false);
    await pass(1);
    expect(wire.destroyed).toBe(true);
    await pass(100);
    await end;
  });
});
