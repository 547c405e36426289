// Lists, maps, pointers, structs and interfaces of MUS: limits, checks, and errors that say where.
import { describe, expect, it } from '@jest/globals';
import { CmdStreamError } from 'nestjs-cmd-stream/core';
import { mus, Ref, type MusSerializer } from 'nestjs-cmd-stream/mus';
import { readChunks } from '../wire/cutting.js';

const hex = <T, I>(serializer: MusSerializer<T, I>, value: I) => Buffer.from(serializer.toBytes(value)).toString('hex');
const from = <T, I>(serializer: MusSerializer<T, I>, text: string) => serializer.fromBytes(Buffer.from(text, 'hex'));
const refuse = (code: string, message?: string | RegExp) =>
  expect.objectContaining({ code, ...(message && { message: expect.stringMatching(message) as unknown }) });
const misused = (value: unknown) => value as never;
/** In a frame of at most `limit` bytes. */
const framed = <T, I>(serializer: MusSerializer<T, I>, text: string, limit = 1_048_576) =>
  readChunks([Buffer.from(text, 'hex')], (reader) => serializer.decode(reader), limit);

const errorOf = (work: () => unknown): Error => {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
};
const messageOf = (work: () => unknown) => errorOf(work).message;

class Item {
  constructor(
    readonly name = '',
    readonly price = 0,
  ) {}
}

class Order {
  constructor(
    readonly id = 0,
    readonly items: readonly Item[] = [],
    readonly notes: ReadonlyMap<string, Item> = new Map(),
  ) {}
}

const item = mus.struct(Item, { name: mus.string, price: mus.varint.int });
const order = mus.struct(Order, { id: mus.varint.int, items: mus.slice(item), notes: mus.map(mus.string, item) });

