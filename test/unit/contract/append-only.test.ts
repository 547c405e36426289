// What a lock file lets pass and what it does not: that is what a CI of an application sees.
import { describe, expect, it } from '@jest/globals';
import {
  Command,
  commandType,
  defineContract,
  reserved,
  Result,
  type CmdStreamError,
  type Contract,
  type ContractDefinition,
} from 'nestjs-cmd-stream/core';
import { expectAppendOnly, type ContractLock } from 'nestjs-cmd-stream/testing';

class Add extends Command<Sum> {}
class Sub extends Command<Sum> {}
class Primes extends Command<Prime> {}
class Sum extends Result {}
class Prime extends Result {}

const results = [Sum, Prime];
const lock: ContractLock = JSON.parse(JSON.stringify(defineContract({ commands: [Add, Sub], results })));

/** What is said of the numbers that have changed. */
function changesOf(contract: Contract, locked = lock): string[] {
  try {
    expectAppendOnly(contract, locked);
    return [];
  } catch (error) {
    const { code, message } = error as CmdStreamError;
    const [first, ...lines] = message.split('\n');
    const remedy = lines.findIndex((line) => line.startsWith('A type that is gone leaves `reserved`'));
    return [code, first!.slice(0, 38), ...lines.slice(0, remedy)];
  }
}

const broken = ['CONTRACT_MISMATCH', 'the contract breaks with its lock: pee'];

describe('expectAppendOnly()', () => {
  it.each([
    ['nothing has changed', { commands: [Add, Sub], results }],
    ['types were added', { commands: [Add, Sub, Primes], results }],
    ['a type was reserved', { commands: { 0: Add, 1: reserved, 2: Primes }, results }],
    ['a list has numbers now', { commands: { 0: Add, 1: Sub }, results: { 0: Sum, 1: Prime } }],
  ])('passes when %s', (_, definition) => {
    expect(changesOf(defineContract(definition as ContractDefinition))).toEqual([]);
  });

  it('passes when a type was deprecated, or is not any more', () => {
    const named = (deprecated: boolean | string) =>
      defineContract({
        commands: [Add, commandType(class extends Command<Sum> {}, { name: 'Sub', deprecated })],
        results,
      });
    const [before, after] = [named(false), named('use Add')];
    expect(changesOf(after, before.toJSON())).toEqual([]);
    expect(changesOf(before, after.toJSON())).toEqual([]);
  });

  it('passes a contract that has no Results, or has its first ones now', () => {
    const locked = defineContract({ commands: [Add] }).toJSON();
    expect(changesOf(defineContract({ commands: [Add] }), locked)).toEqual([]);
    expect(changesOf(defineContract({ commands: [Add], results }), locked)).toEqual([]);
  });

  it('shows two types that have changed places', () => {
    const swapped = defineContract({ commands: [Sub, Add], results });
    const lines = ['  commands', '-   0: Add', '+   0: Sub', '-   1: Sub', '+   1: Add'];
    expect(changesOf(swapped)).toEqual([...broken, ...lines]);
  });

  it('shows a type that was put in between, and how both lists have changed', () => {
    const inserted = defineContract({ commands: [Add, Primes, Sub], results: [Prime, Sum] });
    const expected = ['  commands', '-   1: Sub', '+   1: Primes', '  results', '-   0: Sum', '+   0: Prime'];
    expect(changesOf(inserted)).toEqual([...broken, ...expected, '-   1: Prime', '+   1: Sum']);
  });

  it('shows a type that was taken out', () => {
    const shorter = defineContract({ commands: [Add], results });
    expect(changesOf(shorter)).toEqual([...broken, '  commands', '-   1: Sub', '+   1: (nothing)']);
  });

  it('shows a class that was renamed, unless it keeps its name', () => {
    class Minus extends Command<Sum> {}
    const renamed = () => defineContract({ commands: [Add, Minus], results });
    expect(changesOf(renamed())).toEqual([...broken, '  commands', '-   1: Sub', '+   1: Minus']);
    commandType(Minus, { name: 'Sub' });
    expect(changesOf(renamed())).toEqual([]);
  });

  it('shows a number that was reserved and has a type again, or is gone', () => {
    const locked = defineContract({ commands: [Add, reserved], results }).toJSON();
    const given = (commands: readonly (typeof Add)[]) => () =>
      expectAppendOnly(defineContract({ commands, results }), locked);
    expect(given([Add, Sub])).toThrow(/-   1: \(reserved\)\n\+   1: Sub/);
    expect(given([Add])).toThrow(/-   1: \(reserved\)\n\+   1: \(nothing\)/);
  });

  it('sees a number of another contract that was none before', () => {
    const part = defineContract({ commands: { 1: Sub }, results });
    expect(changesOf(part)).toEqual([...broken, '  commands', '-   0: Add', '+   0: (nothing)']);
  });

  it.each([
    [undefined, 'commands'],
    [null, 'commands'],
    [{}, 'commands'],
    [{ commands: {} }, 'commands'],
    [{ commands: {}, results: {} }, 'commands'],
    [{ commands: { 0: 5 }, results: {} }, 'commands'],
    [{ commands: 5, results: {} }, 'commands'],
    [{ commands: null, results: {} }, 'commands'],
    [{ commands: { 0: 'Add' } }, 'results'],
    [{ commands: { 0: 'Add' }, results: { 0: 5 } }, 'results'],
  ])('refuses what is no lock: %j', (given, list) => {
    const contract = defineContract({ commands: [Add] });
    const message = `the lock has no \`${list}\` as contract.toJSON() gives them`;
    expect(() => expectAppendOnly(contract, given as unknown as ContractLock)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONTRACT', message }),
    );
  });
});
