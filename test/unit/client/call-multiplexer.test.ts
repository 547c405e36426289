// The calls of one connection, with a connection of the test's own: which is written when, waits, or is over already.
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CallBytes } from '../../../lib/client/call/call-bytes.js';
import {
  CallMultiplexer,
  type CallListener,
  type CallMultiplexerConfig,
} from '../../../lib/client/call/call-multiplexer.js';
import { ClientCall, type CallNeeds, type CallOptions } from '../../../lib/client/call/client-call.js';
import { DataCodec } from '../../../lib/codec/data-codec.js';
import { PatternMessage } from '../../../lib/codec/pattern-message.js';
import type { Connection } from '../../../lib/connection/connection.js';
import { CmdStreamError } from '../../../lib/core.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { PADDED } from '../../../lib/wire/control-frame.js';
import { cancel, credit } from '../../support/extension-frames.js';
import { turns } from '../../support/deadline.js';
import { CalcResult, vectorContract } from '../../support/vector-contract.js';
import { tablesOf } from '../../../lib/contract/contract.js';
import { RecordingSink } from '../../support/recording-sink.js';

const data = { maxDepth: 8, maxTokens: 100, maxKeysPerObject: undefined };
const direction = {
  encode: (command: unknown, writer: ByteWriter) =>
    writer.writeText(typeof command === 'function' ? command() : (command as string)),
  decode: () => undefined,
  send: { bytes: 1_000_000, option: 'maxCommandBytes' },
  receive: { bytes: 0, option: 'none' },
  data,
  dataCodec: new DataCodec(data),
};
const MAX_BUFFERED = 1000;

/** A connection that keeps the text of each Command it is given, and the bytes of whatever else. */
class FakeConnection {
  readonly written: string[] = [];
  readonly posted: string[] = [];
  readonly writer = this;
  readonly dataLimits = direction.data;
  isOpen = true;
  bufferedBytes = 0;
  sentBytes = 0;
  onSend: () => void = () => {};
  taken: () => void = () => {};
  lost: (error: Error) => void = () => {};
  readonly #flushed = new Promise<void>((resolve, reject) => Object.assign(this, { taken: resolve, lost: reject }));

  send(write: (writer: ByteWriter) => void): number {
    this.onSend();
    const writer = new ByteWriter();
    write(writer);
    const frame = writer.take();
    // A Command is its number, of one byte here, and its text.
    this.written.push(frame[0] === PADDED ? 'message' : frame.toString('utf8', 1));
    this.sentBytes += frame.length;
    return frame.length;
  }

  post(write: (writer: ByteWriter) => void): void {
    const writer = new ByteWriter();
    write(writer);
    this.posted.push(writer.take().toString('hex'));
  }

  flushed(): Promise<void> {
    return this.#flushed;
  }
}

let connection: FakeConnection;
let listener: { [K in keyof CallListener]: jest.Mock<CallListener[K]> };
let idle: jest.Mock<() => void>;
let calls: CallMultiplexer;
const nowhere = { remove: () => {}, waitsFor: () => ({ text: '' }) };
const lost = new CmdStreamError('CONNECTION_LOST', 'it was lost');

function open(config: Partial<CallMultiplexerConfig> = {}, isExtended = true): void {
  const standard = {
    timeoutMs: 0,
    mostPending: 100,
    queue: { maxCommands: 100 },
    retry: {},
    isIdempotent: () => false,
  };
  const callBytes = new CallBytes({ maxQueuedBytes: 1_000_000, direction });
  const options = { maxSendBufferBytes: MAX_BUFFERED };
  const where = { server: 'calc:1', seqCounter: { last: 0 }, contract: tablesOf(vectorContract) };
  const whole = { ...standard, ...where, direction, callBytes, options, ...config };
  calls = new CallMultiplexer(connection as unknown as Connection, whole, listener);
  calls.isOpen = true;
  if (isExtended) calls.extend(0);
}

class Sent extends RecordingSink {
  readonly call: ClientCall;
  onEnd: () => void = () => {};

  constructor(command: unknown, options?: CallOptions, needs?: CallNeeds) {
    super();
    this.call = new ClientCall(command, this, nowhere, options, needs);
  }

  override error(error: unknown): void {
    super.error(error);
    this.onEnd();
  }

  get failure(): unknown {
    return (this.ends[0] as { error: unknown } | undefined)?.error;
  }
}

