// Schemas and values at random: what was written is read again, however it is cut; any bytes give a value, an error of
// ours, or the wish for more.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { mus, Ref, type MusSerializer } from 'nestjs-cmd-stream/mus';
import { CmdStreamError } from '../../lib/core.js';
import { readChunks } from '../unit/wire/cutting.js';
import { anyCharacter } from '../support/any-text.js';

interface Schema {
  /** For the report. */
  readonly text: string;
  readonly serializer: MusSerializer<unknown>;
  readonly values: fc.Arbitrary<unknown>;
}

const schema = <T, I>(text: string, serializer: MusSerializer<T, I>, values: fc.Arbitrary<I>): Schema => ({
  text,
  serializer: serializer as unknown as MusSerializer<unknown>,
  values,
});

const widths = { int8: 8, int16: 16, int32: 32, uint8: 8, uint16: 16, uint32: 32 } as const;
const narrow = Object.entries(widths).flatMap(([name, bits]) => {
  const type = name as keyof typeof widths;
  const min = name.startsWith('u') ? 0 : -(2 ** (bits - 1));
  const values = fc.integer({ min, max: min + 2 ** bits - 1 });
  return [schema(`varint.${name}`, mus.varint[type], values), schema(`raw.${name}`, mus.raw[type], values)];
});
const signed = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const unsigned = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
/** -0 is 0 as an integer. */
const safe = fc.maxSafeInteger().map((value) => value + 0);

const leaves: readonly Schema[] = [
  ...narrow,
  schema('varint.int', mus.varint.int, safe),
  schema('raw.int', mus.raw.int, safe),
  schema('positiveInt', mus.varint.positiveInt, safe),
  schema('varint.int.bigint', mus.varint.int.bigint, signed),
  schema('positiveInt.bigint', mus.varint.positiveInt.bigint, signed),
  schema('raw.uint.bigint', mus.raw.uint.bigint, unsigned),
  schema('varint.uint.bigint', mus.varint.uint.bigint, unsigned),
  schema('raw.float64', mus.raw.float64, fc.double()),
  schema('varint.float64', mus.varint.float64, fc.double()),
  schema('raw.float32', mus.raw.float32, fc.float()),
  schema('varint.float32', mus.varint.float32, fc.float()),
  schema('bool', mus.bool, fc.boolean()),
  schema('string', mus.string, fc.string({ unit: anyCharacter, maxLength: 40 })),
  schema('string{len}', mus.string.with({ lengthAs: mus.raw.int16 }), fc.string({ unit: anyCharacter, maxLength: 40 })),
  schema('bytes', mus.bytes, fc.uint8Array({ maxLength: 40 })),
  schema('milliseconds', mus.time.milliseconds, fc.date({ noInvalidDate: true })),
];

class Struct {
  [field: string]: unknown;
}

class Other {
  [field: string]: unknown;
}

function structOf(type: new () => Struct, fields: readonly Schema[]): Schema {
  const named = fields.map((field, at) => [`f${at}`, field] as const);
  const serializers = Object.fromEntries(named.map(([name, { serializer }]) => [name, serializer]));
  const values = fc.record(Object.fromEntries(named.map(([name, field]) => [name, field.values])));
  return schema(
    `{${fields.map(({ text }) => text).join(',')}}`,
    mus.struct(type, serializers),
    values.map((each) => Object.assign(new type(), each)),
  );
}