describe('a value that does not fit', () => {
  it.each([
    ['Order.id', new Order(misused('5'))],
    ['Order.id', new Order(misused(2 ** 53))],
    ['Order.id', new Order(Number.NaN)],
    ['Order.id', misused({ items: [], notes: new Map() })],
    ['Order.items', new Order(1, misused('items'))],
    ['Order.items[1]', new Order(1, [new Item(), misused(null)])],
    [
      'Order.items[3].price',
      new Order(1, [...Array.from({ length: 3 }, () => new Item()), new Item('x', misused('2'))]),
    ],
    ['Order.notes["a"].name', new Order(1, [], new Map([['a', new Item(misused(1))]]))],
    ['Order.notes[key 0]', new Order(1, [], new Map([[misused(1), new Item()]]))],
    ['Order.notes', new Order(1, [], misused({}))],
  ])('is named: %s', (path, value) => {
    let message = '';
    try {
      order.toBytes(value);
    } catch (error) {
      message = `${(error as { code: string }).code} ${(error as Error).message}`;
    }
    expect(message.startsWith(`ENCODE_FAILED ${path}: expected `)).toBe(true);
  });

  it('is named as a whole when it is no object', () => {
    for (const value of [undefined, null, 5, 'order'])
      expect(() => order.toBytes(misused(value))).toThrow(refuse('ENCODE_FAILED', '^expected an object of Order, got'));
  });

  it('may be a getter that throws', () => {
    const value = {
      name: 'x',
      get price(): number {
        throw new Error('no price');
      },
    };
    expect(() => item.toBytes(value)).toThrow(refuse('ENCODE_FAILED', '^Item.price: no price$'));
  });

  it('is shown as it is, whatever it would like to be', () => {
    const posing = {
      [Symbol.for('nodejs.util.inspect.custom')]() {
        throw new Error('never asked');
      },
    };
    expect(() => mus.string.toBytes(misused(posing))).toThrow(refuse('ENCODE_FAILED', '^expected a string, got {'));
    class Posing {
      get [Symbol.toStringTag](): string {
        throw new Error('no tag');
      }
    }
    // Later versions of Node leave out a tag that throws.
    expect(() => mus.string.toBytes(misused(new Posing()))).toThrow(
      refuse('ENCODE_FAILED', '^expected a string, got (an object that cannot be shown|Posing {)'),
    );
    const hidden = new Proxy({}, { getPrototypeOf: () => JSON.parse('') as object });
    expect(() => mus.string.toBytes(misused(hidden))).toThrow(refuse('ENCODE_FAILED', '^expected a string, got .'));
  });

  it.each<[unknown, string]>([
    [5n, 'the bigint 5'],
    [[1, 2], 'an array of 2'],
    [() => 1, 'a function'],
    [{ a: 1 }, '{ a: 1 }'],
    [null, 'null'],
    [undefined, 'undefined'],
    [true, 'true'],
    [-0, '-0'],
    [0, '0'],
    [Symbol('s'), 'Symbol(s)'],
  ])('is shown by what it is: %p', (value, text) => {
    expect(messageOf(() => mus.string.toBytes(misused(value)))).toBe(`expected a string, got ${text}`);
  });

  it('has no cause when nothing was thrown', () => {
    const error = errorOf(() => mus.string.toBytes(misused(5)));
    expect(Object.hasOwn(error, 'cause')).toBe(false);
  });

  it.each([
    [16, '[0]'.repeat(16)],
    [17, `${'[0]'.repeat(8)}…(1 more)…${'[0]'.repeat(8)}`],
  ])('%d levels deep is named by %s', (depth, path) => {
    let [list, value]: [MusSerializer<unknown>, unknown] = [misused(mus.string), 5];
    for (let level = 0; level < depth; level++) [list, value] = [misused(mus.slice(list)), [value]];
    expect(messageOf(() => list.toBytes(value))).toBe(`${path}: expected a string, got 5`);
  });

  it('in a map is named by its key, or by its place when the key is an object', () => {
    const [numbers, dates] = [mus.map(mus.varint.int, mus.string), mus.map(mus.time.seconds, mus.string)];
    expect(messageOf(() => numbers.toBytes(new Map([[7, misused(1)]])))).toMatch(/^\[7\]: expected/);
    const value = new Map<Date, string>([
      [new Date(0), 'x'],
      [new Date(5_000), misused(1)],
    ]);
    expect(messageOf(() => dates.toBytes(value))).toMatch(/^\[entry 1\]: expected/);
    expect(messageOf(() => from(dates, '01' + '00'.repeat(8) + '01ff'))).toMatch(/^\[entry 0\]: text/);
    expect(messageOf(() => from(numbers, '010e01ff'))).toMatch(/^\[7\]: text/);
  });

  it('has the error itself as its cause when that had a code', () => {
    const cause = new CmdStreamError('INVALID_OPTION', 'no such thing');
    const failing = mus.string.check(() => {
      throw cause;
    });
    expect(() => from(mus.slice(failing), '0100')).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: '[0]: no such thing', cause }),
    );
  });

  it('may be a map that changes while it is written', () => {
    const map = new Map<string, Item>();
    const greedy = {
      price: 1,
      get name() {
        if (map.size < 3) map.set(`${map.size}`, new Item());
        return 'x';
      },
    };
    map.set('a', greedy);
    expect(() => mus.map(mus.string, item).toBytes(map)).toThrow(refuse('ENCODE_FAILED', 'a Map of 1 entries'));
  });
});

describe('bytes that do not fit', () => {
  it.each([
    ['Order.id', 'UNSAFE_INTEGER', '8080808080808020'],
    ['Order.items', 'NEGATIVE_LENGTH', '02ffffffffffffffffff01'],
    ['Order.items', 'FRAME_TOO_LARGE', '02ffffffffffffffff7f'],
    ['Order.items[1].name', 'FRAME_TOO_LARGE', '020201780280808001'],
    ['Order.items[0].name', 'BAD_PAYLOAD', '020101ff'],
    ['Order.notes["k"].price', 'VARINT_OVERFLOW', '020001016b008080808080808080808002'],
    ['Order.notes[key 1]', 'NEGATIVE_LENGTH', '020002016b0000ffffffffffffffffff01'],
  ])('are named: %s, %s', (path, code, bytes) => {
    expect(framed(order, bytes)).toMatchObject({
      error: { code, message: expect.stringContaining(`${path}: `) as unknown },
    });
  });

  it('are too few or too many', () => {
    expect(() => from(item, '0178')).toThrow(refuse('BAD_PAYLOAD'));
    expect(() => from(item, '01780202')).toThrow(refuse('BAD_PAYLOAD', '1 bytes are left'));
    expect(() => from(mus.string, '0578')).toThrow(refuse('BAD_PAYLOAD'));
  });
});

