// Contracts whose types have given numbers: what they may be, how several become one, and what a lock file says of
// them.
import { describe, expect, it } from '@jest/globals';
import { Command, Result } from '../../../lib/contract/command.js';
import { commandType, resultType } from '../../../lib/contract/command-type.js';
import {
  defineContract,
  mergeContracts,
  tablesOf,
  type Contract,
  type ContractDefinition,
} from '../../../lib/contract/contract.js';
import { reserved } from '../../../lib/contract/type-numbers.js';
import { TYPE_ENTRY, type TypeEntry } from '../../../lib/contract/type-table.js';

class Add extends Command<Sum> {}
class Sub extends Command<Sum> {}
class Primes extends Command<Sum> {}
class Sum extends Result {}
class Prime extends Result {}
class Chunk extends Result {}

const refused = (message: string | RegExp) =>
  expect.objectContaining({ code: 'INVALID_CONTRACT', message: expect.stringMatching(message) });
const define = (definition: unknown) => defineContract(definition as ContractDefinition);
const message: TypeEntry = {
  [TYPE_ENTRY]: true,
  name: 'calc.Mul',
  key: 'calc.Mul',
  is: (value): value is unknown => value === undefined,
};

describe('a contract with numbers', () => {
  it('is the same as one of lists', () => {
    const numbered = defineContract({ commands: { 1: reserved, 2: Primes, 0: Add }, results: { 0: Sum } });
    const listed = defineContract({ commands: [Add, reserved, Primes], results: [Sum] });
    for (const { commands, results } of [numbered, listed].map(tablesOf)) {
      expect(commands.types).toEqual([Add, reserved, Primes]);
      expect(results.types).toEqual([Sum]);
      expect([new Add(), new Primes(), reserved, new Sub()].map((value) => commands.indexOf(value))).toEqual([
        0, 2, -1, -1,
      ]);
      expect([0, 1, 2, 3].map((number) => commands.has(number))).toEqual([true, false, true, false]);
      expect([0, 1, 2, 3].map((number) => commands.isReserved(number))).toEqual([false, true, false, false]);
      expect(commands.nameAt(1)).toBe('type number 1');
      expect(Object.isFrozen(commands.types)).toBe(true);
    }
    expect(numbered.toJSON()).toEqual(listed.toJSON());
  });

  it('may be an object without a prototype', () => {
    const given = Object.assign(Object.create(null), { 0: Add, 1: Sub }) as Record<number, typeof Add>;
    expect(tablesOf(defineContract({ commands: given })).commands.types).toEqual([Add, Sub]);
  });

  it('may end with what is reserved', () => {
    const { commands } = tablesOf(defineContract({ commands: { 0: Add, 1: reserved } }));
    expect([commands.types, commands.isReserved(1)]).toEqual([[Add, reserved], true]);
  });

  it('may begin above 0: the numbers below are those of others', () => {
    const { commands } = tablesOf(defineContract({ commands: { 2: Add, 3: Sub } }));
    expect([commands.indexOf(new Add()), commands.indexOf(new Sub())]).toEqual([2, 3]);
    expect([0, 1, 2].map((number) => commands.has(number))).toEqual([false, false, true]);
    expect([0, 1].map((number) => commands.isReserved(number))).toEqual([false, false]);
  });

  it('can be taken apart and put together again', () => {
    const first = defineContract({ commands: { 0: Add, 1: reserved }, results: [Sum] });
    const second = defineContract({ commands: [...first.commands.types, Primes], results: first.results.types });
    expect(second.toJSON().commands).toEqual({ 0: 'Add', 1: { reserved: true }, 2: 'Primes' });
  });

  it('leaves no number out, and says how to', () => {
    expect(() => define({ commands: { 0: Add, 2: Primes } })).toThrow(
      refused(/^`commands` leaves out number 1: write `1: reserved`/),
    );
    expect(() => define({ commands: [Add], results: { 3: Sum, 7: Prime } })).toThrow(
      refused(/^`results` leaves out the numbers 4 to 6: write `4: reserved`/),
    );
  });

  it.each(['Add', '-1', '1.5', '1e3', '01', '', '10000', '9007199254740993'])('has no number %p', (key) => {
    expect(() => define({ commands: { [key]: Add } })).toThrow(
      refused(new RegExp(`^\`commands\`: "${key}" is no type number.*from 0 to 9999`)),
    );
  });

  it('has numbers up to 9999', () => {
    expect(tablesOf(define({ commands: { 9999: Add } })).commands.indexOf(new Add())).toBe(9_999);
  });

  it.each([
    ['nothing', {}],
    ['nothing that is a type', { 0: reserved, 1: reserved }],
    ['a list of nothing that is a type', [reserved]],
    ['a map', new Map([[0, Add]])],
    ['an instance of a class', Object.assign(new (class Commands {})(), { 0: Add })],
    ['a class', Add],
    ['a number', 5],
    ['null', null],
  ])('is refused when it is given %s', (_, commands) => {
    expect(() => define({ commands })).toThrow(
      refused(/^`commands` must be an array .* or an object of at least one by type numbers$/),
    );
  });

  it.each([undefined, null, 'Add', {}])('is refused when a number has %p', (type) => {
    expect(() => define({ commands: { 0: Add, 1: type } })).toThrow(refused(/^`commands\[1\]` is neither/));
  });

  it('is refused when a class has two numbers', () => {
    expect(() => define({ commands: { 0: Add, 1: reserved, 2: Add } })).toThrow(refused(/lists Add twice, at 0 and 2/));
  });
});

