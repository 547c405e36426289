// Mapped pointers and recursion in MUS: sharing and circles survive, a hostile peer can neither confuse nor overflow.
import { describe, expect, it } from '@jest/globals';
import { mus, Ref, type AnyMusSerializer, type MusSerializer } from 'nestjs-cmd-stream/mus';

const hex = <T, I>(serializer: MusSerializer<T, I>, value: I) => Buffer.from(serializer.toBytes(value)).toString('hex');
const from = <T, I>(serializer: MusSerializer<T, I>, text: string) => serializer.fromBytes(Buffer.from(text, 'hex'));
const refuse = (code: string, message?: string | RegExp) =>
  expect.objectContaining({ code, ...(message && { message: expect.stringMatching(message) as unknown }) });
const misused = (value: unknown) => value as never;

class Node {
  next: Node | null = null;
  constructor(readonly id = 0) {}
}

const struct = (pointer: (node: MusSerializer<Node>) => MusSerializer<Node | null>, maxDepth?: number) => {
  const node: MusSerializer<Node> = mus.struct(Node, {
    id: mus.varint.int,
    next: pointer(mus.lazy(() => node, maxDepth === undefined ? {} : { maxDepth })),
  });
  return node;
};
const mapped = mus.mapped(({ ptr }) => ptr(struct(ptr)));
const linked = struct((node) => mus.ptr(node));

/** A list of so many nodes. */
function chain(length: number): Node {
  const first = new Node(1);
  for (let last = first, id = 2; id <= length; id++) last = last.next = new Node(id);
  return first;
}

function idsOf(first: Node): number[] {
  const ids: number[] = [];
  for (let at: Node | null = first; at; at = at.next) ids.push(at.id);
  return ids;
}