describe('a list', () => {
  it('of a fixed size has exactly that many elements', () => {
    const three = mus.array(3, mus.varint.int);
    expect(from(three, '03020406')).toEqual([1, 2, 3]);
    for (const bytes of ['020204', '0402040608', '00'])
      expect(() => from(three, bytes)).toThrow(refuse('BAD_PAYLOAD', 'array of 3'));
    for (const value of [
      [1, 2],
      [1, 2, 3, 4],
    ])
      expect(() => three.toBytes(value)).toThrow(refuse('ENCODE_FAILED', 'array of 3'));
  });

  it('of no possible size is refused', () => {
    for (const size of [-1, 1.5, Number.NaN, 2 ** 53])
      expect(() => mus.array(size, mus.bool)).toThrow(refuse('INVALID_OPTION', 'mus.array'));
  });

  it('that cannot fit into its frame is refused by its count', () => {
    const pairs = mus.slice(mus.slice(mus.raw.float64));
    expect(framed(mus.slice(mus.raw.float64), '0d', 100)).toMatchObject({ error: { code: 'FRAME_TOO_LARGE' } });
    expect(framed(mus.slice(mus.raw.float64), '0c', 100)).toEqual({ incomplete: true });
    expect(framed(pairs, '64', 100)).toMatchObject({ error: { code: 'FRAME_TOO_LARGE' } });
  });

  it('that must grow beyond its frame is refused as soon as that is known', () => {
    const floats = mus.struct(Order, {
      items: mus.slice(misused(mus.raw.float64)),
      notes: misused(mus.array(1, mus.raw.float64)),
    });
    expect(framed(floats, '0b', 97)).toMatchObject({ error: { code: 'FRAME_TOO_LARGE' } });
    expect(framed(floats, '0b', 98)).toEqual({ incomplete: true });
  });

  it('says of which kind it is when an option is refused', () => {
    expect(() => mus.slice(mus.bool, { maxLength: -1 })).toThrow(refuse('INVALID_OPTION', '^mus.slice'));
    expect(() => mus.array(2, mus.bool, { maxLength: -1 })).toThrow(refuse('INVALID_OPTION', '^mus.array'));
  });

  it('of elements without bytes is bound by its frame, as are all of them together', () => {
    class Nothing {}
    const nothings = mus.slice(mus.struct(Nothing, {}));
    expect(from(mus.slice(nothings), '020100')).toEqual([[new Nothing()], []]);
    expect(framed(nothings, 'e807', 1_002)).toMatchObject({ consumed: 2 });
    expect(framed(nothings, 'e807', 1_001)).toMatchObject({ error: { code: 'FRAME_TOO_LARGE' } });
    expect(framed(mus.slice(nothings), '02f403f403', 1_005)).toMatchObject({ consumed: 5 });
    expect(framed(mus.slice(nothings), '02f403f403', 1_004)).toMatchObject({ error: { code: 'FRAME_TOO_LARGE' } });
  });
});

describe('a length', () => {
  it('may be any integer', () => {
    expect(hex(mus.string.with({ lengthAs: mus.varint.int }), 'hi')).toBe('046869');
    expect(hex(mus.bytes.with({ lengthAs: mus.raw.uint16 }), Uint8Array.of(7))).toBe('010007');
    expect(hex(mus.slice(mus.bool, { lengthAs: mus.raw.int32 }), [true])).toBe('0100000001');
    expect(hex(mus.map(mus.bool, mus.bool, { lengthAs: mus.raw.uint8 }), new Map([[true, false]]))).toBe('010100');
    expect(from(mus.string.with({ lengthAs: mus.varint.int }), '046869')).toBe('hi');
  });

  it('beyond its integer is refused', () => {
    const short = mus.string.with({ lengthAs: mus.raw.uint8 });
    expect(from(short, hex(short, 'é'.repeat(127)))).toBe('é'.repeat(127));
    expect(() => short.toBytes('é'.repeat(128))).toThrow(refuse('ENCODE_FAILED', 'from 0 to 255, got 256'));
  });

  it('has a greatest and a check, which sees 0 and comes first', () => {
    const seen: number[] = [];
    const text = mus.string.with({ maxLength: 3, checkLength: (length) => seen.push(length) && length !== 2 });
    expect(from(text, '00')).toBe('');
    expect(from(text, '03616263')).toBe('abc');
    expect(() => from(text, '04')).toThrow(refuse('BAD_PAYLOAD', 'length 4 exceeds maxLength .3.'));
    expect(() => from(text, '02')).toThrow(refuse('BAD_PAYLOAD', 'checkLength'));
    expect(seen).toEqual([0, 3, 2]);
    expect(hex(text, 'four')).toBe('04666f7572');
  });

  it.each([{ maxLength: -1 }, { maxLength: 1.5 }, { checkLength: 5 }, { lengthAs: mus.string }, { max: 1 }, null])(
    'refuses the option %p',
    (options) => {
      expect(() => mus.string.with(misused(options))).toThrow(refuse('INVALID_OPTION'));
      expect(() => mus.slice(mus.bool, misused(options))).toThrow(refuse('INVALID_OPTION'));
    },
  );
});

