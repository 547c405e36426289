// One place in a client's group, with sockets and a clock of the test's own: outage by outage, age by age, and its one
// end.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Duplex } from 'node:stream';
import { AsyncScope } from '../../../lib/async-scope.js';
import { groupConfigOf, resolveClientOptions } from '../../../lib/client/client-config.js';
import {
  GroupConnection,
  type DialRoute,
  type GroupConnectionListener,
} from '../../../lib/client/group/group-connection.js';
import { ClientCall } from '../../../lib/client/call/client-call.js';
import { CmdStreamError, type CommandClientOptions } from '../../../lib/core.js';
import { addFrame, echoResultFrame, GREETING, sumFrame } from '../../support/calc-frames.js';
import { turns } from '../../support/deadline.js';
import { control, DONE, GOAWAY, hello, text } from '../../support/extension-frames.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd, EchoCmd, vectorContract } from '../../support/vector-contract.js';
import { Wire } from '../../support/wire.js';

interface Attempt {
  readonly turn: number;
  readonly signal: AbortSignal;
  succeed(): Promise<Wire>;
  fail(): Promise<void>;
}

class Stage {
  readonly attempts: Attempt[] = [];
  /** What the group was notified, in order. */
  readonly news: string[] = [];
  readonly sinks: RecordingSink[] = [];
  readonly tested: GroupConnection;
  hasOthers = false;

  constructor(options: Partial<CommandClientOptions> = {}) {
    const standard = { contract: vectorContract, extension: false, keepalive: false } as const;
    const resolved = resolveClientOptions({ ...standard, ...options });
    const config = {
      ...groupConfigOf(resolved, new AsyncScope(), () => {}),
      seqCounter: { last: 0 },
      group: this,
      server: 'calc:1',
      address: { host: 'calc', port: 1 },
      turns: { next: 0 },
      dial: ({ turn }: DialRoute, signal: AbortSignal): Promise<Duplex> => this.#dial(turn, signal),
    };
    const tell = (what: string) => (): void => void this.news.push(what);
    const listener: GroupConnectionListener = {
      onNotStarted: tell('not started'),
      onUnwritten: tell('unwritten'),
      onLost: (call, error) => (tell('lost')(), call.fail(error)),
      onUnexpectedResult: tell('unexpected'),
      onLateFrame: tell('late'),
      onSessionChange: tell('changed'),
      onServed: tell('served'),
      onGone: tell('gone'),
      onStatusChange: ({ status }, cause, isAttempt) =>
        void this.news.push([status, cause?.code, isAttempt && 'attempt'].filter(Boolean).join(' ')),
    };
    this.tested = new GroupConnection(0, config, listener);
  }

  #dial(turn: number, signal: AbortSignal): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      this.attempts.push({
        turn,
        signal,
        succeed: async () => {
          const wire = new Wire();
          resolve(wire);
          await turns();
          return wire;
        },
        fail: async () => {
          reject(new Error('not there'));
          await turns();
        },
      });
    });
  }

  take(): string[] {
    return this.news.splice(0);
  }

  get last(): Attempt {
    return this.attempts.at(-1)!;
  }

  async open(greeting = GREETING): Promise<Wire> {
    const wire = await this.last.succeed();
    await wire.brings(greeting);
    return wire;
  }

  submit(command: unknown = new AddCmd(2, 3)): RecordingSink {
    const sink = new RecordingSink();
    const nowhere = { remove: () => {}, waitsFor: () => ({ text: '' }) };
    this.tested.session!.submit(new ClientCall(command, sink, nowhere));
    this.sinks.push(sink);
    return sink;
  }
}

async function started(options?: Partial<CommandClientOptions>): Promise<Stage> {
  const stage = new Stage(options);
  stage.tested.start();
  await turns();
  return stage;
}

const closed = new CmdStreamError('CLOSED', 'the client was closed');
/** Step by step, so that what is written meanwhile has left. */
const pass = async (ms: number): Promise<void> => {
  for (let left = ms; left > 0; left -= 250) {
    jest.advanceTimersByTime(Math.min(left, 250));
    await turns();
  }
};

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'clearImmediate'] });
  jest.spyOn(Math, 'random').mockReturnValue(0.5);
  jest.advanceTimersByTime(100_000);
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

