// JSON bodies of classes without decorators, read and written.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Command, Result } from '../../../lib/contract/command.js';
import { defineContract } from '../../../lib/contract/contract.js';
import { jsonCodec } from '../../../lib/codec/json/json-codec.js';
import { jsonCodecDefaults } from '../../../lib/codec/json/json-codec-options.js';
import { TYPE_ENTRY, type TypeEntry } from '../../../lib/contract/type-table.js';
import { anyCharacter } from '../../support/any-text.js';
import { jsonBodies } from './json-bodies.js';

class AddCmd extends Command {
  constructor(
    readonly A = 0,
    readonly B = 0,
    readonly note?: unknown,
  ) {
    super();
  }

  override exec(): number {
    return this.A + this.B;
  }

  get sum(): number {
    return this.A + this.B;
  }
}

class Money extends Result {
  constructor(readonly cents = 0) {
    super();
  }

  toJSON(): string {
    return `${this.cents / 100} EUR`;
  }

  static fromJSON(value: unknown): Money {
    if (value === null) return new this();
    if (typeof value !== 'string') throw new TypeError(`${typeof value} is no amount`);
    return new this(Number(value.split(' ')[0]) * 100);
  }
}

class Anything {
  constructor(readonly value: unknown = undefined) {}

  toJSON(): unknown {
    return this.value;
  }

  static fromJSON(value: unknown): Anything {
    return new Anything(value);
  }
}

const failing = (code: string, message: string | RegExp = /./) =>
  expect.objectContaining({ name: 'CmdStreamError', code, message: expect.stringMatching(message) });

function errorOf(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not throw');
}

describe('a body', () => {
  const add = jsonBodies(AddCmd);

  it('is the JSON of the value', () => {
    expect(add.write(new AddCmd(2, 3))).toBe('{"A":2,"B":3}');
  });

  it('becomes an instance of its class', () => {
    const command = add.read(' {"B":3,\n"A":2} ');
    expect(command).toBeInstanceOf(AddCmd);
    expect(command).toEqual(new AddCmd(2, 3));
    expect(command.exec()).toBe(5);
  });

  it('leaves what it does not name as the constructor has it, and of two equal keys the later one counts', () => {
    expect(add.read('{"B":3}')).toEqual(new AddCmd(0, 3));
    expect(add.read('{"B":3,"B":4}')).toEqual(new AddCmd(0, 4));
  });

  it('that is null gives the zero value, as in Go', () => {
    const command = add.read('null');
    expect(command).toBeInstanceOf(AddCmd);
    expect(command).toEqual(new AddCmd());
  });

  it.each([
    ['', /AddCmd.*empty/],
    [' ', /AddCmd/],
    ['{', /AddCmd/],
    ['{"A":1', /AddCmd/],
    ['{"A":1}x', /AddCmd.*position 7/],
    ['{} {}', /AddCmd/],
    ['{"A":01}', /AddCmd/],
    ['{"A":NaN}', /AddCmd/],
    ["{'A':1}", /AddCmd/],
    ['{"A":1,}', /AddCmd/],
    ['\ufeff{}', /AddCmd/],
    ['undefined', /AddCmd/],
    ['[1,2]', /AddCmd: the body must be a JSON object, not an array/],
    ['5', /AddCmd.*a number/],
    ['"A"', /AddCmd.*a string/],
    ['true', /AddCmd.*a boolean/],
  ])('%j is refused', (body, message) => {
    expect(() => add.read(body)).toThrow(failing('BAD_PAYLOAD', message));
    expect(errorOf(() => add.read(body))).not.toHaveProperty('cause');
  });

  it('with bytes that are no UTF-8 is read with U+FFFD in their place', () => {
    const body = Buffer.concat([Buffer.from('{"note":"a'), Buffer.from([0xff]), Buffer.from('b"}')]);
    expect(add.read(body).note).toBe('a\ufffdb');
  });

  it('is quoted in an error as one short visible line', () => {
    const { message, cause } = errorOf(() => add.read(`\u001b[31m\r\nforged log line ${'x'.repeat(10_000)}`));
    expect(cause).toBeUndefined();
    expect(message).toMatch(/^AddCmd: no JSON: .+$/);
    expect(message).not.toMatch(/\p{Control}/u);
    expect(Buffer.byteLength(message)).toBeLessThan(200);
  });

  it('of unpaired surrogate escapes is read with U+FFFD in their place', () => {
    const read = (text: string) =>
      (add.read(`{"note":"${text}"}`).note as string)
        .split('')
        .map((unit) => unit.charCodeAt(0).toString(16))
        .join(' ');
    expect(read('\\ud800x')).toBe('fffd 78');
    expect(read('\\uDC00\\uD800')).toBe('fffd fffd');
    expect(read('\\ud83d\\ude00')).toBe('d83d de00');
    expect(read('\\ud83d\\ud83d\\ude00')).toBe('fffd d83d de00');
    expect(read('\\ud83d\\u0041')).toBe('fffd 41');
    expect(read('\\\\ud800')).toBe('5c 75 64 38 30 30');
    expect(read('\\\\\\ud800')).toBe('5c fffd');
    expect(read('\\"\\ud800')).toBe('22 fffd');
  });

  it('has no lone surrogate, whatever escapes stand side by side', () => {
    const escapes = fc.constantFrom(
      '\\\\',
      '\\"',
      '\\u0041',
      '\\ud83d',
      '\\uDE00',
      '\\ud7ff',
      '\\uDFFF',
      'u',
      'd83d',
      '中',
    );
    fc.assert(
      fc.property(fc.array(escapes, { maxLength: 12 }), (parts) => {
        const text = `"${parts.join('')}"`;
        const expected = (JSON.parse(text) as string).replace(/\p{Surrogate}/gu, '\ufffd');
        expect(add.read(`{"note":[${text}]}`).note).toEqual([expected]);
      }),
    );
  });

  it('may have a surrogate escape in a key', () => {
    expect(add.read('{"note":{"\\ud800":1}}').note).toEqual({ '\ufffd': 1 });
  });
});