describe('a check', () => {
  const cause = new Error('too low');
  const positive = mus.varint.int.check((value) => {
    if (value < 0) throw cause;
  });

  it('passes its own error on, and where it happened', () => {
    expect(() => from(mus.slice(positive), '020001')).toThrow(
      expect.objectContaining({ code: 'BAD_PAYLOAD', message: '[1]: too low', cause }),
    );
    expect(() =>
      from(
        positive.check((value) => value < 5),
        '0a',
      ),
    ).toThrow(refuse('BAD_PAYLOAD', 'refused by its check'));
    expect(
      from(
        positive.check((value) => value < 5),
        '08',
      ),
    ).toBe(4);
  });

  it('does not look at what is written', () => {
    expect(hex(positive, -1)).toBe('01');
  });
});

describe('a length that no frame has room for', () => {
  it('is reported exactly', () => {
    for (const each of [mus.string, mus.bytes, mus.slice(mus.bool), mus.map(mus.bool, mus.bool)])
      expect(framed(each as MusSerializer<unknown>, 'ffffffffffffffff7f')).toMatchObject({
        error: { code: 'FRAME_TOO_LARGE', message: 'frame of 9223372036854775816 bytes exceeds maxBytes (1048576)' },
      });
    expect(() => from(mus.string, 'ffffffff7f')).toThrow(
      refuse('FRAME_TOO_LARGE', 'frame of 34359738372 bytes exceeds the limit of fromBytes .4096.$'),
    );
  });
});

describe('what is no serializer', () => {
  it.each<[string, () => unknown]>([
    ['mus.slice', () => mus.slice(misused(undefined))],
    ['mus.array', () => mus.array(2, misused(null))],
    ['mus.map', () => mus.map(mus.string, misused({}))],
    ['mus.map', () => mus.map(misused(String), mus.string)],
    ['mus.ptr', () => mus.ptr(misused(undefined))],
    ['a Ref', () => mus.ref(misused(undefined))],
    ['mus.typed', () => mus.typed(1, misused(undefined))],
    ['mus.lazy', () => mus.lazy(() => misused(undefined)).toBytes(misused(1))],
    ['mus.mapped', () => mus.mapped(() => misused(undefined))],
    ['a mapped pointer', () => mus.mapped(({ ptr }) => ptr(misused(undefined)))],
    ['mus.custom', () => mus.custom(misused({}))],
    ['mus.custom', () => mus.custom(misused(undefined))],
    ['mus.custom', () => mus.custom(misused({ encode() {} }))],
    ['mus.custom', () => mus.custom(misused({ decode: () => 1 }))],
    ['mus.custom', () => mus.custom({ encode() {}, decode: () => 1, layout: misused(5) })],
    ['mus.custom', () => mus.custom({ encode() {}, decode: () => 1, minBytes: 1.5 })],
    ['mus.custom', () => mus.custom({ encode() {}, decode: () => 1, minBytes: -1 })],
    ['mus.custom', () => mus.custom({ encode() {}, decode: () => 1, type: misused('x') })],
  ])('is refused by %s when it is given', (owner, make) => {
    expect(make).toThrow(refuse('INVALID_CONTRACT', `^${owner} needs `));
  });
});

describe('what is given for a serializer', () => {
  it.each([
    [null, 'null'],
    [undefined, 'undefined'],
    [String, 'function'],
    [{}, 'object'],
  ])('is reported when it is none: %p', (given, type) => {
    expect(() => mus.slice(misused(given))).toThrow(refuse('INVALID_CONTRACT', `got ${type};`));
  });
});