describe('the first attempt', () => {
  it('is one, however often it is asked for, and takes the first turn', async () => {
    const { tested, attempts, news } = await started();
    tested.start();
    await turns();
    expect(attempts.map(({ turn }) => turn)).toEqual([0]);
    expect([tested.status, tested.isTrying, tested.isConnecting, tested.mayStart]).toEqual([
      'connecting',
      true,
      true,
      false,
    ]);
    expect([news, tested.unanswered?.code]).toEqual([['connecting'], 'CONNECT_TIMEOUT']);
  });

  it('that succeeds opens the connection, which is not opened a second time', async () => {
    const stage = await started();
    await stage.open();
    const { tested } = stage;
    tested.start();
    tested.wake();
    await turns();
    expect(stage.attempts).toHaveLength(1);
    expect([tested.status, tested.isTrying, tested.isConnecting, tested.mayStart]).toEqual([
      'connected',
      false,
      false,
      false,
    ]);
    expect([stage.news, tested.lastError, tested.unanswered]).toEqual([
      ['connecting', 'connected'],
      undefined,
      undefined,
    ]);
  });

  it('that fails is followed by others, each with its turn, at a growing distance, of which nothing is notified', async () => {
    const stage = await started();
    for (const delayMs of [50, 250, 750]) {
      await stage.last.fail();
      expect([stage.tested.status, stage.tested.isTrying, stage.tested.isConnecting]).toEqual([
        'disconnected',
        true,
        false,
      ]);
      expect(stage.tested.lastError).toMatchObject({ code: 'CONNECT_FAILED' });
      const { length } = stage.attempts;
      await pass(delayMs - 1);
      expect(stage.attempts).toHaveLength(length);
      await pass(1);
      expect(stage.attempts).toHaveLength(length + 1);
      expect([stage.tested.status, stage.tested.isConnecting]).toEqual(['disconnected', true]);
    }
    const failed = 'disconnected CONNECT_FAILED attempt';
    expect(stage.news).toEqual(['connecting', failed, failed, failed]);
    expect(stage.attempts.map(({ turn }) => turn)).toEqual([0, 1, 2, 3]);
  });

  it('that fails is the only one without `reconnect`, and the next call may make another', async () => {
    const stage = await started({ reconnect: false });
    await stage.last.fail();
    expect([stage.tested.status, stage.tested.isTrying, stage.attempts.length]).toEqual(['disconnected', false, 1]);
    await pass(60_000);
    expect(stage.attempts).toHaveLength(1);
    stage.tested.start();
    await turns();
    expect([stage.attempts.length, stage.tested.status]).toEqual([2, 'connecting']);
  });

  it('that runs out of time gives up its socket', async () => {
    const stage = await started({ connectTimeoutMs: 1000 });
    const wire = await stage.last.succeed();
    await pass(1500);
    expect(stage.news).toContain('disconnected CONNECT_TIMEOUT attempt');
    expect(wire.destroyed).toBe(true);
  });

  it('whose server hangs up before it is open has failed', async () => {
    const stage = await started();
    await (await stage.last.succeed()).ends();
    expect(stage.take()).toEqual(['connecting', 'disconnected CONNECT_FAILED attempt']);
  });
});

