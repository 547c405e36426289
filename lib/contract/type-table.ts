// One ordered list of types and their numbers: position = type number. A contract has one for each direction.
import { requireSync } from '../callbacks.js';
import type { CmdStreamErrorCode } from '../error-codes.js';
import { CmdStreamError } from '../errors.js';
import { checkConventions, deprecationOf, ownStatic, wireNameOf } from './type-conventions.js';
import { isReserved, numbersOf, reserved, type Reserved } from './type-numbers.js';

/** A class of Commands or Results. */
export type TypeClass<T = unknown> = abstract new (...args: never[]) => T;

export const TYPE_ENTRY: unique symbol = Symbol.for('nestjs-cmd-stream.type-entry') as never;
const TYPE_TABLE: unique symbol = Symbol.for('nestjs-cmd-stream.type-table') as never;

/** A type that is no class, made by a codec's door; values are recognised by `is`. */
export interface TypeEntry<T = unknown> {
  readonly [TYPE_ENTRY]: true;
  /** Its name in messages and, compared by two peers of this package, in the contract. */
  readonly name: string;
  /** What its values carry as `$typeName`: they are found by it, `is` is not asked. */
  readonly key?: string | undefined;
  /** If it throws, the value is none of this type. */
  is(value: unknown): value is T;
  /** Is this Result the last of its Command? Default: what its boolean field `lastOne` says, else yes. */
  lastOne?(value: T): boolean;
  /** May this Command be executed twice? Default: no. */
  readonly idempotent?: boolean | undefined;
  /** Why it should not be used any more, `true` without a reason. Default: it may be used. */
  readonly deprecated?: boolean | string | undefined;
  /** Of a Command: the names of the types of its Results, as far as they are given. */
  readonly answers?: readonly string[] | undefined;
}

/** What a list of a contract has at a number: a class, or what the door of a codec made, such as `protobufType()`. */
export type ContractType = TypeClass | TypeEntry;

/** What stands at a number of a contract. */
export type ListedType<T extends ContractType = ContractType> = T | Reserved;

/**
 * The types of one list of a contract, in their order.
 *
 * @publicApi
 */
export interface TypeList<T extends ContractType = ContractType> {
  /** By type number; `reserved` also at a number that belongs to another contract. */
  readonly types: readonly ListedType<T>[];
}

/**
 * What a lock file says of one type number: the name of its type, or more of it.
 *
 * @publicApi
 */
export type LockedType =
  | string
  | {
      readonly reserved?: boolean | undefined;
      readonly name?: string | undefined;
      readonly deprecated?: boolean | string | undefined;
    };

interface NumberedEntry {
  readonly entry: TypeEntry;
  readonly index: number;
}

/** A list of a contract that finds the type of a value, and what that says of it. */
export class TypeTable implements TypeList {
  readonly types: readonly ListedType[];
  /** Has it a type that should not be used any more? */
  readonly hasDeprecated: boolean;
  /** Has it a type of Commands that says which Results it has? */
  readonly hasAnswers: boolean;
  readonly #listName: string;
  /** Those that no contract may have. */
  readonly #reserved = new Set<number>();
  readonly #byClass = new Map<unknown, number>();
  readonly #byKey = new Map<unknown, NumberedEntry>();
  readonly #keyless: NumberedEntry[] = [];

  /** `mayHaveGaps`: numbers between its types that are not reserved belong to other contracts. */
  constructor(listName: string, given?: unknown, mayHaveGaps = false) {
    this.#listName = listName;
    const types: ListedType[] = [];
    const names = new Map<string, number>();
    if (given !== undefined) {
      for (const [number, type] of numbersOf(listName, given, mayHaveGaps)) this.#add(types, names, number, type);
    }
    this.types = Object.freeze(types);
    this.hasDeprecated = types.some((type) => deprecationOf(type) !== undefined);
    this.hasAnswers = types.some((type) => answersOf(type).length > 0);
  }

  /** @internal */
  get [TYPE_TABLE](): true {
    return true;
  }

  #add(types: ListedType[], names: Map<string, number>, number: number, type: unknown): void {
    while (types.length <= number) types.push(reserved);
    if (isReserved(type)) return void this.#reserved.add(number);
    const place = `${this.#listName}[${number}]`;
    if (!isClass(type) && !isTypeEntry(type)) {
      const text = `\`${place}\` is neither a class nor a type entry of a codec: ${typeof type}`;
      throw new CmdStreamError('INVALID_CONTRACT', text);
    }
    const first = isClass(type) ? types.indexOf(type) : types.findIndex((other) => isSameEntry(type, other));
    if (first >= 0) {
      const text = `\`${this.#listName}\` lists ${nameOf(type)} twice, at ${first} and ${number}`;
      throw new CmdStreamError('INVALID_CONTRACT', text);
    }
    if (isClass(type)) {
      checkWireName(place, type);
      checkNoThen(place, type);
      checkConventions(place, type, this.#listName === 'results');
      this.#byClass.set(type, number);
    } else if (type.key === undefined) this.#keyless.push({ entry: type, index: number });
    else this.#byKey.set(type.key, { entry: type, index: number });
    types[number] = type;
    this.#checkName(names, number, type);
  }

