// What a contract may hold, and what is said about one that may not be.
import { describe, expect, it } from '@jest/globals';
import type { Codec } from '../../../lib/codec/codec.js';
import { codecFor, codecRule } from '../../../lib/codec/codec-rules.js';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { jsonCodec } from '../../../lib/codec/json/json-codec.js';
import { Command, Result, StreamCommand, VoidCommand } from '../../../lib/contract/command.js';
import {
  contractRule,
  defineContract,
  hasResult,
  tablesOf,
  type ContractDefinition,
} from '../../../lib/contract/contract.js';
import { TYPE_ENTRY, TypeTable, typeNameOf, type TypeEntry } from '../../../lib/contract/type-table.js';

class First extends Command {}
class Second extends Command {}
class Answer extends Result {}
class Part extends Result {
  constructor(readonly last = true) {
    super();
  }

  override lastOne(): boolean {
    return this.last;
  }
}

interface Shape {
  kind: string;
}

const entryFor = (kind: string, lastOne?: (value: Shape) => boolean): TypeEntry<Shape> => ({
  [TYPE_ENTRY]: true,
  name: kind,
  is: (value): value is Shape => (value as Partial<Shape>).kind === kind,
  ...(lastOne && { lastOne }),
});

const refused = (pattern: RegExp) =>
  expect.objectContaining({ code: 'INVALID_CONTRACT', message: expect.stringMatching(pattern) });
const define = (definition: unknown) => defineContract(definition as ContractDefinition);
const tables = (definition: ContractDefinition) => tablesOf(defineContract(definition));

