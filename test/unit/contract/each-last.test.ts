// Which contracts have no Result that another one can follow, as far as their classes say.
import { expect, it } from '@jest/globals';
import { Command, defineContract, reserved, Result } from '../../../lib/core.js';
import { isEachLast, tablesOf } from '../../../lib/contract/contract.js';
import { TYPE_ENTRY, type TypeEntry } from '../../../lib/contract/type-table.js';

class AskCmd extends Command<Single> {}
class Single extends Result {}
class Child extends Single {}
class Some extends Result {
  override lastOne(): boolean {
    return false;
  }
}
class ChildOfSome extends Some {}
class Chosen extends Single {
  override lastOne(): boolean {
    return true;
  }
}
/** Has a field for it, or not: that is not known before there is one. */
class Stranger {}
const entry: TypeEntry = { [TYPE_ENTRY]: true, name: 'Entry', is: (value): value is object => value instanceof Map };

it.each<[string, Parameters<typeof defineContract>[0]['results'], boolean]>([
  ['is the Result of the base class', [Single, Child], true],
  ['has a number that is reserved', { 0: Single, 1: reserved }, true],
  ['overrides lastOne()', [Single, Some], false],
  ['inherits one that overrides it', [ChildOfSome, Single], false],
  ['overrides it and always says true, for all that is known', [Chosen], false],
  ['extends no Result', [Single, Stranger], false],
  ['is a type entry', [Single, entry], false],
])('one whose Result %s', (_what, results, isEach) => {
  expect(isEachLast(tablesOf(defineContract({ commands: [AskCmd], results })))).toBe(isEach);
});