describe('an outage', () => {
  it('is given up after maxAttempts, and a call that comes keeps to its pace', async () => {
    const stage = await started({ reconnect: { maxAttempts: 1 } });
    await stage.last.fail();
    await pass(50);
    await stage.last.fail();
    const { tested } = stage;
    expect([tested.status, tested.isTrying, tested.mayStart, stage.attempts.length]).toEqual([
      'disconnected',
      false,
      false,
      2,
    ]);
    tested.start();
    expect([tested.isTrying, tested.isConnecting]).toEqual([true, false]);
    await pass(249);
    expect(stage.attempts).toHaveLength(2);
    await pass(1);
    expect(stage.attempts).toHaveLength(3);
    await stage.last.fail();
    await pass(60_000);
    expect([stage.attempts.length, tested.mayStart]).toEqual([3, true]);
  });

  it('ends its delay when the server is back, once', async () => {
    const stage = await started();
    stage.tested.wake();
    await stage.last.fail();
    stage.tested.wake();
    stage.tested.wake();
    await turns();
    expect(stage.attempts).toHaveLength(2);
    await pass(60_000);
    expect(stage.attempts.filter(({ signal }) => !signal.aborted).length).toBeLessThanOrEqual(1);
  });

  it('leaves an idle connection alone when the server is back', async () => {
    const stage = new Stage();
    stage.tested.wake();
    await turns();
    expect([stage.attempts, stage.tested.status, stage.tested.mayStart]).toEqual([[], 'disconnected', true]);
  });

  it.each([
    ['that has answered nothing and lived 4.9 s goes on', 4900, false, 250],
    ['that lived 5 s begins anew', 5000, false, 50],
    ['that has answered begins anew', 200, true, 50],
  ])('after a connection %s', async (_what, ageMs, answers, delayMs) => {
    const stage = await started();
    await stage.last.fail();
    await pass(50);
    const wire = await stage.open();
    const sink = stage.submit();
    await turns();
    if (answers) await wire.brings(sumFrame(1, 5));
    await pass(ageMs);
    stage.take();
    await wire.isReset();
    const isGood = delayMs === 50;
    const wasAnswered = sink.ends[0] === 'complete';
    expect([sink.ends.length, wasAnswered]).toEqual([1, answers]);
    expect(stage.take()).toEqual([
      ...(isGood ? ['served'] : []),
      'disconnected PEER_RESET',
      ...(answers ? [] : ['lost']),
    ]);
    expect(stage.tested.lastError).toMatchObject({ code: 'PEER_RESET' });
    await pass(delayMs - 1);
    expect(stage.attempts).toHaveLength(2);
    await pass(1);
    expect(stage.attempts).toHaveLength(3);
    await stage.open();
    expect(stage.tested.lastError).toBeUndefined();
  });
});

describe('a connection that ends because it is not used', () => {
  it.each<[string, Partial<CommandClientOptions>, string, boolean, number, 'ends' | 'isReset', boolean]>([
    ['a plain one that was never used', {}, GREETING, false, 100, 'ends', true],
    ['one that ends too soon', {}, GREETING, false, 99, 'ends', false],
    ['one that was used', {}, GREETING, true, 100, 'ends', false],
    ['one that was reset', {}, GREETING, false, 100, 'isReset', false],
    ['an extended one, which would say so', { extension: true }, GREETING + hello(), false, 100, 'ends', false],
  ])('is opened anew by the next call only: %s', async (_what, options, greeting, isUsed, ageMs, end, isUnneeded) => {
    const stage = await started(options);
    const wire = await stage.open(greeting);
    expect(stage.tested.status).toBe('connected');
    if (isUsed) stage.submit();
    await pass(ageMs);
    await wire[end]();
    expect([stage.tested.status, stage.tested.isTrying, stage.tested.mayStart]).toEqual([
      'disconnected',
      !isUnneeded,
      isUnneeded,
    ]);
    expect(stage.tested.lastError === undefined).toBe(isUnneeded);
    await pass(60);
    expect(stage.attempts).toHaveLength(isUnneeded ? 1 : 2);
  });

  it.each([
    ['idle', false],
    ['silent', false],
    ['shutdown', true],
  ])('says so: after "%s" another attempt is made by itself: %s', async (reason, isTrying) => {
    const stage = await started({ extension: true });
    const wire = await stage.open(GREETING + hello());
    stage.take();
    await wire.brings(control(11, text(reason)) + GOAWAY);
    expect([stage.news, stage.tested.isTrying, stage.tested.mayStart]).toEqual([['disconnected'], isTrying, !isTrying]);
    expect([stage.tested.lastError, stage.tested.session]).toEqual([undefined, undefined]);
    // It is answered once, however often it is said.
    expect(wire.hex.split(DONE)).toHaveLength(2);
    await wire.ends();
    expect(stage.news).toEqual(['disconnected']);
  });

  it('keeps to no pace of an outage before it', async () => {
    const stage = await started({ extension: true, reconnect: { maxAttempts: 1 } });
    await stage.last.fail();
    await pass(50);
    const wire = await stage.open(GREETING + hello());
    await wire.brings(control(11, text('idle')));
    stage.tested.start();
    await turns();
    expect([stage.tested.isConnecting, stage.attempts.length]).toEqual([true, 3]);
  });
});