function submit(command: unknown, options?: CallOptions, needs?: CallNeeds): Sent {
  const sent = new Sent(command, options, needs);
  calls.submit(sent.call);
  return sent;
}

function late(command: string): Sent {
  const now = performance.now();
  const clock = jest.spyOn(performance, 'now').mockReturnValue(now - 1000);
  const sent = new Sent(command, { timeoutMs: 10 });
  clock.mockRestore();
  return sent;
}

beforeEach(() => {
  connection = new FakeConnection();
  idle = jest.fn();
  listener = {
    onNotStarted: jest.fn(),
    onUnwritten: jest.fn(),
    onLost: jest.fn(),
    onUnexpectedResult: jest.fn(),
    onLateFrame: jest.fn(),
  };
  open();
});

describe('a call that is given to a connection', () => {
  it('is written at once while there is room, and knows its number, its bytes and those before it', () => {
    const [first, second] = [submit('one'), submit('three')];
    expect(connection.written).toEqual(['one', 'three']);
    expect(first.call).toMatchObject({ seq: 1, bytes: 4, sentBytes: 4, attempts: 1, holder: calls });
    expect(second.call).toMatchObject({ seq: 2, bytes: 6, sentBytes: 10, attempts: 1 });
    expect([calls.size, calls.find(1), calls.find(2), calls.find(3)]).toEqual([2, first.call, second.call, undefined]);
  });

  it('waits for a place at the server, and those that wait have theirs in order, one for each that ends', () => {
    calls.extend(2);
    const sent = ['a', 'b', 'c', 'd', 'e'].map((name) => submit(name));
    expect([connection.written, calls.size]).toEqual([['a', 'b'], 5]);
    expect(sent[2]!.call).toMatchObject({ seq: 0, attempts: 0, isPending: true, holder: calls });
    sent[1]!.call.complete();
    expect(connection.written).toEqual(['a', 'b', 'c']);
    sent[0]!.call.cancel();
    expect([connection.written, calls.size]).toEqual([['a', 'b', 'c', 'd'], 3]);
    sent[4]!.call.cancel();
    sent[2]!.call.fail(lost);
    expect([connection.written, calls.size]).toEqual([['a', 'b', 'c', 'd'], 1]);
  });

  it('waits while more than maxSendBufferBytes wait in the socket', () => {
    connection.bufferedBytes = MAX_BUFFERED;
    submit('fits');
    connection.bufferedBytes++;
    submit('waits');
    calls.pump();
    expect(connection.written).toEqual(['fits']);
    connection.bufferedBytes--;
    calls.pump();
    expect(connection.written).toEqual(['fits', 'waits']);
  });

  it('waits behind those that wait, although there is room when it comes', () => {
    calls.extend(1);
    const first = submit('first');
    const overdue = late('overdue');
    overdue.onEnd = () => void submit('last');
    calls.submit(overdue.call);
    submit('second');
    calls.extend(0);
    first.call.complete();
    expect(connection.written).toEqual(['first', 'second', 'last']);
    expect(overdue.failure).toMatchObject({ code: 'TIMEOUT', sent: false });
  });

  it('fails when as many as may be are under way, those that wait among them, and not when one of them has ended', () => {
    open({ mostPending: 2 });
    calls.extend(1);
    const first = submit('a');
    submit('b');
    expect(submit('c').failure).toMatchObject({
      code: 'QUEUE_FULL',
      message: expect.stringContaining('2 Commands wait'),
    });
    first.call.complete();
    expect(submit('d').failure).toBeUndefined();
    expect(calls.size).toBe(2);
  });

  it('fails when queue.maxCommands wait for the socket, and not when they wait for the server', () => {
    open({ queue: { maxCommands: 1 } });
    calls.extend(1);
    for (const name of ['a', 'b', 'c']) expect(submit(name).failure).toBeUndefined();
    connection.bufferedBytes = MAX_BUFFERED + 1;
    expect(submit('d').failure).toMatchObject({ code: 'QUEUE_FULL', message: expect.stringContaining('(1)') });
    expect(calls.size).toBe(3);
    open({ queue: { maxCommands: 1 } });
    expect([submit('e').failure, submit('f').failure]).toEqual([
      undefined,
      expect.objectContaining({ code: 'QUEUE_FULL' }),
    ]);
  });

  it('does not wait when what it says cannot be kept, or is given up meanwhile', () => {
    connection.bufferedBytes = MAX_BUFFERED + 1;
    const broken = submit(() => {
      throw new Error('broken');
    });
    expect(broken.failure).toMatchObject({ code: 'ENCODE_FAILED' });
    const cancelled: Sent = new Sent(() => {
      cancelled.call.cancel();
      return 'given up';
    });
    calls.submit(cancelled.call);
    expect(calls.size).toBe(0);
  });
});

