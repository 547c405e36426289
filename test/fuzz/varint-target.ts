// Numbers of every width, in a reader of bytes and as MUS, against the oracle: value, length and verdict.
import { mus, type AnyMusSerializer } from 'nestjs-cmd-stream/mus';
import { ByteReader } from '../../lib/wire/byte-reader.js';
import { readChunks, type Reading } from '../unit/wire/cutting.js';
import { Cursor, Fault, SHORT } from './oracle.js';
import { codeIn, mustEqual, piecesOf, type Target } from './target.js';

/** A bigint or number of lib, and the same of the oracle. */
interface Form {
  readonly name: string;
  read(reader: ByteReader): unknown;
  expected(cursor: Cursor): bigint;
}

const LIMIT = 12;
const zigZag = (value: bigint): bigint => (value & 1n ? -(value >> 1n) - 1n : value >> 1n);
const musForm = (
  name: string,
  serializer: AnyMusSerializer,
  bits: bigint,
  finish: (value: bigint) => bigint = (value) => value,
): Form => ({
  name,
  read: (reader) => serializer.decode(reader),
  expected: (cursor) => finish(cursor.varint(bits)),
});

const forms: readonly Form[] = [
  { name: 'uvarint', read: (reader) => reader.readUvarint(), expected: (cursor) => cursor.varint() },
  { name: 'positive', read: (reader) => reader.readPositive(), expected: (cursor) => cursor.positive() },
  { name: 'length', read: (reader) => reader.readLength(), expected: (cursor) => cursor.length() },
  musForm('uint', mus.varint.uint.bigint, 64n),
  musForm('int', mus.varint.int.bigint, 64n, zigZag),
  musForm('positiveInt', mus.varint.positiveInt.bigint, 64n, (value) => BigInt.asIntN(64, value)),
  musForm('uint32', mus.varint.uint32, 32n),
  musForm('int32', mus.varint.int32, 32n, zigZag),
  musForm('uint16', mus.varint.uint16, 16n),
  musForm('int16', mus.varint.int16, 16n, zigZag),
  musForm('uint8', mus.varint.uint8, 8n),
  musForm('int8', mus.varint.int8, 8n, zigZag),
];

function said(reading: Reading<unknown>): string {
  if ('incomplete' in reading) return 'short';
  if ('error' in reading) return codeIn(reading.error, ['FRAME_TOO_LARGE', 'VARINT_OVERFLOW', 'NEGATIVE_LENGTH']);
  return `${String(reading.value)} of ${reading.consumed}`;
}

function expected(bytes: Uint8Array, form: Form): string {
  const cursor = new Cursor(bytes, 0, LIMIT);
  try {
    return `${form.expected(cursor)} of ${cursor.consumed}`;
  } catch (fault) {
    if (fault === SHORT) return 'short';
    if (fault instanceof Fault) return fault.code;
    throw fault;
  }
}

const seeds = ['00', '7f', '8001', 'ffff03', 'ffffffff0f', 'ffffffffffffff0f', 'ffffffffffffffffff01', '80808000'];

export const varintTarget: Target = {
  name: 'varints',
  seeds: [...seeds, 'ffffffffffffffffff02', 'ff01', '8080808080808080808000'].flatMap((hex) =>
    forms.map((_, form) => Buffer.from([form, ...Buffer.from(hex, 'hex')])),
  ),
  run(all) {
    if (all.length === 0) return;
    const form = forms[all[0]! % forms.length]!;
    const bytes = all.slice(1);
    const verdict = expected(bytes, form);
    mustEqual(form.name, said(readChunks([bytes], (reader) => form.read(reader), LIMIT)), verdict);
    mustEqual(`${form.name}, cut`, said(readChunks(piecesOf(bytes), (reader) => form.read(reader), LIMIT)), verdict);
  },
};
