// JSON bodies of classes with decorators of class-transformer.
import { createRequire } from 'node:module';
import { jest, describe, expect, it, afterEach } from '@jest/globals';
import 'reflect-metadata';
import { Exclude, Expose, plainToInstance, Transform, Type } from 'class-transformer';
import * as fc from 'fast-check';
import { ClassTransformer } from '../../../lib/codec/json/json-class-transformer.js';
import { Command } from '../../../lib/contract/command.js';
import { jsonBodies } from './json-bodies.js';

class Money {
  constructor(
    readonly cents = 0,
    readonly currency = 'EUR',
  ) {}

  get text(): string {
    return `${this.cents / 100} ${this.currency}`;
  }
}

class Line {
  @Expose({ name: 'ItemName' }) item = '';
  @Expose({ name: 'Price' }) @Type(() => Money) price: Money | null = null;

  total(): number {
    return this.price?.cents ?? 0;
  }
}

class OrderCmd extends Command {
  @Expose({ name: 'OrderID' }) id = 0;
  @Expose({ name: 'Lines' }) @Type(() => Line) lines: Line[] = [];
  @Type(() => Date) placedAt = new Date(0);
  @Exclude() secret = 'unset';
  note = 'none';

  override exec(): number {
    return this.lines.reduce((sum, line) => sum + line.total(), 0);
  }
}

class LaterOrderCmd extends OrderCmd {
  delay = 1;
}

const failing = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe('a class with class-transformer metadata', () => {
  const orders = jsonBodies(OrderCmd);
  const body =
    '{"OrderID":7,"Lines":[{"ItemName":"tea","Price":{"cents":250}},{"ItemName":"cup"}],' +
    '"placedAt":"2024-02-29T12:00:00.000Z","note":"gift"}';

  it('is read with its nested classes and under its exposed names', () => {
    const order = orders.read(body);
    expect(order).toBeInstanceOf(OrderCmd);
    expect(order.id).toBe(7);
    expect(order.lines.every((line) => line instanceof Line)).toBe(true);
    expect(order.lines[0]?.price).toBeInstanceOf(Money);
    expect(order.lines[0]?.price?.text).toBe('2.5 EUR');
    expect(order.placedAt.getTime()).toBe(Date.UTC(2024, 1, 29, 12));
    expect(order.note).toBe('gift');
    expect(order.exec()).toBe(250);
  });

  it('keeps the defaults of its constructor for what a body lacks', () => {
    expect(orders.read('{}')).toEqual(new OrderCmd());
    expect(orders.read('null')).toEqual(new OrderCmd());
    expect(orders.read('{"Lines":[{}]}').lines[0]).toEqual(new Line());
  });

  it('is written under its exposed names and without what is excluded, which is not read either', () => {
    const order = Object.assign(new OrderCmd(), { id: 7, secret: 'hidden' });
    expect(JSON.parse(orders.write(order))).toEqual({
      OrderID: 7,
      Lines: [],
      placedAt: '1970-01-01T00:00:00.000Z',
      note: 'none',
    });
    expect(orders.read('{"secret":"forged"}').secret).toBe('unset');
  });

  it('is read back as it was written', () => {
    const order = orders.read(body);
    expect(orders.read(orders.write(order))).toEqual(order);
  });

  it('hands its metadata down to a subclass', () => {
    const later = jsonBodies(LaterOrderCmd).read('{"OrderID":7,"Lines":[{"ItemName":"tea"}],"delay":3}');
    expect(later).toBeInstanceOf(LaterOrderCmd);
    expect([later.id, later.delay, later.lines[0]?.item]).toEqual([7, 3, 'tea']);
  });

  it('has what a transformation throws as the cause', () => {
    class Picky {
      @Transform(({ value }) => {
        throw new RangeError(`not ${String(value)}`);
      })
      n = 0;
    }
    const picky = jsonBodies(Picky);
    expect(() => picky.read('{"n":5}')).toThrow(failing('BAD_PAYLOAD', /^Picky: .*not 5/));
    expect(() => picky.write(new Picky())).toThrow(failing('ENCODE_FAILED', /^Picky .*not 0/));
  });

  it('may expose an accessor, which stays what it is', () => {
    class Circle {
      radius = 1;

      @Expose()
      get area(): number {
        return this.radius ** 2 * 3;
      }
    }
    const circles = jsonBodies(Circle);
    expect(JSON.parse(circles.write(new Circle()))).toEqual({ radius: 1, area: 3 });
    expect(circles.read('{"radius":2,"area":99}').area).toBe(12);
    expect(() => jsonBodies(OrderCmd).read('{"exec":1}')).toThrow(failing('BAD_PAYLOAD', /"exec"/));
  });

  it('does not have the methods of its nested classes replaced', () => {
    const [line] = orders.read('{"Lines":[{"total":5,"ItemName":"tea"}]}').lines;
    expect(line?.total()).toBe(0);
  });

  it('is its own master when it has toJSON and fromJSON', () => {
    class Pair {
      @Expose({ name: 'unused' }) a = 0;

      toJSON(): unknown {
        return [this.a];
      }

      static fromJSON(value: unknown): Pair {
        return Object.assign(new Pair(), { a: (value as number[])[0] });
      }
    }
    const pairs = jsonBodies(Pair);
    expect(pairs.write(Object.assign(new Pair(), { a: 4 }))).toBe('[4]');
    expect(pairs.read('[4]').a).toBe(4);
  });

  it.each(['[]', '5', '"x"'])('is refused when the body is %s', (wrong) => {
    expect(() => orders.read(wrong)).toThrow(failing('BAD_PAYLOAD', /must be a JSON object/));
  });

  it('has bigints and numbers checked as any other', () => {
    const exact = jsonBodies(OrderCmd, { unsafeIntegers: 'bigint' });
    const order = exact.read('{"OrderID":9223372036854775807}');
    expect(order.id).toBe(2n ** 63n - 1n);
    expect(exact.write(order)).toContain('"OrderID":9223372036854775807');
    expect(() => orders.write(Object.assign(new OrderCmd(), { id: Number.NaN }))).toThrow(
      failing('ENCODE_FAILED', /^OrderCmd\.OrderID is NaN/),
    );
  });
});