describe('a call that cannot be written', () => {
  it('fails when its time is over, as one that was never sent', () => {
    const { call, ...sent } = late('late');
    calls.extend(1);
    const first = submit('first');
    calls.submit(call);
    first.call.complete();
    expect(sent.ends).toMatchObject([{ error: { code: 'TIMEOUT', sent: false } }]);
    expect([call.seq, call.attempts, connection.written]).toEqual([0, 0, ['first']]);
  });

  it('fails when the server cannot do what it needs', () => {
    open({}, false);
    const sent = submit(new PatternMessage('message', 'sum', []));
    expect(sent.failure).toMatchObject({ code: 'EXTENSION_UNAVAILABLE', sent: false });
    expect([sent.call.seq, sent.call.attempts, calls.size]).toEqual([0, 0, 0]);
  });

  it('fails alone: its place is free again, and those behind it are written', () => {
    calls.extend(1);
    const first = submit('first');
    const [broken, last] = [submit('broken'), submit('last')];
    let sends = 0;
    connection.onSend = () => {
      if (++sends === 1) throw lost;
    };
    first.call.complete();
    expect(broken.failure).toBe(lost);
    expect(last.call).toMatchObject({ isPending: true, attempts: 1 });
    expect([connection.written, calls.size]).toEqual([['first', 'last'], 1]);
  });
});

describe('what is kept of a written call for a repetition', () => {
  it.each<['answered' | 'written', boolean, object | false, boolean, boolean]>([
    // until, extended, retry, idempotent: kept
    ['answered', true, false, false, true],
    ['answered', true, {}, true, true],
    ['answered', false, {}, true, true],
    ['answered', false, {}, false, false],
    ['answered', false, false, true, false],
    ['written', true, {}, false, false],
    ['written', true, {}, true, true],
    ['written', true, false, true, false],
  ])('until %s, extended %s, retry %j, idempotent %s: %s', (until, isExtended, retry, isIdempotent, expected) => {
    open({ retry, isIdempotent: () => isIdempotent }, isExtended);
    expect(submit('text', {}, { until }).call.kept !== undefined).toBe(expected);
  });
});

describe('the end of a written call', () => {
  const check = (seq: number) => () => calls.onAnswer(seq, undefined);

  it('by its server is the last that may come for it', () => {
    const { call } = submit('a');
    calls.whenIdle(idle);
    expect(check(1)).not.toThrow();
    call.complete();
    expect(check(1)).toThrow('behind its end');
    expect(connection.posted).toEqual([]);
    expect(idle).toHaveBeenCalledTimes(1);
    expect(calls.find(1)).toBeUndefined();
  });

  it('by its caller is said to an extended server, which may have sent more by then', () => {
    const { call } = submit('a');
    calls.whenIdle(idle);
    call.cancel();
    call.cancel();
    expect(connection.posted).toEqual([cancel(1)]);
    expect(check(1)).not.toThrow();
    expect([calls.size, idle.mock.calls.length]).toEqual([0, 1]);
  });

  it.each([
    ['plain', false, true],
    ['at its end', true, false],
  ])('by its caller is not said where the connection is %s', (_what, isExtended, isOpen) => {
    open({}, isExtended);
    const { call } = submit('a');
    connection.isOpen = isOpen;
    call.cancel();
    expect(connection.posted).toEqual([]);
    expect(calls.size).toBe(0);
  });

  it('by its caller is not said when it was not written, or was taken away', () => {
    const [first, second] = [submit('a'), submit('b')];
    calls.extend(1);
    const third = submit('c');
    third.call.cancel();
    expect(calls.size).toBe(2);
    expect(calls.takeWritten()).toEqual([first.call, second.call]);
    expect([calls.size, calls.find(1)]).toEqual([0, undefined]);
    first.call.cancel();
    second.call.complete();
    expect(connection.posted).toEqual([]);
    expect(check(2)).not.toThrow();
  });

  it('is that of an attempt when the server has not begun with it: its place is free, and nothing may follow', () => {
    calls.extend(1);
    const [first, second] = [submit('a'), submit('b')];
    calls.whenIdle(idle);
    calls.notStarted(first.call, lost);
    expect([connection.written, calls.size, calls.find(1)]).toEqual([['a', 'b'], 1, undefined]);
    expect(check(1)).toThrow('behind its end');
    expect([first.call.isPending, listener.onNotStarted.mock.calls]).toEqual([true, [[first.call, lost]]]);
    second.call.complete();
    expect(idle).toHaveBeenCalledTimes(1);
  });
});