  /** Peers and lock files compare names: of two types with one name they could not tell which is which. */
  #checkName(names: Map<string, number>, number: number, type: ContractType): void {
    const name = wireNameOf(type) ?? nameOf(type);
    const other = names.get(name);
    names.set(name, number);
    if (other === undefined) return;
    const [list, caller] = [this.#listName, this.#listName === 'commands' ? 'commandType' : 'resultType'];
    const text = `\`${list}[${number}]\`: the name of ${nameOf(type)}, "${name}", is that of \`${list}[${other}]\``;
    const remedy = isClass(type) ? `: give it one of its own by ${caller}(${type.name || 'class'}, { name: … })` : '';
    throw new CmdStreamError('INVALID_CONTRACT', text + remedy);
  }

  /** The type number of a value, -1 if its type is not listed. A subclass of a listed class is not listed. */
  indexOf(value: unknown): number {
    if (value === null || value === undefined) return -1;
    const index = this.#byClass.get(constructorOf(value));
    if (index !== undefined) return index;
    return this.#entryOf(value)?.index ?? -1;
  }

  /**
   * Is this Result the last of its Command? What says nothing about it is.
   *
   * @throws {CmdStreamError} `code`, where it answers with a promise
   */
  isLast(value: unknown, code: CmdStreamErrorCode = 'ENCODE_FAILED'): boolean {
    const lastOne = (value as { lastOne?: unknown } | null | undefined)?.lastOne;
    if (typeof lastOne === 'function') return this.#answered(value, lastOne.call(value), code) !== false;
    return this.#saysLast(this.indexOf(value), value, lastOne, code);
  }

  /**
   * The same of a Result that is to be sent, whose type is found once for both questions.
   *
   * @throws {CmdStreamError} RESULT_NOT_IN_CONTRACT when its type is not listed; ENCODE_FAILED, where it answers with a
   * promise
   */
  isLastListed(value: unknown): boolean {
    const index = this.indexOf(value);
    if (index < 0) throw unlisted(this, 'results', value);
    const { lastOne } = value as { lastOne?: unknown };
    if (typeof lastOne === 'function') return this.#answered(value, lastOne.call(value), 'ENCODE_FAILED') !== false;
    return this.#saysLast(index, value, lastOne, 'ENCODE_FAILED');
  }

  /** What the entry of its type says, or a field of the value: in what is not listed that is data like any other. */
  #saysLast(index: number, value: unknown, field: unknown, code: CmdStreamErrorCode): boolean {
    if (index < 0) return true;
    const entry = this.types[index] as TypeEntry;
    if (isTypeEntry(entry) && entry.lastOne) return this.#answered(value, entry.lastOne(value), code) ?? true;
    return field !== false;
  }

  #answered<T>(value: unknown, last: T, code: CmdStreamErrorCode): T {
    return typeof last === 'object' ? requireSync(code, `lastOne() of ${this.nameFor(value)}`, last) : last;
  }

  /** May this Command be executed twice? Its class or entry says so. */
  isIdempotent(value: unknown): boolean {
    const type = this.types[this.indexOf(value)] as { readonly idempotent?: unknown } | undefined;
    return type?.idempotent === true;
  }

  /** The names of the types of Results that a Command says it has; empty: it does not say. */
  answersTo(command: unknown): readonly string[] {
    return answersOf(this.types[this.indexOf(command)]);
  }

  #entryOf(value: unknown): NumberedEntry | undefined {
    return this.#byKey.get(messageTypeOf(value)) ?? this.#keyless.find(({ entry }) => recognises(entry, value));
  }

  /** Is there a type at the number? */
  has(index: number): boolean {
    const type = this.types[index];
    return type !== undefined && type !== reserved;
  }

  /** The type number of a class or type entry, -1 if it is not listed. */
  indexOfType(type: ContractType): number {
    return this.types.indexOf(type);
  }

  /** May no type ever have the number? */
  isReserved(index: number): boolean {
    return this.#reserved.has(index);
  }

  /** Why the type should not be used any more, empty without a reason; undefined of one that may. */
  deprecationAt(index: number): string | undefined {
    return deprecationOf(this.types[index]);
  }

  /** What a lock file says of it, by type number. */
  toJSON(): Record<string, LockedType> {
    return Object.fromEntries(
      this.types.flatMap((type, index): [string, LockedType][] => {
        if (this.isReserved(index)) return [[String(index), { reserved: true }]];
        if (isReserved(type)) return [];
        const name = this.wireNameAt(index);
        const reason = this.deprecationAt(index);
        return [[String(index), reason === undefined ? name : { name, deprecated: reason || true }]];
      }),
    );
  }

  /**
   * The name a type has in the fingerprint of its contract: its own `static wireName`, or that of the class or message.
   */
  wireNameAt(index: number): string {
    return wireNameOf(this.types[index]) ?? this.nameAt(index);
  }

  /** Has the type a name that no bundler changes? */
  hasWireName(index: number): boolean {
    const type = this.types[index];
    return !isClass(type) || wireNameOf(type) !== undefined;
  }

  /** The name of a value's type: that of the list, or its own if it is not listed. */
  nameFor(value: unknown): string {
    const index = this.indexOf(value);
    return index < 0 ? typeNameOf(value) : this.nameAt(index);
  }

  nameAt(index: number): string {
    const type = this.types[index];
    return type === undefined || isReserved(type) ? `type number ${index}` : nameOf(type);
  }
}