describe('a class with toJSON and fromJSON', () => {
  const money = jsonBodies(Money);

  it('decides how it is written and read', () => {
    expect(money.write(new Money(250))).toBe('"2.5 EUR"');
    expect(money.read('"2.5 EUR"')).toEqual(new Money(250));
    expect(money.read('"2.5 EUR"')).toBeInstanceOf(Money);
  });

  it('is asked for null as well', () => {
    expect(money.read('null')).toEqual(new Money(0));
  });

  it('has what its fromJSON throws as the cause', () => {
    const cause = expect.objectContaining({ message: 'number is no amount' });
    expect(() => money.read('5')).toThrow(
      expect.objectContaining({
        code: 'BAD_PAYLOAD',
        message: expect.stringMatching(/^Money: .*number is no amount/),
        cause,
      }),
    );
  });

  it('hands fromJSON down to a subclass, with the subclass as `this`', () => {
    class Tip extends Money {}
    expect(jsonBodies(Tip).read('"1 EUR"')).toBeInstanceOf(Tip);
  });

  it.each([undefined, null, 5, 'text', {}, new AddCmd()])('is refused when fromJSON gives %p', (value) => {
    class Odd {
      static fromJSON(): unknown {
        return value;
      }
    }
    expect(() => jsonBodies(Odd).read('1')).toThrow(failing('BAD_PAYLOAD', /^Odd: .*instead of an instance/));
  });

  it.each(['a string', undefined, { code: 'INCOMPLETE' }])('is refused when fromJSON throws %p', (value) => {
    class Bad {
      static fromJSON(): never {
        throw value;
      }
    }
    expect(() => jsonBodies(Bad).read('1')).toThrow(failing('BAD_PAYLOAD', /^Bad: fromJSON refused/));
  });

  it('is read from an object by its keys when it has no fromJSON', () => {
    class Halved {
      constructor(public n = 0) {}

      toJSON(): object {
        return { n: this.n / 2 };
      }
    }
    const halved = jsonBodies(Halved);
    expect(halved.read(halved.write(new Halved(8)))).toEqual(new Halved(4));
  });
});

