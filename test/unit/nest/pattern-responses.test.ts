// What comes back by pattern, without a client: in order also where a deserializer is asynchronous, and no failure of
// an observer or deserializer ends the process. (Jest fails a test that an unhandled rejection happens in.)
import { describe, expect, it } from '@jest/globals';
import type { Deserializer, WritePacket } from '@nestjs/microservices';
import { CmdStreamError } from '../../../lib/errors.js';
import { WholePacket } from '../../../lib/codec/pattern-message.js';
import { EmptyError, PatternResponses } from '../../../lib/nest/client/pattern-responses.js';
import { turns } from '../../support/deadline.js';

const MAX_BYTES = 16 * 1024 * 1024;

/** Unwraps in its own time: the first one last. */
function slowest() {
  let count = 0;
  return {
    async deserialize(value: WritePacket): Promise<WritePacket> {
      await turns(3 - count++);
      return value;
    },
  };
}

describe('responses by pattern', () => {
  it('come in order, the end last, however long the deserializer takes for each', async () => {
    const seen: WritePacket[] = [];
    const responses = new PatternResponses((packet) => void seen.push(packet), slowest() as never, MAX_BYTES);
    responses.next(1, 10);
    responses.next(2, 10);
    responses.complete();
    expect(seen).toEqual([]);
    await turns(20);
    expect(seen).toEqual([{ response: 1 }, { response: 2 }, { isDisposed: true }]);
  });

  it('end with an error behind those before it', async () => {
    const seen: WritePacket[] = [];
    const responses = new PatternResponses((packet) => void seen.push(packet), slowest() as never, MAX_BYTES);
    responses.next(1, 10);
    responses.error(new CmdStreamError('REMOTE', 'failed', { payload: 'failed' }));
    await turns(20);
    expect(seen).toEqual([{ response: 1 }, { err: 'failed' }]);
  });

  it('end nothing else when their observer throws, each time', async () => {
    let calls = 0;
    const observe = (): never => {
      calls++;
      throw new Error('an observer fails');
    };
    const responses = new PatternResponses(observe, slowest() as never, MAX_BYTES);
    responses.next(1, 10);
    responses.next(2, 10);
    responses.complete();
    await turns(20);
    // Of each response that its observer has failed with, the observer is given an error.
    expect(calls).toBe(5);
  });

  it('have an error where the deserializer throws or rejects', async () => {
    for (const deserialize of [() => raise(), async () => raise()]) {
      const seen: WritePacket[] = [];
      const responses = new PatternResponses((packet) => void seen.push(packet), { deserialize } as never, MAX_BYTES);
      responses.next(1, 10);
      responses.complete();
      await turns(20);
      expect(seen).toEqual([{ err: new Error('it cannot be unwrapped') }, { isDisposed: true }]);
    }
  });
});

function raise(): never {
  throw new Error('it cannot be unwrapped');
}

class Stage {
  readonly packets: WritePacket[] = [];
  readonly opened: (() => void)[] = [];
  readonly responses: PatternResponses;

  constructor(maxBytes = MAX_BYTES) {
    const deserializer: Deserializer = {
      deserialize: (value) => new Promise((resolve) => this.opened.push(() => resolve(value))),
    };
    this.responses = new PatternResponses((packet) => void this.packets.push(packet), deserializer, maxBytes);
  }

  async openAll(): Promise<void> {
    for (const open of this.opened.splice(0).toReversed()) open();
    await turns(2);
  }
}

