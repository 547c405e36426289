// Whatever a Command gave to be taken item by item is ended with the Command: taken, half taken, or given when no
// caller was there any more. (Jest fails a test that an uncaught exception or an unhandled rejection happens in.)
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { describe, expect, it } from '@jest/globals';
import type { CommandContext } from '../../../lib/core.js';
import { frame } from '../../support/calc-frames.js';
import { inTime, turns, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { Item, openStage, PlayCmd, type Stage } from '../../support/stage.js';

const own = guardLeaks();

/** Something a handler may give: one item, then nothing for ever; and whether it was ended. */
interface Probe {
  readonly given: unknown;
  isEnded(): boolean;
}

const item = (): Item => new Item(1, false);

const sources: Readonly<Record<string, (value: unknown) => Probe>> = {
  'a Readable of Node'(value) {
    const given = new Readable({ objectMode: true, read() {} });
    given.push(value);
    return { given, isEnded: () => given.destroyed };
  },
  'a ReadableStream of the web'(value) {
    let ended = false;
    const given = new ReadableStream({
      start: (controller) => controller.enqueue(value),
      cancel: () => void (ended = true),
    });
    return { given, isEnded: () => ended };
  },
  'an iterable whose iterator is parked'(value) {
    return parked(value);
  },
  'an iterable with some of the methods that streams have'(value) {
    return parked(value, { destroy() {}, on() {}, cancel() {} });
  },
};

function parked(value: unknown, methods: object = {}): Probe {
  let [given, ended] = [false, false];
  const iterator = {
    next: async () => {
      if (given) return new Promise<never>(() => {});
      given = true;
      return { done: false, value };
    },
    return: async () => {
      ended = true;
      return { done: true, value: undefined };
    },
  };
  return { given: { ...methods, [Symbol.asyncIterator]: () => iterator }, isEnded: () => ended };
}

async function play(give: (context: CommandContext) => unknown, server = {}): Promise<Stage> {
  return openStage(own, (_, context) => give(context) as never, server);
}

/** A Command whose caller leaves as soon as it runs; what `give` gives comes when the server has learned of that. */
async function playWithoutCaller(give: () => unknown): Promise<Stage> {
  const leaving = new AbortController();
  const stage = await play(async ({ signal }) => {
    leaving.abort();
    await once(signal, 'abort');
    return give();
  });
  const call = stage.client.execute(new PlayCmd(), { signal: leaving.signal });
  await expect(call).rejects.toMatchObject({ name: 'AbortError' });
  return stage;
}

describe.each(Object.keys(sources))('%s', (name) => {
  const probe = (value: unknown = item()): Probe => sources[name]!(value);

  it('is ended when its caller leaves while it is parked', async () => {
    const source = probe();
    const { calc, client } = await play(() => source.given);
    for await (const taken of client.iterate(new PlayCmd())) {
      expect(taken.n).toBe(1);
      expect(source.isEnded()).toBe(false);
      break;
    }
    await until('it is ended', () => source.isEnded() && calc.server.inFlight === 0);
    expect(calc.errors).toEqual([]);
  });

  it.each([
    ['by a promise', (source: Probe) => Promise.resolve(source.given)],
    ['as it is', (source: Probe) => source.given],
  ])('is ended when its caller has gone before it was given %s', async (_how, give) => {
    const source = probe();
    let release = (): void => {};
    const { calc } = await playWithoutCaller(async () => {
      await new Promise<void>((resolve) => (release = resolve));
      return give(source);
    });
    await turns(20);
    expect(calc.server.inFlight).toBe(1);
    release();
    await until('it is ended', () => source.isEnded() && calc.server.inFlight === 0);
  });

  it('is ended when its connection is lost', async () => {
    const source = probe();
    const { calc, client } = await play(() => source.given);
    const taken = client.iterate(new PlayCmd())[Symbol.asyncIterator]();
    await taken.next();
    const rest = Promise.resolve(taken.next()).catch(() => {});
    client.destroy();
    await rest;
    await until('it is ended', () => source.isEnded());
    await until('its Command has ended', () => calc.server.connections === 0);
    expect(calc.server.inFlight).toBe(0);
  });

  it('is ended when it gives what is no Result, which is the error of its caller', async () => {
    const source = probe({ no: 'Result' });
    const { calc, client } = await play(() => source.given);
    await expect(client.execute(new PlayCmd())).rejects.toMatchObject({ code: 'RESULT_NOT_IN_CONTRACT' });
    await until('it is ended', () => source.isEnded() && calc.server.inFlight === 0);
  });

  it('is ended when a plain peer has its last Result', async () => {
    const source = probe(new Item(1, true));
    const { calc } = await play(() => source.given);
    const peer = own(await calc.connect());
    peer.write(frame(1, 0, '{"name":""}'));
    await until('it is ended', () => source.isEnded() && calc.server.inFlight === 0);
    await turns();
    expect(calc.errors).toEqual([]);
    expect(calc.lost).toEqual([]);
  });

  it('is ended when the server shuts down', async () => {
    const source = probe();
    const { calc, client } = await play(() => source.given, { gracePeriodMs: 0 });
    const taken = client.iterate(new PlayCmd())[Symbol.asyncIterator]();
    await taken.next();
    const rest = Promise.resolve(taken.next()).catch(() => {});
    await inTime('it is closed', calc.server.close());
    await rest;
    expect(source.isEnded()).toBe(true);
  });
});

describe('a Readable of Node', () => {
  it('harms nothing when it cannot be opened and its caller has gone', async () => {
    const stream: Readable[] = [];
    const { calc } = await playWithoutCaller(() => {
      stream.push(createReadStream('/does/not/exist'));
      return stream[0];
    });
    await until('it is closed', () => stream[0]?.closed === true && calc.server.inFlight === 0);
    await turns();
    expect(calc.errors).toEqual([]);
  });

  it('has failed its Command when it fails, and is closed', async () => {
    const { calc, client } = await play(() => createReadStream('/does/not/exist'));
    await expect(client.execute(new PlayCmd())).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(calc.errors).toEqual([expect.objectContaining({ code: 'ENOENT' })]);
  });
});

describe('an iterable that does not keep to the rules has failed', () => {
  const failure = new Error('against the rules');
  const fail = (): never => {
    throw failure;
  };
  const iterable = (iterator: object): unknown => ({ [Symbol.asyncIterator]: () => iterator });
  const locked = (): unknown => {
    const stream = new ReadableStream();
    stream.getReader();
    return stream;
  };
  const broken: [string, () => unknown, unknown][] = [
    ['[Symbol.asyncIterator]() throws', () => ({ [Symbol.asyncIterator]: fail }), failure],
    ['next() throws', () => iterable({ next: fail }), failure],
    ['next() rejects', () => iterable({ next: async () => fail() }), failure],
    ['next() gives nothing', () => iterable({ next: async () => undefined }), expect.any(TypeError)],
    ['it has no next()', () => iterable({}), expect.any(TypeError)],
    ['it is a stream that is locked', locked, expect.objectContaining({ code: 'ERR_INVALID_STATE' })],
  ];

  it.each(broken)('when %s', async (_what, give, error) => {
    const { calc, client } = await play(give);
    await expect(client.execute(new PlayCmd())).rejects.toMatchObject({ code: 'INTERNAL' });
    await until('it has ended', () => calc.server.inFlight === 0);
    expect(calc.errors).toEqual([error]);
    expect(calc.lost).toEqual([]);
  });

  it.each(broken)('when its caller has gone and %s, which harms nothing', async (_what, give) => {
    const { calc } = await playWithoutCaller(give);
    await until('it has ended', () => calc.server.inFlight === 0);
    await turns();
    expect(calc.lost).toEqual([]);
  });

  const endless = (end: () => unknown): unknown =>
    iterable({ next: async () => ({ done: false, value: item() }), return: end });

  it.each([
    ['throws', fail],
    ['rejects', async () => fail()],
    ['never settles', () => new Promise(() => {})],
  ])('when its return() %s: the Command ends all the same', async (_what, end) => {
    const { calc, client } = await play(() => endless(end));
    for await (const taken of client.iterate(new PlayCmd())) {
      expect(taken.n).toBe(1);
      break;
    }
    await until('it has ended', () => calc.server.inFlight === 0);
    expect(calc.lost).toEqual([]);
  });

  it.each([
    ['throws', fail],
    ['rejects', async () => fail()],
  ])('when its return() %s behind the last Result, which is reported', async (_what, end) => {
    const iterator = { next: async () => ({ done: false, value: new Item(1, true) }), return: end };
    const { calc } = await play(() => iterable(iterator));
    const peer = own(await calc.connect());
    peer.write(frame(1, 0, '{"name":""}'));
    await until('it has ended', () => peer.received.includes('"last":true') && calc.server.inFlight === 0);
    expect(calc.errors).toContain(failure);
  });
});

describe('a generator', () => {
  it('counts as running until it has ended', async () => {
    let release = (): void => {};
    const { calc, client } = await play(async function* () {
      try {
        yield item();
        await new Promise<void>((resolve) => (release = resolve));
        yield item();
      } finally {
        await turns(2);
      }
    });
    for await (const taken of client.iterate(new PlayCmd())) {
      expect(taken.n).toBe(1);
      await turns(5);
      break;
    }
    await turns(50);
    expect(calc.server.inFlight).toBe(1);
    release();
    await until('it has ended', () => calc.server.inFlight === 0);
  });

  it('is not begun when its caller has gone before it was given', async () => {
    const log: string[] = [];
    const { calc } = await playWithoutCaller(async function* () {
      log.push('begun');
      yield item();
    });
    await until('it has ended', () => calc.server.inFlight === 0);
    expect(log).toEqual([]);
  });

  it('gets to its own end behind the last Result of a plain peer, and what it does wrong there is reported', async () => {
    const log: string[] = [];
    const late = new Error('behind the last Result');
    const { calc } = await play(async function* () {
      try {
        yield new Item(1, true);
        log.push('behind');
        throw late;
      } finally {
        log.push('finally');
      }
    });
    const peer = own(await calc.connect());
    peer.write(frame(1, 0, '{"name":""}'));
    await until('it has ended', () => log.length === 2 && calc.server.inFlight === 0);
    expect(calc.errors).toEqual([late]);
    expect(calc.lost).toEqual([]);
  });
});