describe('a call that is only to be written', () => {
  it('is over when the socket has taken it, is not found, and its number is not at its end', async () => {
    const sent = submit('a', {}, { until: 'written' });
    expect([calls.size, calls.find(1)]).toEqual([1, undefined]);
    await turns(1);
    expect(sent.ends).toEqual([]);
    connection.taken();
    await turns(1);
    expect([sent.ends, calls.size]).toEqual([['complete'], 0]);
    expect(() => calls.onAnswer(1, undefined)).not.toThrow();
  });

  it('is not over when the connection ends before: the connection says so itself', async () => {
    const sent = submit('a', {}, { until: 'written' });
    connection.lost(lost);
    await turns(1);
    expect([sent.ends, sent.call.isPending]).toEqual([[], true]);
  });

  it('is one among others that wait for their answer', async () => {
    const other = submit('b');
    connection.taken();
    await turns(1);
    expect(other.call.isPending).toBe(true);
  });
});

describe('what the server answers', () => {
  const unlike = (): never => {
    throw new Error('it cannot say');
  };

  it('goes to its call, which ends with the last, and shows how much the server has read', () => {
    const [first, second] = [submit('one'), submit('three')];
    expect([calls.hasAnswered, calls.confirmedBytes]).toEqual([false, 0]);
    calls.onResult(2, new CalcResult(7), 4);
    expect([second.results, second.ends]).toEqual([[new CalcResult(7)], ['complete']]);
    expect([calls.hasAnswered, calls.confirmedBytes]).toEqual([true, second.call.sentBytes]);
    calls.onAnswer(1, first.call);
    expect([calls.confirmedBytes, listener.onLateFrame.mock.calls]).toEqual([second.call.sentBytes, []]);
  });

  it('is not asked whether it is the last in a stream, and fails its call elsewhere if it cannot say', () => {
    const [first, second] = [submit('a'), submit('b')];
    first.call.isStream = true;
    const result = Object.assign(new CalcResult(7), { lastOne: unlike });
    calls.onResult(1, result, 4);
    calls.onResult(2, result, 4);
    expect([first.results, first.ends]).toEqual([[result], []]);
    expect([second.results, second.failure]).toEqual([[], new Error('it cannot say')]);
  });

  it('is unexpected where no call waits, and late where one was given up', () => {
    submit('a').call.cancel();
    calls.onResult(1, new CalcResult(7), 4);
    expect(listener.onUnexpectedResult.mock.calls).toEqual([[1, new CalcResult(7), 4, false]]);
    calls.onAnswer(1, undefined);
    expect([listener.onLateFrame.mock.calls.length, calls.hasAnswered]).toEqual([1, true]);
    expect(() => calls.onAnswer(2, undefined)).toThrow('never used');
    expect(listener.onLateFrame).toHaveBeenCalledTimes(1);
  });
});

describe('the last call', () => {
  it('is reported once to each that asked, and at once where there is none', () => {
    calls.whenIdle(idle);
    expect(idle).toHaveBeenCalledTimes(1);
    const other = jest.fn();
    const sent = [submit('a'), submit('b')];
    calls.whenIdle(idle);
    calls.whenIdle(idle);
    calls.whenIdle(other);
    sent[0]!.call.complete();
    expect(idle).toHaveBeenCalledTimes(1);
    sent[1]!.call.complete();
    submit('c').call.complete();
    expect([idle.mock.calls.length, other.mock.calls.length]).toEqual([2, 1]);
  });

  it('is not the one that the server has refused and that waits elsewhere by then', () => {
    const { call } = submit('a');
    const order: string[] = [];
    listener.onNotStarted.mockImplementation(() => void order.push('refused'));
    calls.whenIdle(() => order.push('idle'));
    calls.notStarted(call, lost);
    expect(order).toEqual(['refused', 'idle']);
  });
});