describe('answers that wait for the deserializer', () => {
  it('come in order, and a loss behind them', async () => {
    const stage = new Stage();
    const { responses, packets } = stage;
    for (let n = 1; n <= 3; n++) responses.next(n, 10);
    responses.error(new CmdStreamError('CONNECTION_LOST', 'gone'));
    expect(packets).toEqual([]);
    await stage.openAll();
    expect(packets).toEqual([
      ...[1, 2, 3].map((response) => ({ err: undefined, response })),
      { err: expect.objectContaining({ code: 'CONNECTION_LOST' }) as unknown },
    ]);
  });

  it.each([
    ['a time limit', new CmdStreamError('TIMEOUT', 'late')],
    ['the end of the client', new CmdStreamError('CLOSED', 'closed')],
    ['an abort', new Error('aborted')],
  ])('are dropped by %s, which comes at once', async (_what, error) => {
    const stage = new Stage();
    const { responses, packets } = stage;
    for (let n = 1; n <= 3; n++) responses.next(n, 10);
    responses.error(error);
    await stage.openAll();
    expect(packets).toEqual([{ err: error }]);
  });

  it('are bounded by their bytes alone, in every round', async () => {
    const stage = new Stage(20 * (1024 + 1300));
    for (let round = 0; round < 2; round++) {
      for (let n = 0; n < 20; n++) stage.responses.next(n, 1024);
      expect(() => stage.responses.next(0, 1024)).toThrow(
        expect.objectContaining({
          code: 'SLOW_CONSUMER',
          sent: true,
          message: expect.stringMatching(
            /^20 answers, counted as 46480 bytes .*, wait .* maxStreamBufferBytes is 46480$/,
          ) as unknown,
        }),
      );
      await stage.openAll();
    }
    expect(stage.packets).toHaveLength(40);
  });

  it('are counted with what each holds, however small they are', async () => {
    const stage = new Stage();
    const fitting = Math.ceil(MAX_BYTES / (10 + 1300));
    for (let n = 0; n < fitting; n++) stage.responses.next(n, 10);
    expect(() => stage.responses.next(0, 10)).toThrow(expect.objectContaining({ code: 'SLOW_CONSUMER' }));
    await stage.openAll();
    expect(stage.packets).toHaveLength(fitting);
  });

  it('are none, however many come at once, where it is synchronous', () => {
    const packets: WritePacket[] = [];
    const deserializer = { deserialize: (value: WritePacket) => value };
    const responses = new PatternResponses((packet) => void packets.push(packet), deserializer, MAX_BYTES);
    for (let n = 0; n < 30_000; n++) responses.next(n, 10);
    responses.complete();
    expect(packets).toHaveLength(30_001);
  });
});

/** Without a deserializer, or with this one; what its observer is given. */
function start(deserializer?: Deserializer) {
  const packets: WritePacket[] = [];
  return { packets, responses: new PatternResponses((packet) => void packets.push(packet), deserializer, MAX_BYTES) };
}

describe('answers without a deserializer', () => {
  it('are passed on at once, and their end', () => {
    const { packets, responses } = start();
    for (const value of [1, undefined, null, { err: 'no packet' }]) responses.next(value, 10);
    responses.complete();
    expect(packets).toStrictEqual([
      { response: 1 },
      { response: undefined },
      { response: null },
      { response: { err: 'no packet' } },
      { isDisposed: true },
    ]);
  });

  it.each<[string, unknown, unknown]>([
    ['a response', { response: 1 }, { err: undefined, response: 1 }],
    ['a falsy response', { response: null }, { err: undefined, response: null }],
    ['the last response', { response: 1, isDisposed: true }, { err: undefined, response: 1, isDisposed: true }],
    ['a response that is not the last', { response: 1, isDisposed: false }, { err: undefined, response: 1 }],
    ['the end', { isDisposed: true }, { err: undefined, response: undefined, isDisposed: true }],
    ['an error', { err: 'no' }, { err: 'no', response: undefined, isDisposed: true }],
    ['an object', { a: 1 }, { err: undefined, response: { a: 1 }, isDisposed: true }],
    ['a number', 0, { err: undefined, response: 0, isDisposed: true }],
    ['nothing', undefined, { err: undefined, response: undefined, isDisposed: true }],
    ['null', null, { err: undefined, response: null, isDisposed: true }],
  ])('that a serializer has made are packets or answers as a whole: %s', (_, packet, expected) => {
    const { packets, responses } = start();
    responses.next(new WholePacket(packet), 10);
    expect(packets).toStrictEqual([expected]);
  });
});