describe('the fewest bytes', () => {
  class Num {
    value = 0;
  }
  class Sum {
    left: Num | Sum = new Num();
    right: Num | Sum = new Num();
  }
  const term: MusSerializer<Num | Sum> = mus.interface([
    mus.struct(Num, { value: mus.raw.int16 }),
    mus.struct(Sum, { left: mus.lazy(() => term), right: mus.lazy(() => term) }),
  ]);
  const float = mus.raw.float64;
  const own = { encode() {}, decode: () => 1 };

  it.each<[string, MusSerializer<never, never>, number]>([
    ['a struct', misused(mus.struct(Item, { name: mus.string, price: float })), 9],
    ['an array, its count included', misused(mus.array(3, float)), 25],
    ['a list', misused(mus.slice(float)), 1],
    ['a list with a long count', misused(mus.slice(float, { lengthAs: mus.raw.uint32 })), 4],
    ['an array with a long count', misused(mus.array(2, float, { lengthAs: mus.raw.uint32 })), 20],
    ['a typed value', misused(mus.typed(5, float)), 9],
    ['an interface, by its shortest', misused(mus.interface([mus.struct(Num, { value: float }), item])), 3],
    ['a recursive interface', misused(term), 3],
    ['a checked value', misused(float.check(() => true)), 8],
    ['a value that is defined later', misused(mus.lazy(() => float)), 8],
    ['a wrapped value', misused(mus.mapped(() => float)), 8],
    ['a pointer', misused(mus.ptr(float)), 1],
    ['an array of Refs', misused(mus.mapped(({ ref }) => mus.array(2, ref(float)))), 3],
    ['a custom value', misused(mus.custom<number>({ ...own, minBytes: 8 })), 8],
    ['a custom value that says nothing', misused(mus.custom<number>(own)), 0],
  ])('are known of %s', (_, serializer, bytes) => {
    expect(serializer.minBytes).toBe(bytes);
  });
});

describe('a pointer', () => {
  it('is null or its value', () => {
    const pointer = mus.ptr(item);
    expect(hex(pointer, null)).toBe('01');
    expect(from(pointer, '00017802')).toEqual(new Item('x', 1));
    expect(() => pointer.toBytes(misused(undefined))).toThrow(refuse('ENCODE_FAILED'));
    expect(() => from(pointer, '02')).toThrow(refuse('BAD_PAYLOAD', 'no pointer'));
  });

  it('to a pointer is a Ref', () => {
    const pointer = mus.ref(mus.ptr(mus.string));
    for (const [value, bytes] of [
      [null, '01'],
      [new Ref(null), '0001'],
      [new Ref('x'), '00000178'],
    ] as const) {
      expect(hex(pointer, value)).toBe(bytes);
      expect(from(pointer, bytes)).toEqual(value);
    }
    expect(() => mus.ptr(mus.ptr(mus.string))).toThrow(refuse('INVALID_CONTRACT', 'mus.ref'));
    expect(() => pointer.toBytes(misused('x'))).toThrow(refuse('ENCODE_FAILED', 'a Ref'));
    expect(() => pointer.toBytes(new Ref(misused(5)))).toThrow(refuse('ENCODE_FAILED', '^.value: expected a string'));
    expect(() => from(pointer, '000001ff')).toThrow(refuse('BAD_PAYLOAD', '^.value: text is no valid UTF-8'));
  });
});

describe('a map', () => {
  it('keeps the later one of equal keys', () => {
    expect(from(mus.map(mus.string, mus.varint.int), '02016102016104')).toEqual(new Map([['a', 2]]));
  });

  it('has the keys of a Map: no -0, and one NaN', () => {
    const floats = mus.map(mus.raw.float32, mus.byte);
    const read = from(floats, '03' + '00000080' + '01' + '0000c07f' + '02' + '0100c07f' + '03');
    expect([...read].map(([key, value]) => [Object.is(key, -0), key, value])).toEqual([
      [false, 0, 1],
      [false, Number.NaN, 3],
    ]);
  });

  it('that cannot fit into its frame is refused as soon as that is known', () => {
    const floats = mus.map(mus.raw.float64, mus.raw.float64);
    expect(framed(floats, '02', 32)).toMatchObject({ error: { code: 'FRAME_TOO_LARGE' } });
    expect(framed(floats, '02', 33)).toEqual({ incomplete: true });
    const texts = mus.map(mus.string, mus.raw.float64);
    expect(framed(texts, '0105', 14)).toMatchObject({ error: { code: 'FRAME_TOO_LARGE' } });
    expect(framed(texts, '0105', 15)).toEqual({ incomplete: true });
  });

  it('checks a key before its value is read', () => {
    const keys = mus.map(
      mus.string.check((key) => key !== 'a'),
      mus.varint.int,
    );
    expect(framed(keys, '010161')).toMatchObject({ error: { code: 'BAD_PAYLOAD' }, consumed: 3 });
  });
});