describe('a contract', () => {
  it('numbers Commands and Results by their position, each list from 0', () => {
    const { commands, results } = tables({ commands: [First, Second], results: [Answer, Part] });
    expect([commands.indexOf(new First()), commands.indexOf(new Second())]).toEqual([0, 1]);
    expect([results.indexOf(new Answer()), results.indexOf(new Part(true))]).toEqual([0, 1]);
    expect(commands.indexOf(new Answer())).toBe(-1);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a string', 'commands'],
  ])('cannot be defined by %s', (_, definition) => {
    expect(() => define(definition)).toThrow(refused(/`commands` and `results`/));
  });

  it('is defined by one object, not by two lists', () => {
    const defineByLists = defineContract as unknown as (...lists: unknown[]) => unknown;
    expect(() => defineByLists([First], [Answer])).toThrow(
      refused(/^a contract is defined by one object: `defineContract\(\{ commands: \[…\], results: \[…\] \}\)`$/),
    );
  });

  it.each([[[]], [{}], [null]])('says where there are no Results that the list is left out, not %j', (results) => {
    expect(() => define({ commands: [First], results })).toThrow(
      refused(/^`results` must be an array .*; without Results of its own a contract leaves `results` out$/),
    );
  });

  it('may leave out the Results, but not the Commands', () => {
    expect(define({ commands: [First] }).results.types).toEqual([]);
    expect(() => define({ results: [Answer] })).toThrow(refused(/`commands` is required/));
  });

  it.each([
    ['empty', []],
    ['no array', new Set([First])],
  ])('is refused when a list is %s', (_, list) => {
    expect(() => define({ commands: list, results: [Answer] })).toThrow(refused(/`commands` must be an array/));
    expect(() => define({ commands: [First], results: list })).toThrow(refused(/`results` must be an array/));
  });

  it('is refused when a list has a class twice, and names it', () => {
    expect(() => define({ commands: [First, Second, First], results: [Answer] })).toThrow(
      refused(/`commands` lists First twice, at 0 and 2/),
    );
  });

  it('may have one class in both lists', () => {
    class Both {}
    const { commands, results } = tablesOf(define({ commands: [Both], results: [Answer, Both] }));
    expect([commands.indexOf(new Both()), results.indexOf(new Both())]).toEqual([0, 1]);
  });

  it.each([
    ['a name', 'First'],
    ['an instance', new First()],
    ['undefined', undefined],
    ['null', null],
    ['an arrow function', () => {}],
    ['a plain function', function Old() {}],
    ['a function that makes a class', () => class Made {}],
    ['a built-in', Date],
    ['an array', [First]],
    ['an entry of no codec', { name: 'Shape', is: () => true }],
  ])('is refused when an entry is %s', (_, entry) => {
    expect(() => define({ commands: [First], results: [Answer, entry] })).toThrow(refused(/`results\[1\]`/));
  });

  it('is refused when a class has a method then(), own or inherited, and names it', () => {
    class Thenable {
      // oxlint-disable-next-line unicorn/no-thenable
      then(): void {}
    }
    class Derived extends Thenable {}
    expect(() => define({ commands: [First, Thenable] })).toThrow(
      refused(/`commands\[1\]`: Thenable has a method then/),
    );
    expect(() => define({ commands: [First], results: [Derived] })).toThrow(refused(/`results\[0\]`: Derived has/));
  });

  it('is refused when it has another key, and names it', () => {
    expect(() => define({ commands: [First], result: [Answer] })).toThrow(refused(/no `result`/));
  });

  it('is refused when a Result stands among the Commands, or a Command among the Results', () => {
    class Third extends First {}
    expect(() => define({ commands: [First, Answer] })).toThrow(refused(/`commands\[1\]`: Answer is a Result/));
    expect(() => define({ commands: [First], results: [Third] })).toThrow(
      refused(/`results\[0\]`: Third is a Command/),
    );
  });

  it('is refused when the constructor of a class fails without arguments, with its error', () => {
    class Needy extends Result {
      readonly length: number;

      constructor(text: string) {
        super();
        this.length = text.length;
      }
    }
    const definition = { commands: [First], results: [Answer, Needy] };
    expect(() => define(definition)).toThrow(refused(/`results\[1\]`: new Needy\(\) fails.*constructor defaults: /));
    expect(() => define(definition)).toThrow(expect.objectContaining({ cause: expect.any(TypeError) as unknown }));
  });

  it('is refused when exec of a Command that has no stream is an async generator', () => {
    async function* exec() {
      yield 1;
    }
    class One extends Command {}
    class None extends VoidCommand {}
    class Many extends StreamCommand {}
    class Other {}
    for (const type of [One, None, Many, Other]) Object.assign(type.prototype, { exec });
    const refusal = (count: string) =>
      refused(new RegExp(`\`commands\\[0\\]\`, its exec: .* has ${count}: let it extend`));
    expect(() => define({ commands: [One] })).toThrow(refusal('one Result'));
    expect(() => define({ commands: [None] })).toThrow(refusal('no Result'));
    expect(define({ commands: [Many, Other] }).commands.types).toEqual([Many, Other]);
  });

  it('may have a class with an accessor `then`, which is not asked', () => {
    class Step {
      // oxlint-disable-next-line unicorn/no-thenable
      get then(): string {
        throw new Error('asked');
      }
    }
    expect(define({ commands: [Step] }).commands.types).toEqual([Step]);
  });

  it('is refused when a list has a hole', () => {
    const list: unknown[] = [First];
    list[2] = Second;
    expect(() => define({ commands: list, results: [Answer] })).toThrow(refused(/`commands\[1\]`.*undefined/));
  });

  it('does not change when its lists are changed later', () => {
    const list: (typeof First | typeof Second)[] = [First];
    const contract = tables({ commands: list, results: [Answer] });
    list.unshift(Second);
    expect(contract.commands.indexOf(new First())).toBe(0);
    expect(contract.commands.types).toEqual([First]);
    expect(Object.isFrozen(contract.commands.types)).toBe(true);
  });
});

describe('a contract that was made by hand', () => {
  it('is refused where its type numbers are needed', () => {
    const byHand = {
      commands: { types: [First] },
      results: { types: [Answer] },
      toJSON: () => ({ commands: {}, results: {} }),
    };
    expect(() => tablesOf(byHand)).toThrow(refused(/what defineContract\(\) returned/));
    expect(() => jsonCodec()(byHand)).toThrow(refused(/what defineContract\(\) returned/));
  });
});

