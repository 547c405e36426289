// What both sides agree on: the ordered types of Commands and of Results. The order is part of the wire format.
import { CmdStreamError, messageOf } from '../errors.js';
import type { OptionRule } from '../options.js';
import {
  countMismatch,
  isAlwaysLast,
  isResult,
  resultCountOf,
  type AnyCommand,
  type ResultOf,
  type Answered,
  type ANSWER,
} from './command.js';
import { isReserved, type Reserved } from './type-numbers.js';
import {
  isClass,
  isTypeEntry,
  isTypeTable,
  nameOf,
  TypeTable,
  type ContractType,
  type ListedType,
  type LockedType,
  type TypeClass,
  type TypeEntry,
  type TypeList,
} from './type-table.js';

/** What `commands` of a contract may list: Command classes that are made without arguments, type entries of a codec. */
export type CommandType = (new () => Answered<unknown>) | TypeEntry;

/** What `results` of a contract may list: other classes that are made without arguments, type entries of a codec. */
export type ResultType = (new () => object & { readonly [K in keyof Answered<unknown>]?: never }) | TypeEntry;

/**
 * Types by their numbers: whole numbers from 0 to 9999, without a gap; `reserved` stands where a type was. A list that
 * begins above 0 is a part of a larger contract, see {@link mergeContracts}.
 */
export interface NumberedTypes<T extends ContractType = ContractType> {
  readonly [number: number]: T | Reserved;
}

/** A list whose positions are the type numbers, or an object whose keys are. */
export type ContractList<T extends ContractType = ContractType> = readonly (T | Reserved)[] | NumberedTypes<T>;

/** The types of a list, as a union. */
type TypesIn<L> = Exclude<L extends readonly (infer T)[] ? T : L[keyof L], Reserved>;

/**
 * What {@link defineContract} takes: the classes of Commands and those of Results, each list with its own numbers.
 *
 * @publicApi
 */
export interface ContractDefinition<
  Commands extends ContractList<CommandType> = ContractList<CommandType>,
  Results extends ContractList<ResultType> = ContractList<ResultType>,
> {
  /** The Commands; position, or key, = type number. */
  commands: Commands;
  /**
   * The Results; position, or key, = type number, counted apart from the Commands. Handlers may send these only.
   * Without it the contract is for peers of this package: handlers send any JSON value.
   */
  results?: Results | undefined;
}

/**
 * What a contract says of itself to a file that is kept beside its code; see `expectAppendOnly()` of the door
 * `nestjs-cmd-stream/testing`.
 *
 * @publicApi
 */
export interface ContractLock {
  /** What is said of each Command, by type number. */
  readonly commands: Readonly<Record<string, LockedType>>;
  /** What is said of each Result, by type number. */
  readonly results: Readonly<Record<string, LockedType>>;
}

/**
 * What {@link defineContract} returns. `Commands` and `Results` are the types it lists, as unions; without them it is
 * any contract.
 *
 * @publicApi
 */
export interface Contract<Commands extends ContractType = ContractType, Results extends ContractType = ContractType> {
  /** Its Commands, in the order of their type numbers. */
  readonly commands: TypeList<Commands>;
  /** Empty for a contract without Results of its own. */
  readonly results: TypeList<Results>;
  /** The name of each type by its number, and what is reserved or deprecated: for a lock file. */
  toJSON(): ContractLock;
}

/** The values of a type: the instances of a class, the messages of a type entry. */
export type ValueOf<T> = T extends TypeClass<infer V> ? V : T extends TypeEntry<infer V> ? V : never;

/** What a client of the contract can send; of a contract whose types are not known, any Command. */
export type CommandOf<C extends Contract> =
  C extends Contract<infer Commands> ? ([CommandType] extends [Commands] ? AnyCommand : ValueOf<Commands>) : never;

/** A contract as this package has it: its lists answer questions about values. */
export interface ContractTables extends Contract {
  readonly commands: TypeTable;
  readonly results: TypeTable;
}

/** The contract of peers that only speak by pattern. */
export const emptyContract: ContractTables = contractOf(new TypeTable('commands'), new TypeTable('results'));

function contractOf(commands: TypeTable, results: TypeTable): ContractTables {
  const toJSON = (): ContractLock => ({ commands: commands.toJSON(), results: results.toJSON() });
  return Object.freeze({ commands, results, toJSON });
}

/** The Results of a type of Commands, as far as they are known. */
type AnswerOf<T> = T extends TypeClass<infer V> ? ResultOf<V> : T extends { readonly [ANSWER]: infer R } ? R : unknown;

/** Those of the Results `R` that are none of the listed ones. */
type Unlisted<R, Listed> = unknown extends R ? never : R extends Listed | void ? never : R;