describe('a struct', () => {
  it('is an instance of its class with the fields that are listed', () => {
    const some = mus.struct(Order, { id: mus.varint.int });
    expect(hex(some, new Order(2, [new Item()]))).toBe('04');
    expect(from(some, '04')).toEqual(new Order(2));
    expect(from(some, '04')).toBeInstanceOf(Order);
  });

  it.each([
    [
      'a constructor that fails',
      () =>
        mus.struct(
          class {
            constructor() {
              throw new Error('no');
            }
          },
          {},
        ),
      /new an.* fails.*: no/,
    ],
    [
      'a method',
      () =>
        mus.struct(
          class Fan {
            blow() {}
          },
          misused({ blow: mus.bool }),
        ),
      'Fan.blow is a method',
    ],
    [
      'a getter without a setter',
      () => {
        class Getting {
          get name() {
            return 'x';
          }
        }
        return mus.struct(class extends Getting {}, { name: mus.string });
      },
      'an anonymous class.name has a getter and no setter',
    ],
    ['no serializer', () => mus.struct(Item, misused({ name: String })), 'Item.name has no serializer'],
    [
      'a field that is a number',
      () =>
        mus.struct(
          class Pair {
            10 = 1;
          },
          { 10: mus.varint.int },
        ),
      'Pair.10 is a number',
    ],
    ['the prototype', () => mus.struct(Item, Object.fromEntries([['__proto__', mus.bool]])), 'Item.__proto__ is a'],
  ])('is refused for %s', (_, make, message) => {
    expect(make).toThrow(refuse('INVALID_CONTRACT', message));
  });

  it('may have a getter with a setter, and a name that begins with a digit', () => {
    class Both {
      '1a' = 0;
      #name = '';
      get name() {
        return this.#name;
      }
      set name(name: string) {
        this.#name = name;
      }
    }
    const both = mus.struct(Both, { '1a': mus.varint.int, name: mus.string });
    expect(from(both, '040178')).toMatchObject({ '1a': 2, name: 'x' });
  });

  it('whose constructor fails is named by it, when it is defined and when it is read', () => {
    let isMoody = false;
    const cause = new Error('not today');
    class Moody {
      mood = '';
      constructor() {
        if (isMoody) throw cause;
      }
    }
    const moody = mus.struct(Moody, { mood: mus.string });
    const pointer = mus.mapped(({ ptr }) => ptr(moody));
    isMoody = true;
    const message = expect.stringContaining('give its parameters defaults: not today');
    expect(() => mus.struct(Moody, {})).toThrow(expect.objectContaining({ code: 'INVALID_CONTRACT', cause, message }));
    const refused = expect.objectContaining({ code: 'BAD_PAYLOAD', message: 'Moody: not today', cause });
    expect(() => from(moody, '0178')).toThrow(refused);
    expect(() => from(pointer, '02000178')).toThrow(refused);
  });

  it('that cannot be filled refuses the bytes', () => {
    class Frozen {
      readonly name: string = '';
      constructor() {
        Object.freeze(this);
      }
    }
    expect(() => from(mus.struct(Frozen, { name: mus.string }), '0178')).toThrow(
      refuse('BAD_PAYLOAD', '^Frozen.name: '),
    );
  });
});