describe('an error', () => {
  it.each<[string, unknown, unknown]>([
    ['REMOTE', new CmdStreamError('REMOTE', 'failed', { payload: 'no' }), 'no'],
    ['INTERNAL', new CmdStreamError('INTERNAL', 'failed', { payload: 'no' }), 'no'],
  ])('is what the server has sent about it: %s', (_, error, expected) => {
    const { packets, responses } = start();
    responses.error(error);
    expect(packets).toEqual([{ err: expected }]);
  });

  it.each([
    ['TIMEOUT', new CmdStreamError('TIMEOUT', 'late', { payload: 'no' })],
    ['CONNECTION_LOST', new CmdStreamError('CONNECTION_LOST', 'gone', { payload: 'no' })],
    ['of the user', new Error('aborted')],
  ])('that no server has sent is passed on as it is: %s', (_, error) => {
    const { packets, responses } = start();
    responses.error(error);
    expect(packets).toStrictEqual([{ err: error }]);
  });

  it.each([[''], [0], [null], [undefined], [false]])('may be %p, which a packet cannot carry', (payload) => {
    const { packets, responses } = start();
    responses.error(new CmdStreamError('REMOTE', 'failed', { payload }));
    expect(EmptyError.unwrap(packets[0]!.err)).toStrictEqual({ error: payload });
  });

  it.each([[undefined], [null], ['text'], [0], [{}], [() => {}], [new Error('no')]])('may be %p itself', (error) => {
    expect(EmptyError.unwrap(error)).toBeUndefined();
  });

  it('of a caller that wants no more answers is the last that is passed on', () => {
    const { packets, responses } = start();
    const late = new CmdStreamError('TIMEOUT', 'late');
    responses.error(late);
    responses.next(1, 10);
    responses.complete();
    expect(packets).toEqual([{ err: late }]);
  });
});

describe('a deserializer that is asynchronous at times', () => {
  it('holds nothing up as soon as nothing waits for it, in every round', async () => {
    let open = (): void => {};
    const deserializer: Deserializer = {
      deserialize: (value: { response: unknown }) =>
        value.response === 'later' ? new Promise((resolve) => (open = () => resolve(value))) : value,
    };
    const { packets, responses } = start(deserializer);
    const newResponses = () => packets.splice(0).map(({ response }) => response as unknown);
    for (let round = 0; round < 2; round++) {
      responses.next('now', 10);
      expect(newResponses()).toEqual(['now']);
      responses.next('later', 10);
      responses.next('behind it', 10);
      await turns();
      expect(newResponses()).toEqual([]);
      open();
      await turns();
      expect(newResponses()).toEqual(['later', 'behind it']);
    }
    responses.complete();
    expect(packets).toEqual([{ isDisposed: true }]);
  });

  it('holds back what comes while others still wait, although one has ended', async () => {
    const opened: (() => void)[] = [];
    const deserializer: Deserializer = {
      deserialize: (value: { response: unknown }) =>
        value.response === 'now' ? value : new Promise((resolve) => opened.push(() => resolve(value))),
    };
    for (const close of ['complete', 'error'] as const) {
      const { packets, responses } = start(deserializer);
      for (const value of ['first', 'second']) responses.next(value, 10);
      const [first, second] = opened.splice(0);
      first!();
      await turns();
      responses.next('now', 10);
      if (close === 'complete') responses.complete();
      else responses.error(new CmdStreamError('CONNECTION_LOST', 'gone'));
      await turns();
      expect(packets).toMatchObject([{ response: 'first' }]);
      second!();
      await turns();
      expect(packets).toMatchObject([
        { response: 'first' },
        { response: 'second' },
        { response: 'now' },
        close === 'complete' ? { isDisposed: true } : { err: { code: 'CONNECTION_LOST' } },
      ]);
    }
  });

  it('counts what waits, and no more, when it fails', async () => {
    const { packets, responses } = start({ deserialize: () => Promise.reject(new Error('it cannot be unwrapped')) });
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 2; n++) responses.next(n, MAX_BYTES / 2);
      expect(() => responses.next(0, 10)).toThrow('2 answers, counted as');
      await turns();
    }
    expect(packets).toHaveLength(6);
  });
});
