// The MUS codec and its contract: what fits, what does not, and what a Command costs that cannot be written.
import { describe, expect, it } from '@jest/globals';
import { Command, defineContract, Result } from 'nestjs-cmd-stream/core';
import { mus, musCodec } from 'nestjs-cmd-stream/mus';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { readChunks, readEveryWay } from '../wire/cutting.js';

class CalcResult extends Result {
  constructor(readonly value = 0) {
    super();
  }
}

class AddCmd extends Command<CalcResult> {
  constructor(
    readonly a = 0,
    readonly b = 0,
  ) {
    super();
  }
}

class SubCmd extends Command<CalcResult> {
  constructor(
    readonly a = 0,
    readonly b = 0,
  ) {
    super();
  }
}

class MulCmd extends AddCmd {}

const operands = { a: mus.varint.int, b: mus.varint.int };
const add = mus.struct(AddCmd, operands);
const sub = mus.struct(SubCmd, operands);
const calcResult = mus.struct(CalcResult, { value: mus.varint.int });
const contract = defineContract({ commands: [AddCmd, SubCmd], results: [CalcResult] });
const codec = musCodec({ commands: [add, sub], results: [calcResult] })(contract);
const refuse = (code: string, message?: string) =>
  expect.objectContaining({ code, ...(message && { message: expect.stringContaining(message) as unknown }) });

function written(write: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter();
  write(writer);
  return writer.take().toString('hex');
}

function reader(hex: string): ByteReader {
  const bytes = new ByteReader();
  bytes.append(Buffer.from(hex, 'hex'));
  bytes.beginFrame(1_000, 'maxCommandBytes');
  return bytes;
}