describe('a class with @Type alone', () => {
  class Base {
    @Type(() => Money) money: unknown = new Money();
    plain: unknown = 'default';

    get both(): unknown {
      return this.plain;
    }

    set either(value: unknown) {
      this.plain = value;
    }

    method(): void {}
  }

  class Shelf extends Base {
    @Type(() => Shelf) shelves: unknown = [];
    @Type(() => Number) count: unknown = 0;
    @Type(() => String) text: unknown = '';
    @Type(() => Boolean) flag: unknown = false;
    @Type(() => Date) at: unknown = null;
    @Type(() => Line) line: unknown = null;
    @Type(() => Object) object: unknown = null;
    @Type((help) => (help?.object['count'] === 1 ? Money : Shelf)) either2: unknown = null;
    readonly own = (): void => {};
    override method(): void {}
  }

  const keys = [
    'money',
    'plain',
    'either',
    'method',
    'own',
    'shelves',
    'count',
    'text',
    'flag',
    'at',
    'line',
    'object',
    'either2',
    'toString',
    'valueOf',
    'isPrototypeOf',
    'cents',
    'currency',
    'other',
    '1',
    'ItemName',
    'Price',
  ];
  const { any } = fc.letrec<{ any: unknown; object: object }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>(null, true, false, 0, 1, -2.5, '', 'x', '2024-02-29T12:00:00.000Z'),
      fc.array(tie('any'), { maxLength: 3 }),
      tie('object'),
    ),
    object: fc.dictionary(fc.constantFrom(...keys), tie('any'), { maxKeys: 6, noNullPrototype: true }),
  }));
  const body = fc.dictionary(fc.constantFrom(...keys), any, { maxKeys: 8, noNullPrototype: true });

  // Arrow functions of two instances are never the same.
  const shown = (made: () => unknown): unknown => {
    try {
      return JSON.parse(JSON.stringify(made(), (_, value: unknown) => tagged(value)) ?? 'null') as unknown;
    } catch {
      return 'an error';
    }
  };
  const tagged = (value: unknown): unknown => {
    if (typeof value === 'function') return 'a function';
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return { class: (Object.getPrototypeOf(value) as object).constructor.name, fields: Object.entries(value) };
  };

  it('is made as class-transformer makes it', () => {
    fc.assert(
      fc.property(body, (plain) => {
        const text = JSON.stringify(plain);
        const right = shown(() => plainToInstance(Shelf, JSON.parse(text), { exposeDefaultValues: true }));
        const transformer = ClassTransformer.find()!;
        expect(shown(() => transformer.toInstance(Shelf, JSON.parse(text)))).toEqual(right);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is one only if all classes that it names are', () => {
    class Plain {
      @Type(() => Plain) inner: Plain | null = null;
      @Type(() => Date) at = null;
    }
    class Exposed {
      @Type(() => Line) line: Line | null = null;
    }
    class Mapped {
      @Type(() => Map) map = null;
    }
    class Torn {
      @Type((help) => help!.object['of'].kind as typeof Line) torn = null;
    }
    const transformer = ClassTransformer.find()!;
    expect([Plain, Money].map((type) => transformer.isPlain(type))).toEqual([true, true]);
    expect([Exposed, Line, Mapped, Torn].map((type) => transformer.isPlain(type))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('what class-transformer has no rule for', () => {
  class Inner {
    value: unknown = 1;
  }
  class Odd {
    @Expose({ name: 'Plain' }) plain: unknown = 1;
    @Type(() => Inner) inner: unknown[] = [];
    @Type(() => Number) map = new Map<string, number>([['a', 1]]);
    @Type(() => String) set = new Set(['x']);
    @Type(() => Date) at = new Date(0);
    @Transform(({ value }) => String(value)) pattern = /x/;
    @Transform(({ value }) => ({ message: (value as Error).message })) error = new Error('no');
    @Transform(({ value }) => Array.from(value as Uint8Array)) bytes = Uint8Array.of(1, 2);
    @Exclude() hidden = new Error('secret');
    buffer = Buffer.from('a');
  }
  const odd = jsonBodies(Odd);
  const withPlain = (plain: unknown) => Object.assign(new Odd(), { plain });
  const inner = (value: unknown) =>
    Object.assign(new Odd(), { inner: [new Inner(), Object.assign(new Inner(), { value })] });

  it('is written where a decorator says how', () => {
    expect(JSON.parse(odd.write(new Odd()))).toEqual({
      Plain: 1,
      inner: [],
      map: { a: 1 },
      set: ['x'],
      at: '1970-01-01T00:00:00.000Z',
      pattern: '/x/',
      error: { message: 'no' },
      bytes: [1, 2],
      buffer: { type: 'Buffer', data: [97] },
    });
  });

  it('is written as the object that a decorator makes of a field without one', () => {
    class Wrapped {
      @Transform(({ value }) => ({ was: value as unknown })) held: unknown = null;
    }
    const wrapped = jsonBodies(Wrapped);
    const write = (held: unknown) => wrapped.write(Object.assign(new Wrapped(), { held }));
    expect(write(null)).toBe('{"held":{"was":null}}');
    expect(write('tea')).toBe('{"held":{"was":"tea"}}');
    expect(write(0)).toBe('{"held":{"was":0}}');
  });

  it('is written as empty where it is empty', () => {
    const empty = Object.assign(new Odd(), { plain: {}, map: new Map(), set: new Set(), buffer: Buffer.alloc(0) });
    expect(JSON.parse(odd.write(empty))).toMatchObject({ Plain: {}, map: {}, set: [], buffer: { data: [] } });
  });

  it.each<[what: string, value: unknown]>([
    ['a RegExp', /x/],
    ['an Error', new Error('no')],
    ['a Uint8Array', Uint8Array.of(1)],
    ['an ArrayBuffer', new ArrayBuffer(1)],
    ['a WeakMap', new WeakMap()],
  ])('is refused with its path where none does: %s', (what, value) => {
    const refused = (path: string) =>
      expect.objectContaining({ code: 'ENCODE_FAILED', message: expect.stringMatching(`^Odd${path} is ${what}, `) });
    expect(() => odd.write(withPlain(value))).toThrow(refused('\\.plain'));
    expect(() => odd.write(inner(value))).toThrow(refused('\\.inner\\[1\\]\\.value'));
  });
});

describe("fieldCase: 'go'", () => {
  class Plain {
    A = 0;
    userId = 0;
    UserID = 0;
    nested: unknown = null;
  }
  const exact = jsonBodies(Plain);
  const plain = jsonBodies(Plain, { fieldCase: 'go' });

  it('finds the fields of a class in any letter case', () => {
    expect(plain.read('{"a":2,"NESTED":{"A":1}}')).toEqual(Object.assign(new Plain(), { A: 2, nested: { A: 1 } }));
  });

  it('prefers the exact name, then the first field', () => {
    expect(plain.read('{"UserID":1,"userId":2}')).toMatchObject({ UserID: 1, userId: 2 });
    expect(plain.read('{"USERID":3}')).toMatchObject({ UserID: 0, userId: 3 });
  });

  it('lets the later of two keys for one field count', () => {
    expect(plain.read('{"A":1,"a":2}').A).toBe(2);
    expect(plain.read('{"a":2,"A":1}').A).toBe(1);
  });

  it('leaves keys of no field as they are', () => {
    expect(plain.read('{"Other":1}')).toMatchObject({ Other: 1 });
  });

  it('writes the names of the fields', () => {
    expect(Object.keys(JSON.parse(plain.write(new Plain())) as object)).toEqual(['A', 'userId', 'UserID', 'nested']);
  });

  it('finds exposed names too, in nested classes as well', () => {
    const orders = jsonBodies(OrderCmd, { fieldCase: 'go' });
    const order = orders.read(
      '{"orderid":7,"LINES":[{"itemname":"tea","PRICE":{"CENTS":250}}],"NOTE":"x",' +
        '"PlacedAt":"2024-02-29T12:00:00.000Z"}',
    );
    expect(order.id).toBe(7);
    expect(order.lines[0]?.item).toBe('tea');
    expect(order.lines[0]?.price).toEqual(new Money(250));
    expect(order.note).toBe('x');
    expect(order.placedAt.getUTCFullYear()).toBe(2024);
    expect(orders.read('null')).toEqual(new OrderCmd());
  });

  it('finds what a nested class exposes that cannot be made without arguments, and keeps its other keys', () => {
    class Sealed {
      @Expose() Code = 1;
      note = '';

      constructor(given: { readonly note: string } | undefined) {
        if (given === undefined) throw new Error('it needs its fields');
      }
    }
    class Holder {
      @Type(() => Sealed as never) part: unknown = undefined;
    }
    const holders = jsonBodies(Holder, { fieldCase: 'go' });
    expect(() => holders.read('{"PART":{"code":2}}')).toThrow(failing('BAD_PAYLOAD', /it needs its fields/));
    expect(holders.read('{"PART":null}').part).toBeNull();
  });

  it('finds a field under its exposed name even where another field has that name', () => {
    class Swapped {
      @Expose({ name: 'second' }) first: unknown = 0;
      @Expose({ name: 'first' }) @Type(() => Money) second: unknown = 0;
    }
    const swapped = jsonBodies(Swapped, { fieldCase: 'go' }).read('{"FIRST":{"CENTS":5},"Second":6}');
    expect(swapped).toEqual(Object.assign(new Swapped(), { first: 6, second: new Money(5) }));
  });

  it("is not the default: 'exact' knows the very name only", () => {
    expect(exact.read('{"a":2}')).toEqual(Object.assign(new Plain(), { a: 2 }));
  });
});

describe('without class-transformer', () => {
  const missing = () => {
    throw Object.assign(new Error("Cannot find module 'class-transformer'"), { code: 'MODULE_NOT_FOUND' });
  };

  afterEach(() => {
    jest.dontMock('class-transformer').dontMock('class-transformer/cjs/storage.js').resetModules();
  });

  it('the codec works, and no class has metadata', () => {
    jest.resetModules();
    jest.doMock('class-transformer', missing).doMock('class-transformer/cjs/storage.js', missing);
    expect(() => createRequire(import.meta.url)('class-transformer') as unknown).toThrow(/Cannot find module/);
    for (const fieldCase of ['exact', 'go'] as const) {
      const orders = jsonBodies(OrderCmd, { fieldCase });
      const order = orders.read('{"id":7,"Lines":[],"constructor":1}');
      expect(order).toBeInstanceOf(OrderCmd);
      expect(order.id).toBe(7);
      expect(JSON.parse(orders.write(new OrderCmd()))).toHaveProperty('secret', 'unset');
    }
  });
});