export function isClass(type: unknown): type is TypeClass {
  return typeof type === 'function' && /^class[\s{]/.test(Function.prototype.toString.call(type));
}

function checkWireName(place: string, type: TypeClass): void {
  if (ownStatic(type, 'wireName') === undefined || wireNameOf(type) !== undefined) return;
  throw new CmdStreamError('INVALID_CONTRACT', `\`${place}\`: the wireName of ${nameOf(type)} is no string, or empty`);
}

/** An `await` would take its instances for promises. An accessor is not asked: it is code of the class. */
function checkNoThen(place: string, type: TypeClass): void {
  let prototype: unknown = type.prototype;
  while (prototype && !Object.hasOwn(prototype, 'then')) prototype = Object.getPrototypeOf(prototype);
  if (!prototype || typeof Object.getOwnPropertyDescriptor(prototype, 'then')?.value !== 'function') return;
  const text = `\`${place}\`: ${nameOf(type)} has a method then(), which makes its instances promises to every await`;
  throw new CmdStreamError('INVALID_CONTRACT', text);
}

/** Is it one, of this copy of the package or of another? */
export function isTypeTable(value: unknown): value is TypeTable {
  return (value as Partial<TypeTable> | null | undefined)?.[TYPE_TABLE] === true;
}

export function isTypeEntry(type: unknown): type is TypeEntry {
  return typeof type === 'object' && type !== null && (type as { [TYPE_ENTRY]?: unknown })[TYPE_ENTRY] === true;
}

function answersOf(type: ListedType | undefined): readonly string[] {
  return (isTypeEntry(type) && type.answers) || [];
}

function recognises(entry: TypeEntry, value: unknown): boolean {
  try {
    return entry.is(value);
  } catch {
    return false;
  }
}

function isSameEntry(entry: TypeEntry, other: unknown): boolean {
  return other === entry || (entry.key !== undefined && isTypeEntry(other) && other.key === entry.key);
}

/** The name a message carries of its type; undefined for what is no message. */
export function messageTypeOf(value: unknown): string | undefined {
  const name = (value as { $typeName?: unknown } | null | undefined)?.$typeName;
  return typeof name === 'string' ? name : undefined;
}

export function nameOf(type: ContractType): string {
  return type.name || 'an anonymous class';
}

/** The name of a value's type, for messages. */
export function typeNameOf(value: unknown): string {
  if (value === null || typeof value !== 'object') return value === null ? 'null' : `a ${typeof value}`;
  return messageTypeOf(value) ?? (constructorOf(value)?.name || 'an object without a class');
}

/**
 * The error about a value whose type is not in `commands` or `results` of the contract; with what probably happened.
 */
export function unlisted(table: TypeTable, list: 'commands' | 'results', value: unknown): CmdStreamError {
  const code = list === 'commands' ? 'COMMAND_NOT_IN_CONTRACT' : 'RESULT_NOT_IN_CONTRACT';
  const name = isClass(value) ? `the class ${nameOf(value)}` : typeNameOf(value);
  return new CmdStreamError(
    code,
    `${name} is not in the contract's \`${list}\`${whyUnlisted(table, list, value, name)}`,
  );
}

const PATTERN = 'a message by pattern goes with send(pattern, data)';
const PLAIN_COMMAND =
  ': it is a plain object; make an instance of the class of the Command, or for a message type call its create(); ' +
  PATTERN;
const PLAIN_RESULT =
  ': a plain object is no Result. Make an instance of its class, or for a message type call its create(); ' +
  'or if that was done, an interceptor has changed it, ' +
  'as ClassSerializerInterceptor of Nest does: CmdStreamSerializerInterceptor in its place leaves Results alone';

function whyUnlisted({ types }: TypeTable, list: string, value: unknown, name: string): string {
  if (isClass(value)) return `: it takes an instance, \`new ${value.name || 'Class'}(…)\``;
  if (list === 'commands' && typeof value !== 'object') return `: a call takes a Command; ${PATTERN}`;
  if (types.length === 0) return `, which lists nothing: was the option \`contract\` given?`;
  if (isPlainObject(value)) return list === 'commands' ? PLAIN_COMMAND : PLAIN_RESULT;
  if (types.some((type) => !isReserved(type) && nameOf(type) === name))
    return `: the ${name} there is another class; is the file that defines it, or its package, loaded twice?`;
  return '';
}

function isPlainObject(value: unknown): boolean {
  if (value === null || typeof value !== 'object' || messageTypeOf(value) !== undefined) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // That of another realm is one, too.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Asks the prototype: an own key `constructor` may be data of a peer. */
function constructorOf(value: unknown): { readonly name?: string } | undefined {
  return (Object.getPrototypeOf(value) as { constructor?: { readonly name?: string } } | null)?.constructor;
}
