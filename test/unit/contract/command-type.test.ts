// What a class says of itself, by statics or by commandType(), and names that were meant to say it.
import { describe, expect, it } from '@jest/globals';
import { Command, Result } from '../../../lib/contract/command.js';
import { commandType, resultType, type CommandTypeOptions } from '../../../lib/contract/command-type.js';
import { defineContract, tablesOf, type CommandType, type ContractDefinition } from '../../../lib/contract/contract.js';
import type { TypeClass } from '../../../lib/contract/type-table.js';

class Answer extends Result {}

const refused = (message: RegExp) =>
  expect.objectContaining({ code: 'INVALID_CONTRACT', message: expect.stringMatching(message) });
const tableOf = (type: TypeClass) => tablesOf(defineContract({ commands: [type as CommandType] })).commands;

/** A class with statics. */
function classWith(statics: object): TypeClass {
  class Sub extends Command<Answer> {}
  return Object.assign(Sub, statics);
}

describe('commandType()', () => {
  it('says what statics would, and returns the class', () => {
    class Sub extends Command<Answer> {}
    expect(commandType(Sub, { name: 'calc.Sub', idempotent: true, deprecated: 'use Add' })).toBe(Sub);
    const table = tableOf(Sub);
    expect(table.wireNameAt(0)).toBe('calc.Sub');
    expect(table.isIdempotent(new Sub())).toBe(true);
    expect([table.deprecationAt(0), table.hasDeprecated]).toEqual(['use Add', true]);
    expect({ ...Sub }).toEqual({ wireName: 'calc.Sub', idempotent: true, deprecated: 'use Add' });
  });

  it('says nothing of what it is not given', () => {
    class Sub extends Command<Answer> {}
    expect(Object.keys(commandType(Sub, { idempotent: false }))).toEqual(['idempotent']);
    const table = tableOf(Sub);
    expect([table.hasWireName(0), table.isIdempotent(new Sub()), table.hasDeprecated]).toEqual([false, false, false]);
  });

  it('may say again what is known, by a static or a call', () => {
    class Sub extends Command<Answer> {
      static readonly wireName = 'Sub';
    }
    commandType(commandType(Sub, { name: 'Sub', idempotent: true }), { idempotent: true, deprecated: true });
    expect({ ...Sub }).toEqual({ wireName: 'Sub', idempotent: true, deprecated: true });
  });

  it('speaks of the class alone, not of those it inherits from or that inherit from it', () => {
    class Base extends Command<Answer> {
      static readonly idempotent: boolean = true;
    }
    class Sub extends Base {}
    class Derived extends Sub {}
    commandType(Sub, { name: 'calc.Sub', idempotent: false, deprecated: true });
    expect(Base.idempotent).toBe(true);
    const table = tableOf(Derived);
    expect([table.hasWireName(0), table.hasDeprecated]).toEqual([false, false]);
  });

  it.each([
    [{ wireName: 'A' }, { name: 'B' }, '`wireName` of Sub is "B", but the class says "A"'],
    [{ idempotent: false }, { idempotent: true }, '`idempotent` of Sub is true, but the class says false'],
    [{ deprecated: 'why' }, { deprecated: true }, '`deprecated` of Sub is true, but the class says "why"'],
  ])('does not contradict a static: %j, %j', (statics, options, text) => {
    expect(() => commandType(classWith(statics), options)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONTRACT', message: `commandType() says that ${text}` }),
    );
  });

  it('sees that a frozen class takes nothing', () => {
    const frozen = Object.freeze(classWith({}));
    expect(() => resultType(frozen, { name: 'Sub' })).toThrow(refused(/^resultType\(\) .* but the class is frozen$/));
  });

  it.each([
    [
      { idempotant: true },
      /unknown option "idempotant": did you mean "idempotent"\? Known are name, idempotent, deprecated/,
    ],
    [{ name: '' }, /"name" must be a string that is not empty/],
    [{ idempotent: 'yes' }, /"idempotent" must be true or false/],
    [{ deprecated: '' }, /"deprecated" must be true, false or a text that is not empty/],
    [{ deprecated: 1 }, /"deprecated" must be true, false/],
  ])('refuses %j', (options, message) => {
    expect(() => commandType(classWith({}), options as CommandTypeOptions)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(message) }),
    );
  });

  it.each([
    ['an object', {}],
    ['a function', () => {}],
    ['nothing', undefined],
  ])('is for classes, and not for %s', (_, type) => {
    expect(() => commandType(type as never, {})).toThrow(refused(/^commandType\(\) is for classes, not for/));
  });
});