describe('contracts that are merged', () => {
  const calc = defineContract({ commands: { 0: Add, 1: reserved }, results: { 0: Sum } });
  const primes = defineContract({ commands: { 10: Primes }, results: { 0: Sum, 1: Prime } });

  it('are one, in which each has its numbers', () => {
    const { commands, results } = tablesOf(mergeContracts(calc, primes));
    expect([new Add(), new Primes()].map((value) => commands.indexOf(value))).toEqual([0, 10]);
    expect([commands.types.length, commands.isReserved(1), commands.isReserved(2)]).toEqual([11, true, false]);
    expect(results.types).toEqual([Sum, Prime]);
    expect(mergeContracts(primes, calc).toJSON()).toEqual(mergeContracts(calc, primes).toJSON());
    expect(mergeContracts(calc).toJSON()).toEqual(calc.toJSON());
  });

  it('may have no Results', () => {
    const merged = mergeContracts(defineContract({ commands: [Add] }), defineContract({ commands: { 1: Sub } }));
    expect([merged.commands.types, merged.results.types]).toEqual([[Add, Sub], []]);
  });

  it('have no number in common', () => {
    const other = defineContract({ commands: { 0: Sub } });
    expect(() => mergeContracts(calc, other)).toThrow(refused(/^`commands\[0\]` is Add and Sub: contracts overlap/));
    const result = defineContract({ commands: { 2: Sub }, results: [Prime] });
    expect(() => mergeContracts(calc, result)).toThrow(refused(/^`results\[0\]` is Sum and Prime/));
    const lists = [Add, Sub].map((type) => defineContract({ commands: [type] }));
    expect(() => mergeContracts(lists[0]!, lists[1]!)).toThrow(refused(/^`commands\[0\]` is Add and Sub/));
  });

  it('do not give anew what one of them has reserved', () => {
    const other = defineContract({ commands: { 1: Sub } });
    expect(() => mergeContracts(calc, other)).toThrow(
      refused(/^`commands\[1\]` is reserved and Sub: .* list Sub there, too; else give it a number that is free$/),
    );
    expect(() => mergeContracts(other, calc)).toThrow(refused(/^`commands\[1\]` is Sub and reserved/));
  });

  it('may share a type between the numbers of one, which lists it, too', () => {
    const shared = { 0: Sum, 1: Prime };
    expect(() => define({ commands: { 20: Primes }, results: { 0: Sum, 2: Chunk } })).toThrow(
      refused(/^`results` leaves out number 1: .*; if another contract has a type there, list it here, too$/),
    );
    const reserving = define({ commands: { 20: Primes }, results: { 0: Sum, 1: reserved, 2: Chunk } });
    const other = define({ commands: { 10: Sub }, results: shared });
    expect(() => mergeContracts(other, reserving)).toThrow(
      refused(/^`results\[1\]` is Prime and reserved: .* list Prime there, too/),
    );
    const listing = define({ commands: { 20: Primes }, results: { ...shared, 2: Chunk } });
    expect(mergeContracts(other, listing).results.types).toEqual([Sum, Prime, Chunk]);
  });

  it('have no type at two numbers', () => {
    const other = defineContract({ commands: { 5: Add } });
    expect(() => mergeContracts(calc, other)).toThrow(refused(/`commands` lists Add twice, at 0 and 5/));
  });

  it('are contracts', () => {
    for (const none of [{}, null, undefined, 5])
      expect(() => mergeContracts(calc, none as Contract)).toThrow(refused(/what defineContract\(\) returned/));
  });

  it('are one at least', () => {
    expect(() => mergeContracts(...([] as unknown as [Contract]))).toThrow(
      refused(/^mergeContracts\(\) needs a contract/),
    );
  });
});

describe('a contract as JSON', () => {
  it('has the names by number, and what is reserved or deprecated', () => {
    class Old extends Command {
      static readonly deprecated = true;
    }
    class Renamed extends Command {}
    const contract = defineContract({
      commands: {
        0: commandType(Renamed, { name: 'calc.Add', deprecated: 'use Primes' }),
        1: reserved,
        2: Old,
        3: message,
        4: { ...message, name: 'calc.Div', key: 'calc.Div', deprecated: 'use Mul' },
        5: { ...message, name: 'calc.Mod', key: 'calc.Mod', deprecated: false },
      },
      results: [resultType(Prime, { name: 'calc.Prime' })],
    });
    const expected = {
      commands: {
        0: { name: 'calc.Add', deprecated: 'use Primes' },
        1: { reserved: true },
        2: { name: 'Old', deprecated: true },
        3: 'calc.Mul',
        4: { name: 'calc.Div', deprecated: 'use Mul' },
        5: 'calc.Mod',
      },
      results: { 0: 'calc.Prime' },
    };
    expect(contract.toJSON()).toEqual(expected);
    expect(JSON.parse(JSON.stringify(contract))).toEqual(expected);
  });

  it('says nothing of numbers of others', () => {
    expect(defineContract({ commands: { 2: Add } }).toJSON()).toEqual({ commands: { 2: 'Add' }, results: {} });
  });
});
