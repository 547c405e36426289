// Protobuf: what the codec lets in protobuf-es can write and read, and what was read is written again as a message that
// is read the same.
import { isDeepStrictEqual } from 'node:util';
import { create, fromBinary, toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { defineContract } from 'nestjs-cmd-stream/core';
import { protobufCodec, protobufType } from 'nestjs-cmd-stream/protobuf';
import { ByteReader } from '../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../lib/wire/byte-writer.js';
import { EverySchema, NodeSchema } from '../fixtures/protobuf/gen/every_pb.js';
import { LegacySchema } from '../fixtures/protobuf/gen/legacy_pb.js';
import { wireVectors } from '../unit/wire/wire-vectors.js';
import { checkPrototypes, codeIn, Finding, type Target } from './target.js';

const schemas: readonly DescMessage[] = [EverySchema, LegacySchema, NodeSchema];
const contract = defineContract({ commands: schemas.map((schema) => protobufType(schema)) });
const MAX_BYTES = 2_000;
const codec = protobufCodec({ maxBytes: MAX_BYTES, maxDepth: 10, maxFields: 100 })(contract);

function decode(index: number, body: Uint8Array): unknown {
  const writer = new ByteWriter();
  writer.writeUvarint(index);
  writer.writeUvarint(body.length);
  writer.writeBytes(body);
  return decodeWhole(writer.take());
}

function decodeWhole(bytes: Uint8Array): unknown {
  const reader = new ByteReader();
  reader.append(bytes);
  reader.beginFrame(Number.MAX_SAFE_INTEGER, 'maxBytes');
  const message = codec.decodeCommand(reader);
  if (reader.endFrame() !== bytes.length) throw new Finding('not all of the body was read');
  return message;
}

function encode(message: unknown): Uint8Array {
  const writer = new ByteWriter();
  codec.encodeCommand(message, writer);
  return writer.take();
}

function check(index: number, body: Uint8Array): void {
  let message: unknown;
  try {
    message = decode(index, body);
  } catch (error) {
    codeIn(error, ['BAD_PAYLOAD', 'FRAME_TOO_LARGE']);
    return;
  }
  const schema = schemas[index]!;
  fromBinary(schema, toBinary(schema, message as MessageShape<DescMessage>));
  let again: Uint8Array;
  try {
    again = encode(message);
  } catch (error) {
    // A number that takes fewer bytes than its default, or unknown fields in another order, may be more bytes.
    codeIn(error, [
      ...(body.length > MAX_BYTES / 2 ? (['FRAME_TOO_LARGE'] as const) : []),
      // What came packed is written as a field for each value, of which there may be more than maxFields.
      ...(schema === LegacySchema ? (['ENCODE_FAILED'] as const) : []),
    ]);
    return;
  }
  const second = decodeWhole(again);
  // protobuf-es forgets a value without a name of a closed enum where the same message has other unknown fields.
  if (schema !== LegacySchema && !isDeepStrictEqual(second, message))
    throw new Finding('it is read as another message');
}

const full = [
  toBinary(
    EverySchema,
    create(EverySchema, {
      aDouble: 1.5,
      anInt32: -1,
      anUint64: 2n ** 63n,
      aBool: true,
      aString: 'é',
      someBytes: Uint8Array.of(1, 2),
      numbers: [1, -2, 300],
      names: ['a', ''],
      byName: { a: 1 },
      byNumber: { 3: { data: Uint8Array.of(9) } },
      node: { child: { children: [{}, {}] } },
      kind: { case: 'text', value: 'x' },
      wrapped: 7,
      json: { a: [1, null, { b: 'c' }] },
    }),
  ),
  toBinary(
    LegacySchema,
    create(LegacySchema, { id: 5, closed: 1, many: [1, 2], byName: { a: 2 }, inner: { x: 1, deeper: {} } }),
  ),
  toBinary(
    NodeSchema,
    create(NodeSchema, { child: { child: { child: {} } }, byName: { a: { data: Uint8Array.of(1) } } }),
  ),
];
const vectors = wireVectors.filter(({ kind }) => kind.startsWith('frame.protobuf')).map(({ hex }) => hex.slice(6));

export const protobufTarget: Target = {
  name: 'protobuf',
  seeds: [...full, ...vectors.map((hex) => Buffer.from(hex, 'hex'))].flatMap((body) =>
    schemas.map((_, index) => Buffer.from([index, ...body])),
  ),
  run(bytes) {
    if (bytes.length === 0) return;
    check(bytes[0]! % schemas.length, bytes.slice(1));
    checkPrototypes();
  },
};
