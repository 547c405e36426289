// What the control frames of a server mean for their calls, byte by byte: Results, ends, errors, and what comes late.
import { describe, expect, it } from '@jest/globals';
import { deliverControl } from '../../../lib/client/session/result-frames.js';
import type { CallMultiplexer } from '../../../lib/client/call/call-multiplexer.js';
import { ClientCall } from '../../../lib/client/call/client-call.js';
import { DataCodec } from '../../../lib/codec/data-codec.js';
import { WholePacket } from '../../../lib/codec/pattern-message.js';
import type { CodecDirection } from '../../../lib/connection/codec-direction.js';
import { CmdStreamError } from '../../../lib/core.js';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { control, end, error, stream } from '../../support/extension-frames.js';
import { uvarint } from '../../support/calc-frames.js';
import { RecordingSink } from '../../support/recording-sink.js';

const LAST = 1;
const PACKET = 2;
const value = (seq: number, flags: number, json: string): string =>
  control(6, uvarint(seq) + uvarint(flags) + Buffer.from(json).toString('hex'));

/** Calls 1 and 2 are live; 3 is over; a higher one was never used. */
class Stage {
  readonly sinks = [new RecordingSink(), new RecordingSink()];
  readonly calls: ClientCall[];
  readonly refused: [ClientCall, CmdStreamError][] = [];
  readonly reasons: (string | undefined)[] = [];
  late = 0;

  constructor() {
    const remove = (_call: ClientCall, reason?: string): void => void this.reasons.push(reason);
    const holder = { server: 'calc:1', remove, waitsFor: () => ({ text: '' }) };
    this.calls = this.sinks.map((sink) => new ClientCall({}, sink, holder));
  }

  deliver(frame: string): boolean {
    const reader = new ByteReader();
    reader.append(Buffer.from(frame, 'hex'));
    reader.beginFrame(1024, 'a limit');
    reader.readBytes(2);
    const kind = Number(reader.readUvarint());
    reader.delimit(reader.readLength());
    const calls: Pick<CallMultiplexer, 'find' | 'onAnswer' | 'notStarted' | 'checkValue'> = {
      find: (seq) => this.calls[Number(seq) - 1],
      onAnswer: (seq, call) => {
        if (seq > 3) throw new CmdStreamError('PROTOCOL_ERROR', 'never used');
        if (call === undefined) this.late++;
      },
      checkValue() {},
      notStarted: (call, reason) => void this.refused.push([call, reason]),
    };
    const data = { maxDepth: 2, maxTokens: 100, maxKeysPerObject: undefined };
    const direction = { data, dataCodec: new DataCodec(data) } as CodecDirection;
    return deliverControl(kind, reader, calls as CallMultiplexer, direction);
  }

  get failure(): unknown {
    return (this.sinks[0]!.ends[0] as { error?: unknown } | undefined)?.error;
  }
}

describe('a control frame', () => {
  it.each([stream(3), end(3), value(3, LAST, '7'), error(3, 'REMOTE')])(
    'of a call that is over is late: %s',
    (frame) => {
      const stage = new Stage();
      expect(stage.deliver(frame)).toBe(true);
      expect([stage.late, stage.sinks.flatMap(({ ends, results }) => [...ends, ...results])]).toEqual([1, []]);
    },
  );

  it.each([stream(4), end(4), value(4, LAST, '7'), error(4, 'REMOTE')])(
    'of a number never used is a protocol error: %s',
    (frame) => {
      expect(() => new Stage().deliver(frame)).toThrow('never used');
    },
  );

  it('of another kind is none of a call', () => {
    expect(new Stage().deliver(control(11, '00'))).toBe(false);
  });

  it('marks a stream, and ends it', () => {
    const stage = new Stage();
    expect([stage.deliver(stream(1)), stage.calls.map(({ isStream }) => isStream)]).toEqual([true, [true, false]]);
    expect(stage.sinks[0]!.ends).toEqual([]);
    expect(stage.deliver(end(1))).toBe(true);
    expect(stage.sinks.map(({ ends }) => ends)).toEqual([['complete'], []]);
  });
});