const { schemas } = fc.letrec<{ schemas: Schema }>((tie) => {
  const inner = tie('schemas');
  const fields = fc.array(inner, { maxLength: 4 });
  return {
    schemas: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      fc.constantFrom(...leaves),
      inner.map((each) =>
        schema(`slice<${each.text}>`, mus.slice(each.serializer), fc.array(each.values, { maxLength: 5 })),
      ),
      fc
        .tuple(inner, fc.nat(3))
        .map(([{ text, serializer, values }, n]) =>
          schema(`array${n}<${text}>`, mus.array(n, serializer), fc.array(values, { minLength: n, maxLength: n })),
        ),
      inner.map(({ text, serializer, values }) =>
        schema(
          `map<string,${text}>`,
          mus.map(mus.string, serializer),
          fc.array(fc.tuple(fc.string(), values), { maxLength: 4 }).map((entries) => new Map(entries)),
        ),
      ),
      inner.map(({ text, serializer, values }) =>
        schema(`ref<${text}>`, mus.ref(serializer), fc.option(values.map((value) => new Ref(value)))),
      ),
      inner.map(({ text, serializer, values }) =>
        schema(
          `mapped<${text}>`,
          mus.mapped(({ ref }) => mus.slice(ref(serializer))),
          fc
            .tuple(values, values)
            .map(([a, b]) => [new Ref(a), new Ref(b), null])
            .chain((pool) => fc.array(fc.constantFrom(...pool), { maxLength: 6 })),
        ),
      ),
      fields.map((each) => structOf(Struct, each)),
      fc.tuple(fields, fields, fc.integer({ min: -5, max: 500 })).map(([a, b, dtm]) => {
        const [left, right] = [structOf(Struct, a), structOf(Other, b)];
        const variants = { [dtm]: left.serializer, [dtm + 1]: right.serializer };
        return schema(
          `${dtm}:${left.text}|${right.text}`,
          mus.interface(variants),
          fc.oneof(left.values, right.values),
        );
      }),
      inner.map((each) => ({ ...each, text: `lazy ${each.text}`, serializer: mus.lazy(() => each.serializer) })),
    ),
  };
});

const withValue = schemas.chain(({ text, serializer, values }) => values.map((value) => ({ text, serializer, value })));

/** Cut at the given places, which are taken modulo the length. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...at].map((from, index) => Uint8Array.from(bytes.subarray(from, at[index] ?? bytes.length)));
}

describe('any value of any schema', () => {
  it('is read as it was written, in as many bytes, however it is cut', () => {
    fc.assert(
      fc.property(withValue, fc.array(fc.nat(), { maxLength: 12 }), ({ serializer, value }, places) => {
        const bytes = serializer.toBytes(value);
        expect(serializer.fromBytes(bytes)).toEqual(value);
        expect(bytes.length).toBeGreaterThanOrEqual(serializer.minBytes);
        const decode = (reader: Parameters<typeof serializer.decode>[0]) => serializer.decode(reader);
        const read = { value, consumed: bytes.length };
        expect(readChunks(cut(bytes, places), decode)).toEqual(read);
        expect(readChunks(cut(bytes, [...bytes.keys()]), decode)).toEqual(read);
      }),
      { numRuns: 300 },
    );
  });
});

describe('any bytes', () => {
  const few = fc.array(fc.nat(3), { maxLength: 60 }).map((all) => Uint8Array.from(all));

  it('are a value, an error of ours, or too few; and no other one byte by byte', () => {
    fc.assert(
      fc.property(schemas, fc.oneof(fc.uint8Array({ maxLength: 60 }), few), ({ serializer }, bytes) => {
        const decode = (reader: Parameters<typeof serializer.decode>[0]) => serializer.decode(reader);
        const whole = verdict(readChunks([bytes], decode, 4_096));
        const singly = verdict(
          readChunks(
            Array.from(bytes, (byte) => Uint8Array.of(byte)),
            decode,
            4_096,
          ),
        );
        // What is wrong is not looked at before all is there that a value must have.
        expect([whole, INCOMPLETE]).toContainEqual(singly);
        expect(whole).not.toBe('foreign');
      }),
      { numRuns: 500 },
    );
  });

  it('damaged in one place are no less harmless', () => {
    fc.assert(
      fc.property(withValue, fc.nat(), fc.nat(255), ({ serializer, value }, place, byte) => {
        const bytes = serializer.toBytes(value);
        if (bytes.length > 0) bytes[place % bytes.length] = byte;
        expect(verdict(readChunks([bytes], (reader) => serializer.decode(reader), 4_096))).not.toBe('foreign');
      }),
      { numRuns: 300 },
    );
  });
});

const INCOMPLETE = { incomplete: true };

/** The code of an error, whatever it says. */
function verdict(reading: ReturnType<typeof readChunks>): unknown {
  if (!('error' in reading)) return reading;
  return reading.error instanceof CmdStreamError ? reading.error.code : 'foreign';
}
