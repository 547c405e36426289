// MUS: what any bytes are to a schema they are as well when they come in pieces, and what was read is written again as
// a value that is read the same.
import { isDeepStrictEqual } from 'node:util';
import { mus, type MusSerializer } from 'nestjs-cmd-stream/mus';
import { wireVectors } from '../unit/wire/wire-vectors.js';
import { readChunks, type Reading } from '../unit/wire/cutting.js';
import { checkPrototypes, codeIn, Finding, piecesOf, type Target } from './target.js';

class Leaf {
  name = '';
  size = 0;
}

class Tree {
  leaf = new Leaf();
  children: Tree[] = [];
}

class Event {
  at: Date = new Date(0);
  tags = new Map<string, number>();
}

const leaf = mus.struct(Leaf, { name: mus.string, size: mus.varint.int });
const tree: MusSerializer<Tree> = mus.struct(Tree, { leaf, children: mus.slice(mus.lazy(() => tree)) });
const event = mus.struct(Event, { at: mus.time.milliseconds, tags: mus.map(mus.string, mus.varint.int32) });

const schemas = [
  leaf,
  tree,
  event,
  mus.interface({ 1: leaf, 2: tree, 300: event }),
  mus.slice(mus.bool),
  mus.slice(mus.slice(mus.bytes)),
  mus.array(3, mus.raw.uint16),
  mus.map(mus.string, mus.map(mus.varint.int8, mus.raw.float64)),
  mus.ref(mus.ref(mus.string)),
  mus.mapped(({ ref }) => mus.slice(ref(leaf))),
  mus.mapped(({ ref }) => mus.slice(ref(mus.mapped((inner) => mus.slice(inner.ref(mus.string)))))),
  mus.string.with({ lengthAs: mus.raw.int16 }),
  mus.slice(mus.varint.float64),
  mus.raw.int.bigint,
  mus.slice(mus.struct(Leaf, {})),
] as readonly MusSerializer<unknown>[];

const LIMIT = 400;
const refusals = [
  'BAD_PAYLOAD',
  'FRAME_TOO_LARGE',
  'VARINT_OVERFLOW',
  'NEGATIVE_LENGTH',
  'UNKNOWN_TYPE',
  'UNSAFE_INTEGER',
] as const;

/** What it came to: its value and length, the code of an error, or `short`. */
type Verdict = string | { readonly value: unknown; readonly consumed: number };

function verdictOf(reading: Reading<unknown>): Verdict {
  if ('incomplete' in reading) return 'short';
  return 'error' in reading ? codeIn(reading.error, refusals) : reading;
}

function checkSchema(serializer: MusSerializer<unknown>, bytes: Uint8Array): void {
  const read = (pieces: readonly Uint8Array[]): Verdict =>
    verdictOf(readChunks(pieces, (reader) => serializer.decode(reader), LIMIT));
  const whole = read([bytes.slice()]);
  const cut = read(piecesOf(bytes));
  // What is wrong is not looked at before all is there that a value must have; and that may be too much.
  const isEarly = cut === 'short' || (cut === 'FRAME_TOO_LARGE' && typeof whole === 'string' && whole !== 'short');
  if (!isDeepStrictEqual(whole, cut) && !isEarly) throw different('in pieces', whole, cut);
  if (typeof whole === 'string') return;
  const again = serializer.toBytes(whole.value);
  const { value } = readAgain(serializer, again);
  if (!isDeepStrictEqual(value, whole.value)) throw different('written and read again', whole.value, value);
}

function readAgain(serializer: MusSerializer<unknown>, bytes: Uint8Array): { readonly value: unknown } {
  try {
    return { value: serializer.fromBytes(bytes) };
  } catch (error) {
    throw new Finding('what was read cannot be read again', { cause: error });
  }
}

function different(what: string, one: unknown, other: unknown): Finding {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item));
  return new Finding(`${what}: ${text(one)} is ${text(other)}`);
}

/** Every value of the vectors that is MUS, for the first schemas; the fuzzer finds those that fit. */
const vectors = wireVectors.filter(({ kind, dir }) => dir === 'roundtrip' && /^(ord|pm|struct|unsafe)\./.test(kind));
const hexes = ['00', '0161', '016100', '02016100000162', '020001610002', '0200000201610001', '0301000200'];

export const musTarget: Target = {
  name: 'mus',
  seeds: [...hexes, ...vectors.map(({ hex }) => hex)].flatMap((hex, at) =>
    [at, at + 5, at + 10].map((schema) => Buffer.from([schema % schemas.length, ...Buffer.from(hex, 'hex')])),
  ),
  run(bytes) {
    if (bytes.length === 0) return;
    checkSchema(schemas[bytes[0]! % schemas.length]!, bytes.subarray(1));
    checkPrototypes();
  },
};