describe('a Result of a message', () => {
  it('goes to its call, and ends it if it is the last', () => {
    const stage = new Stage();
    stage.deliver(value(1, 0, '{"a":1}'));
    expect([stage.sinks[0]!.results, stage.sinks[0]!.ends]).toEqual([[{ a: 1 }], []]);
    stage.deliver(value(1, LAST, ''));
    expect([stage.sinks[0]!.results, stage.sinks[0]!.ends]).toEqual([[{ a: 1 }, undefined], ['complete']]);
  });

  it('may be a whole packet', () => {
    const stage = new Stage();
    stage.deliver(value(1, PACKET, '{"a":1}'));
    expect(stage.sinks[0]!.results).toEqual([new WholePacket({ a: 1 })]);
    expect(stage.sinks[0]!.results[0]).toBeInstanceOf(WholePacket);
  });

  it.each([
    ['no JSON', '{', 'BAD_PAYLOAD'],
    ['too deep', '[[[1]]]', 'JSON_LIMIT'],
  ])('that is %s fails its call alone, which is given up', (_what, json, code) => {
    const stage = new Stage();
    stage.deliver(value(1, LAST, json));
    expect(stage.failure).toMatchObject({ code, sent: true });
    expect([stage.reasons, stage.sinks[1]!.ends]).toEqual([[code], []]);
  });
});

describe('an error', () => {
  it.each<[string, unknown, object]>([
    [
      'REMOTE',
      undefined,
      { code: 'REMOTE', message: 'the server answered REMOTE (Object at calc:1)', payload: undefined },
    ],
    ['REMOTE', 'said', { code: 'REMOTE', message: 'said (Object at calc:1)', payload: 'said' }],
    ['REMOTE', { message: 'said' }, { message: 'said (Object at calc:1)', payload: { message: 'said' } }],
    ['REMOTE', { message: 7 }, { message: 'the server answered REMOTE: {"message":7} (Object at calc:1)' }],
    ['REMOTE', null, { message: 'the server answered REMOTE: null (Object at calc:1)', payload: null }],
    ['INTERNAL', undefined, { code: 'INTERNAL' }],
    ['OF_THE_FUTURE', 'said', { code: 'REMOTE', message: 'said (Object at calc:1)' }],
    ['SHUTDOWN', { started: true }, { code: 'SHUTDOWN', payload: { started: true } }],
    ['SHUTDOWN', undefined, { code: 'SHUTDOWN' }],
    ['SHUTDOWN', null, { code: 'SHUTDOWN' }],
    ['REMOTE', { started: false }, { code: 'REMOTE' }],
  ])('%s with %j ends its call, as one that was sent', (code, payload, expected) => {
    const stage = new Stage();
    expect(stage.deliver(error(1, code, payload))).toBe(true);
    expect(stage.failure).toMatchObject({ sent: true, ...expected });
    expect([stage.reasons, stage.refused]).toEqual([[undefined], []]);
  });

  it.each<[string, unknown]>([
    ['OVERLOADED', undefined],
    ['OVERLOADED', { started: true }],
    ['SHUTDOWN', { started: false }],
  ])('%s with %j says that the server has not begun', (code, payload) => {
    const stage = new Stage();
    stage.deliver(error(1, code, payload));
    expect(stage.refused).toEqual([[stage.calls[0], expect.objectContaining({ code, sent: false, payload })]]);
    expect([stage.reasons, stage.sinks[0]!.ends]).toEqual([[], []]);
  });

  it('stays one although what came with it cannot be read', () => {
    const stage = new Stage();
    stage.deliver(control(8, `01${uvarint(8)}${Buffer.from('INTERNAL{').toString('hex')}`));
    expect(stage.failure).toMatchObject({ code: 'INTERNAL', sent: true, payload: undefined });
  });

  it('shows integers that are too large as text', () => {
    const stage = new Stage();
    stage.deliver(control(8, `01${uvarint(6)}${Buffer.from('REMOTE{"n":9007199254740993}').toString('hex')}`));
    expect((stage.failure as Error).message).toMatch(/^the server answered REMOTE: \{"n":.*\} \(Object at calc:1\)$/);
  });
});