describe('a value that cannot be written', () => {
  const add = jsonBodies(AddCmd);
  const anything = jsonBodies(Anything);

  it('because it contains itself is refused with the cause', () => {
    const circle: Record<string, unknown> = {};
    circle['circle'] = circle;
    expect(() => add.write(new AddCmd(1, 2, circle))).toThrow(
      expect.objectContaining({
        code: 'ENCODE_FAILED',
        message: expect.stringMatching(/^AddCmd\.note\.circle cannot.*circular.*$/),
        cause: expect.anything(),
      }),
    );
  });

  it.each([new Error('no'), 'no', undefined])('because its toJSON throws %p is refused with the cause', (thrown) => {
    const note = {
      toJSON(): never {
        throw thrown;
      },
    };
    expect(() => add.write(new AddCmd(1, 2, note))).toThrow(
      expect.objectContaining({ code: 'ENCODE_FAILED', cause: thrown }),
    );
  });

  it.each([undefined, () => 5, Symbol('s')])('because its toJSON gives %p is refused', (value) => {
    expect(() => anything.write(new Anything(value))).toThrow(failing('ENCODE_FAILED', /Anything/));
  });

  it.each([
    ['at the top', new Anything(Number.NaN)],
    ['in a field', new Anything({ a: 1, b: Number.POSITIVE_INFINITY })],
    ['in an array', new Anything([1, null, Number.NEGATIVE_INFINITY])],
    ['deep down', new Anything({ a: null, b: [{ c: { d: [Number.NaN] } }] })],
    ['in what a toJSON gives', new Anything([{ toJSON: () => ({ x: Number.NaN }) }])],
  ])('because of a number that JSON lacks %s is refused', (_, value) => {
    expect(() => anything.write(value)).toThrow(failing('ENCODE_FAILED', /(NaN|Infinity).*JSON cannot express/));
  });

  it.each([
    [[null, Number.NaN]],
    [{ a: { b: [[Number.NEGATIVE_INFINITY]] }, c: null }],
    [{ a: null, b: { toJSON: () => Number.NaN } }],
  ])('because of a number that JSON lacks in what a field holds is refused: %p', (note) => {
    expect(() => add.write(new AddCmd(1, 2, note))).toThrow(
      failing('ENCODE_FAILED', /^AddCmd\.note.*JSON cannot express/),
    );
  });

  it('names the field with the number that JSON lacks', () => {
    expect(() => add.write(new AddCmd(Number.NaN))).toThrow(failing('ENCODE_FAILED', /^AddCmd\.A is NaN/));
  });

  it.each([null, { a: null }, [null], 'null', { null: 1 }, [undefined], { a: undefined, b: null }])(
    'is not what has a real null: %j',
    (value) => {
      expect(anything.write(new Anything(value))).toBe(JSON.stringify(value));
    },
  );

  it.each([[[1, null]], [{ a: { b: [[null]] } }], ['null'], [{ null: [1, { x: 2 }] }]])(
    'is not what holds a real null in a field: %j',
    (note) => {
      expect(add.write(new AddCmd(1, 2, note))).toBe(JSON.stringify({ A: 1, B: 2, note }));
    },
  );
});

