// What both sides agree on: the ordered types of Commands and of Results. The order is part of the wire format.
import { CmdStreamError, messageOf } from '../errors.js';
import type { OptionRule } from '../options.js';
import { Command, Result, type AnyCommand, type RESULT, type ResultOf, type Answered, type ANSWER } from './command.js';
import {
  isClass,
  nameOf,
  TypeTable,
  type ContractType,
  type TypeClass,
  type TypeEntry,
  type TypeList,
} from './type-table.js';

/** What `commands` of a contract may list: Command classes that are made without arguments, type entries of a codec. */
export type CommandType = (new () => Answered<unknown>) | TypeEntry;

/** What `results` of a contract may list: other classes that are made without arguments, type entries of a codec. */
export type ResultType = (new () => object & { readonly [RESULT]?: never }) | TypeEntry;

/** @publicApi */
export interface ContractDefinition<
  Commands extends readonly CommandType[] = readonly CommandType[],
  Results extends readonly ResultType[] = readonly ResultType[],
> {
  /** The Commands; position = type number. */
  commands: Commands;
  /**
   * The Results; position = type number, counted apart from the Commands. Handlers may send these only.
   * Without it the contract is for peers of this package: handlers send any JSON value.
   */
  results?: Results;
}

/**
 * What {@link defineContract} returns. `Commands` and `Results` are the types it lists, as unions; without them it is
 * any contract.
 *
 * @publicApi
 */
export interface Contract<Commands extends ContractType = ContractType, Results extends ContractType = ContractType> {
  readonly commands: TypeList<Commands>;
  /** Empty for a contract without Results of its own. */
  readonly results: TypeList<Results>;
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
export const emptyContract: ContractTables = Object.freeze({
  commands: new TypeTable('commands'),
  results: new TypeTable('results'),
});

/** The Results of a type of Commands, as far as they are known. */
type AnswerOf<T> = T extends TypeClass<infer V> ? ResultOf<V> : T extends { readonly [ANSWER]: infer R } ? R : unknown;

/** Those of the Results `R` that are none of the listed ones. */
type Unlisted<R, Listed> = unknown extends R ? never : R extends Listed | void ? never : R;

/** The list again; but where a Command has Results that `results` lacks, what the compiler complains about. */
type Answerable<Commands extends readonly CommandType[], Results> = {
  readonly [I in keyof Commands]: [Unlisted<AnswerOf<Commands[I]>, ValueOf<Results>>] extends [never]
    ? Commands[I]
    : {
        readonly 'a Result of this Command is missing in `results`': Unlisted<AnswerOf<Commands[I]>, ValueOf<Results>>;
      };
};

const keys: ReadonlySet<string> = new Set(['commands', 'results']);

/**
 * Gives every Command and Result class its number: the position in its list. Append only; an inserted type changes the
 * numbers of those behind it. The contract knows its types: `CmdStreamClient<typeof calcContract>` sends nothing else.
 *
 * @throws {CmdStreamError} INVALID_CONTRACT when a list is empty, lists a type twice, or lists something that is no
 * type, a class with a method `then`, one whose constructor fails without arguments, a Result among the Commands or a
 * Command among the Results; when it is given anything else than `commands` and `results`
 * @publicApi
 */
export function defineContract<
  const Commands extends readonly CommandType[],
  const Results extends readonly ResultType[] = readonly ResultType[],
>(
  definition: ContractDefinition<Commands, Results> & { readonly commands: Answerable<Commands, Results[number]> },
): Contract<Commands[number], Results[number]> {
  if (typeof definition !== 'object' || definition === null) {
    throw new CmdStreamError('INVALID_CONTRACT', 'a contract is defined by an object with `commands` and `results`');
  }
  const unknown = Object.keys(definition).find((key) => !keys.has(key));
  if (unknown !== undefined)
    throw new CmdStreamError('INVALID_CONTRACT', `a contract has \`commands\` and \`results\`, and no \`${unknown}\``);
  if (definition.commands === undefined) throw new CmdStreamError('INVALID_CONTRACT', '`commands` is required');
  const commands = new TypeTable('commands', definition.commands);
  const results = new TypeTable('results', definition.results);
  checkClasses('commands', commands, Result, 'a Result');
  checkClasses('results', results, Command, 'a Command');
  return Object.freeze({ commands, results }) as Contract as Contract<Commands[number], Results[number]>;
}

/** Of one list, which must have no class of the other one. */
function checkClasses(list: string, { types }: TypeTable, other: TypeClass, what: string): void {
  types.forEach((type, index) => {
    if (!isClass(type)) return;
    const place = `\`${list}[${index}]\``;
    if (type.prototype instanceof other)
      throw new CmdStreamError('INVALID_CONTRACT', `${place}: ${nameOf(type)} is ${what}`);
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

function hasTables(contract: Partial<Contract>): contract is ContractTables {
  return contract.commands instanceof TypeTable && contract.results instanceof TypeTable;
}

/** What the option `contract` may be, which both sides have. */
export const contractRule: OptionRule = {
  required: true,
  expected: 'what defineContract() returned',
  accepts: (value) => typeof value === 'object' && value !== null && hasTables(value),
};