describe('an interface', () => {
  class Circle {
    radius = 0;
  }
  class Square {
    side = 0;
  }
  const circle = mus.struct(Circle, { radius: mus.varint.int });
  const square = mus.struct(Square, { side: mus.varint.int });
  const small = Object.assign(new Square(), { side: 1 });

  it('numbers its types from 1, or as it is given', () => {
    expect(hex(mus.interface([circle, square]), small)).toBe('0202');
    expect(hex(mus.interface({ 7: circle, 300: square }), small)).toBe('ac0202');
    expect(from(mus.interface({ 7: circle, 300: square }), 'ac0202')).toEqual(small);
  });

  it.each(['00', '03', 'ffffffffffffffffff01', 'ffffffffffffffff7f'])('refuses the type number %s', (bytes) => {
    expect(framed(mus.interface([circle, square]), bytes)).toMatchObject({
      error: { code: 'UNKNOWN_TYPE', message: expect.stringMatching(/^type number -?\d+ is none of 1, 2$/) as unknown },
    });
  });

  it('looks through what stands for a class, or is around it', () => {
    const both = mus.interface([
      mus.lazy(() => mus.mapped(() => circle)),
      mus.typed(
        9,
        square.check(() => true),
      ),
    ]);
    expect(hex(both, small)).toBe('020902');
    expect(from(both, '020902')).toEqual(small);
    expect(from(both, '0100')).toEqual(new Circle());
    const own = mus.custom<Circle>({ encode() {}, decode: () => new Circle(), type: Circle });
    expect(hex(mus.interface([square, own]), new Circle())).toBe('02');
  });

  it('refuses what is none of its types, a subclass and a look-alike too', () => {
    class Disk extends Circle {}
    for (const value of [new Disk(), { radius: 1 }, Object.create(null), null, undefined, 5, 'circle'])
      expect(() => mus.interface([circle, square]).toBytes(misused(value))).toThrow(
        refuse('ENCODE_FAILED', 'Circle, Square'),
      );
  });

  it('is named from the outermost struct on', () => {
    class Drawing {
      shapes: (Circle | Square)[] = [];
    }
    const drawing = mus.struct(Drawing, { shapes: mus.slice(mus.interface([circle, square])) });
    const value = Object.assign(new Drawing(), { shapes: [small, Object.assign(new Circle(), { radius: 'x' })] });
    expect(() => drawing.toBytes(value)).toThrow(
      refuse('ENCODE_FAILED', String.raw`^Drawing.shapes\[1\].radius: expected`),
    );
  });

  it.each([
    ['no types', []],
    ['a type without a class', [mus.string]],
    ['a custom type without a class', [mus.custom({ encode() {}, decode: () => 1 })]],
    ['a class twice', [circle, square, circle]],
    ['a name for a number', { circle }],
    ['a number that is padded', { 1: circle, '01': square }],
    ['an empty number', { '': circle }],
    ['no serializers', [Circle]],
  ])('is refused for %s', (_, variants) => {
    expect(() => mus.interface(misused(variants))).toThrow(refuse('INVALID_CONTRACT'));
  });
});

describe('a typed value', () => {
  it('has its number in front and refuses any other', () => {
    const typed = mus.typed(300, mus.string);
    expect(hex(typed, 'x')).toBe('ac020178');
    expect(from(typed, 'ac020178')).toBe('x');
    expect(framed(typed, '010178')).toMatchObject({ error: { code: 'UNKNOWN_TYPE' }, consumed: 1 });
    expect(() => mus.typed(1.5, mus.string)).toThrow(refuse('INVALID_CONTRACT'));
  });
});

describe('a custom serializer', () => {
  const names = ['red', 'green'];
  const color = mus.custom<string>({
    encode(value, writer) {
      if (!names.includes(value)) throw new RangeError(`no color ${value}`);
      writer.writeByte(names.indexOf(value));
    },
    decode: (reader) => names[reader.readByte()]!.toString(),
    minBytes: 1,
  });

  it('writes and reads what it likes', () => {
    expect(hex(mus.slice(color), ['green', 'red'])).toBe('020100');
    expect(from(mus.slice(color), '020100')).toEqual(['green', 'red']);
  });

  it('fails with a code and a path', () => {
    expect(() => mus.slice(color).toBytes(['blue'])).toThrow(
      refuse('ENCODE_FAILED', String.raw`^\[0\]: no color blue`),
    );
    expect(() => from(color, '05')).toThrow(refuse('BAD_PAYLOAD', '^Cannot read'));
    expect(() => from(mus.slice(color), '0105')).toThrow(refuse('BAD_PAYLOAD', String.raw`^\[0\]: Cannot read`));
    expect(framed(mus.slice(color), '01')).toEqual({ incomplete: true });
  });
});