describe('what JSON would lose', () => {
  const anything = jsonBodies(Anything);
  class Tagged {
    readonly [Symbol.toStringTag] = 'Tagged';
  }
  class Shown extends Tagged {
    field = 1;
  }
  const fields = (value: unknown) => jsonBodies(Fields).write(Object.assign(new Fields(), { value }));
  class Fields {
    value: unknown = null;
  }

  it.each<[what: string, value: unknown]>([
    ['a Map', new Map([['a', 1]])],
    ['a Set', new Set([1])],
    ['a RegExp', /x/],
    ['an Error', new Error('no')],
    ['an ArrayBuffer', new ArrayBuffer(2)],
    ['a Uint8Array', Uint8Array.of(1, 2)],
    ['a Float64Array', new Float64Array()],
    ['a DataView', new DataView(new ArrayBuffer(1))],
    ['a Promise', Promise.resolve(1)],
    ['a WeakMap', new WeakMap()],
    ['a WeakSet', new WeakSet()],
    ['a URLSearchParams', new URLSearchParams('a=1')],
    ['a Headers', new Headers({ a: '1' })],
    ['a Generator', (function* () {})()],
    ['a Map', new (class extends Map {})()],
    ['a symbol', Symbol('s')],
  ])('is refused with its path, in a field, a list and deep down: %s', (what, value) => {
    const lost = (path: string) => failing('ENCODE_FAILED', `^Fields${path} is ${what}, which JSON cannot express`);
    expect(() => fields(value)).toThrow(lost('\\.value'));
    expect(() => fields([1, value])).toThrow(lost('\\.value\\[1\\]'));
    expect(() => fields({ a: [{ 'b c': value }] })).toThrow(lost('\\.value\\.a\\[0\\]\\["b c"\\]'));
    expect(() => fields({ toJSON: () => [value] })).toThrow(lost('\\.value\\[0\\]'));
    expect(() => fields([{}, { toJSON: () => ({ a: { b: value } }) }])).toThrow(lost('\\.value\\[1\\]\\.a\\.b'));
  });

  it('is refused even if fields of it would be written', () => {
    expect(() => fields(Object.assign(new Error('no'), { status: 404 }))).toThrow(/^Fields\.value is an Error/);
    expect(() => fields([Object.assign(new Map(), { field: 1 })])).toThrow(/^Fields\.value\[0\] is a Map/);
  });

  it('is refused whatever the class itself is', () => {
    class Odd extends Map {}
    expect(() => jsonBodies(Odd).write(new Odd())).toThrow(failing('ENCODE_FAILED', /^Odd is a Map/));
  });

  it.each([new Date(Number.NaN), [new Date(Number.NaN)]])('is an invalid Date: %p', (value) => {
    expect(() => fields(value)).toThrow(failing('ENCODE_FAILED', /^Fields\.value.* is an invalid Date/));
  });

  it('is found beside a value of the same class that has a toJSON of its own', () => {
    class Part {
      [key: string]: unknown;
    }
    const bodies = jsonBodies(Fields);
    for (const make of [() => ({}), () => new Part()]) {
      const asking = Object.assign(make(), { toJSON: () => 1 });
      expect(bodies.write(Object.assign(new Fields(), { value: [asking] }))).toMatch(/\[1\]\}$/);
      const losing = Object.assign(make(), { symbol: Symbol('s') });
      expect(() => bodies.write(Object.assign(new Fields(), { value: losing }))).toThrow(/value\.symbol is a symbol/);
    }
  });

  it('is a Date that a toJSON gives, because no second toJSON is asked', () => {
    expect(() => anything.write(new Anything(new Date(0)))).toThrow(failing('ENCODE_FAILED', /^Anything is a Date/));
    expect(() => fields({ toJSON: () => new Date(0) })).toThrow(failing('ENCODE_FAILED', /^Fields\.value is a Date/));
  });

  it('is a function in a list', () => {
    expect(() => fields([() => 1])).toThrow(failing('ENCODE_FAILED', /^Fields\.value\[0\] is a function/));
  });

  it.each<[what: string, value: unknown, text: string]>([
    ['a function in a field', { a: 1, run: () => 1 }, '{"a":1}'],
    ['undefined in a field', { a: undefined }, '{}'],
    ['undefined in a list', [undefined, 1], '[null,1]'],
    ['a hole in a list', [, 1], '[null,1]'], // eslint-disable-line no-sparse-arrays
    ['an empty object', [{}, Object.create(null)], '[{},{}]'],
    ['a class without fields', new (class Empty {})(), '{}'],
    ['a class with a tag and fields', new Shown(), '{"field":1}'],
    ['a Date', new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ['a Buffer, which has a toJSON', Buffer.from('a'), '{"type":"Buffer","data":[97]}'],
    ['a Map with a toJSON', Object.assign(new Map(), { toJSON: () => [1] }), '[1]'],
    ['a URL', new URL('http://x/'), '"http://x/"'],
    ['what is boxed', [new Number(1), new String('a'), new Boolean(true)], '[1,"a",true]'], // eslint-disable-line no-new-wrappers
    ['what toJSON gives', { toJSON: () => ({ a: null, b: {} }) }, '{"a":null,"b":{}}'],
    ['what is inherited', Object.create({ inherited: new Map() }), '{}'],
    ['an index', { 0: 1 }, '{"0":1}'],
  ])('is not %s', (_, value, text) => {
    expect(fields(value)).toBe(`{"value":${text}}`);
  });

  it('is looked for in values of a prototype that has been seen, too', () => {
    const bodies = jsonBodies(Fields);
    for (let round = 0; round < 3; round++) {
      expect(bodies.write(Object.assign(new Fields(), { value: { a: 1 } }))).toBe('{"value":{"a":1}}');
      expect(() => bodies.write(Object.assign(new Fields(), { value: new Set() }))).toThrow(/Fields\.value is a Set/);
      expect(() => bodies.write(Object.assign(new Fields(), { value: [new Map()] }))).toThrow(/value\[0\] is a Map/);
    }
  });

  it('is looked for in values of a class that was written in the slow way before', () => {
    class Pair {
      constructor(
        readonly a: unknown,
        readonly b: unknown = 1,
      ) {}
    }
    const bodies = jsonBodies(Fields);
    const write = (value: unknown) => bodies.write(Object.assign(new Fields(), { value }));
    for (let round = 0; round < 3; round++) {
      // A bigint among the fields: JSON.stringify fails with it.
      expect(write([5n, new Pair(1)])).toBe('{"value":[5,{"a":1,"b":1}]}');
      expect(() => write(new Pair(1, Symbol('s')))).toThrow(/Fields\.value\.b is a symbol/);
      expect(write(new Pair(round))).toBe(`{"value":{"a":${round},"b":1}}`);
    }
  });

  it('is found behind the first elements of a list, too, by what it leaves in the text', () => {
    const many = (value: unknown) => [...Array.from({ length: 100 }, () => ({ a: 1 })), value];
    for (const value of [new Map(), /x/, Uint8Array.of(1), Number.NaN, new Date(Number.NaN), () => 1, Symbol('s')])
      expect(() => fields(many(value))).toThrow(failing('ENCODE_FAILED', /^Fields\.value\[100\] is /));
    expect(fields(many(5n))).toMatch(/,5\]\}$/);
    expect(fields(many('\ud800'))).toMatch(/,"\ufffd"\]\}$/);
    expect(fields(many(null))).toMatch(/,null\]\}$/);
    expect(() => fields(many({ toJSON: () => new Map() }))).toThrow(/^Fields\.value\[100\] is a Map/);
  });

  it('is found in any element of a list of 16, where it leaves nothing in the text', () => {
    const numbered = Object.assign(new Error('lost'), { number: 5 });
    for (const lost of [numbered, { secret: Symbol('s') }])
      for (const before of [0, 3, 15])
        expect(() => fields([...Array.from({ length: before }, () => ({ a: 1 })), lost])).toThrow(
          failing('ENCODE_FAILED', `^Fields\\.value\\[${before}\\].* is an? (Error|symbol)`),
        );
  });

  it('does not take long to be found in what contains itself many times over', () => {
    const knot: Record<string, unknown> = {};
    for (let at = 0; at < 10; at++) knot[`k${at}`] = knot;
    expect(() => fields(knot)).toThrow(failing('ENCODE_FAILED', /circular/));
  });
});