describe('a mapped pointer', () => {
  it('leads in a circle', () => {
    const node = new Node(5);
    node.next = node;
    expect(hex(mapped, node)).toBe('02000a0200');
    const read = from(mapped, '02000a0200');
    expect(read).toBeInstanceOf(Node);
    expect(read!.next).toBe(read);
  });

  it('counts from 0 in every value that is wrapped', () => {
    const pairs = mus.slice(mus.mapped(({ ref }) => mus.slice(ref(mus.varint.int))));
    const ref = new Ref(10);
    expect(
      hex(pairs, [
        [ref, ref],
        [ref, null],
      ]),
    ).toBe('02020200140200' + '0202001401');
    const [[a, b] = [], [c, d] = []] = from(pairs, '02020200140200' + '0202001401');
    expect([a, c, d]).toEqual([ref, ref, null]);
    expect(a).toBe(b);
    expect(a).not.toBe(c);
  });

  it('numbers pointers of all types together', () => {
    const both = mus.mapped(({ ptr, ref }) =>
      mus.slice(mus.ref(mus.array(2, ref(mus.map(mus.string, ptr(mus.bytes)))))),
    );
    const block = Uint8Array.of(7);
    const shared = new Ref(
      new Map([
        ['x', block],
        ['y', block],
      ]),
    );
    const value = [new Ref([shared, shared])];
    expect(hex(both, value)).toBe('0100' + '02' + '0200' + '02' + '0178' + '0201' + '0107' + '0179' + '0201' + '0200');
    expect(from(both, hex(both, value))).toEqual(value);
  });

  it('takes ids in any order', () => {
    expect(
      from(
        mus.mapped(({ ref }) => mus.slice(ref(mus.varint.int))),
        '02' + '020702' + '0207',
      ),
    ).toEqual([new Ref(1), new Ref(1)]);
  });

  it('cannot be given a value of another type', () => {
    const pair = mus.mapped(({ ptr, ref }) =>
      mus.interface([mus.struct(Both, { text: ref(mus.string), node: ptr(struct(ptr)), box: ref(struct(ptr)) })]),
    );
    expect(() => from(pair, '01' + '0200' + '0178' + '0200')).toThrow(
      refuse('BAD_PAYLOAD', '^Both.node: .*another type'),
    );
    expect(() => from(pair, '01' + '01' + '02000a01' + '0200')).toThrow(
      refuse('BAD_PAYLOAD', '^Both.box: .*another type'),
    );
    const pointers = (define: Parameters<typeof mus.mapped>[0]) => mus.mapped(define) as MusSerializer<unknown>;
    for (const other of [
      pointers(({ ptr }) => misused(mus.slice(mus.interface([pairOf(ptr(linked), ptr(mus.bytes))])))),
      pointers(({ ptr, ref }) => misused(mus.slice(mus.interface([pairOf(ptr(linked), ref(linked))])))),
      pointers(({ ptr, ref }) => misused(mus.slice(mus.interface([pairOf(ref(linked), ptr(linked))])))),
    ])
      expect(() => from(other, '0101' + '02000a01' + '0200')).toThrow(refuse('BAD_PAYLOAD', 'another type'));
    const node = new Node();
    const value = Object.assign(new Both(), { node, box: node });
    expect(() => pair.toBytes(misused(value))).toThrow(refuse('ENCODE_FAILED', '^Both.box: expected'));
  });

  it('refuses a value that contains itself and cannot be there before it is read', () => {
    const self: MusSerializer<object | null> = mus.mapped(({ ptr }) => {
      const list: MusSerializer<object> = mus.typed(5, mus.slice(ptr(mus.lazy(() => list)))) as never;
      return ptr(list);
    });
    expect(from(self, '0200' + '05' + '02' + '01' + '01')).toEqual([null, null]);
    expect(() => from(self, '0200' + '05' + '01' + '0200')).toThrow(refuse('BAD_PAYLOAD', 'points to itself'));
  });

  it('refuses to write what could not be read: a value that contains itself behind a check or a type number', () => {
    const node = new Node();
    node.next = node;
    for (const through of [
      (inner: MusSerializer<Node>) => inner.check(() => true),
      (inner: MusSerializer<Node>) => mus.typed(5, inner),
      (inner: MusSerializer<Node>) => mus.interface([inner]) as MusSerializer<Node>,
    ]) {
      const circle = mus.mapped(({ ptr }) => {
        const inner: MusSerializer<Node> = through(mus.struct(Node, { next: ptr(mus.lazy(() => inner)) }));
        return mus.slice(ptr(inner));
      });
      expect(() => circle.toBytes([node])).toThrow(refuse('ENCODE_FAILED', 'points to itself'));
      const shared = new Node();
      const [a, b] = circle.fromBytes(circle.toBytes([shared, shared]));
      expect(a).toBeInstanceOf(Node);
      expect(a).toBe(b);
    }
  });

  it('is refused when its flag is of another kind, and when it is no object', () => {
    for (const bytes of ['00', '03', 'ff'])
      expect(() => from(mapped, bytes)).toThrow(refuse('BAD_PAYLOAD', 'mapped pointer'));
    for (const value of [undefined, 5, 'node'])
      expect(() => mapped.toBytes(misused(value))).toThrow(refuse('ENCODE_FAILED', '^expected an object or null, got'));
  });

  it('leads in a circle through a list, a map and a Ref', () => {
    interface List extends Array<List | null> {}
    const list = mus.mapped(({ ptr }) => {
      const inner: MusSerializer<List, never> = misused(mus.slice(ptr(mus.lazy(() => inner))));
      return ptr(inner);
    });
    const read = from(list, '0200' + '03' + '0200' + '01' + '0200')!;
    expect([read.length, read[0] === read, read[1], read[2] === read]).toEqual([3, true, null, true]);
    expect(hex(list, misused(read))).toBe('0200' + '03' + '0200' + '01' + '0200');
    interface Table extends Map<number, Table | null> {}
    const table = mus.mapped(({ ptr }) => {
      const inner: MusSerializer<Table, never> = misused(mus.map(mus.byte, ptr(mus.lazy(() => inner))));
      return ptr(inner);
    });
    const map = from(table, '0200' + '02' + '05' + '0200' + '06' + '01')!;
    expect([map.get(5) === map, map.get(6)]).toEqual([true, null]);
    interface Box extends Ref<Box | null> {}
    const boxes = mus.mapped(({ ref }) => {
      const inner: MusSerializer<Box | null, never> = misused(ref(mus.lazy(() => inner)));
      return inner;
    });
    const box = from(boxes, '0200' + '0200')!;
    expect(box.value).toBe(box);
  });

  it('belongs to its own value', () => {
    let stolen: MusSerializer<Node | null> | undefined;
    const whole = mus.mapped(({ ptr }) => (stolen = ptr(linked)));
    expect(from(whole, hex(whole, new Node()))).toEqual(new Node());
    expect(() => from(whole, '020')).toThrow(refuse('BAD_PAYLOAD'));
    expect(() => stolen!.toBytes(new Node())).toThrow(refuse('ENCODE_FAILED', 'mus.mapped'));
    expect(() => from(stolen!, '01')).toThrow(refuse('BAD_PAYLOAD', 'mus.mapped'));
  });
});