describe('credit', () => {
  it('is given for a call that was written, on an extended connection that is open', () => {
    calls.extend(1);
    const [{ call }, waiting] = [submit('a'), submit('b')];
    call.grant(16);
    waiting.call.grant(16);
    expect(connection.posted).toEqual([credit(1, 16)]);
    connection.isOpen = false;
    call.grant(1);
    connection.isOpen = true;
    open({}, false);
    submit('c').call.grant(1);
    expect(connection.posted).toHaveLength(1);
  });
});

describe('what a call waits for', () => {
  it('is an answer, a place at the server, or the socket', () => {
    calls.extend(1);
    const [first, second] = [submit('a'), submit('b')];
    expect(calls.waitsFor(first.call)).toEqual({ text: 'calc:1 has not answered' });
    expect(calls.waitsFor(second.call)).toEqual({ text: 'calc:1 runs as many Commands as it may (1)' });
    connection.bufferedBytes = MAX_BUFFERED + 7;
    expect(calls.waitsFor(second.call)).toEqual({ text: 'calc:1 does not read: 1007 bytes wait to be sent' });
    expect(calls.server).toBe('calc:1');
  });
});

describe('calls that wait', () => {
  let waiting: Sent[];

  beforeEach(() => {
    connection.bufferedBytes = MAX_BUFFERED + 1;
    waiting = ['a', 'b', 'c'].map((name) => submit(name));
    connection.bufferedBytes = 0;
  });

  it('are given back when no more are taken, in order, and then none is left', () => {
    calls.whenIdle(idle);
    calls.close(lost);
    expect(listener.onUnwritten.mock.calls).toEqual(waiting.map(({ call }) => [call, lost]));
    expect([calls.size, idle.mock.calls.length]).toEqual([0, 1]);
  });

  it('are not written where no Commands may be, and are given back in order, once', () => {
    calls.isOpen = false;
    calls.pump();
    expect(connection.written).toEqual([]);
    expect(calls.takeWaiting().map(({ command }) => command)).toEqual(['a', 'b', 'c']);
    expect([calls.takeWaiting(), calls.size]).toEqual([[], 0]);
    calls.isOpen = true;
    calls.pump();
    expect(connection.written).toEqual([]);
  });

  it('are written as far as there is room, and in a second round the rest', () => {
    connection.onSend = () => void (connection.bufferedBytes = MAX_BUFFERED + 1);
    for (let round = 1; round <= 3; round++) {
      calls.pump();
      expect(connection.written).toHaveLength(round);
      connection.bufferedBytes = 0;
    }
    expect(connection.written).toEqual(['a', 'b', 'c']);
  });

  it('are not written any more when the connection leaves meanwhile', () => {
    connection.onSend = () => void (calls.isOpen = false);
    calls.pump();
    expect([connection.written, calls.size]).toEqual([['a'], 3]);
  });

  it('are written in order although each of them fails and so makes room', () => {
    const order: string[] = [];
    connection.onSend = () => {
      order.push('begins');
      throw lost;
    };
    for (const sent of waiting) sent.onEnd = () => void order.push('over');
    calls.pump();
    expect(order).toEqual(['begins', 'over', 'begins', 'over', 'begins', 'over']);
    connection.onSend = () => {};
    submit('d');
    expect([connection.written, calls.size]).toEqual([['d'], 1]);
  });
});

describe('numbers of Commands near 2^53', () => {
  it('are each used once and belong to their calls; when none is left, calls fail and nothing is written', () => {
    open({ seqCounter: { last: Number.MAX_SAFE_INTEGER - 2 } });
    const sent = ['one', 'two', 'none', 'no more'].map((text) => submit(text));
    expect(connection.written).toHaveLength(2);
    const ranOut = { code: 'PROTOCOL_ERROR', sent: false };
    expect(sent.map(({ failure }) => failure)).toMatchObject([undefined, undefined, ranOut, ranOut]);
    const last = new CalcResult(2);
    calls.onResult(Number.MAX_SAFE_INTEGER, last, 1);
    calls.onResult(2n ** 53n, new CalcResult(3), 1);
    expect(sent.map(({ results }) => results)).toEqual([[], [last], [], []]);
    expect(calls.size).toBe(1);
    expect(listener.onUnexpectedResult).toHaveBeenCalledTimes(1);
  });
});