describe('a connection that has become too old', () => {
  const young = { maxConnectionAgeMs: 1000 };

  it('has a successor, which is no news but a change, and leaves', async () => {
    const stage = await started(young);
    const old = await stage.open();
    const { session } = stage.tested;
    stage.take();
    await pass(999);
    expect(stage.attempts).toHaveLength(1);
    await pass(1);
    expect([stage.attempts.length, stage.tested.status, stage.tested.isConnecting]).toEqual([2, 'connected', false]);
    expect(stage.tested.session).toBe(session);
    await stage.open();
    expect([stage.news, stage.tested.status, old.isFinished]).toEqual([['changed'], 'connected', true]);
    expect(stage.tested.session).not.toBe(session);
    // And so on, in a second round.
    await pass(1000);
    expect(stage.attempts).toHaveLength(3);
  });

  it('keeps its calls, which are found and counted, until they are answered', async () => {
    const stage = await started(young);
    const old = await stage.open();
    const sink = stage.submit();
    await pass(1000);
    await stage.open();
    stage.submit();
    await turns();
    expect([stage.tested.pending, stage.tested.find(1)?.seq, stage.tested.find(2)?.seq, stage.tested.find(3)]).toEqual([
      2,
      1,
      2,
      undefined,
    ]);
    expect(old.isFinished).toBe(false);
    await old.brings(sumFrame(1, 5));
    expect([sink.ends, old.isFinished, stage.tested.pending]).toEqual([['complete'], true, 1]);
    await old.ends();
    expect(stage.tested.status).toBe('connected');
  });

  it('is tried to be replaced again 5 s after its successor could not be had, and is no outage', async () => {
    const stage = await started(young);
    await stage.open();
    stage.take();
    await pass(1000);
    for (let round = 2; round <= 3; round++) {
      expect(stage.attempts).toHaveLength(round);
      await stage.last.fail();
      expect([stage.news, stage.tested.status, stage.tested.lastError]).toEqual([[], 'connected', undefined]);
      await pass(4999);
      expect(stage.attempts).toHaveLength(round);
      await pass(1);
      expect(stage.attempts).toHaveLength(round + 1);
    }
  });

  it('has no successor while four old ones have calls, and has one when one of them has none', async () => {
    const stage = await started(young);
    const wires: Wire[] = [];
    for (let round = 1; round <= 4; round++) {
      wires.push(await stage.open());
      stage.submit();
      await pass(1000);
      expect(stage.attempts).toHaveLength(round + 1);
    }
    await stage.open();
    await pass(1000);
    expect(stage.attempts).toHaveLength(5);
    await wires[0]!.brings(sumFrame(1, 5));
    await wires[0]!.ends();
    await pass(4999);
    expect(stage.attempts).toHaveLength(5);
    await pass(1);
    expect(stage.attempts).toHaveLength(6);
  });

  it('that is lost takes the attempt to replace it with it', async () => {
    const stage = await started(young);
    const wire = await stage.open();
    await pass(1000);
    const renewal = stage.last;
    await wire.isReset();
    expect([renewal.signal.aborted, stage.tested.status]).toEqual([true, 'disconnected']);
    await pass(50);
    expect([stage.attempts.length, stage.tested.isConnecting]).toEqual([3, true]);
    await stage.open();
    await pass(999);
    expect(stage.attempts).toHaveLength(3);
    await pass(1);
    expect(stage.attempts).toHaveLength(4);
  });
});

