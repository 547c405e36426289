// What the Protobuf codec writes, refuses to write, reads and refuses to read, with messages of protobuf-es.
import {
  create,
  createFileRegistry,
  type DescMessage,
  type JsonObject,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import { FieldDescriptorProto_Label, FieldDescriptorProto_Type, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { Command } from '../../../lib/contract/command.js';
import { defineContract } from '../../../lib/contract/contract.js';
import { TYPE_ENTRY } from '../../../lib/contract/type-table.js';
import { protobufCodec, type ProtobufCodecOptions } from '../../../lib/protobuf/protobuf-codec.js';
import { protobufType } from '../../../lib/protobuf/protobuf-type.js';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { Color, EverySchema, NodeSchema, type Every } from '../../fixtures/protobuf/gen/every_pb.js';
import { LegacySchema } from '../../fixtures/protobuf/gen/legacy_pb.js';
import { AddCmdSchema, CalcResultSchema, EchoCmdSchema } from '../../fixtures/protobuf/gen/vectors_pb.js';
import { readChunks, readEveryWay } from '../wire/cutting.js';

const schemas = [EverySchema, NodeSchema, LegacySchema, AddCmdSchema, EchoCmdSchema];
const contract = defineContract({ commands: schemas.map((schema) => protobufType(schema)) });
const numberOf = (schema: DescMessage) => schemas.findIndex(({ typeName }) => typeName === schema.typeName);

function write(message: object, options?: ProtobufCodecOptions): string {
  const writer = new ByteWriter();
  protobufCodec(options)(contract).encodeCommand(message, writer);
  return writer.take().toString('hex');
}

function read(schema: DescMessage, hex: string, options?: ProtobufCodecOptions) {
  const writer = new ByteWriter();
  writer.writeUvarint(numberOf(schema));
  writer.writeUvarint(hex.length / 2);
  writer.writeBytes(Buffer.from(hex, 'hex'));
  const codec = protobufCodec(options)(contract);
  const isLong = hex.length > 1_000;
  const decode = (reader: ByteReader) => codec.decodeCommand(reader);
  return isLong ? readChunks([writer.take()], decode) : readEveryWay(writer.take(), decode);
}

/** A frame without its type number and length, of one byte or two. */
const bodyOf = (frame: string) => frame.slice(frame.length > 2 * 129 ? 6 : 4);
const many = (length: number, hex: string) => hex.repeat(length);

describe('the Protobuf codec', () => {
  const everything: MessageInitShape<typeof EverySchema> = {
    aDouble: -0,
    aFloat: 1.5,
    anInt32: -1,
    anUint32: 0xffffffff,
    aSint32: -0x80000000,
    aFixed32: 7,
    aSfixed32: -7,
    anInt64: -(2n ** 63n),
    anUint64: 2n ** 64n - 1n,
    aSint64: -1n,
    aFixed64: 2n ** 63n,
    aSfixed64: -2n,
    aBool: true,
    aString: 'zażółć 🙂 '.repeat(10),
    someBytes: Uint8Array.of(0, 255),
    color: Color.RED,
    textInt64: '9223372036854775807',
    perhaps: 0,
    node: { child: { children: [{}, { data: Uint8Array.of(1) }] } },
    numbers: [1, -1, 300],
    looseNumbers: [1, -1],
    fixedNumbers: [1n, 2n],
    names: ['', 'two'],
    nodes: [{}, {}],
    byName: { __proto__x: 1, two: 2 },
    byNumber: { '-5': { data: Uint8Array.of(2) } },
    byBool: { true: Uint8Array.of(3), false: Uint8Array.of() },
    kind: { case: 'tree', value: { child: {} } },
    wrapped: 0,
    json: { list: [1, 'two', null, true, { three: 3 }] },
  };

  it('gives back every kind of field as it was', () => {
    const message = create(EverySchema, everything);
    const frame = write(message);
    const reading = readEveryWay(Buffer.from(frame, 'hex'), (reader) =>
      protobufCodec()(contract).decodeCommand(reader),
    );
    expect(reading).toEqual({ value: message, consumed: frame.length / 2 });
  });

  it('gives back groups, closed enums and defaults as they were', () => {
    const message = create(LegacySchema, { id: 1, closed: 2, inner: { x: 3, legacy: { id: 4, name: 'four' } } });
    const { value } = read(LegacySchema, bodyOf(write(message))) as { value: typeof message };
    expect(value).toEqual(message);
    expect([value.name, value.inner?.legacy?.name]).toEqual(['nobody', 'four']);
  });

  it('leaves nothing in a message of the memory it was read from', () => {
    const codec = protobufCodec()(contract);
    const unknown = '8a3f02abcd';
    for (const [schema, hex] of [
      [EverySchema, bodyOf(write(create(EverySchema, everything)))],
      [AddCmdSchema, `0802${unknown}`],
      [NodeSchema, `0a05${unknown}`],
      [AddCmdSchema, `0d01020304${unknown}`],
    ] as const) {
      const writer = new ByteWriter();
      writer.writeUvarint(numberOf(schema));
      writer.writeUvarint(hex.length / 2);
      writer.writeBytes(Buffer.from(hex, 'hex'));
      const received = Buffer.from(writer.take());
      const reader = new ByteReader();
      reader.append(received);
      reader.beginFrame(10_000, 'maxCommandBytes');
      const message = codec.decodeCommand(reader);
      const before = structuredClone(message);
      received.fill(0xff);
      expect(message).toEqual(before);
    }
  });

  it('keeps fields that it does not know and sends them on', () => {
    const body = '08021003' + '1801' + '22027879' + '2b0801' + '2c' + '3501020304' + '390102030405060708';
    const { value } = read(AddCmdSchema, body) as { value: object };
    expect(value).toMatchObject({ A: 2n, B: 3n });
    expect(bodyOf(write(value))).toBe(body);
  });
});

describe('a field in another wire type than its own', () => {
  it.each([
    ['a block for a number', AddCmdSchema, '0a03080808' + '1003', { A: 0n, B: 3n }],
    ['64 bits for a varint', AddCmdSchema, '090102030405060708' + '1003', { A: 0n, B: 3n }],
    ['32 bits for a varint', AddCmdSchema, '0d01020304' + '1003', { A: 0n, B: 3n }],
    ['a group for a varint', AddCmdSchema, '0b08070c' + '1003', { A: 0n, B: 3n }],
    ['a varint for a message', EchoCmdSchema, '0805', { $typeName: 'vectors.EchoCmd' }],
    ['a varint for a text, within a message', EchoCmdSchema, '0a0418051001', { protoData: { String: '', Int64: 1n } }],
    ['32 bits for a list of varints', EverySchema, 'a50101020304' + 'a00105', { numbers: [5] }],
    ['a block for a text list and a varint', EverySchema, 'ba010161' + 'b80105' + 'ba010162', { names: ['a', 'b'] }],
    ['a varint in a map entry for a text', EverySchema, 'ca010408051007', { byName: { '': 7 } }],
    [
      'a block for a varint, within a group',
      LegacySchema,
      '0807' + '23' + '0a0100' + '0805' + '24' + '1002',
      { inner: { x: 5 } },
    ],
  ])('is an unknown field: %s', (_, schema, hex, fields) => {
    expect(read(schema, hex)).toMatchObject({ value: fields, consumed: hex.length / 2 + 2 });
  });

  it('is read anyway when it is a list of numbers, packed or not', () => {
    expect(read(EverySchema, 'a00101a00102')).toMatchObject({ value: { numbers: [1, 2] } });
    expect(read(EverySchema, 'aa010301ac02')).toMatchObject({ value: { looseNumbers: [1, 300] } });
  });

  it('does not take the fields around it along when a tag is padded', () => {
    expect(read(AddCmdSchema, '8880808080800002' + '1003')).toMatchObject({ value: { A: 2n, B: 3n } });
  });
});

describe('a body', () => {
  const deep = (levels: number) => {
    const writer = new ByteWriter();
    const nest = (left: number): void => {
      if (left === 0) return;
      writer.writeByte(0x0a);
      writer.writeSized(() => nest(left - 1));
    };
    nest(levels - 1);
    return writer.take().toString('hex');
  };
  const cannotSkip: readonly (readonly [string, DescMessage, string])[] = [
    ['ends in a tag', AddCmdSchema, '0802' + '90'],
    ['ends in a varint', AddCmdSchema, '0880'],
    ['ends before a value', AddCmdSchema, '08'],
    ['ends in 64 bits', EchoCmdSchema, '0a05' + '2100000000'],
    ['ends in a block', EchoCmdSchema, '0a03' + '0801'],
    ['ends in an unknown field', AddCmdSchema, '1a0561'],
    ['ends in a group', LegacySchema, '0801' + '230801'],
    ['ends in an unknown group', AddCmdSchema, '2b0801'],
    ['has a varint of 11 bytes', AddCmdSchema, '08' + many(10, '80') + '01'],
    ['has a varint beyond 64 bits', AddCmdSchema, '08' + many(9, 'ff') + '02'],
    ['has an unknown varint beyond 64 bits', AddCmdSchema, '18' + many(9, 'ff') + '02'],
    ['has a length beyond 32 bits', AddCmdSchema, '1a' + '8180808010' + '61'],
    ['has a length of 2^63-1', AddCmdSchema, '1a' + many(8, 'ff') + '7f'],
    ['has the field number 0', AddCmdSchema, '0001'],
    ['has a field number beyond 2^29-1', AddCmdSchema, '8080808010' + '01'],
    ['has the wire type 6', AddCmdSchema, '0e01'],
    ['has the wire type 7 in an unknown field', AddCmdSchema, '1f01'],
    ['ends a group that is not open', AddCmdSchema, '0c05'],
    ['ends another group than is open', LegacySchema, '0801' + '232c'],
    ['has a field across the end of its message', EchoCmdSchema, '0a01' + '0801'],
    ['has a text across the end of its message', EchoCmdSchema, '0a03' + '1a0261' + '62'],
    ['has an element across the end of its list', EverySchema, 'a20101' + '8001'],
    ['has half an element', EverySchema, 'b20104' + '01020304'],
    ['has no UTF-8', EchoCmdSchema, '0a03' + '1a01ff'],
    ['has no UTF-8 in a key', EverySchema, 'ca01050a01ff1001'],
  ];

  it.each(cannotSkip)('is refused when it %s', (_, schema, hex) => {
    expect(read(schema, hex)).toMatchObject({ error: { code: 'BAD_PAYLOAD' } });
  });

  it.each([
    ['a group does not end, 4', LegacySchema, '0801' + '230801'],
    ['a packed list ends inside an element', EverySchema, 'b20104' + '01020304'],
    ['there is no field number 536870912', AddCmdSchema, '8080808010' + '01'],
    ['there is no field number 0', AddCmdSchema, '0001'],
    ['there is no wire type 6', AddCmdSchema, '0e01'],
    ['a varint exceeds 64 bits', AddCmdSchema, '08' + many(9, 'ff') + '02'],
    ['the bytes end inside a field', EverySchema, 'a20102' + '0180'],
  ])('is refused by what it is: %s', (reason, schema, hex) => {
    expect(read(schema, hex)).toMatchObject({ error: { message: `${schema.typeName}: ${reason}` } });
  });

  it('may have the greatest field number, and the greatest varint', () => {
    const body = 'f8ffffff0f01' + '08' + many(9, 'ff') + '01';
    expect(read(AddCmdSchema, body)).toMatchObject({ value: { A: -1n, $unknown: [{ no: 2 ** 29 - 1 }] } });
  });

  it('has groups that it knows counted by their depth', () => {
    const body = '0801' + '23' + '1b' + '1c' + '24';
    expect(read(LegacySchema, body, { maxDepth: 3 })).toHaveProperty('value');
    expect(read(LegacySchema, body, { maxDepth: 2 })).toMatchObject({ error: { code: 'BAD_PAYLOAD' } });
  });

  it('is refused in the name of its message, with the error itself as the cause', () => {
    expect(read(AddCmdSchema, '0880')).toMatchObject({
      error: { message: expect.stringMatching(/^vectors.AddCmd: /), cause: expect.any(Error) as unknown },
    });
  });

  it.each([
    ['messages', NodeSchema, deep],
    ['unknown groups', AddCmdSchema, (levels: number) => many(levels - 1, '2b') + many(levels - 1, '2c')],
    ['groups', LegacySchema, (levels: number) => '0801' + many(levels - 1, '2b') + many(levels - 1, '2c')],
  ])('is read up to maxDepth and refused beyond: %s', (_, schema, body) => {
    expect(read(schema, body(100))).toHaveProperty('value');
    expect(read(schema, body(101))).toMatchObject({
      error: { code: 'BAD_PAYLOAD', message: expect.stringContaining('maxDepth (100)') },
    });
    expect(read(schema, body(7), { maxDepth: 6 })).toHaveProperty('error');
    expect(read(schema, body(1_000), { maxDepth: 1_000 })).toHaveProperty('value');
  });

  it('is refused when it is a bomb of nested messages or groups', () => {
    for (const bomb of [deep(300), many(20_000, '0b'), many(20_000, '2b')]) {
      expect(read(NodeSchema, bomb)).toMatchObject({ error: { code: 'BAD_PAYLOAD' } });
    }
  });

  it('is read up to maxFields and refused beyond', () => {
    expect(read(NodeSchema, many(3, '1200'), { maxFields: 3 })).toHaveProperty('value');
    expect(read(NodeSchema, many(4, '1200'), { maxFields: 3 })).toMatchObject({
      error: { code: 'BAD_PAYLOAD', message: expect.stringContaining('maxFields (3)') },
    });
    expect(read(NodeSchema, '0a04' + '0a020a00', { maxFields: 2 })).toHaveProperty('error');
    expect(read(EverySchema, 'a20104' + '01020304', { maxFields: 1 })).toHaveProperty('value');
  });
});

describe('a message', () => {
  const every = (fields: object) => Object.assign(create(EverySchema), fields) as Every;

  it.each([
    ['a text for a double', { aDouble: '5' }, 'a_double must be a number, got a string'],
    [
      'a number that is too large for a float',
      { aFloat: 1e39 },
      'a_float must be a number that fits into 32 bits, got 1e+39',
    ],
    ['a text for an int32', { anInt32: '5' }, 'an_int32 must be an integer that fits into int32, got a string'],
    ['a fraction for an int32', { anInt32: 0.5 }, 'an_int32 must be an integer that fits into int32, got 0.5'],
    ['NaN for an int32', { anInt32: Number.NaN }, 'an_int32 must be an integer that fits into int32, got NaN'],
    ['2^31 for an int32', { anInt32: 2 ** 31 }, 'an_int32 must be an integer that fits into int32, got 2147483648'],
    ['a bigint for an int32', { anInt32: 5n }, 'an_int32 must be an integer that fits into int32, got 5n'],
    ['-1 for a uint32', { anUint32: -1 }, 'an_uint32 must be an integer that fits into uint32, got -1'],
    ['-1 for a fixed32', { aFixed32: -1 }, 'a_fixed32 must be an integer that fits into fixed32, got -1'],
    [
      '2^53 as a number for an int64',
      { anInt64: 2 ** 53 },
      'an_int64 must be a bigint that fits into int64, got 9007199254740992',
    ],
    [
      '2^63 for an int64',
      { anInt64: 2n ** 63n },
      'an_int64 must be a bigint that fits into int64, got 9223372036854775808n',
    ],
    ['a text for an int64', { anInt64: '5' }, 'an_int64 must be a bigint that fits into int64, got a string'],
    ['-1 for a uint64', { anUint64: -1n }, 'an_uint64 must be a bigint that fits into uint64, got -1n'],
    ['-1 as a number for a fixed64', { aFixed64: -1 }, 'a_fixed64 must be a bigint that fits into fixed64, got -1'],
    [
      'a word for an int64 that is text',
      { textInt64: 'five' },
      'text_int64 must be a bigint that fits into int64, got a string',
    ],
    [
      'digits with more behind them',
      { textInt64: '5x' },
      'text_int64 must be a bigint that fits into int64, got a string',
    ],
    [
      'digits with more in front of them',
      { textInt64: 'x5' },
      'text_int64 must be a bigint that fits into int64, got a string',
    ],
    [
      'an array that reads as digits',
      { textInt64: ['5'] },
      'text_int64 must be a bigint that fits into int64, got an array',
    ],
    [
      'an object that reads as digits',
      { textInt64: { toString: (): string => '5' } },
      'text_int64 must be a bigint that fits into int64, got an object',
    ],
    ['a number for a bool', { aBool: 1 }, 'a_bool must be a boolean, got 1'],
    ['a number for a text', { aString: 5 }, 'a_string must be a well-formed string, got 5'],
    ['nothing for a text', { aString: undefined }, 'a_string must be a well-formed string, got undefined'],
    ['null for a text', { aString: null }, 'a_string must be a well-formed string, got null'],
    ['an array for bytes', { someBytes: [1] }, 'some_bytes must be a Uint8Array, got an array'],
    ['a name for an enum', { color: 'RED' }, 'color must be a value of every.Color, got a string'],
    ['a text for an optional field', { perhaps: '5' }, 'perhaps must be an integer that fits into int32, got a string'],
    ['null for a message', { node: null }, 'node must be a message of type every.Node, got null'],
    ['plain fields for a message', { node: {} }, 'node must be a message of type every.Node, got an object'],
    ['another message', { node: create(AddCmdSchema) }, 'node must be a message of type every.Node, got an object'],
    [
      'a fault within a message',
      { node: create(NodeSchema, { child: { data: 5 as never } }) },
      'node.child.data must be a Uint8Array, got 5',
    ],
    ['a value for a list', { numbers: 5 }, 'numbers must be an array, got 5'],
    [
      'a hole in a list',
      { numbers: [1, undefined] },
      'numbers[1] must be an integer that fits into int32, got undefined',
    ],
    ['null for a map', { byName: null }, 'by_name must be an object, got null'],
    ['nothing for a map', { byName: undefined }, 'by_name must be an object, got undefined'],
    ['a number for a map', { byName: 5 }, 'by_name must be an object, got 5'],
    ['null for a list', { numbers: null }, 'numbers must be an array, got null'],
    ['null for a Struct', { json: null }, 'json must be an object, got null'],
    ['a text for a Struct', { json: 'x' }, 'json must be an object, got a string'],
    ['a function for a text', { aString: () => 'x' }, 'a_string must be a well-formed string, got a function'],
    ['true for a text', { aString: true }, 'a_string must be a well-formed string, got true'],
    ['a text for a oneof', { kind: 'text' }, 'kind must be an object with a case, got a string'],
    ['null for a oneof', { kind: null }, 'kind must be an object with a case, got null'],
    ['a number for a case', { kind: { case: 5, value: '' } }, 'kind has no case 5'],
    [
      '-2^31-1 for an int32',
      { anInt32: -(2 ** 31) - 1 },
      'an_int32 must be an integer that fits into int32, got -2147483649',
    ],
    ['2^32 for a uint32', { anUint32: 2 ** 32 }, 'an_uint32 must be an integer that fits into uint32, got 4294967296'],
    [
      '2^64 for a uint64',
      { anUint64: 2n ** 64n },
      'an_uint64 must be a bigint that fits into uint64, got 18446744073709551616n',
    ],
    [
      '-2^63-1 for an int64',
      { anInt64: -(2n ** 63n) - 1n },
      'an_int64 must be a bigint that fits into int64, got -9223372036854775809n',
    ],
    [
      '2^63 as text for an int64',
      { textInt64: '9223372036854775808' },
      'text_int64 must be a bigint that fits into int64, got a string',
    ],
    ['a text for a float', { aFloat: '1' }, 'a_float must be a number that fits into 32 bits, got a string'],
    ['an unknown field that is null', { $unknown: [null] }, '$unknown must be a list of unknown fields, got an array'],
    ['an array for a map', { byName: [] }, 'by_name must be an object, got an array'],
    ['a text in a map', { byName: { a: 'b' } }, 'by_name["a"] must be an integer that fits into int32, got a string'],
    [
      'a word for a number as key',
      { byNumber: { a: create(NodeSchema) } },
      'by_number["a"] must have a key that is an integer that fits into int32',
    ],
    [
      'a word for a bool as key',
      { byBool: { yes: Uint8Array.of() } },
      'by_bool["yes"] must have a key that is a boolean',
    ],
    ['no oneof', { kind: undefined }, 'kind must be an object with a case, got undefined'],
    ['an unknown case', { kind: { case: 'txt', value: '' } }, 'kind has no case txt'],
    [
      'a number for a text in a oneof',
      { kind: { case: 'text', value: 5 } },
      'kind.text must be a well-formed string, got 5',
    ],
    ['nothing in a oneof', { kind: { case: 'tree' } }, 'kind.tree must be a message of type every.Node, got undefined'],
    ['a text in a wrapper', { wrapped: '5' }, 'wrapped must be an integer that fits into int32, got a string'],
    ['an array for a Struct', { json: [] }, 'json must be an object, got an array'],
    ['half a character in a text', { aString: 'a\ud83d' }, 'a_string must be a well-formed string, got a string'],
    ['half a character in a list', { names: ['a', '\ude42'] }, 'names[1] must be a well-formed string, got a string'],
    [
      'half a character in a key',
      { byName: { '\ud83d': 1 } },
      'by_name["\\ud83d"] must have a key that is a well-formed string',
    ],
    [
      'half a character in a Struct',
      { json: { a: [1, { b: '\ud83d' }] } },
      'json["a"][1]["b"] must be a well-formed string, got a string',
    ],
    [
      'half a character in a key of a Struct',
      { json: { a: { '\ud83d': 1 } } },
      'json["a"]["\\ud83d"] must have a key that is a well-formed string',
    ],
    ['a value for unknown fields', { $unknown: 5 }, '$unknown must be a list of unknown fields, got 5'],
    [
      'an unknown field without bytes',
      { node: Object.assign(create(NodeSchema), { $unknown: [{ no: 9, wireType: 0, data: 'a' }] }) },
      'node.$unknown must be a list of unknown fields, got an array',
    ],
  ])('is refused before it is written when it has %s', (_, fields, reason) => {
    const writer = new ByteWriter();
    expect(() => protobufCodec()(contract).encodeCommand(every(fields), writer)).toThrow(
      expect.objectContaining({ code: 'ENCODE_FAILED', message: `every.Every: ${reason}` }),
    );
    expect(writer.length).toBe(0);
  });

  it.each([
    ['reaches beyond its end', 9, 2, '05'],
    ['is a varint without an end', 9, 0, '80'],
    ['ends a group', 9, 4, ''],
    ['has a wire type that does not exist', 9, 6, '00'],
    ['has the number 0', 0, 0, '01'],
  ])('is refused when an unknown field in it %s, at any depth', (_, no, wireType, hex) => {
    const $unknown = [{ no, wireType, data: Uint8Array.from(Buffer.from(hex, 'hex')) }];
    const inner = Object.assign(create(NodeSchema), { $unknown });
    for (const message of [inner, create(NodeSchema, { children: [{}, { byName: { a: inner } }] })]) {
      expect(() => write(message)).toThrow(
        expect.objectContaining({ code: 'ENCODE_FAILED', message: expect.stringMatching(/^every.Node: /) }),
      );
    }
    expect(write(create(NodeSchema))).toBe('0100');
  });

  it('is written as deep as it may be read when it has JSON in it', () => {
    const limits = { maxDepth: 30 };
    const json = (levels: number, core: JsonObject) => {
      let value = core;
      for (let level = 1; level < levels; level++) value = level % 2 ? { value } : { value: [value] };
      return every({ json: value });
    };
    const fits = (message: Every): boolean => {
      try {
        return write(message, limits) !== '';
      } catch (error) {
        return !(error as Error).message.includes('is nested deeper than maxDepth (30)');
      }
    };
    const cores: readonly JsonObject[] = [{}, { a: 1 }, { a: [] }];
    for (const core of cores) {
      const messages = Array.from({ length: 12 }, (_, level) => json(level + 1, core));
      const readable = messages.map((message) => 'value' in read(EverySchema, bodyOf(write(message)), limits));
      expect(new Set(readable)).toEqual(new Set([true, false]));
      expect(messages.map(fits)).toEqual(readable);
    }
  });

  it.each([
    ['by_number', '2147483648'],
    ['by_number', '-2147483649'],
    ['by_number', '1.5'],
    ['by_number', ''],
    ['by_bool', '1'],
  ])('is refused when a key of the map %s is %j', (field, key) => {
    const map =
      field === 'by_bool' ? { byBool: { [key]: Uint8Array.of() } } : { byNumber: { [key]: create(NodeSchema) } };
    expect(() => write(Object.assign(create(EverySchema), map))).toThrow(
      expect.objectContaining({ code: 'ENCODE_FAILED', message: expect.stringMatching(`^every.Every: ${field}\\[`) }),
    );
  });

  it.each(['2147483647', '-2147483648', '0'])('is written with the key %s of a map of integers', (key) => {
    const map = { byNumber: { [key]: create(NodeSchema) } };
    const body = bodyOf(write(Object.assign(create(EverySchema), map)));
    expect(read(EverySchema, body)).toMatchObject({ value: map });
  });

  it('is written with values of a closed enum without a name where they were read', () => {
    // id 1, many [99], by_name { a: 99 }, closed 99
    const body = '0801' + '2863' + '32050a01611063' + '1063';
    const { value } = read(LegacySchema, body) as { value: object };
    expect(value).toMatchObject({ id: 1, many: [99], byName: { a: 99 }, $unknown: [{ no: 2 }] });
    expect(bodyOf(write(value))).toBe(body);
  });

  it('is refused when it is read without a field that is required', () => {
    expect(read(LegacySchema, '2863')).toMatchObject({
      error: { code: 'BAD_PAYLOAD', message: 'legacy.Legacy: id is required and not set' },
    });
  });

  it('is refused when a required field is not set, or a closed enum has another value', () => {
    expect(() => write(create(LegacySchema))).toThrow(
      expect.objectContaining({ code: 'ENCODE_FAILED', message: 'legacy.Legacy: id is required and not set' }),
    );
    expect(() => write(create(LegacySchema, { id: 1, closed: 3 as never }))).toThrow(
      expect.objectContaining({ message: 'legacy.Legacy: closed must be a value of legacy.Closed, got 3' }),
    );
  });

  it('is refused when a list or map of a closed enum has what is no integer', () => {
    for (const fields of [{ many: ['ONE'] }, { byName: { a: 'ONE' } }])
      expect(() => write(Object.assign(create(LegacySchema, { id: 1 }), fields))).toThrow(
        expect.objectContaining({ code: 'ENCODE_FAILED', message: expect.stringContaining('fits into int32') }),
      );
  });

  it.each([
    ['vendor.google.protobuf', 'Int32Value'],
    ['google.protobuf', 'Int32ValueRange'],
  ])('keeps a message whose name merely holds that of a wrapper: %s.%s', (where, name) => {
    const [label, number] = [FieldDescriptorProto_Label.OPTIONAL, 1];
    const value = { name: 'value', number, label, type: FieldDescriptorProto_Type.INT32 };
    const part = {
      name: 'part',
      number,
      label,
      type: FieldDescriptorProto_Type.MESSAGE,
      typeName: `.${where}.${name}`,
    };
    const messageType = [
      { name, field: [value] },
      { name: 'Holder', field: [part] },
    ];
    const file = { name: 'holder.proto', package: where, syntax: 'proto3', messageType };
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));
    const schema = registry.getMessage(`${where}.Holder`)!;
    const holder = create(schema, { part: create(registry.getMessage(`${where}.${name}`)!, { value: 5 }) });
    const writer = new ByteWriter();
    protobufCodec()(defineContract({ commands: [protobufType(schema)] })).encodeCommand(holder, writer);
    expect(writer.take().toString('hex')).toBe('00040a020805');
  });

  it('may have 0 as a number for an unsigned 64-bit integer', () => {
    expect(write(Object.assign(create(EverySchema), { anUint64: 0 }))).toBe(write(create(EverySchema)));
  });

  it('may have a number that is exact for a 64-bit integer', () => {
    const message = Object.assign(create(AddCmdSchema), { A: Number.MAX_SAFE_INTEGER, B: -1 });
    expect(write(message)).toBe(write(create(AddCmdSchema, { A: 2n ** 53n - 1n, B: -1n })));
  });

  it('is refused beyond maxDepth, also when it contains itself', () => {
    const nested = (levels: number) => {
      let node = create(NodeSchema);
      for (let level = 1; level < levels; level++) node = create(NodeSchema, { child: node });
      return node;
    };
    expect(write(nested(100))).toMatch(/^01/);
    const circle = create(NodeSchema);
    circle.children.push(circle);
    for (const message of [nested(101), circle]) {
      expect(() => write(message)).toThrow(
        expect.objectContaining({ code: 'ENCODE_FAILED', message: expect.stringContaining('maxDepth (100)') }),
      );
    }
    const json: { self?: object } = {};
    json.self = json;
    expect(() => write(every({ json }))).toThrow(expect.objectContaining({ code: 'ENCODE_FAILED' }));
  });

  it('is refused beyond maxFields', () => {
    const list = (length: number) => create(NodeSchema, { children: Array.from({ length }, () => ({})) });
    expect(write(list(3), { maxFields: 3 })).toMatch(/^01/);
    expect(() => write(list(4), { maxFields: 3 })).toThrow(
      expect.objectContaining({ code: 'ENCODE_FAILED', message: expect.stringContaining('maxFields (3)') }),
    );
  });
});