describe('the MUS codec', () => {
  it('writes the number of the type, then the fields, both ways', () => {
    expect(written((writer) => codec.encodeCommand(new SubCmd(-1, 300), writer))).toBe('0201d804');
    expect(codec.decodeCommand(reader('0201d804'))).toEqual(new SubCmd(-1, 300));
    expect(written((writer) => codec.encodeResult(new CalcResult(5), writer))).toBe('010a');
    expect(codec.decodeResult(reader('010a'))).toEqual(new CalcResult(5));
  });

  it('numbers the types as it is given, in whatever order the contract has', () => {
    const given = musCodec({ commands: { 7: sub, 10: add }, results: [calcResult] })(contract);
    expect(written((writer) => given.encodeCommand(new AddCmd(), writer))).toBe('0a0000');
    expect(given.decodeCommand(reader('070000'))).toEqual(new SubCmd());
  });

  it('takes one serializer for all, with a number or without', () => {
    const single = defineContract({ commands: [AddCmd], results: [CalcResult] });
    const bare = musCodec({ commands: add, results: mus.typed(3, calcResult) })(single);
    expect(written((writer) => bare.encodeCommand(new AddCmd(1, 2), writer))).toBe('0204');
    expect(written((writer) => bare.encodeResult(new CalcResult(1), writer))).toBe('0302');
    expect(bare.decodeResult(reader('0302'))).toEqual(new CalcResult(1));
    expect(() => bare.decodeResult(reader('0402'))).toThrow(refuse('UNKNOWN_TYPE'));
    expect(() => bare.encodeCommand(new SubCmd(), new ByteWriter())).toThrow(
      refuse('COMMAND_NOT_IN_CONTRACT', 'SubCmd'),
    );
  });

  it.each([new MulCmd(), new CalcResult(), { a: 1, b: 2 }, null, undefined, 5, 'add'])(
    'refuses what is not in the contract: %p',
    (value) => {
      expect(() => codec.encodeCommand(value, new ByteWriter())).toThrow(refuse('COMMAND_NOT_IN_CONTRACT'));
    },
  );

  it('refuses a Result that is not in the contract', () => {
    expect(() => codec.encodeResult(new AddCmd(), new ByteWriter())).toThrow(
      refuse('RESULT_NOT_IN_CONTRACT', "AddCmd is not in the contract's `results`"),
    );
  });

  it('names the field that does not fit', () => {
    const command = new AddCmd(1, '2' as never);
    expect(() => codec.encodeCommand(command, new ByteWriter())).toThrow(
      refuse('ENCODE_FAILED', 'AddCmd.b: expected an integer from -9007199254740991 to 9007199254740991, got "2"'),
    );
  });

  describe('with few bytes that would take much memory', () => {
    class Heap extends Command {
      maps: Map<number, number>[] = [];
      blocks: Uint8Array[] = [];
    }
    const heap = mus.struct(Heap, {
      maps: mus.slice(mus.map(mus.byte, mus.byte)),
      blocks: mus.slice(mus.bytes),
    });
    const heaps = defineContract({ commands: [Heap] });
    const decoded = (maxValues: number | undefined, bytes: Uint8Array) => {
      const few = musCodec({ commands: heap, ...(maxValues !== undefined && { maxValues }) })(heaps);
      return readEveryWay(bytes, (at) => few.decodeCommand(at), 2_000_000);
    };

    it('stops at 50,000 values that are objects', () => {
      const bytes = Buffer.concat([Buffer.from('c0843d', 'hex'), Buffer.alloc(1_000_000)]);
      const chunk = readChunks([bytes], (at) => musCodec({ commands: heap })(heaps).decodeCommand(at), 2_000_000);
      expect(chunk).toMatchObject({
        error: { code: 'BAD_PAYLOAD', message: expect.stringMatching(/^Heap.maps\[49998\]: .*maxValues \(50000\)/) },
        consumed: 3 + 49_998,
      });
    });

    it('counts structs, lists, maps and blocks, however they are cut', () => {
      const bytes = Buffer.from('020001050603' + '00' + '0107' + '00', 'hex');
      expect(decoded(8, bytes)).toMatchObject({ value: { blocks: { length: 3 } } });
      expect(decoded(7, bytes)).toMatchObject({ error: { code: 'BAD_PAYLOAD' } });
    });

    it('counts a struct once, however often it is cut', () => {
      class Names extends Command {
        first = '';
        last = '';
      }
      const names = mus.struct(Names, { first: mus.string, last: mus.string });
      const one = musCodec({ commands: names, maxValues: 1 })(defineContract({ commands: [Names] }));
      expect(readEveryWay(Buffer.from('0361626303616263', 'hex'), (at) => one.decodeCommand(at))).toMatchObject({
        value: { first: 'abc', last: 'abc' },
      });
    });

    it('counts Refs and Dates, and what a decoder that is not ours reads again only once', () => {
      const own = mus.array(1, mus.ref(mus.array(2, mus.time.seconds)));
      const twice = mus.custom({
        encode: () => undefined,
        decode: (at) => [own.decode(at), own.decode(at)],
        type: Heap as never,
      });
      const part = '0100' + '02' + '00'.repeat(16);
      const read = (maxValues: number) => {
        const few = musCodec({ commands: twice as never, maxValues })(heaps);
        return readEveryWay(Buffer.from(part + part, 'hex'), (at) => few.decodeCommand(at));
      };
      expect(read(10)).toHaveProperty('value.length', 2);
      expect(read(9)).toMatchObject({ error: { code: 'BAD_PAYLOAD' } });
    });
  });

  it('does without Results when the contract does', () => {
    const silent = defineContract({ commands: [AddCmd] });
    const one = musCodec({ commands: [add] })(silent);
    expect(() => one.encodeResult(new CalcResult(), new ByteWriter())).toThrow(refuse('RESULT_NOT_IN_CONTRACT'));
    expect(() => one.decodeResult(reader('010a'))).toThrow(refuse('UNKNOWN_TYPE'));
  });

  it.each([
    [
      'a class without a serializer',
      { commands: [add], results: [calcResult] },
      'no serializer for SubCmd of `commands`',
    ],
    [
      'a class more',
      { commands: [add, sub, mus.struct(MulCmd, operands)], results: [calcResult] },
      'MulCmd, which is not',
    ],
    ['no Results', { commands: [add, sub] }, 'no serializer for CalcResult of `results`'],
    ['no class at all', { commands: mus.string, results: [calcResult] }, 'no serializer for AddCmd'],
  ])('does not fit a contract with %s', (_, options, message) => {
    expect(() => musCodec(options)(contract)).toThrow(refuse('INVALID_CONTRACT', message));
  });

  it.each([
    undefined,
    {},
    { commands: 5 },
    { commands: [add], result: [calcResult] },
    { commands: [add], results: null },
    { commands: [add], results: [calcResult], maxValues: 0 },
    { commands: [add], results: [calcResult], maxValues: 100_000_001 },
  ])('refuses the options %p', (options) => {
    expect(() => musCodec(options as never)).toThrow(refuse('INVALID_OPTION', 'musCodec'));
  });

  it('refuses a list with what is no serializer', () => {
    expect(() => musCodec({ commands: [AddCmd] as never })).toThrow(refuse('INVALID_CONTRACT', 'type number 1'));
  });
});