describe('resultType()', () => {
  it('gives a class of Results a name', () => {
    class Sum extends Result {}
    expect(resultType(Sum, { name: 'calc.Sum' })).toBe(Sum);
    expect(
      tablesOf(defineContract({ commands: [classWith({}) as CommandType], results: [Sum] })).results.wireNameAt(0),
    ).toBe('calc.Sum');
  });

  it('knows nothing that is about Commands', () => {
    expect(() => resultType(Answer, { idempotent: true } as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(/known are name$/) }),
    );
  });
});

describe('a misspelt static', () => {
  it.each([
    ['idempotant', 'idempotent'],
    ['indempotent', 'idempotent'],
    ['idempodant', 'idempotent'],
    ['isIdempotent', 'idempotent'],
    ['IDEMPOTENT', 'idempotent'],
    ['idempotnet', 'idempotent'],
    ['wirename', 'wireName'],
    ['WireName', 'wireName'],
    ['wire_name', 'wireName'],
    ['wierName', 'wireName'],
    ['depricated', 'deprecated'],
    ['deprected', 'deprecated'],
  ])('is an error that names what was meant: %s', (given, meant) => {
    expect(() => tableOf(classWith({ [given]: true }))).toThrow(
      refused(new RegExp(`^\`commands\\[0\\]\`: Sub has \`static ${given}\`.*did you mean \`${meant}\\?*\``)),
    );
  });

  it('is seen in a base class, and in a method', () => {
    class Base extends Command<Answer> {
      static idempotant(): boolean {
        return true;
      }
    }
    class Derived extends Base {}
    expect(() => tableOf(Derived)).toThrow(refused(/Derived has `static idempotant`/));
  });

  it.each(['fileName', 'typeName', 'important', 'wire', 'name2', 'description', 'deprecationReason', 'lastone'])(
    'is not one that merely looks like it: %s',
    (name) => {
      expect(() => tableOf(classWith({ [name]: 'x' }))).not.toThrow();
    },
  );

  it('is none beside the right one', () => {
    expect(() => tableOf(classWith({ wireName: 'Sub', wireNames: ['Sub'] }))).not.toThrow();
  });
});

describe('a static with a value it cannot have', () => {
  it.each([
    [{ idempotent: 'yes' }, /`static idempotent` that is no boolean/],
    [{ idempotent: 1 }, /`static idempotent` that is no boolean/],
    [{ deprecated: '' }, /`static deprecated` that is neither a boolean nor a text/],
    [{ deprecated: {} }, /`static deprecated` that is neither/],
  ])('is an error: %j', (statics, message) => {
    expect(() => tableOf(classWith(statics))).toThrow(refused(message));
  });

  it('is none where it says no', () => {
    const table = tableOf(classWith({ idempotent: false, deprecated: false }));
    expect([table.isIdempotent({}), table.hasDeprecated]).toEqual([false, false]);
  });
});

describe('a misspelt lastOne()', () => {
  const resultsOf = (type: TypeClass) => () =>
    defineContract({ commands: [classWith({})], results: [type] } as unknown as ContractDefinition);

  it('of a class of Results is an error', () => {
    class Part extends Result {
      lastone(): boolean {
        return false;
      }
    }
    class Derived extends Part {}
    expect(resultsOf(Part)).toThrow(refused(/^`results\[0\]`: Part has `lastone`.*did you mean `lastOne`\?$/));
    expect(resultsOf(Derived)).toThrow(refused(/Derived has `lastone`/));
  });

  it('is none in a class of Commands, or beside the right one', () => {
    class Ask extends Command<Answer> {
      lastone(): boolean {
        return false;
      }
    }
    class Part extends Result {
      override lastOne(): boolean {
        return this.lastOnes();
      }

      lastOnes(): boolean {
        return false;
      }
    }
    expect(() => tableOf(Ask)).not.toThrow();
    expect(resultsOf(Part)).not.toThrow();
  });
});
