// Commands in the envelope that carries the context of a trace: their bytes are those of the reference's TraceCmd.
import 'reflect-metadata';
import { Expose } from 'class-transformer';
import { describe, expect, it } from '@jest/globals';
import {
  Command,
  CmdStreamError,
  defineContract,
  jsonCodec,
  Result,
  StreamCommand,
  traceCommand,
  VoidCommand,
  type Codec,
  type ResultOf,
} from '../../../lib/core.js';
import { carrierOf, tracedCommandOf, tracedTypeOf } from '../../../lib/contract/trace-command.js';
import { mus, musCodec } from '../../../lib/mus.js';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';

class Sum extends Result {
  constructor(readonly value = 0) {
    super();
  }
}

class AddCmd extends Command<Sum> {
  static readonly idempotent = true;

  constructor(
    readonly A = 0,
    readonly B = 0,
  ) {
    super();
  }

  override exec(): Sum {
    return new Sum(this.A + this.B);
  }
}

class TracedAddCmd extends traceCommand(AddCmd) {}
class CountCmd extends StreamCommand<Sum> {}
class ForgetCmd extends VoidCommand {}
class TracedCountCmd extends traceCommand(CountCmd) {}
class TracedForgetCmd extends traceCommand(ForgetCmd) {}

const contract = defineContract({ commands: [AddCmd, TracedAddCmd], results: [Sum] });
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

const addSerializer = mus.struct(AddCmd, { A: mus.varint.int, B: mus.varint.int });
const codecs: Readonly<Record<string, Codec>> = {
  json: jsonCodec()(contract),
  mus: musCodec({
    commands: [
      addSerializer,
      mus.struct(TracedAddCmd, { carrier: mus.ptr(mus.map(mus.string, mus.string)), command: addSerializer }),
    ],
    results: [mus.struct(Sum, { value: mus.varint.int })],
  })(contract),
};

function encode(codec: Codec, command: unknown): Buffer {
  const writer = new ByteWriter();
  codec.encodeCommand(command, writer);
  return Buffer.from(writer.take());
}

function decode(codec: Codec, bytes: Uint8Array): unknown {
  const reader = new ByteReader();
  reader.append(Buffer.from(bytes));
  reader.beginFrame(1000, 'maxCommandBytes');
  return codec.decodeCommand(reader);
}

function jsonFrame(body: string): Buffer {
  return Buffer.concat([Buffer.from([1, body.length]), Buffer.from(body)]);
}

function traced(carrier: ReadonlyMap<string, string> | null = new Map([['traceparent', traceparent]])): TracedAddCmd {
  return Object.assign(new TracedAddCmd(new AddCmd(2, 3)), { carrier: carrier && new Map(carrier) });
}

describe('a traced Command', () => {
  it.each([
    ['with a context', traced(), `{"MapCarrier":{"traceparent":"${traceparent}"},"Cmd":{"A":2,"B":3}}`],
    ['with none', traced(new Map()), '{"MapCarrier":{},"Cmd":{"A":2,"B":3}}'],
    ['with no carrier', traced(null), '{"MapCarrier":null,"Cmd":{"A":2,"B":3}}'],
  ])('has the JSON of the reference, both ways: %s', (_what, command, body) => {
    const bytes = jsonFrame(body);
    expect(encode(codecs['json']!, command).toString()).toBe(bytes.toString());
    const decoded = decode(codecs['json']!, bytes) as TracedAddCmd;
    expect(decoded).toBeInstanceOf(TracedAddCmd);
    expect(decoded.command).toBeInstanceOf(AddCmd);
    expect(decoded).toEqual(command);
  });

  it.each([
    ['with a context', traced(), `02 00 01 0b ${hex('traceparent')} 37 ${hex(traceparent)} 04 06`],
    ['with none', traced(new Map()), '02 00 00 04 06'],
    ['with no carrier', traced(null), '02 01 04 06'],
  ])('has the MUS of the reference, both ways: %s', (_what, command, text) => {
    const bytes = Buffer.from(text.replaceAll(' ', ''), 'hex');
    expect(encode(codecs['mus']!, command).toString('hex')).toBe(bytes.toString('hex'));
    expect(decode(codecs['mus']!, bytes)).toEqual(command);
  });

  it.each([
    ['{"Cmd":{"A":2}}', { carrier: null, command: { A: 2, B: 0 } }],
    ['{}', { carrier: null, command: { A: 0, B: 0 } }],
    ['null', { carrier: null, command: { A: 0, B: 0 } }],
  ])('may leave out what it does not set: %s', (body, fields) => {
    expect({ ...(decode(codecs['json']!, jsonFrame(body)) as object) }).toEqual(fields);
  });

  it.each([
    '{"MapCarrier":[]}',
    '{"MapCarrier":{"traceparent":7}}',
    '{"MapCarrier":"a"}',
    '{"Cmd":[]}',
    '{"Cmd":{"exec":1}}',
    '[]',
  ])('is refused when it is none: %s', (body) => {
    expect(() => decode(codecs['json']!, jsonFrame(body))).toThrow(expect.objectContaining({ code: 'BAD_PAYLOAD' }));
  });

  it('is of the kind that the Command in it is, and says of itself what that says', () => {
    expect(new TracedAddCmd()).toBeInstanceOf(Command);
    expect(new TracedCountCmd()).toBeInstanceOf(StreamCommand);
    expect(new TracedForgetCmd()).toBeInstanceOf(VoidCommand);
    expect([TracedAddCmd.idempotent, TracedCountCmd.idempotent]).toEqual([true, undefined]);
    const result: ResultOf<TracedAddCmd> = new Sum(1);
    expect(result.value).toBe(1);
  });

  it('runs the Command in it, where that can be run', () => {
    expect(traced().exec?.({}, {} as never)).toEqual(new Sum(5));
    expect(new TracedCountCmd().exec).toBeUndefined();
  });

  it('is found, with its Command and its carrier', () => {
    const command = traced(null);
    expect(tracedCommandOf(command)).toBe(command.command);
    expect(carrierOf(command)).toBe(command.carrier);
    expect(command.carrier).toEqual(new Map());
    expect(tracedTypeOf(TracedAddCmd)).toBe(AddCmd);
    for (const other of [new AddCmd(), null, undefined, 'text', {}])
      expect([tracedCommandOf(other), carrierOf(other)]).toEqual([undefined, undefined]);
    expect(tracedTypeOf(AddCmd)).toBeUndefined();
  });

  it.each([Sum, class {}, () => {}, 5])('is made of classes of Commands only, not of %p', (type) => {
    expect(() => traceCommand(type as never)).toThrow(expect.objectContaining({ code: 'INVALID_CONTRACT' }));
  });

  it('is not made of a class with decorators of class-transformer, where JSON is spoken', () => {
    class RenamedCmd extends Command<Sum> {
      @Expose({ name: 'b' })
      a = 1;
    }
    class TracedRenamedCmd extends traceCommand(RenamedCmd) {}
    const renamed = defineContract({ commands: [TracedRenamedCmd], results: [Sum] });
    expect(() => jsonCodec()(renamed)).toThrow(CmdStreamError);
  });
});

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}