describe('the type number of a value', () => {
  const table = new TypeTable('commands', [First, Second]);

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 5],
    ['a plain object', {}],
    ['an object without a prototype', Object.create(null)],
    ['an instance of a subclass', new (class Third extends First {})()],
  ])('is -1 for %s', (_, value) => {
    expect(table.indexOf(value)).toBe(-1);
  });

  it('is that of its class, whatever its own key `constructor` says', () => {
    for (const constructor of [null, 'x', Second]) {
      const value = Object.assign(new First(), { constructor });
      expect(table.indexOf(value)).toBe(0);
      expect(typeNameOf(value)).toBe('First');
    }
  });

  it('is found for type entries beside classes', () => {
    const mixed = new TypeTable('results', [Answer, entryFor('circle'), entryFor('square')]);
    expect(
      [new Answer(), { kind: 'square' }, { kind: 'circle' }, { kind: 'line' }].map((value) => mixed.indexOf(value)),
    ).toEqual([0, 2, 1, -1]);
  });

  it('is found for a class or entry itself', () => {
    const circle = entryFor('circle');
    const mixed = new TypeTable('results', [Answer, circle]);
    expect([mixed.indexOfType(Answer), mixed.indexOfType(circle), mixed.indexOfType(Part)]).toEqual([0, 1, -1]);
    expect([mixed.nameAt(0), mixed.nameAt(1), mixed.nameAt(9)]).toEqual(['Answer', 'circle', 'type number 9']);
  });
});

describe('a type entry with a key', () => {
  const asked: unknown[] = [];
  const keyed = (key: string): TypeEntry<Shape> => ({
    ...entryFor(key, () => key === 'end'),
    key,
    is: (value): value is Shape => asked.push(value) < 0,
  });
  const message = (type: unknown) => ({ $typeName: type });

  it('has the values that carry it, and is not asked', () => {
    const { commands } = tables({ commands: [First, keyed('one'), entryFor('odd'), keyed('two')] });
    expect(['one', 'two', 'three', 5].map((type) => commands.indexOf(message(type)))).toEqual([1, 3, -1, -1]);
    expect(commands.indexOf({ kind: 'odd' })).toBe(2);
    expect(asked).toEqual([]);
  });

  it('says which Result is the last', () => {
    const table = new TypeTable('results', [keyed('part'), keyed('end')]);
    expect(['part', 'end', 'else'].map((type) => table.isLast(message(type)))).toEqual([false, true, true]);
  });

  it('is refused when another entry has the key', () => {
    expect(() => define({ commands: [keyed('one'), First, keyed('one')] })).toThrow(refused(/one twice, at 0 and 2/));
  });

  it('names what carries another', () => {
    const { commands } = tables({ commands: [First, keyed('one')] });
    expect(commands.nameFor(new First())).toBe('First');
    expect(commands.nameFor(message('one'))).toBe('one');
    expect(commands.nameFor(message('two'))).toBe('two');
    expect(commands.nameFor(new Answer())).toBe('Answer');
  });
});

