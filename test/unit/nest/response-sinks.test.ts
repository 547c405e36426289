// Sinks before the sink of a Command: what they say of it as it is, and what they pass on.
import { describe, expect, it } from '@jest/globals';
import type { ResultSink } from '../../../lib/core.js';
import { WholePacket } from '../../../lib/codec/pattern-message.js';
import { CmdStreamError } from '../../../lib/errors.js';
import {
  ForwardingSink,
  HookedSink,
  PromisedEnd,
  SerializedResponses,
} from '../../../lib/nest/server/response-sinks.js';

class Sink implements ResultSink {
  isOpen = true;
  drained: Promise<void> | undefined;
  readonly log: unknown[] = [];

  constructor(readonly isAnswered?: boolean) {}

  next(result: unknown): number {
    return this.log.push(result);
  }

  complete(result?: unknown): void {
    this.log.push(['complete', result]);
  }

  error(error: unknown): void {
    this.log.push(['error', error]);
  }
}

describe.each<[string, (sink: ResultSink) => ResultSink]>([
  ['a sink that passes everything on', (sink) => new ForwardingSink(sink)],
  ['one that tells observers of the end', (sink) => new HookedSink(sink, () => {})],
  ['one whose end is that of a promise', (sink) => new PromisedEnd(sink, fail, fail)],
])('%s', (_what, before) => {
  it.each<[boolean | undefined, boolean]>([
    [true, true],
    [false, false],
    [undefined, false],
  ])('is answered as the other is: %s', (isAnswered, expected) => {
    expect(before(new Sink(isAnswered)).isAnswered).toBe(expected);
  });

  it('is open, and has room, as long as the other', () => {
    const sink = new Sink();
    const tested = before(sink);
    expect([tested.isOpen, tested.drained]).toEqual([true, undefined]);
    sink.isOpen = false;
    sink.drained = Promise.resolve();
    expect(tested.isOpen).toBe(false);
    expect(tested.drained).toBe(sink.drained);
  });

  it('passes Results on, and says what they take', () => {
    const sink = new Sink();
    const tested = before(sink);
    expect([tested.next('one'), tested.next('two')]).toEqual([1, 2]);
    expect(sink.log).toEqual(['one', 'two']);
  });
});

describe('one that tells observers of the end', () => {
  it.each<[string, (sink: ResultSink) => void, unknown]>([
    ['complete', (sink) => sink.complete('last'), ['complete', 'last']],
    ['failed', (sink) => sink.error('why'), ['error', 'why']],
  ])('does it behind the other, when it is %s', (_how, end, expected) => {
    const sink = new Sink();
    end(new HookedSink(sink, () => sink.log.push('noticed')));
    expect(sink.log).toEqual([expected, 'noticed']);
  });
});

describe('one whose end is that of a promise', () => {
  it('keeps it from the other', () => {
    const sink = new Sink();
    const ends: unknown[] = [];
    const tested = new PromisedEnd(
      sink,
      () => ends.push('resolved'),
      (error) => ends.push(error),
    );
    tested.complete();
    tested.error('why');
    expect([ends, sink.log]).toEqual([['resolved', 'why'], []]);
  });
});

describe('one behind a serializer', () => {
  const open = () => {
    const sink = new Sink();
    const serializer = { serialize: (packet: unknown) => packet };
    return { sink, tested: new SerializedResponses(sink, serializer, '7', (error) => error) };
  };
  const packetOf = (given: unknown): unknown => (given as WholePacket).packet;

  it('makes a packet of each response, and none of an end without one', () => {
    const { sink, tested } = open();
    tested.next(1);
    tested.complete();
    expect(packetOf(sink.log[0])).toEqual({ response: 1, id: '7' });
    expect(sink.log.slice(1)).toEqual([['complete', undefined]]);
  });

  it('makes one of the last response, and of an error that is meant for the caller', () => {
    const { sink, tested } = open();
    tested.complete(null);
    tested.error(CmdStreamError.remote({ why: 'because' }));
    expect(sink.log.map((entry) => packetOf((entry as unknown[])[1]))).toEqual([
      { response: null, isDisposed: true, id: '7' },
      { err: { why: 'because' }, isDisposed: true, id: '7' },
    ]);
  });

  it.each([
    ['any other error', new Error('secret')],
    ['one whose payload is no JSON', CmdStreamError.remote({ count: 1n })],
  ])('passes %s on as it is', (_what, error) => {
    const { sink, tested } = open();
    tested.error(error);
    expect(sink.log).toEqual([['error', error]]);
  });
});

function fail(): never {
  throw new Error('its end was not to come');
}
