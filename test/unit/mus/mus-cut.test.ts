// Values of MUS that arrive in pieces: nothing is read twice, and nothing is tried that cannot succeed. Counted, not
// timed.
import { describe, expect, it } from '@jest/globals';
import { mus, Ref, type MusSerializer } from 'nestjs-cmd-stream/mus';
import type { ByteReader } from '../../../lib/wire/byte-reader.js';
import { readChunks, readEveryWay } from '../wire/cutting.js';

class Leaf {
  constructor(
    readonly id = 0,
    readonly text = '',
    readonly last = false,
  ) {}
}

class Tree {
  constructor(
    readonly name = '',
    readonly children: readonly Tree[] = [],
    readonly byName: ReadonlyMap<string, Tree | null> = new Map(),
    readonly leaf = new Leaf(),
  ) {}
}

class Nothing {}

class GroupConnection {
  next: GroupConnection | null = null;
  other: GroupConnection | null = null;
  constructor(readonly id = 0) {}
}

/** Counts the values that are read to their end. */
function counting<T, I>(serializer: MusSerializer<T, I>) {
  const counter = { count: 0, serializer: serializer.check(() => void counter.count++) };
  return counter;
}

const singly = (bytes: Uint8Array) => Array.from(bytes, (byte) => Uint8Array.of(byte));

/** Reads byte by byte; says what was read and how often it was tried. */
function dribble<T, I>(serializer: MusSerializer<T, I>, value: I) {
  let attempts = 0;
  const bytes = serializer.toBytes(value);
  const reading = readChunks(singly(bytes), (reader: ByteReader) => {
    attempts++;
    return serializer.decode(reader);
  });
  return { reading, attempts, length: bytes.length };
}