describe('the last Result of a Command', () => {
  it('is any Result that does not say otherwise', () => {
    const table = new TypeTable('results', [Answer, Part]);
    const values = [new Answer(), new Part(false), new Part(true), 5, undefined, {}];
    expect(values.map((value) => table.isLast(value))).toEqual([true, false, true, true, true, true]);
  });

  it('is asked for together with the type: what is not listed is refused, and its own word is not asked for', () => {
    const asked: unknown[] = [];
    class Asked extends Part {
      override lastOne(): boolean {
        asked.push(this);
        return super.lastOne();
      }
    }
    const entry = entryFor('point', (value) => asked.push(value) === 0);
    const table = new TypeTable('results', [Asked, Answer, entry, entryFor('end')]);
    const values = [new Asked(false), new Asked(true), new Answer(), { kind: 'point' }, { kind: 'end' }];
    expect(values.map((value) => table.isLastListed(value))).toEqual([false, true, true, false, true]);
    expect(asked).toEqual([values[0], values[1], values[3]]);
    class Other extends Asked {}
    for (const value of [new Other(true), {}, 5, null, undefined])
      expect(() => table.isLastListed(value)).toThrow(expect.objectContaining({ code: 'RESULT_NOT_IN_CONTRACT' }));
    expect(asked).toHaveLength(3);
  });

  it('is what the type entry says for the values of its type', () => {
    const table = new TypeTable('results', [Answer, entryFor('point', () => false), entryFor('end')]);
    expect([new Answer(), { kind: 'point' }, { kind: 'end' }].map((value) => table.isLast(value))).toEqual([
      true,
      false,
      true,
    ]);
    const silent = new TypeTable('results', [entryFor('point', () => undefined as never)]);
    expect(silent.isLast({ kind: 'point' })).toBe(true);
  });
});

describe('the name of a value', () => {
  it('is that of the list, or its own', () => {
    const table = new TypeTable('results', [entryFor('circle'), Answer]);
    const values = [{ kind: 'circle' }, new Answer(), new First(), { $typeName: 'calc.Sum' }, null, 'x'];
    expect(values.map((value) => table.nameFor(value))).toEqual([
      'circle',
      'Answer',
      'First',
      'calc.Sum',
      'null',
      'a string',
    ]);
  });
});

describe('the codec of a contract', () => {
  const contract = defineContract({ commands: [First] });
  const own: Codec = {
    name: 'own',
    encodeCommand() {},
    decodeCommand: () => 1,
    encodeResult() {},
    decodeResult: () => 1,
  };

  it('is JSON, the one that is given, or what the function makes of the contract', () => {
    expect(codecFor(contract).name).toBe('json');
    const parts = { dataLimits: { maxDepth: 1, maxTokens: 2 }, layouts: { commands: ['a'], results: [] } };
    expect(codecFor(contract, { ...own, ...parts })).toMatchObject({ name: 'own', ...parts });
    expect(Object.keys(codecFor(contract, own))).toEqual(Object.keys(own));
    expect(codecFor(contract, (given) => (given === contract ? own : (undefined as never))).name).toBe('own');
    expect([codecRule.accepts(own), codecRule.accepts(() => own)]).toEqual([true, true]);
    expect([contractRule.accepts(contract), contractRule.accepts({ commands: [First] })]).toEqual([true, false]);
    expect([null, undefined, 5, {}].map((value) => contractRule.accepts(value))).toEqual([false, false, false, false]);
  });

  it('is asked as it is, and gives what it gave', () => {
    const asked: unknown[] = [];
    const given: Codec = {
      name: 'asked',
      encodeCommand: (...args) => void asked.push(['encodeCommand', ...args]),
      encodeResult: (...args) => void asked.push(['encodeResult', ...args]),
      decodeCommand: (reader) => ['a Command', reader],
      decodeResult: (reader) => ['a Result', reader],
    };
    const codec = codecFor(contract, given);
    const [reader, writer] = [new ByteReader(), new ByteWriter()];
    codec.encodeCommand(1, writer);
    codec.encodeResult(2, writer);
    expect(asked).toEqual([
      ['encodeCommand', 1, writer],
      ['encodeResult', 2, writer],
    ]);
    expect([codec.decodeCommand(reader), codec.decodeResult(reader)]).toEqual([
      ['a Command', reader],
      ['a Result', reader],
    ]);
  });

  it.each([
    ['encodeCommand', 'ENCODE_FAILED', (codec: Codec) => codec.encodeCommand(1, new ByteWriter())],
    ['encodeResult', 'ENCODE_FAILED', (codec: Codec) => codec.encodeResult(1, new ByteWriter())],
    ['decodeCommand', 'BAD_PAYLOAD', (codec: Codec) => codec.decodeCommand(new ByteReader())],
    ['decodeResult', 'BAD_PAYLOAD', (codec: Codec) => codec.decodeResult(new ByteReader())],
  ])('must not give a promise: %s()', (method, code, ask) => {
    const codec = codecFor(contract, { ...own, [method]: () => Promise.reject(new Error('later')) });
    const message = `${method}() of the codec must answer at once, and gave a promise`;
    expect(() => ask(codec)).toThrow(expect.objectContaining({ code, message }));
  });

  it.each(['encodeCommand', 'decodeCommand', 'encodeResult', 'decodeResult'])('has the method %s', (method) => {
    const lacking = { ...own, [method]: undefined };
    expect(codecRule.accepts(lacking)).toBe(false);
    expect(() => codecFor(contract, () => lacking)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(method) }),
    );
  });
});