/** The list again; but where a Command has Results that `results` lacks, what the compiler complains about. */
type Answerable<Commands, Results> = {
  readonly [I in keyof Commands]: [Unlisted<AnswerOf<Commands[I]>, ValueOf<Results>>] extends [never]
    ? Placed<I, Spelled<Commands[I], never>>
    : {
        readonly 'a Result of this Command is missing in `results`': Unlisted<AnswerOf<Commands[I]>, ValueOf<Results>>;
      };
};

/** The conventions of a class, and slips of the hand that a type can know; the others are errors at run time. */
type Statics = 'wireName' | 'idempotent' | 'deprecated';
type Slips = 'idempotant' | 'idempodent' | 'indempotent' | 'wirenames' | 'depricated' | 'deprected';

/** Those names that are meant to be conventions and are not. */
type Misspelt<Names, Known extends string> = Names extends Known
  ? never
  : Names extends string
    ? Lowercase<Names> extends Lowercase<Known> | Slips
      ? Names
      : never
    : never;

/** Fields may have any name. */
type MethodsOf<V> = { [K in keyof V]: V[K] extends (...args: never[]) => unknown ? K : never }[keyof V];

/** The type again; but where it has a misspelt static, or a misspelt method of what it makes, a text. */
type Spelled<T, Methods extends string> = [Slip<T, Methods>] extends [never]
  ? T
  : { readonly 'this name does nothing': Slip<T, Methods> };

type Slip<T, Methods extends string> = Misspelt<keyof T, Statics> | Misspelt<MethodsOf<ValueOf<T>>, Methods>;

/** The type again; but where the key is no number, what the compiler complains about. */
type Placed<Key, T> = Key extends number | `${number}` ? T : { readonly 'the key of a type is its number': Key };

type SpelledResults<Results> = Results extends readonly []
  ? { readonly 'without Results of its own a contract leaves `results` out': never }
  : { readonly [I in keyof Results]: Placed<I, Spelled<Results[I], 'lastOne'>> };

const keys: ReadonlySet<string> = new Set(['commands', 'results']);

/**
 * Gives every Command and Result class its number: the position in its list. Append only; an inserted type changes the
 * numbers of those behind it. The contract knows its types: `CmdStreamClient<typeof calcContract>` sends nothing else.
 *
 * @example
 * import { defineContract } from 'nestjs-cmd-stream';
 * import { AddCmd, CalcResult, Prime, PrimesCmd } from './calc.contract.js';
 *
 * // By position: AddCmd and CalcResult have the number 0, PrimesCmd and Prime 1.
 * export const contract = defineContract({ commands: [AddCmd, PrimesCmd], results: [CalcResult, Prime] });
 *
 * @throws {CmdStreamError} INVALID_CONTRACT when a list is empty, lists a type twice or two of one name, or lists
 * something that is no type, a class with a method `then`, one whose constructor fails without arguments, a Result
 * among the Commands or a Command among the Results; when it is given anything else than `commands` and `results`
 * @publicApi
 */
export function defineContract<
  const Commands extends ContractList<CommandType>,
  const Results extends ContractList<ResultType> = ContractList<ResultType>,
>(
  definition: ContractDefinition<Commands, Results> & {
    readonly commands: Answerable<Commands, TypesIn<Results>>;
    readonly results?: SpelledResults<Results> | undefined;
  },
): Contract<TypesIn<Commands>, TypesIn<Results>> {
  if (typeof definition !== 'object' || definition === null) {
    throw new CmdStreamError('INVALID_CONTRACT', 'a contract is defined by an object with `commands` and `results`');
  }
  if (Array.isArray(definition)) {
    const form = '`defineContract({ commands: […], results: […] })`';
    throw new CmdStreamError('INVALID_CONTRACT', `a contract is defined by one object: ${form}`);
  }
  const unknown = Object.keys(definition).find((key) => !keys.has(key));
  if (unknown !== undefined)
    throw new CmdStreamError('INVALID_CONTRACT', `a contract has \`commands\` and \`results\`, and no \`${unknown}\``);
  if (definition.commands === undefined) throw new CmdStreamError('INVALID_CONTRACT', '`commands` is required');
  const commands = new TypeTable('commands', definition.commands);
  const results = new TypeTable('results', definition.results);
  checkClasses('commands', commands, isResult, 'a Result');
  checkClasses('results', results, isCommand, 'a Command');
  return contractOf(commands, results) as Contract as Contract<TypesIn<Commands>, TypesIn<Results>>;
}

/**
 * One contract of several, each of which has its own numbers: modules keep theirs, and a process that serves or calls
 * all of them has one contract. One type may stand in several of them, at one number. Contracts that are defined by
 * arrays overlap by nature, from 0.
 *
 * @example
 * import { defineContract, mergeContracts } from 'nestjs-cmd-stream';
 * import { AddCmd, CalcResult, Prime, PrimesCmd } from './calc.contract.js';
 *
 * const sums = defineContract({ commands: { 0: AddCmd }, results: { 0: CalcResult } });
 * const primes = defineContract({ commands: { 20: PrimesCmd }, results: { 20: Prime } });
 *
 * export const contract = mergeContracts(sums, primes);
 *
 * @throws {CmdStreamError} INVALID_CONTRACT when two have one number, or one type at two numbers, naming both
 * @publicApi
 */
