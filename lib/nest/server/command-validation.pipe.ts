// Validates Commands, by the schema of their class or by class-validator. Unlike Nest's ValidationPipe it keeps the
// instance: a Command keeps its methods and its constructor is not called again.
import {
  BadRequestException,
  Injectable,
  Optional,
  type ArgumentMetadata,
  type PipeTransform,
  type ValidationError,
  type ValidationPipeOptions,
} from '@nestjs/common';
import { resultCountOf, type CountedCommand } from '../../contract/command.js';
import { CmdStreamError } from '../../errors.js';
import { boolean, callback, objectWith, resolveOptions, type OldOptionNames, type OptionRules } from '../../options.js';

/** Nest's list of them, because class-validator, an optional peer, may not be there. */
type ValidatorOptions = {
  [
    K in
      | 'enableDebugMessages'
      | 'skipUndefinedProperties'
      | 'skipNullProperties'
      | 'skipMissingProperties'
      | 'whitelist'
      | 'forbidNonWhitelisted'
      | 'groups'
      | 'always'
      | 'strictGroups'
      | 'dismissDefaultMessages'
      | 'validationError'
      | 'forbidUnknownValues'
      | 'stopAtFirstError'
  ]?: ValidationPipeOptions[K] | undefined;
};

type GivenToValidator = Pick<ValidationPipeOptions, keyof ValidatorOptions>;

/** The options of class-validator, which schemas do not know, and what is thrown. @publicApi */
export interface CommandValidationPipeOptions extends ValidatorOptions {
  /**
   * Makes what is thrown. An issue of a schema comes as an error whose `property` is its path, with one constraint,
   * `schema`.
   * @default a BadRequestException with the list of messages
   */
  exceptionFactory?: ((errors: ValidationError[]) => unknown) | undefined;
}

export const commandValidationPipeRules: OptionRules<CommandValidationPipeOptions> = Object.freeze({
  exceptionFactory: callback,
  enableDebugMessages: boolean,
  skipUndefinedProperties: boolean,
  skipNullProperties: boolean,
  skipMissingProperties: boolean,
  whitelist: boolean,
  forbidNonWhitelisted: boolean,
  groups: {
    expected: 'an array of strings',
    accepts: (value) => Array.isArray(value) && value.every((group) => typeof group === 'string'),
  },
  always: boolean,
  strictGroups: boolean,
  dismissDefaultMessages: boolean,
  validationError: objectWith('an object with target and value'),
  forbidUnknownValues: boolean,
  stopAtFirstError: boolean,
});

/** Those of Nest's ValidationPipe that people look for. */
const otherOptions: OldOptionNames = Object.freeze({
  transform: 'a Command is an instance of its class already',
  errorHttpStatusCode: 'exceptionFactory decides what is thrown',
  disableErrorMessages: 'exceptionFactory decides what is thrown',
});

/** What zod, valibot, arktype and others have in common: https://standardschema.dev, version 1. */
interface StandardSchema {
  readonly '~standard': { validate(value: unknown): SchemaOutcome | Promise<SchemaOutcome> };
}

