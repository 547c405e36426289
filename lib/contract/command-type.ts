// What a class of Commands or Results says of itself, said where its contract is defined, with types: the statics
// `wireName`, `idempotent` and `deprecated` without a name that could be misspelt.
import { CmdStreamError } from '../errors.js';
import { boolean, resolveOptions, text, type OptionRule, type OptionRules } from '../options.js';
import { ownStatic, type Deprecated } from './type-conventions.js';
import { isClass, nameOf, type TypeClass } from './type-table.js';

/**
 * What {@link resultType} says of a class.
 *
 * @publicApi
 */
export interface ResultTypeOptions {
  /**
   * Its name in the fingerprint of the contract and in `toJSON()`, as `static wireName`. Give one to a class that a
   * bundler may rename, or that is to be renamed. It must be the same at both sides.
   * @default the name of the class
   */
  name?: string | undefined;
}

/**
 * What {@link commandType} says of a class.
 *
 * @publicApi
 */
export interface CommandTypeOptions extends ResultTypeOptions {
  /**
   * May it be executed twice? Then it is sent again when its connection is lost before it is answered, as with
   * `static idempotent`.
   * @default false
   */
  idempotent?: boolean | undefined;
  /**
   * Why it should not be used any more, as `static deprecated`; `true` without a reason. A client that sends one, and a
   * server that gets one, say so in a DeprecationWarning of the process, once for each class.
   * @default false
   */
  deprecated?: boolean | string | undefined;
}

const deprecatedRule: OptionRule = {
  expected: 'true, false or a text that is not empty',
  accepts: (value) => boolean.accepts(value) || text.accepts(value),
};

const resultRules: OptionRules<ResultTypeOptions> = Object.freeze({ name: text });
const commandRules: OptionRules<CommandTypeOptions> = Object.freeze({
  name: text,
  idempotent: boolean,
  deprecated: deprecatedRule,
});

/**
 * Says of a class of Commands what its statics would, and returns the class:
 * `commands: [Add, commandType(Sub, { idempotent: true })]`.
 *
 * @example
 * import { commandType, defineContract } from 'nestjs-cmd-stream';
 * import { AddCmd, CalcResult, SubCmd } from './calc.contract.js';
 *
 * export const contract = defineContract({
 *   commands: [
 *     commandType(AddCmd, { name: 'calc.Add', idempotent: true }),
 *     commandType(SubCmd, { deprecated: 'send an AddCmd' }),
 *   ],
 *   results: [CalcResult],
 * });
 *
 * @throws {CmdStreamError} INVALID_OPTION; INVALID_CONTRACT when it is no class, or its statics say something else
 * @publicApi
 */
export function commandType<C extends TypeClass>(type: C, options: CommandTypeOptions): C {
  const { name, idempotent, deprecated } = resolveOptions('commandType', options, {}, commandRules);
  return annotated('commandType', type, { wireName: name, idempotent, deprecated });
}

/**
 * Says of a class of Results what its statics would, and returns the class.
 *
 * @throws {CmdStreamError} INVALID_OPTION; INVALID_CONTRACT when it is no class, or its statics say something else
 * @publicApi
 */
export function resultType<C extends TypeClass>(type: C, options: ResultTypeOptions): C {
  const { name } = resolveOptions('resultType', options, {}, resultRules);
  return annotated('resultType', type, { wireName: name });
}

interface Annotations {
  readonly wireName?: string | undefined;
  readonly idempotent?: boolean | undefined;
  readonly deprecated?: Deprecated | undefined;
}

function annotated<C extends TypeClass>(caller: string, type: C, annotations: Annotations): C {
  if (!isClass(type))
    throw new CmdStreamError('INVALID_CONTRACT', `${caller}() is for classes, not for ${typeof type}`);
  const said = Object.entries(annotations).filter(([, value]) => value !== undefined);
  for (const [key, value] of said) {
    const before = ownStatic(type, key);
    if (before === value) continue;
    const isSet = before === undefined && Reflect.defineProperty(type, key, { value, enumerable: true });
    if (isSet) continue;
    const why = before === undefined ? 'the class is frozen' : `the class says ${JSON.stringify(before)}`;
    const fault = `${caller}() says that \`${key}\` of ${nameOf(type)} is ${JSON.stringify(value)}, but ${why}`;
    throw new CmdStreamError('INVALID_CONTRACT', fault);
  }
  return type;
}