describe('the path to what cannot be read', () => {
  const anything = jsonBodies(AddCmd);
  const thrower = { get a(): never { throw new Error('no a'); } }; // prettier-ignore
  const circle: Record<string, unknown> = { list: [] };
  (circle['list'] as unknown[]).push(circle);

  it.each<[what: string, note: unknown, message: RegExp]>([
    ['a getter that throws', [thrower], /^AddCmd\.note\[0\]\.a cannot be written as JSON: no a$/],
    ['a toJSON that throws', { x: { toJSON: () => JSON.parse('') } }, /^AddCmd\.note\.x cannot be written as JSON: /],
    ['what contains itself', circle, /^AddCmd\.note\.list\[0\] cannot be written as JSON: .*circular/],
    ['what stands behind other values', [null, 1, {}, [2], thrower], /^AddCmd\.note\[4\]\.a cannot be written/],
    ['what stands behind a toJSON', [new Date(0), { toJSON: () => null }, thrower], /^AddCmd\.note\[2\]\.a cannot/],
    ['what a toJSON gives', { toJSON: () => [{ b: thrower }] }, /^AddCmd\.note\[0\]\.b\.a cannot be written/],
    [
      'what a toJSON needs its key for',
      { x: { toJSON: (key: string) => ({ [key]: thrower }) } },
      /^AddCmd\.note\.x\.x\.a /,
    ],
    ['a getter of the field itself', { get note(): never { throw new Error('no'); } }, /^AddCmd\.note\.note cannot be/], // prettier-ignore
  ])('is in the error: %s', (_, note, message) => {
    expect(() => anything.write(new AddCmd(1, 2, note))).toThrow(failing('ENCODE_FAILED', message));
  });

  it('is looked for in 100,000 objects and no more', () => {
    // The Command, its list, and the one that throws.
    const behind = (count: number) => [...Array.from({ length: count - 3 }, () => ({})), thrower];
    const refused = (path: string) => failing('ENCODE_FAILED', `^AddCmd${path} cannot be written as JSON: no a$`);
    expect(() => anything.write(new AddCmd(1, 2, behind(100_000)))).toThrow(refused('\\.note\\[99997\\]\\.a'));
    expect(() => anything.write(new AddCmd(1, 2, behind(100_001)))).toThrow(refused(''));
  });
});