type SchemaOutcome =
  { readonly value: unknown; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

type CommandClass = (new () => CountedCommand) & { readonly schema?: unknown };
type ClassValidator = typeof import('class-validator');

/**
 * Checks every Command whose class has a `static schema`, of zod, valibot, arktype or any other library of Standard
 * Schema, or the rules of class-validator; others pass. What a schema makes of the fields, such as defaults and
 * trimmed text, is assigned to the Command, which stays the instance it is. A schema takes the place of rules. The pipe
 * may be a provider (`APP_PIPE`) or made by hand (`app.useGlobalPipes`).
 *
 * @throws {CmdStreamError} INVALID_OPTION when it is made with options that make no sense; later for a Command without
 * a schema where class-validator is not installed, for a `static schema` that is no Standard Schema, and where a
 * `ValidationPipe` without `transform: true` has made a plain copy of a Command: to the caller that is an unknown error
 * @publicApi
 */
@Injectable()
export class CommandValidationPipe implements PipeTransform {
  readonly #options: GivenToValidator;
  readonly #exceptionFactory: (errors: ValidationError[]) => unknown;
  readonly #hasRules = new WeakMap<object, boolean>();
  #classValidator: ClassValidator | undefined;

  constructor(@Optional() given: CommandValidationPipeOptions = {}) {
    const { exceptionFactory, ...options } = resolveOptions<CommandValidationPipeOptions, object>(
      'CommandValidationPipe',
      given,
      {},
      commandValidationPipeRules,
      otherOptions,
    );
    this.#options = { forbidUnknownValues: false, ...(options as GivenToValidator) };
    this.#exceptionFactory = exceptionFactory ?? ((errors) => new BadRequestException(messagesOf(errors)));
  }

  /**
   * Nest calls it for each parameter; all but Commands pass as they are.
   *
   * @throws what `exceptionFactory` makes
   * @throws {CmdStreamError} INVALID_OPTION for what should be a Command that has something to check, and is none
   */
  async transform(value: unknown, { type: kind, metatype }: ArgumentMetadata): Promise<unknown> {
    if (kind === 'custom') return value;
    if (!isCommand(value)) return this.#noCommand(value, metatype);
    const type = classOf(value);
    let errors: ValidationError[];
    if (type.schema !== undefined) errors = await checkBySchema(value, type);
    else {
      this.#classValidator ??= await classValidatorFor(type);
      if (!this.#rules(type, this.#classValidator)) return value;
      errors = await this.#classValidator.validate(value, this.#options);
    }
    if (errors.length > 0) throw this.#exceptionFactory(errors);
    return value;
  }

  /** Passes unless it stands where a Command belongs, which is what Nest's ValidationPipe makes a plain copy of. */
  async #noCommand(value: unknown, type: unknown): Promise<unknown> {
    if (!isCommandClass(type)) return value;
    if (type.schema === undefined) {
      this.#classValidator ??= await classValidatorFor(type);
      if (!this.#rules(type, this.#classValidator)) return value;
    }
    const fault = `what it was given for a parameter of type ${type.name} is no instance of a Command`;
    const cause = 'a ValidationPipe before it makes a plain copy of a Command, and HTTP has plain bodies';
    const remedy = 'let that ValidationPipe stand before it with transform: true';
    throw new CmdStreamError('INVALID_OPTION', `CommandValidationPipe: ${fault} (${cause}): ${remedy}`);
  }

  #rules(type: CommandClass, { getMetadataStorage }: ClassValidator): boolean {
    let known = this.#hasRules.get(type);
    if (known === undefined) {
      known = getMetadataStorage().getTargetValidationMetadatas(type, '', true, false).length > 0;
      this.#hasRules.set(type, known);
    }
    return known;
  }
}

function isCommand(value: unknown): value is CountedCommand {
  return resultCountOf(value) !== undefined;
}

function isCommandClass(type: unknown): type is CommandClass {
  return typeof type === 'function' && isCommand(type.prototype);
}

/** Not what a field of this name says. */
function classOf(command: CountedCommand): CommandClass {
  return (Object.getPrototypeOf(command) as { readonly constructor: CommandClass }).constructor;
}

/** Loaded by the first Command that needs it: an application whose Commands all have a schema need not have it. */
async function classValidatorFor({ name }: CommandClass): Promise<ClassValidator> {
  try {
    return await import('class-validator');
  } catch (cause) {
    const remedy = 'install it, or give the class a static schema';
    const fault = `${name} has no static schema, and class-validator cannot be loaded: ${remedy}`;
    throw new CmdStreamError('INVALID_OPTION', `CommandValidationPipe: ${fault}`, { cause });
  }
}

async function checkBySchema(command: CountedCommand, { name, schema }: CommandClass): Promise<ValidationError[]> {
  const standard = (schema as StandardSchema | null)?.['~standard'];
  if (typeof standard?.validate !== 'function') {
    const fault = `the static schema of ${name} is no Standard Schema, such as those of zod, valibot and arktype`;
    throw new CmdStreamError('INVALID_OPTION', `CommandValidationPipe: ${fault}`);
  }
  const outcome = await standard.validate(command);
  if (outcome.issues !== undefined) return outcome.issues.map((issue) => errorOf(command, issue));
  const { value } = outcome;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const fault = `the static schema of ${name} gives no object`;
    throw new CmdStreamError('INVALID_OPTION', `CommandValidationPipe: ${fault}`);
  }
  if (value !== command) assignFields(command, value);
  return [];
}

function errorOf(target: CountedCommand, { message, path = [] }: SchemaIssue): ValidationError {
  const keys = path.map((part) => String(typeof part === 'object' ? part.key : part));
  const property = keys.join('.');
  return { target, property, constraints: { schema: property === '' ? message : `${property}: ${message}` } };
}

function assignFields(instance: object, fields: object): void {
  const target = instance as Record<string, unknown>;
  for (const [key, value] of Object.entries(fields)) {
    // Assigned, it would be no field but another prototype.
    if (key === '__proto__') continue;
    const assigned = inPlace(target[key], value);
    // A field may be one that only a getter gives.
    if (!Object.is(target[key], assigned)) target[key] = assigned;
  }
}

/** A schema makes plain objects of all it describes: objects of a class in a Command stay those they are. */
function inPlace(before: unknown, after: unknown): unknown {
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length)
    return after.map((item: unknown, index) => inPlace(before[index], item));
  if (!isPlain(after) || typeof before !== 'object' || before === null || isPlain(before) || Array.isArray(before))
    return after;
  assignFields(before, after);
  return before;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function messagesOf(errors: readonly ValidationError[], path = ''): string[] {
  return errors.flatMap(({ property, constraints = {}, children = [] }) => {
    const own = Object.values(constraints).map((message) => (path === '' ? message : `${path}.${message}`));
    return [...own, ...messagesOf(children, path === '' ? property : `${path}.${property}`)];
  });
}