describe('a boolean field `lastOne`', () => {
  class Chunk {
    constructor(readonly lastOne: boolean) {}
  }
  const silent = entryFor('silent');
  const results = new TypeTable('results', [Chunk, Answer, silent, entryFor('spoken', () => false)]);

  it.each([true, false])('says whether a value of a listed type is the last: %p', (lastOne) => {
    expect(results.isLast(new Chunk(lastOne))).toBe(lastOne);
    expect(results.isLast({ kind: 'silent', lastOne })).toBe(lastOne);
  });

  it('says nothing when the entry of its type has a word to say', () => {
    expect(results.isLast({ kind: 'spoken', lastOne: true })).toBe(false);
  });

  it('says nothing in a value that is not listed, or when it is no boolean', () => {
    class Other extends Chunk {}
    expect(results.isLast(new Other(false))).toBe(true);
    expect(results.isLast({ lastOne: false })).toBe(true);
    expect(results.isLast(Object.assign(Object.create(null), { lastOne: false }))).toBe(true);
    expect(new TypeTable('results').isLast({ lastOne: false })).toBe(true);
    expect(results.isLast(new Chunk(0 as never))).toBe(true);
  });
});

describe('an entry whose `is` throws', () => {
  const fussy: TypeEntry = {
    [TYPE_ENTRY]: true,
    name: 'fussy',
    is: (value): value is unknown => {
      throw new Error(`what is ${String(value)}?`);
    },
  };
  const table = new TypeTable('results', [fussy, entryFor('kind')]);

  it('does not recognise the value, and the next is asked', () => {
    expect(table.indexOf({ kind: 'kind' })).toBe(1);
    expect(table.indexOf({})).toBe(-1);
    expect(table.isLast({})).toBe(true);
    expect(table.isLast(null)).toBe(true);
    expect(table.nameFor(new First())).toBe('First');
  });
});

describe('a Command', () => {
  it('has a Result in any case when its class extends Command, or its entry names one', () => {
    const named = (kind: string, answers?: readonly string[]) => ({ ...entryFor(kind), ...(answers && { answers }) });
    class Stream extends StreamCommand {}
    const types = [First, Stream, named('one', ['Sum']), named('none', []), named('silent')];
    const contract = tablesOf(define({ commands: types }));
    const values = [new First(), new Stream(), { kind: 'one' }, { kind: 'none' }, { kind: 'silent' }, {}];
    expect(values.map((value) => hasResult(contract, value))).toEqual([true, false, true, false, false, false]);
  });

  class Twice {
    static readonly idempotent = true;
  }
  class Maybe {
    static readonly idempotent = false;
  }
  const table = new TypeTable('commands', [
    Twice,
    Maybe,
    First,
    { ...entryFor('twice'), idempotent: true },
    entryFor('once'),
  ]);

  it('is idempotent when its class or entry says so', () => {
    expect(table.isIdempotent(new Twice())).toBe(true);
    expect(table.isIdempotent({ kind: 'twice' })).toBe(true);
  });

  it.each([
    ['what says nothing', new First()],
    ['a class that says no', new Maybe()],
    ['an entry', { kind: 'once' }],
    ['a stranger', {}],
  ])('is not idempotent by %s', (_, value) => {
    expect(table.isIdempotent(value)).toBe(false);
  });
});