describe('a value that arrives byte by byte', () => {
  it('is tried again only when all is there that it must have', () => {
    const list = Array.from({ length: 10_000 }, () => 0);
    expect(dribble(mus.slice(mus.varint.int), list)).toMatchObject({ reading: { value: list }, attempts: 3 });
    expect(dribble(mus.string, 'x'.repeat(10_000)).attempts).toBe(3);
    expect(dribble(mus.array(3, mus.raw.float64), [1, 2, 3]).attempts).toBe(2);
  });

  it('is tried when what is left may be complete', () => {
    const struct = mus.struct(Leaf, { id: mus.raw.int64, text: mus.string, last: mus.bool });
    // At the first byte, when the length of the text may be there, and when the text is.
    expect(dribble(struct, new Leaf(1, 'hello', true))).toMatchObject({ attempts: 3, length: 15 });
  });

  it('is tried ever less often while it grows', () => {
    const list = Array.from({ length: 10_000 }, (_, at) => at * 1_000_003);
    const { reading, attempts } = dribble(mus.slice(mus.varint.int), list);
    expect(reading).toMatchObject({ value: list });
    expect(attempts).toBeLessThan(100);
  });

  it('has each of its parts read once, however often it is tried', () => {
    const text = counting(mus.string);
    const key = counting(mus.varint.int);
    const list = Array.from({ length: 300 }, (_, at) => 'x'.repeat(at % 97));
    const map = new Map(list.map((each, at) => [at, [each, each]]));
    expect(dribble(mus.slice(text.serializer), list).reading).toMatchObject({ value: list });
    expect(text.count).toBe(300);
    expect(dribble(mus.map(key.serializer, mus.slice(text.serializer)), map).reading).toMatchObject({ value: map });
    expect([key.count, text.count]).toEqual([300, 900]);
  });

  it('has each part of a recursive one read once', () => {
    const leaf = counting(mus.struct(Leaf, { id: mus.varint.int, text: mus.string, last: mus.bool }));
    const tree: MusSerializer<Tree> = mus.struct(Tree, {
      name: mus.string,
      children: mus.slice(mus.lazy(() => tree)),
      byName: mus.map(mus.string, mus.ptr(mus.lazy(() => tree))),
      leaf: leaf.serializer,
    });
    let made = 0;
    const grow = (depth: number): Tree =>
      new Tree(
        `node ${made}`,
        Array.from({ length: depth > 0 ? 3 : 0 }, () => grow(depth - 1)),
        new Map(
          depth > 1
            ? [
                ['a', grow(depth - 2)],
                ['b', null],
              ]
            : [],
        ),
        new Leaf(made++, 'é'.repeat(depth), depth === 0),
      );
    const value = grow(5);
    const { reading, attempts, length } = dribble(tree, value);
    expect(reading).toEqual({ value, consumed: length });
    expect(leaf.count).toBe(made);
    expect(attempts).toBeLessThan(length);
  });

  it('is the same value however it is cut', () => {
    const leaf = mus.struct(Leaf, { id: mus.varint.int, text: mus.string, last: mus.bool });
    const all = mus.slice(mus.map(mus.string, mus.ref(mus.array(2, mus.interface({ 300: leaf })))));
    const pair = [new Leaf(-70, 'zażółć', true), new Leaf(2 ** 40, '')];
    const value = [
      new Map([
        ['a', new Ref(pair)],
        ['b', null],
      ]),
      new Map([['', new Ref(pair)]]),
    ];
    expect(readEveryWay(all.toBytes(value), (reader) => all.decode(reader))).toMatchObject({ value });
  });

  it('keeps its circles however it is cut', () => {
    const link = mus.mapped<GroupConnection, GroupConnection>(({ ptr }) => {
      const self: MusSerializer<GroupConnection> = mus.struct(GroupConnection, {
        id: mus.varint.int,
        next: ptr(mus.lazy(() => self)),
        other: ptr(mus.lazy(() => self)),
      });
      return ptr(self) as MusSerializer<GroupConnection>;
    });
    const links = Array.from({ length: 12 }, (_, at) => new GroupConnection(at * 100));
    links.forEach((each, at) => {
      each.next = links[(at + 1) % 12]!;
      each.other = at % 3 === 0 ? null : links[(at * 5) % 12]!;
    });
    const bytes = link.toBytes(links[0]!);
    const follow = (from: GroupConnection) => {
      const seen: (readonly [number, number | undefined])[] = [];
      let at = from;
      for (let step = 0; step < 12; step++, at = at.next!) seen.push([at.id, at.other?.id]);
      return { seen, isClosed: at === from };
    };
    const reading = readEveryWay(bytes, (reader) => JSON.stringify(follow(link.decode(reader))));
    expect(reading).toMatchObject({ value: JSON.stringify(follow(links[0]!)), consumed: bytes.length });
  });

  it('starts over in a decoder that is not ours, and goes on in the parts that are', () => {
    const text = counting(mus.string);
    const list = mus.slice(text.serializer);
    let attempts = 0;
    const both = mus.custom({
      encode(value: readonly (readonly string[])[], writer) {
        for (const each of value) list.encode(each, writer);
      },
      decode(reader) {
        attempts++;
        return [list.decode(reader), list.decode(reader), list.decode(reader)];
      },
    });
    const value = [['a', 'b'], Array.from({ length: 50 }, () => 'x'.repeat(60)), ['c']];
    const { reading } = dribble(mus.slice(both), [value, value]);
    expect(reading).toMatchObject({ value: [value, value] });
    // The first list is read again in each attempt; the long one is not.
    expect(text.count).toBeLessThan(2 * (2 + 50 + 1) + 52 * attempts);
    expect(text.count).toBeGreaterThan(2 * (2 + 50 + 1));
  });

  it('shares what a decoder that is not ours has read before it was cut', () => {
    const pair = mus.mapped(({ ref }) => {
      const pointer = ref(mus.string);
      return mus.custom({
        encode(value: { a: Ref<string> | null; b: Ref<string> | null; c: string }, writer) {
          pointer.encode(value.a, writer);
          pointer.encode(value.b, writer);
          mus.string.encode(value.c, writer);
        },
        decode(reader) {
          const [a, b] = [pointer.decode(reader), pointer.decode(reader)];
          return { a, b, c: mus.string.decode(reader), isShared: a === b };
        },
      });
    });
    const hello = new Ref('hello');
    const read = (hex: string) => readEveryWay(Buffer.from(hex, 'hex'), (reader) => pair.decode(reader));
    expect(read('02000568656c6c6f02000378797a')).toMatchObject({
      value: { a: hello, b: hello, c: 'xyz', isShared: true },
      consumed: 14,
    });
    expect(read('02000568656c6c6f02010568656c6c6f0378797a')).toMatchObject({
      value: { isShared: false },
      consumed: 20,
    });
  });

  it('shares what was referred to when a decoder that is not ours starts over', () => {
    const shared = mus.mapped(({ ptr }) => {
      const leaf = ptr(mus.struct(Leaf, { id: mus.varint.int, text: mus.string }));
      const leaves = ptr(mus.slice(leaf));
      return mus.custom({
        encode: () => undefined,
        decode(reader) {
          const [first, list] = [leaf.decode(reader), leaves.decode(reader)];
          const [again, text] = [leaves.decode(reader), mus.string.decode(reader)];
          return { first, list, text, isShared: list?.[1] === first && again === list };
        },
      });
    });
    const bytes = Buffer.from(
      '0200' + '02' + '0178' + '0201' + '02' + '02020402797a' + '0200' + '0201' + '03616263',
      'hex',
    );
    const [first, second] = [new Leaf(1, 'x'), new Leaf(2, 'yz')];
    expect(readEveryWay(bytes, (reader) => shared.decode(reader))).toEqual({
      value: { first, list: [second, first], text: 'abc', isShared: true },
      consumed: bytes.length,
    });
  });

  it('has its elements without bytes counted once, however often they are read', () => {
    const nothings = mus.slice(mus.struct(Nothing, {}));
    const own = mus.custom({
      encode: () => undefined,
      decode: (reader) => [nothings.decode(reader).length, ...[1, 2, 3].map(() => mus.varint.int.decode(reader))],
    });
    const list = mus.slice(own);
    // One custom: 300 elements, three numbers.
    const bytes = Buffer.from('01' + 'ac02' + '020406', 'hex');
    expect(readEveryWay(bytes, (reader) => list.decode(reader), 1_000)).toMatchObject({ value: [[300, 1, 2, 3]] });
    expect(readEveryWay(bytes, (reader) => list.decode(reader), 302)).toMatchObject({
      error: { code: 'FRAME_TOO_LARGE' },
    });
  });
});
