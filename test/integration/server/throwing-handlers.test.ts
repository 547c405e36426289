// What a handler throws, whatever it is: it never reaches the process or another connection, and the other Commands
// of its own connection only where nothing maps it to a Result. (Jest fails a test that an uncaught exception or
// an unhandled rejection happens in.)
import { describe, expect, it } from '@jest/globals';
import type {
  CmdStreamError,
  CommandServerOptions,
  CommandInvoker,
  PlainErrorMapper,
  ResultSink,
} from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { calcInvoker } from '../../support/calc-invoker.js';
import { CalcResult, CountResult, FailCmd } from '../../support/vector-contract.js';
import {
  ADD_2_3,
  addFrame,
  countResultFrame,
  failFrame,
  GREETING,
  SUM_5,
  sumFrame,
} from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { turns, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';

const own = guardLeaks();

const hostile = {
  toString(): never {
    throw new Error('toString throws');
  },
};
const thrown: [string, unknown][] = [
  ['an Error', new Error('intentional failure')],
  ['a string', 'intentional failure'],
  ['undefined', undefined],
  ['null', null],
  ['a number', 0],
  ['an object without a prototype', Object.create(null)],
  ['an object whose toString throws', hostile],
  ['an Error without a message', Object.assign(new Error('x'), { message: undefined })],
  ['an Error whose message throws', Object.defineProperty(new Error('x'), 'message', { get: hostile.toString })],
  ['a Proxy that throws whatever it is asked', new Proxy({}, allTraps(hostile.toString))],
];

function allTraps(trap: () => never): ProxyHandler<object> {
  return { get: trap, has: trap, getPrototypeOf: trap, ownKeys: trap, getOwnPropertyDescriptor: trap };
}

const ways: [string, (error: unknown) => ReturnType<CommandInvoker['invoke']>][] = [
  [
    'thrown',
    (what) => {
      throw what;
    },
  ],
  ['a rejected promise', (what) => Promise.reject(what)],
  ['a rejected promise later', (what) => turns(1).then(() => Promise.reject(what))],
  [
    'thrown by the then of what was returned',
    (what) => ({
      // oxlint-disable-next-line unicorn/no-thenable
      then: () => {
        throw what;
      },
    }),
  ],
];
const cases = thrown.flatMap(([what, error]) => ways.map(([how, fail]) => ({ what, how, error, fail })));

/** Fails where a FailCmd says so; runs all other Commands. */
function failing(fail: () => ReturnType<CommandInvoker['invoke']>): CommandInvoker {
  return {
    invoke: (command, context, sink) =>
      command instanceof FailCmd ? fail() : calcInvoker.invoke(command, context, sink),
  };
}

const toMinusOne: PlainErrorMapper = () => new CalcResult(-1);

function start(fail: () => ReturnType<CommandInvoker['invoke']>, options: Partial<CommandServerOptions> = {}) {
  return CalcServer.start({ invoker: failing(fail), ...options });
}

describe('a failing handler without onPlainError', () => {
  it.each(cases)('ends only its connection with HANDLER_ERROR when $what is $how', async ({ error, fail }) => {
    const calc = own(await start(() => fail(error)));
    const [peer, other] = [own(await calc.connect()), own(await calc.connect())];
    peer.write(ADD_2_3 + failFrame(2));
    await peer.receives(GREETING + SUM_5);
    await peer.ends();
    const cause = await calc.lostCause();
    expect(cause).toMatchObject({ code: 'HANDLER_ERROR' });
    expect(cause.cause).toBe(error);
    other.write(ADD_2_3);
    await other.receives(GREETING + SUM_5);
    expect(calc.lost).toHaveLength(1);
  });

  it('sends what other Commands were answered before it ends the connection', async () => {
    const calc = own(await start(() => Promise.reject(new Error('late'))));
    const peer = own(await calc.connect());
    const adds = Array.from({ length: 100 }, (_, at) => at + 1);
    peer.write(adds.map((seq) => addFrame(seq, seq, 0)).join('') + failFrame(101));
    await peer.receives(GREETING + adds.map((seq) => sumFrame(seq, seq)).join(''));
    await peer.ends();
  });

  it('ends the connection when the sink is given the error', async () => {
    const error = new Error('given');
    const invoker: CommandInvoker = {
      invoke: (_command, _context, sink) => void setImmediate(() => sink.error(error)),
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await peer.ends();
    expect((await calc.lostCause()).cause).toBe(error);
  });

  it('aborts the other running Commands of the connection', async () => {
    const reasons: unknown[] = [];
    const invoker: CommandInvoker = {
      invoke(command, { signal }, sink) {
        if (command instanceof FailCmd) throw new Error('intentional failure');
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason);
          sink.complete();
        });
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3 + ADD_2_3 + failFrame(3));
    const cause = await calc.lostCause();
    expect(reasons).toEqual([cause, cause]);
    await turns();
    expect(calc.lost).toHaveLength(1);
  });

  it('leaves the connection alone when the handler fails after its last Result', async () => {
    const error = new Error('too late');
    const invoker: CommandInvoker = {
      async invoke(_command, _context, sink) {
        sink.next(new CalcResult(5));
        throw error;
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await peer.receives(GREETING + SUM_5);
    peer.write(ADD_2_3);
    await peer.receives(GREETING + SUM_5 + SUM_5);
    expect(calc.errors).toEqual([error, error]);
    expect(calc.lost).toEqual([]);
  });

  it('ends the connection when the handler fails between two Results', async () => {
    const invoker: CommandInvoker = {
      invoke(_command, _context, sink) {
        sink.next(new CountResult(0, false));
        throw new Error('between');
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    expect(await calc.lostCause()).toMatchObject({ code: 'HANDLER_ERROR' });
  });

  it('ignores a handler that fails after its connection has ended', async () => {
    const invoker: CommandInvoker = {
      async invoke(_command, { signal }) {
        await until('the connection ends', () => signal.aborted);
        throw new Error('no caller is there');
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await until('the Command runs', () => calc.server.inFlight === 1);
    peer.reset();
    expect(await calc.lostCause()).toMatchObject({ code: 'PEER_RESET' });
    await turns();
    expect(calc.lost).toHaveLength(1);
  });
});

describe('a failing handler with onPlainError', () => {
  it.each(cases)('is answered with the mapped Result when $what is $how', async ({ error, fail }) => {
    const seen: unknown[] = [];
    const onPlainError: PlainErrorMapper = (given, command, { seq }) => {
      seen.push(given, command, seq);
      return new CalcResult(-1);
    };
    const calc = own(await start(() => fail(error), { onPlainError }));
    const peer = own(await calc.connect());
    peer.write(failFrame(7));
    await peer.receives(GREETING + sumFrame(7, -1));
    expect(seen[0]).toBe(error);
    expect(seen.slice(1)).toEqual([new FailCmd(), 7]);
    peer.write(ADD_2_3);
    await peer.receives(GREETING + sumFrame(7, -1) + SUM_5);
    expect(calc.lost).toEqual([]);
  });

  it('leaves all other Commands of the connection alone', async () => {
    const calc = own(await start(() => Promise.reject(new Error('one of 200')), { onPlainError: toMinusOne }));
    const peer = own(await calc.connect());
    const seqs = Array.from({ length: 200 }, (_, at) => at + 1);
    peer.write(seqs.map((seq) => (seq === 100 ? failFrame(seq) : addFrame(seq, seq, 0))).join(''));
    const sums = seqs.filter((seq) => seq !== 100).map((seq) => sumFrame(seq, seq));
    await peer.receives(GREETING + sums.join('') + sumFrame(100, -1));
  });

  it('is not asked when the handler fails after its last Result', async () => {
    const invoker: CommandInvoker = {
      invoke(_command, _context, sink) {
        sink.next(new CalcResult(5));
        throw new Error('too late');
      },
    };
    const calc = own(await CalcServer.start({ invoker, onPlainError: toMinusOne }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await peer.receives(GREETING + SUM_5);
  });

  it.each(thrown)('ends the connection with what it threw itself when that is %s', async (_what, error) => {
    const first = new Error('first');
    const onPlainError: PlainErrorMapper = () => {
      throw error;
    };
    const calc = own(await start(() => Promise.reject(first), { onPlainError }));
    const peer = own(await calc.connect());
    peer.write(failFrame(1));
    const cause = await calc.lostCause();
    expect(cause).toMatchObject({ code: 'HANDLER_ERROR' });
    expect(cause.cause).toBe(error);
    expect(calc.errors).toHaveLength(1);
    expect(calc.errors[0]).toBe(error);
  });

  it.each([
    ['nothing', undefined, 'RESULT_NOT_IN_CONTRACT'],
    ['no Result of the contract', { message: 'failed' }, 'RESULT_NOT_IN_CONTRACT'],
    ['a Result that cannot be written', new CalcResult(Number.NaN), 'ENCODE_FAILED'],
  ])('ends the connection when it gives %s', async (_what, given, code) => {
    const calc = own(await start(() => Promise.reject(new Error('first')), { onPlainError: () => given }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3 + failFrame(2));
    await peer.receives(GREETING + SUM_5);
    await peer.ends();
    const cause = await calc.lostCause();
    expect(cause).toMatchObject({ code: 'HANDLER_ERROR' });
    expect((cause.cause as CmdStreamError).code).toBe(code);
  });
});

describe('onPlainError that is asynchronous', () => {
  it('answers with what its promise gives; the Command runs until then', async () => {
    let answer = (_result: unknown): void => {};
    const onPlainError: PlainErrorMapper = () => new Promise((resolve) => (answer = resolve));
    const calc = own(await start(() => Promise.reject(new Error('first')), { onPlainError }));
    const peer = own(await calc.connect());
    peer.write(failFrame(7) + ADD_2_3);
    await peer.receives(GREETING + SUM_5);
    expect(calc.server.inFlight).toBe(1);
    answer(new CalcResult(-1));
    await peer.receives(GREETING + SUM_5 + sumFrame(7, -1));
    expect(calc.server.inFlight).toBe(0);
  });

  it('sends nothing when its connection has ended before its promise', async () => {
    let answer = (_result: unknown): void => {};
    const onPlainError: PlainErrorMapper = () => new Promise((resolve) => (answer = resolve));
    const calc = own(await start(() => Promise.reject(new Error('first')), { onPlainError }));
    const peer = own(await calc.connect());
    peer.write(failFrame(7));
    await peer.receives(GREETING);
    peer.reset();
    expect(await calc.lostCause()).toMatchObject({ code: 'PEER_RESET' });
    await turns(20);
    expect(calc.server.inFlight).toBe(1);
    answer(new CalcResult(-1));
    await until('it is over', () => calc.server.connections === 0);
    expect(calc.errors).toEqual([]);
    expect(calc.server.inFlight).toBe(0);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('second')), 'second'],
    ['gives nothing', () => Promise.resolve(), 'not in the contract'],
  ])('ends the connection when its promise %s', async (_what, onPlainError, text) => {
    const calc = own(await start(() => Promise.reject(new Error('first')), { onPlainError }));
    const peer = own(await calc.connect());
    peer.write(failFrame(7));
    await peer.ends();
    const cause = await calc.lostCause();
    expect(cause).toMatchObject({ code: 'HANDLER_ERROR', message: expect.stringContaining(text) as unknown });
    expect(calc.errors).toEqual([cause.cause]);
  });
});

describe('a handler of a plain peer that ends without a last Result', () => {
  const silent: [string, (sink: ResultSink) => void | Promise<void>][] = [
    ['at once', (sink) => sink.complete()],
    ['by a promise', async () => {}],
    ['behind a Result that is not the last', (sink) => sink.complete(new CountResult(0, false))],
  ];

  it.each(silent)('has failed, %s: the connection ends and says why', async (_what, end) => {
    const calc = own(await CalcServer.start({ invoker: { invoke: (_command, _context, sink) => end(sink) } }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await peer.ends();
    const text = 'the handler of AddCmd ended without a last Result, which a plain peer waits for';
    expect(await calc.lostCause()).toMatchObject({
      code: 'HANDLER_ERROR',
      message: `the handler of AddCmd failed: ${text}`,
    });
    expect(calc.server.inFlight).toBe(0);
  });

  it.each(silent)('has failed, %s: onPlainError gives the Result', async (what, end) => {
    const seen: unknown[] = [];
    const onPlainError: PlainErrorMapper = (error) => (seen.push(error), new CalcResult(-1));
    const invoker: CommandInvoker = { invoke: (_command, _context, sink) => end(sink) };
    const calc = own(await CalcServer.start({ invoker, onPlainError }));
    const peer = own(await calc.connect());
    peer.write(addFrame(1, 2, 3));
    const first = what.startsWith('behind') ? countResultFrame(1, 0, false) : '';
    await peer.receives(GREETING + first + sumFrame(1, -1));
    expect(seen).toEqual([expect.objectContaining({ code: 'HANDLER_ERROR' })]);
    expect(calc.lost).toEqual([]);
  });

  it('does not report it once more for an onPlainError whose Result is not the last', async () => {
    const invoker: CommandInvoker = { invoke: (_command, _context, sink) => sink.complete() };
    const calc = own(await CalcServer.start({ invoker, onPlainError: () => new CountResult(0, false) }));
    const peer = own(await calc.connect());
    peer.write(addFrame(1, 2, 3));
    await peer.ends();
    expect(await calc.lostCause()).toMatchObject({
      code: 'HANDLER_ERROR',
      message: 'the handler of AddCmd failed: onPlainError gave no last Result, which a plain peer waits for',
    });
  });

  it('has not failed when its caller has gone', async () => {
    const sinks: ResultSink[] = [];
    const invoker: CommandInvoker = { invoke: (_command, _context, sink) => void sinks.push(sink) };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await until('it runs', () => sinks.length === 1);
    peer.finish();
    await until('the connection ends', () => !sinks[0]!.isOpen);
    sinks[0]!.complete();
    expect(await calc.lostCause()).toMatchObject({ code: 'PEER_CLOSED' });
    expect(calc.errors).toEqual([]);
  });
});

describe('a handler of a plain peer that goes on behind its last Result', () => {
  const more: [string, (sink: ResultSink) => void][] = [
    ['next()', (sink) => sink.next(new CalcResult(6))],
    ['complete()', (sink) => sink.complete(new CalcResult(6))],
  ];

  it.each(more)('is notified of once for each class of Commands: %s', async (_what, goOn) => {
    const invoker: CommandInvoker = {
      invoke(_command, _context, sink) {
        sink.next(new CalcResult(5));
        goOn(sink);
        goOn(sink);
        sink.complete();
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peers = [own(await calc.connect()), own(await calc.connect())];
    for (const peer of peers) {
      peer.write(ADD_2_3 + failFrame(2) + ADD_2_3);
      await peer.receives(GREETING + SUM_5 + sumFrame(2, 5) + SUM_5);
    }
    expect(calc.errors).toEqual(
      ['AddCmd', 'FailCmd'].map((name) =>
        expect.objectContaining({
          code: 'RESULT_AFTER_LAST',
          message: expect.stringContaining(`the handler of ${name} goes on after its last Result`) as unknown,
        }),
      ),
    );
  });
});

describe('a callback that throws', () => {
  const throws = (): never => {
    throw new Error('a callback throws');
  };

  it('leaves the server alone when it is onDisconnect', async () => {
    const calc = own(await CalcServer.start({ onDisconnect: throws }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.reset();
    await until('the error is reported', () => calc.errors.length === 1);
    const next = own(await calc.connect());
    next.write(ADD_2_3);
    await next.receives(GREETING + SUM_5);
    expect(calc.server.connections).toBe(1);
  });

  it.each(ways)("leaves the server alone when it is onError and the handler's error was %s", async (_how, fail) => {
    const calc = own(await start(() => fail(new Error('x')), { onError: throws, onPlainError: toMinusOne }));
    const peer = own(await calc.connect());
    peer.write(failFrame(1) + ADD_2_3);
    await until('both are answered', () => peer.received.length === 8 + 5 + 4);
    expect(calc.lost).toEqual([]);
  });

  it('leaves the server alone when onDisconnect and onError both throw', async () => {
    const calc = own(await CalcServer.start({ onDisconnect: throws, onError: throws }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.reset();
    await until('the connection is gone', () => calc.server.connections === 0);
    const next = own(await calc.connect());
    await next.receives(GREETING);
  });
});

describe("an Invoker's failureOf", () => {
  it('is asked what the handler fails with, and not about a Result that cannot be sent', async () => {
    const asked: unknown[] = [];
    const seen: unknown[] = [];
    const original = new Error('the handler fails');
    const invoker: CommandInvoker = {
      invoke(_command, { seq }, sink) {
        try {
          sink.next(seq === 1 ? { no: 'Result' } : new CountResult(1, false));
          throw original;
        } catch (error) {
          sink.error(error);
        }
      },
      failureOf: (error) => (asked.push(error), new Error('instead')),
    };
    const onPlainError: PlainErrorMapper = (error) => (seen.push(error), new CalcResult(-1));
    const calc = own(await CalcServer.start({ invoker, onPlainError }));
    const peer = own(await calc.connect());
    peer.write(failFrame(1) + failFrame(2));
    await until('both are answered', () => seen.length === 2);
    expect(seen).toMatchObject([{ code: 'RESULT_NOT_IN_CONTRACT' }, { message: 'instead' }]);
    expect(asked).toEqual([original]);
  });
});

describe('an Invoker whose handlerOf throws', () => {
  it('has it reported, and the Command named by its type alone', async () => {
    const failure = new Error('handlerOf fails');
    const invoker: CommandInvoker = {
      invoke: (_command, _context, sink) => sink.error(new Error('the handler fails')),
      handlerOf() {
        throw failure;
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await peer.ends();
    expect(await calc.lostCause()).toMatchObject({
      code: 'HANDLER_ERROR',
      message: expect.stringContaining('the handler of AddCmd failed'),
    });
    expect(calc.errors).toEqual([failure]);
  });
});

describe('an Invoker whose failureOf fails', () => {
  const failure = new Error('failureOf fails');
  const original = new Error('the handler fails');
  const failures: [string, () => unknown][] = [
    [
      'throws',
      () => {
        throw failure;
      },
    ],
    ['rejects', () => Promise.reject(failure)],
  ];
  const both = failures.flatMap(([how, failureOf]) => ways.map(([when, fail]) => ({ how, failureOf, when, fail })));
  /** Both are reported: what it failed with, and what the handler has failed with. */
  const isReported = (calc: CalcServer): boolean =>
    calc.errors.includes(failure) && calc.errors.some((error) => (error as CmdStreamError).cause === original);

  it.each(both)('answers with an error that says nothing: it $how, the error is $when', async ({ failureOf, fail }) => {
    const invoker: CommandInvoker = { invoke: () => fail(original), failureOf };
    const calc = own(await CalcServer.start({ invoker }));
    const client = own(calcClient(calc.port, { extension: true }));
    await expect(client.execute(new FailCmd())).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.not.stringContaining('fails') as unknown,
    });
    await until('both are reported', () => isReported(calc));
    await until('it is over', () => calc.server.inFlight === 0);
  });

  it.each(both)('leaves onPlainError to answer: it $how, the error is $when', async ({ failureOf, fail }) => {
    const seen: unknown[] = [];
    const onPlainError: PlainErrorMapper = (error) => (seen.push(error), new CalcResult(-1));
    const calc = own(await CalcServer.start({ invoker: { invoke: () => fail(original), failureOf }, onPlainError }));
    const peer = own(await calc.connect());
    peer.write(failFrame(7));
    await peer.receives(GREETING + sumFrame(7, -1));
    expect(seen).toEqual([expect.objectContaining({ code: 'INTERNAL', cause: original })]);
    expect(calc.errors).toContain(failure);
    expect(calc.server.inFlight).toBe(0);
  });

  it.each(both)('costs an event nothing but a report: it $how, the error is $when', async ({ failureOf, fail }) => {
    const calc = own(await CalcServer.start({ invoker: { invoke: () => fail(original), failureOf } }));
    const client = own(calcClient(calc.port, { extension: true }));
    await client.emit(new FailCmd());
    await until('both are reported', () => isReported(calc));
    await until('it is over', () => calc.server.inFlight === 0);
    expect(calc.lost).toEqual([]);
  });
});