describe('the factory of the codec', () => {
  it('has frozen defaults', () => {
    expect(Object.isFrozen(jsonCodecDefaults)).toBe(true);
    expect(jsonCodec()(defineContract({ commands: [AddCmd], results: [Money] })).name).toBe('json');
  });

  it.each([
    [{ fieldCase: 'Go' }, /fieldCase.*"exact" or "go"/],
    [{ unsafeIntegers: true }, /unsafeIntegers.*"reject" or "bigint"/],
    [{ maxDepth: 0 }, /maxDepth.*1 to 1000/],
    [{ maxDepth: 1_001 }, /maxDepth/],
    [{ maxTokens: 0.5 }, /maxTokens/],
    [{ maxKeysPerObject: '5' }, /maxKeysPerObject/],
    [{ maxKeys: 5 }, /unknown option "maxKeys"/],
    [{ maxDepth: null }, /maxDepth/],
  ])('refuses the options %j', (options, message) => {
    expect(() => jsonCodec(options as object)).toThrow(failing('INVALID_OPTION', message));
  });

  it('refuses a type entry, which belongs to another codec', () => {
    const entry: TypeEntry = {
      [TYPE_ENTRY]: true,
      name: 'Proto',
      is(value): value is unknown {
        return value === entry;
      },
    };
    const contract = defineContract({ commands: [AddCmd], results: [Money, entry] });
    expect(() => jsonCodec()(contract)).toThrow(failing('INVALID_CONTRACT', /Proto is no class/));
  });
});

describe('what was written', () => {
  const key = fc.string({ maxLength: 8 }).filter((name) => name !== '__proto__');
  const leaf = fc.oneof(
    fc.string({ unit: anyCharacter }),
    fc.boolean(),
    fc.constant(null),
    fc.maxSafeInteger(),
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter((number) => !Object.is(number, -0) && (Number.isSafeInteger(number) || !Number.isInteger(number))),
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));

  it('is read back as the same value, through fromJSON', () => {
    const anything = jsonBodies(Anything);
    fc.assert(
      fc.property(tree, (value) => {
        expect(anything.read(anything.write(new Anything(value)))).toStrictEqual(new Anything(value));
      }),
    );
  });

  it('is read back as the same value, by its fields', () => {
    const add = jsonBodies(AddCmd);
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), tree, (a, b, note) => {
        expect(add.read(add.write(new AddCmd(a, b, note)))).toStrictEqual(new AddCmd(a, b, note));
      }),
    );
  });

  it('with any options and numbers, bigints included', () => {
    const anything = jsonBodies(Anything, { unsafeIntegers: 'bigint', fieldCase: 'go' });
    const unsafe = fc.oneof(
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }),
      fc.bigInt({ min: -(2n ** 70n), max: -(2n ** 53n) }),
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(tree, unsafe, fc.tuple(fc.string(), unsafe))), (value) => {
        expect(anything.read(anything.write(new Anything(value)))).toStrictEqual(new Anything(value));
      }),
    );
  });
});
