// What both sides agree on: the ordered types of Commands and of Results. The order is part of the wire format.
import { CmdStreamError } from '../errors.js';
import type { OptionRule } from '../options.js';
import { TypeTable, type ContractType, type TypeList } from './type-table.js';

/** @publicApi */
export interface ContractDefinition {
  /** The Commands; position = type number. */
  commands: readonly ContractType[];
  /**
   * The Results; position = type number, counted apart from the Commands. Handlers may send these only.
   * Without it the contract is for peers of this package: handlers send any JSON value.
   */
  results?: readonly ContractType[];
}

/** @publicApi */
export interface Contract {
  readonly commands: TypeList;
  /** Empty for a contract without Results of its own. */
  readonly results: TypeList;
}

/** A contract as this package has it: its lists answer questions about values. */
export interface ContractTables extends Contract {
  readonly commands: TypeTable;
  readonly results: TypeTable;
}

/** The contract of peers that only speak by pattern. */
export const emptyContract: ContractTables = Object.freeze({
  commands: new TypeTable('commands'),
  results: new TypeTable('results'),
});

/**
 * Gives every Command and Result class its number: the position in its list. Append only; an inserted type changes the
 * numbers of those behind it.
 *
 * @throws {CmdStreamError} INVALID_CONTRACT when a list is empty, lists a type twice, or lists something that is no
 * type, or a class with a method `then`
 * @publicApi
 */
export function defineContract(definition: ContractDefinition): Contract {
  if (typeof definition !== 'object' || definition === null) {
    throw new CmdStreamError('INVALID_CONTRACT', 'a contract is defined by an object with `commands` and `results`');
  }
  if (definition.commands === undefined) throw new CmdStreamError('INVALID_CONTRACT', '`commands` is required');
  return Object.freeze({
    commands: new TypeTable('commands', definition.commands),
    results: new TypeTable('results', definition.results),
  });
}

/** @throws {CmdStreamError} INVALID_CONTRACT when it was made in another way than by {@link defineContract} */
export function tablesOf(contract: Contract): ContractTables {
  if (hasTables(contract)) return contract;
  throw new CmdStreamError('INVALID_CONTRACT', `a contract is ${contractRule.expected}`);
}

function hasTables(contract: Partial<Contract>): contract is ContractTables {
  return contract.commands instanceof TypeTable && contract.results instanceof TypeTable;
}

/** What the option `contract` may be, which both sides have. */
export const contractRule: OptionRule = {
  required: true,
  expected: 'what defineContract() returned',
  accepts: (value) => typeof value === 'object' && value !== null && hasTables(value),
};