describe('maxBytes', () => {
  const tooLarge = expect.objectContaining({
    code: 'FRAME_TOO_LARGE',
    message: 'body of 4 bytes exceeds maxBytes (3)',
  });

  it('holds the writer back first', () => {
    const message = create(AddCmdSchema, { A: 2n, B: 3n });
    expect(() => write(message, { maxBytes: 3 })).toThrow(tooLarge);
    expect(write(message, { maxBytes: 4 })).toBe('030408021003');
  });

  it('refuses a body as soon as its length is there', () => {
    const codec = protobufCodec({ maxBytes: 3 })(contract);
    const reading = readEveryWay(Buffer.from('0304', 'hex'), (reader) => codec.decodeCommand(reader));
    expect(reading).toEqual({ error: tooLarge, consumed: 2 });
  });
});

describe('a contract for the Protobuf codec', () => {
  class AddCmd extends Command {}

  it('lists message types only', () => {
    const mixed = defineContract({ commands: [protobufType(AddCmdSchema), AddCmd] });
    expect(() => protobufCodec()(mixed)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONTRACT', message: expect.stringContaining('AddCmd is no message') }),
    );
  });

  it('lists the Results of its Commands', () => {
    const commands = [protobufType(AddCmdSchema, { result: [EchoCmdSchema, CalcResultSchema] })];
    const define = (...results: DescMessage[]) =>
      protobufCodec()(defineContract({ commands, results: results.map((schema) => protobufType(schema)) }));
    expect(define(CalcResultSchema, EchoCmdSchema).name).toBe('protobuf');
    expect(() => define(EchoCmdSchema)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONTRACT', message: expect.stringContaining('vectors.CalcResult') }),
    );
    expect(protobufCodec()(defineContract({ commands })).name).toBe('protobuf');
  });

  it('lists no entries of another codec', () => {
    const entry = { [TYPE_ENTRY]: true, name: 'other.Entry', is: () => false };
    expect(() => protobufCodec()(defineContract({ commands: [entry as never] }))).toThrow(
      expect.objectContaining({ code: 'INVALID_CONTRACT', message: expect.stringContaining('other.Entry is no') }),
    );
  });

  it('has the traits that are given, and no others', () => {
    const lastOne = () => false;
    expect(protobufType(AddCmdSchema, { lastOne, idempotent: true })).toMatchObject({ lastOne, idempotent: true });
    expect(protobufType(AddCmdSchema, { idempotent: false })).toHaveProperty('idempotent', false);
    expect(protobufType(AddCmdSchema, { deprecated: 'why' })).toHaveProperty('deprecated', 'why');
    const bare = protobufType(AddCmdSchema);
    expect(['lastOne', 'idempotent', 'deprecated'].map((trait) => trait in bare)).toEqual([false, false, false]);
  });

  it('recognises its messages by their name, and nothing else', () => {
    const type = protobufType(AddCmdSchema);
    expect(type.is(type.create({ A: 1n }))).toBe(true);
    for (const other of [create(EchoCmdSchema), {}, null, undefined, 5, 'vectors.AddCmd'])
      expect(type.is(other)).toBe(false);
  });

  it.each([undefined, null, {}, AddCmd, 'AddCmd'])('is not made of %p', (schema) => {
    const invalid = expect.objectContaining({ code: 'INVALID_CONTRACT' });
    expect(() => protobufType(schema as never)).toThrow(invalid);
    expect(() => protobufType(AddCmdSchema, { result: [schema] as never })).toThrow(invalid);
    expect(() => protobufType(AddCmdSchema, { result: (schema ?? null) as never })).toThrow(invalid);
  });

  it.each([5, 'yes', null])('takes a boolean only as idempotent, not %p', (idempotent) => {
    expect(() => protobufType(AddCmdSchema, { idempotent: idempotent as never })).toThrow(
      expect.objectContaining({ code: 'INVALID_CONTRACT' }),
    );
  });

  it.each([5, '', null])('takes a boolean or a text only as deprecated, not %p', (deprecated) => {
    expect(() => protobufType(AddCmdSchema, { deprecated: deprecated as never })).toThrow(
      expect.objectContaining({ code: 'INVALID_CONTRACT' }),
    );
  });

  it.each([5, true])('takes a function only as lastOne, not %p', (lastOne) => {
    expect(() => protobufType(AddCmdSchema, { lastOne: lastOne as never })).toThrow(
      expect.objectContaining({ code: 'INVALID_CONTRACT' }),
    );
  });

  it.each([{ maxBytes: 0 }, { maxBytes: null }, { maxDepth: 1_001 }, { maxFields: 0.5 }, { maxLen: 3 }])(
    'is not served with the options %p',
    (options) => {
      expect(() => protobufCodec(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    },
  );
});