class Pair {
  one: unknown = null;
  two: unknown = null;
}

function pairOf(one: AnyMusSerializer, two: AnyMusSerializer): MusSerializer<Pair> {
  return mus.struct(Pair, misused({ one, two }));
}

class Both {
  text: Ref<string> | null = null;
  node: Node | null = null;
  box: Ref<Node> | null = null;
}

describe('a recursive type', () => {
  it('may be as deep as it says, both ways', () => {
    const deepest = chain(65);
    expect(from(linked, hex(linked, deepest))).toEqual(deepest);
    expect(() => linked.toBytes(chain(66))).toThrow(refuse('ENCODE_FAILED', 'maxDepth .64.'));
    expect(() => from(linked, '0200'.repeat(65) + '0201')).toThrow(
      refuse('BAD_PAYLOAD', /^Node(\.next){8}…\(49 more\)…(\.next){8}: [^:]*maxDepth/),
    );
  });

  it('is as deep as it may be', () => {
    const deep = struct((node) => mus.ptr(node), 250);
    const read = from(deep, hex(deep, chain(251)));
    expect(idsOf(read)).toEqual(idsOf(chain(251)));
    expect(() => deep.toBytes(chain(252))).toThrow(refuse('ENCODE_FAILED', 'maxDepth .250.'));
    expect(() => from(deep, '0200'.repeat(251) + '0201')).toThrow(refuse('BAD_PAYLOAD', 'maxDepth .250.'));
    expect(() => from(deep, '0200'.repeat(100_000))).toThrow(refuse('BAD_PAYLOAD', 'maxDepth'));
    for (const maxDepth of [0, 251, 1.5])
      expect(() => mus.lazy(() => linked, maxDepth === undefined ? {} : { maxDepth })).toThrow(
        refuse('INVALID_OPTION'),
      );
  });

  it('may be used again after it was too deep', () => {
    expect(() => linked.toBytes(chain(66))).toThrow(refuse('ENCODE_FAILED'));
    expect(() => from(linked, '0200'.repeat(66))).toThrow(refuse('BAD_PAYLOAD'));
    expect(from(linked, hex(linked, chain(65)))).toEqual(chain(65));
  });

  it('ends in a circle, which a plain pointer cannot write', () => {
    const node = new Node();
    node.next = node;
    expect(() => linked.toBytes(node)).toThrow(refuse('ENCODE_FAILED', 'maxDepth'));
  });

  it('in many mapped pointers is bound, too', () => {
    const bytes = Array.from({ length: 66 }, (_, id) => `02${Buffer.of(id).toString('hex')}02`).join('');
    expect(() => from(mapped, bytes)).toThrow(refuse('BAD_PAYLOAD', 'maxDepth'));
  });
});