export function mergeContracts<C extends readonly [Contract, ...Contract[]]>(
  ...contracts: C
): Contract<CommandTypesOf<C[number]>, ResultTypesOf<C[number]>> {
  const all = contracts.map(tablesOf);
  if (all.length === 0) throw new CmdStreamError('INVALID_CONTRACT', 'mergeContracts() needs a contract');
  const commands = merged(
    'commands',
    all.map((tables) => tables.commands),
  );
  const results = merged(
    'results',
    all.map((tables) => tables.results),
  );
  return contractOf(commands, results) as Contract as Contract<CommandTypesOf<C[number]>, ResultTypesOf<C[number]>>;
}

type CommandTypesOf<C> = C extends Contract<infer Commands> ? Commands : never;
type ResultTypesOf<C> = C extends Contract<ContractType, infer Results> ? Results : never;

function merged(list: 'commands' | 'results', tables: readonly TypeTable[]): TypeTable {
  const types: Record<number, ListedType> = {};
  for (const table of tables) {
    table.types.forEach((type, number) => {
      if (!table.has(number) && !table.isReserved(number)) return;
      const other = types[number];
      if (other !== undefined && other !== type) throw overlap(`\`${list}[${number}]\``, other, type);
      types[number] = type;
    });
  }
  return Object.keys(types).length === 0 ? new TypeTable(list) : new TypeTable(list, types, true);
}

function overlap(place: string, one: ListedType, other: ListedType): CmdStreamError {
  const name = (type: ListedType): string => (isReserved(type) ? 'reserved' : nameOf(type));
  let remedy = 'give each contract numbers of its own: `commands: { 20: … }`';
  if (isReserved(one) || isReserved(other)) {
    const type = name(isReserved(one) ? other : one);
    remedy = `if both mean one type, list ${type} there, too; else give it a number that is free`;
  }
  const text = `${place} is ${name(one)} and ${name(other)}: contracts overlap; ${remedy}`;
  return new CmdStreamError('INVALID_CONTRACT', text);
}

function isCommand(prototype: unknown): boolean {
  return resultCountOf(prototype) !== undefined;
}

/** Of one list, which must have no class of the other one. */
function checkClasses(
  list: string,
  { types }: TypeTable,
  isOther: (prototype: unknown) => boolean,
  what: string,
): void {
  types.forEach((type, index) => {
    if (!isClass(type)) return;
    const place = `\`${list}[${index}]\``;
    if (isOther(type.prototype)) throw new CmdStreamError('INVALID_CONTRACT', `${place}: ${nameOf(type)} is ${what}`);
    const mismatch = countMismatch(type, (type.prototype as { exec?: unknown }).exec);
    if (mismatch !== undefined) throw new CmdStreamError('INVALID_CONTRACT', `${place}, its exec: ${mismatch}`);
    try {
      Reflect.construct(type, []);
    } catch (error) {
      const made = `new ${nameOf(type)}() fails, and decoding begins with it`;
      const remedy = 'give the parameters of its constructor defaults';
      throw new CmdStreamError('INVALID_CONTRACT', `${place}: ${made}; ${remedy}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  });
}

/** @throws {CmdStreamError} INVALID_CONTRACT when it was made in another way than by {@link defineContract} */
export function tablesOf(contract: Contract): ContractTables {
  if (hasTables(contract)) return contract;
  throw new CmdStreamError('INVALID_CONTRACT', `a contract is ${contractRule.expected}`);
}

function hasTables(contract: Partial<Contract> | null | undefined): contract is ContractTables {
  return isTypeTable(contract?.commands) && isTypeTable(contract.results);
}

/** Has this Command a Result in any case? A class that extends Command says so, and an entry that names its Results. */
export function hasResult({ commands }: ContractTables, command: unknown): boolean {
  if (resultCountOf(command) === 'one Result') return true;
  const type = commands.types[commands.indexOf(command)];
  return isTypeEntry(type) && type.answers !== undefined && type.answers.length > 0;
}

/** Is each Result of the contract the last one of its Command, as far as their classes say? */
export function isEachLast({ results }: ContractTables): boolean {
  return results.types.every((type) => isReserved(type) || (isClass(type) && isAlwaysLast(type.prototype as object)));
}

/** What the option `contract` may be, which both sides have. */
export const contractRule: OptionRule = {
  required: true,
  expected: 'what defineContract() returned',
  accepts: (value) => typeof value === 'object' && value !== null && hasTables(value),
};