describe('a connection on which something waits', () => {
  const PING = '00';
  const asked = addFrame(1, 2, 3);

  async function waiting(hasOthers: boolean): Promise<{ stage: Stage; wire: Wire }> {
    const stage = await started({ keepalive: { intervalMs: 60_000 } });
    stage.hasOthers = hasOthers;
    const wire = await stage.open();
    stage.take();
    return { stage, wire };
  }

  it('is asked, is silent when it does not answer, and is silent no more when it does', async () => {
    const { stage, wire } = await waiting(true);
    stage.submit();
    const { session } = stage.tested;
    await pass(750);
    expect([wire.hex, session!.isSilent, stage.news]).toEqual([asked + PING, false, []]);
    await pass(500);
    expect([session!.isSilent, stage.news]).toEqual([true, ['changed']]);
    await wire.brings(PING);
    await pass(250);
    expect([session!.isSilent, stage.news]).toEqual([false, ['changed', 'changed']]);
    expect(wire.hex).toBe(asked + PING);
  });

  it('has a second more for each 128 KiB that its server may have to read first, and none for what it has read', async () => {
    const { stage, wire } = await waiting(true);
    stage.submit(new EchoCmd('x'.repeat(262_144)));
    await pass(3000);
    expect(stage.tested.session!.isSilent).toBe(false);
    await pass(250);
    expect(stage.tested.session!.isSilent).toBe(true);
    await wire.brings(PING + echoResultFrame(1, ''));
    await pass(250);
    stage.submit();
    await pass(1250);
    expect(stage.news).toEqual(['changed', 'changed', 'changed']);
  });

  it('is not asked where no other one could take its calls', async () => {
    const { stage, wire } = await waiting(false);
    stage.submit();
    await pass(3000);
    expect([wire.hex, stage.tested.session!.isSilent, stage.news]).toEqual([asked, false, []]);
  });

  it('is not asked when nothing waits any more', async () => {
    const { stage, wire } = await waiting(true);
    await pass(3000);
    expect(wire.hex).toBe('');
    stage.submit();
    await turns();
    await wire.brings(sumFrame(1, 5));
    await pass(3000);
    expect([wire.hex, stage.news]).toEqual([asked, []]);
  });
});

describe('the end for good', () => {
  const ends = ['close', 'destroy'] as const;

  it.each(ends)(
    'by %s() of a connection that was never used makes no attempt, nor does what comes after it',
    async (end) => {
      const stage = new Stage();
      stage.tested[end](closed);
      stage.tested[end](closed);
      stage.tested.start();
      stage.tested.wake();
      await pass(60_000);
      expect([stage.attempts, stage.news, stage.tested.status, stage.tested.mayStart]).toEqual([
        [],
        [],
        'closed',
        false,
      ]);
      await stage.tested.closed();
    },
  );

  it.each(ends)('by %s() ends the attempt that is under way, and is over when that is', async (end) => {
    const stage = await started();
    stage.take();
    stage.tested[end](closed);
    expect(stage.last.signal).toMatchObject({ aborted: true, reason: closed });
    let isOver = false;
    const over = stage.tested.closed().then(() => (isOver = true));
    await turns();
    expect(isOver).toBe(false);
    const wire = await stage.last.succeed();
    await over;
    expect([wire.destroyed, stage.news, stage.tested.status]).toEqual([true, [], 'closed']);
  });

  it.each(ends)('by %s() ends the delay of an outage', async (end) => {
    const stage = await started();
    await stage.last.fail();
    stage.tested[end](closed);
    await pass(60_000);
    expect([stage.attempts.length, jest.getTimerCount()]).toEqual([1, 0]);
  });

  it.each(ends)('by %s() ends all connections, and is over when their sockets are closed', async (end) => {
    const stage = await started({ maxConnectionAgeMs: 1000 });
    const old = await stage.open();
    stage.submit();
    await pass(1000);
    const current = await stage.open();
    stage.submit();
    await pass(1000);
    const renewal = stage.last;
    stage.take();
    stage.tested[end](closed);
    expect([renewal.signal.aborted, stage.tested.pending, stage.tested.session]).toEqual([true, 0, undefined]);
    expect(stage.take()).toEqual([...(end === 'close' ? ['disconnected CLOSED'] : []), 'lost', 'lost']);
    await turns();
    const wires = [old, current];
    expect(wires.map(({ isFinished }) => isFinished)).toEqual(end === 'close' ? [true, true] : [false, false]);
    let isOver = false;
    const over = stage.tested.closed().then(() => (isOver = true));
    await renewal.fail();
    expect(isOver).toBe(end === 'destroy');
    stage.tested.destroy(closed);
    await over;
    expect(wires.map(({ destroyed }) => destroyed)).toEqual([true, true]);
    expect(stage.news).toEqual([]);
  });
});
