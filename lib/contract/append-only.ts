// Whether a contract still says of its numbers what a lock file of an earlier version says of them: for tests.
import { CmdStreamError } from '../errors.js';
import { tablesOf, type Contract, type ContractLock } from './contract.js';
import type { LockedType } from './type-table.js';

const lists = ['commands', 'results'] as const;

/**
 * For a test: sees that a contract has only grown since its lock file was written. Each number of the lock must have
 * the type it had, by name, or be reserved; what was reserved stays so; new numbers pass. The lock is what
 * `contract.toJSON()` gave, read from the file as JSON.
 *
 * @example
 * import { readFileSync } from 'node:fs';
 * import { it } from 'node:test';
 * import { expectAppendOnly, type ContractLock } from 'nestjs-cmd-stream/testing';
 * import { calcContract } from './calc.contract.js';
 *
 * it('keeps the numbers of its types', () => {
 *   const lock = JSON.parse(readFileSync('contract.lock.json', 'utf8')) as ContractLock;
 *   expectAppendOnly(calcContract, lock);
 * });
 *
 * @throws {CmdStreamError} CONTRACT_MISMATCH with a line for each number that has changed; INVALID_CONTRACT when `lock`
 * is no lock
 * @publicApi
 */
export function expectAppendOnly(contract: Contract, lock: ContractLock): void {
  const now = tablesOf(contract).toJSON();
  const faults = lists.flatMap((list) => {
    const lines = changesOf(lockedTypes(lock, list), now[list]);
    return lines.length === 0 ? [] : [`  ${list}`, ...lines];
  });
  if (faults.length === 0) return;
  const text = [
    'the contract breaks with its lock: peers of the locked version would take one type for another.',
    ...faults,
    'A type that is gone leaves `reserved` at its number; a new one takes a number behind all others;',
    'a class that was renamed keeps its name by commandType(Class, { name }) or resultType(Class, { name }).',
  ];
  throw new CmdStreamError('CONTRACT_MISMATCH', text.join('\n'));
}

type Locked = ContractLock['commands'];

function lockedTypes(lock: ContractLock, list: (typeof lists)[number]): Locked {
  const types: unknown = (lock as Partial<ContractLock> | null | undefined)?.[list];
  const locked = typeof types === 'object' && types !== null ? Object.values(types) : undefined;
  // Every contract has a Command: a lock without one would let everything pass.
  const isLock = locked?.every((type) => textOf(type) !== undefined) && (locked.length > 0 || list === 'results');
  if (isLock) return types as Locked;
  throw new CmdStreamError('INVALID_CONTRACT', `the lock has no \`${list}\` as contract.toJSON() gives them`);
}

function changesOf(before: Locked, now: Locked): string[] {
  return Object.keys(before).flatMap((number) => {
    const [was, is] = [textOf(before[number]), textOf(now[number])];
    if (was === is || is === RESERVED) return [];
    return [`-   ${number}: ${was}`, `+   ${number}: ${is ?? '(nothing)'}`];
  });
}

const RESERVED = '(reserved)';

/** What is compared: whether a type is deprecated may change. */
function textOf(type: LockedType | undefined): string | undefined {
  if (typeof type === 'string') return type;
  return type?.reserved === true ? RESERVED : type?.name;
}
