// The JSON codec: every body is one JSON text in UTF-8. Owns the order of the steps between a value and its text, and
// how a parsed body becomes an instance of its class.
import { requireSync } from '../../callbacks.js';
import { CmdStreamError, isCmdStreamError, messageOf, peerText } from '../../errors.js';
import { resolveOptions } from '../../options.js';
import type { ByteReader } from '../../wire/byte-reader.js';
import type { ByteWriter } from '../../wire/byte-writer.js';
import type { CodecFactory } from '../codec.js';
import { tablesOf, type ContractTables } from '../../contract/contract.js';
import { tracedTypeOf, type TraceCommand } from '../../contract/trace-command.js';
import { ClassTransformer } from './json-class-transformer.js';
import {
  DECORATED_KEYS,
  jsonCodecDefaults,
  jsonCodecRules,
  RECEIVED_COMPLEXITY,
  RECEIVED_KEYS,
  TRANSFORMED_COMPLEXITY,
  TYPED_COMPLEXITY,
  type DataLimits,
  type JsonCodecOptions,
  type ResolvedJsonCodecOptions,
} from './json-codec-options.js';
import { KeyMatcher } from './json-key-matcher.js';
import { checkKeys, parseJson, type ReceivedLimits } from './json-parse.js';
import { failingPath, JsonWriter, LossError } from './json-stringify.js';
import { TaggedCodec, type BodyCodec } from '../tagged-codec.js';
import { isReserved } from '../../contract/type-numbers.js';
import {
  isClass,
  nameOf,
  typeNameOf,
  type ContractType,
  type TypeClass,
  type TypeList,
} from '../../contract/type-table.js';

/**
 * The JSON codec, byte for byte that of cmd-stream-go. A decoded value is an instance of its class: made by its static
 * `fromJSON(value)` if it has one, by class-transformer if it carries its decorators, else a `new Class()` with the
 * body's keys assigned. A `toJSON()` is honoured when writing.
 *
 * A value that cannot be written fails with ENCODE_FAILED or JSON_LIMIT, a body that cannot be read with
 * BAD_PAYLOAD, JSON_LIMIT or UNSAFE_INTEGER.
 *
 * @example
 * import { CmdStreamServer, jsonCodec } from 'nestjs-cmd-stream';
 * import { calcContract } from './calc.contract.js';
 *
 * // For peers written in Go that send large integers.
 * const codec = jsonCodec({ fieldCase: 'go', unsafeIntegers: 'bigint' });
 * export const strategy = new CmdStreamServer({ port: 9000, contract: calcContract, codec });
 *
 * @throws {CmdStreamError} INVALID_OPTION when an option is unknown or out of range
 * @publicApi
 */
export function jsonCodec(options?: JsonCodecOptions): CodecFactory {
  const resolved = resolveOptions<JsonCodecOptions, typeof jsonCodecDefaults>(
    'jsonCodec',
    options,
    jsonCodecDefaults,
    jsonCodecRules,
  );
  return (contract) => {
    const tables = tablesOf(contract);
    const transformer = ClassTransformer.find();
    return new JsonCodec(
      tables,
      new JsonBodies(tables.commands, resolved, transformer, receivedLimits),
      new JsonBodies(tables.results, resolved, transformer, resultLimits),
      resolved,
    );
  };
}

/** Who makes instances of a class: the class itself or the codec, the codec as `@Type` says, class-transformer. */
type Maker = 'codec' | 'type' | 'transformer';
type LimitsOf = (options: ResolvedJsonCodecOptions, maker: Maker) => ReceivedLimits;

const complexityOf: Readonly<Record<Maker, number>> = {
  codec: RECEIVED_COMPLEXITY,
  type: TYPED_COMPLEXITY,
  transformer: TRANSFORMED_COMPLEXITY,
};

/** Of Commands, where no option says more. */
const receivedLimits: LimitsOf = ({ maxKeysPerObject, maxComplexity }, maker) => ({
  maxKeys: maxKeysPerObject ?? RECEIVED_KEYS,
  maxComplexity: maxComplexity ?? complexityOf[maker],
});

/** No pipe looks at Results. */
const resultLimits: LimitsOf = ({ maxComplexity = Number.POSITIVE_INFINITY }) => ({
  maxKeys: Number.POSITIVE_INFINITY,
  maxComplexity,
});

class JsonCodec extends TaggedCodec {
  readonly dataLimits: DataLimits;

  constructor(contract: ContractTables, commands: JsonBodies, results: JsonBodies, dataLimits: DataLimits) {
    super('json', contract, commands, results);
    this.dataLimits = dataLimits;
  }
}

class JsonBodies implements BodyCodec {
  /** By type number. */
  readonly #types: readonly (JsonType | undefined)[];

  constructor(
    { types }: TypeList,
    options: ResolvedJsonCodecOptions,
    transformer: ClassTransformer | undefined,
    limitsOf: LimitsOf,
  ) {
    this.#types = types.map((type) =>
      isReserved(type) ? undefined : new JsonType(classOf(type), options, transformer, limitsOf),
    );
  }

  encodeBody(index: number, value: unknown, writer: ByteWriter): void {
    const text = this.#types[index]!.encode(value);
    writer.writeUvarint(index);
    writer.writeUtf8(text);
  }

  decodeBody(index: number, reader: ByteReader): unknown {
    return this.#types[index]!.decode(reader.readUtf8(reader.remaining));
  }
}

/** One class of the contract and the way it goes in each direction. */
class JsonType {
  readonly #type: TypeClass;
  readonly #name: string;
  readonly #limitsOf: LimitsOf;
  /** Known when the first body is read: then all classes are there that others name. */
  #limits: ReceivedLimits | undefined;
  readonly #options: ResolvedJsonCodecOptions;
  readonly #revive: Revive;
  readonly #writer: JsonWriter;
  /** Of all classes. */
  readonly #found: ClassTransformer | undefined;
  /** Of this class, when it is written. */
  readonly #transformer: ClassTransformer | undefined;
  /** The keys that the fields which class-transformer renames have in a body. */
  #bodyKeys: ReadonlyMap<string, string> | undefined;

  constructor(
    type: TypeClass,
    options: ResolvedJsonCodecOptions,
    transformer: ClassTransformer | undefined,
    limitsOf: LimitsOf,
  ) {
    this.#type = type;
    this.#name = nameOf(type);
    this.#limitsOf = limitsOf;
    this.#found = transformer;
    this.#options = options;
    this.#writer = new JsonWriter(options);
    this.#revive = reviverFor(type, options, transformer);
    const traced = tracedTypeOf(type);
    if (traced && transformer?.handles(traced)) throw transformed(traced);
    const { toJSON } = type.prototype as { toJSON?: unknown };
    this.#transformer = typeof toJSON !== 'function' && transformer?.handles(type) ? transformer : undefined;
  }

  encode(value: unknown): string {
    let text: string;
    try {
      text = this.#transformer
        ? this.#transformed(value as object, this.#transformer)
        : this.#writer.write(value as object);
    } catch (error) {
      throw this.#unwritable(value, error);
    }
    try {
      this.#writer.checkLimits(text);
      return text;
    } catch (error) {
      throw this.#named(error);
    }
  }

  #transformed(value: object, transformer: ClassTransformer): string {
    this.#bodyKeys ??= new Map(Array.from(transformer.exposed(this.#type), ([key, field]) => [field, key]));
    const keys = this.#bodyKeys;
    return this.#writer.writeTransformed(
      value,
      transformer.toPlain(value) as object,
      (field) => keys.get(field) ?? field,
    );
  }

  #unwritable(value: unknown, error: unknown): CmdStreamError {
    // Its text is our own: it may travel to the caller.
    if (error instanceof LossError) return new CmdStreamError('ENCODE_FAILED', `${this.#name}${error.message}`);
    const path = failingPath(value) ?? '';
    const reason = messageOf(error).split('\n', 1)[0];
    const message = `${this.#name}${path} cannot be written as JSON: ${reason}`;
    return new CmdStreamError('ENCODE_FAILED', message, { cause: error });
  }

  decode(text: string): unknown {
    this.#limits ??= this.#limitsOf(this.#options, this.#maker());
    try {
      return this.#revive(parseJson(text, this.#options, this.#limits));
    } catch (error) {
      throw this.#named(error);
    }
  }

  #maker(): Maker {
    const all = this.#found;
    if (!all?.handles(this.#type)) return 'codec';
    return all.isPlain(this.#type) ? 'type' : 'transformer';
  }

  #named(error: unknown): unknown {
    if (!isCmdStreamError(error)) return error;
    const { code, message, cause } = error;
    return new CmdStreamError(code, `${this.#name}: ${message}`, cause === undefined ? {} : { cause });
  }
}

/** The envelope is written as a whole, past class-transformer. */
function transformed(traced: TypeClass): CmdStreamError {
  const text = `${nameOf(traced)} has decorators of class-transformer: traceCommand() takes classes without`;
  return new CmdStreamError('INVALID_CONTRACT', text);
}

function classOf(type: ContractType): TypeClass {
  if (isClass(type)) return type;
  throw new CmdStreamError(
    'INVALID_CONTRACT',
    `${nameOf(type)} is no class: the JSON codec writes and reads classes only`,
  );
}

// From a parsed body to an instance of its class, by one of three ways: the class's own fromJSON, class-transformer,
// or, the usual and fast one, the body's keys assigned to a `new Class()`.

/** Makes an instance of a parsed body. @throws {CmdStreamError} BAD_PAYLOAD, JSON_LIMIT */
export type Revive = (body: unknown) => unknown;

type Body = Readonly<Record<string, unknown>>;
type Concrete = new () => object;

/** Keys that mislead class-transformer, which asks a value for its `constructor`. */
const misleadingKeys: ReadonlySet<string> = new Set(['constructor', 'prototype']);

export function reviverFor(type: TypeClass, options: ResolvedJsonCodecOptions, transformer?: ClassTransformer): Revive {
  const traced = tracedTypeOf(type);
  if (traced !== undefined) return byUnwrapping(type, reviverFor(traced, options, transformer));
  const { fromJSON } = type as { fromJSON?: unknown };
  if (typeof fromJSON === 'function') return byFromJson(type, (body) => fromJSON.call(type, body) as unknown);
  const taken = protectedKeys(new (type as Concrete)());
  const handler = transformer?.handles(type) ? transformer : undefined;
  const matcher = options.fieldCase === 'go' ? new KeyMatcher(handler) : undefined;
  const named = (body: Body): Body => matcher?.match(body, type) ?? body;
  return handler
    ? byTransformer(type, taken, named, handler, options.maxKeysPerObject ?? DECORATED_KEYS)
    : byAssigning(type, taken, named);
}

/**
 * Keys that a body may not give an instance: its methods and accessors, own and inherited, `toString` and `__proto__`
 * included. `constructor` is none: as an own key it is data.
 */
function protectedKeys(instance: object): ReadonlySet<string> {
  const seen = new Set(['constructor']);
  const keys = new Set<string>();
  for (let each: object | null = instance; each !== null; each = Object.getPrototypeOf(each) as object | null) {
    for (const [key, { value, get, set }] of Object.entries(Object.getOwnPropertyDescriptors(each))) {
      // What stands nearer hides what is inherited: a field called `valueOf` is a field.
      if (seen.has(key)) continue;
      seen.add(key);
      if (typeof value === 'function' || get !== undefined || set !== undefined) keys.add(key);
    }
  }
  return keys;
}

/** The envelope of a traced Command. What Go leaves out, or has as `null`, is not set. */
function byUnwrapping(type: TypeClass, inner: Revive): Revive {
  const Class = type as unknown as new (command: unknown) => TraceCommand;
  return (body) => {
    requireObject(body);
    const { MapCarrier = null, Cmd = null } = body ?? {};
    requireObject(MapCarrier);
    const made = new Class(inner(Cmd));
    made.carrier = MapCarrier && new Map(Object.entries(MapCarrier).map(([key, value]) => [key, textOf(key, value)]));
    return made;
  };
}

function textOf(key: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw refused(`"${peerText(key)}" of MapCarrier must be a string, not ${typeNameOf(value)}`);
}

function byFromJson(type: TypeClass, fromJSON: Revive): Revive {
  return (body) => {
    try {
      const given = fromJSON(body);
      return given instanceof type ? given : noInstance(requireSync('BAD_PAYLOAD', 'it', given));
    } catch (error) {
      throw refused(`fromJSON refused the body: ${peerText(messageOf(error))}`, error);
    }
  };
}

function byAssigning(type: TypeClass, taken: ReadonlySet<string>, named: (body: Body) => Body): Revive {
  const Class = type as unknown as Concrete;
  return (body) => {
    requireObject(body);
    // What stands under another letter case would be assigned all the same.
    const fields = body && named(body);
    for (const key in fields) if (taken.has(key)) throw protectedKey(key);
    try {
      return Object.assign(new Class(), fields);
    } catch (error) {
      throw refused(`the body cannot be assigned: ${peerText(messageOf(error))}`, error);
    }
  };
}

function byTransformer(
  type: TypeClass,
  taken: ReadonlySet<string>,
  named: (body: Body) => Body,
  transformer: ClassTransformer,
  maxKeysPerObject: number,
): Revive {
  const exposed = transformer.exposed(type);
  return (body) => {
    requireObject(body);
    checkKeys(body, misleadingKeys, maxKeysPerObject);
    const fields = named(body ?? {});
    // A method or accessor that is exposed is meant to be in the body; class-transformer itself keeps methods.
    for (const key in fields) if (taken.has(key) && !exposed.has(key)) throw protectedKey(key);
    try {
      const made = transformer.toInstance(type, fields);
      return made instanceof type ? made : noInstance(made);
    } catch (error) {
      throw refused(`class-transformer refused the body: ${peerText(messageOf(error))}`, error);
    }
  };
}

/** `null` is the zero value, as in Go. */
function requireObject(body: unknown): asserts body is Body | null {
  if (typeof body === 'object' && !Array.isArray(body)) return;
  throw refused(`the body must be a JSON object, not ${Array.isArray(body) ? 'an array' : typeNameOf(body)}`);
}

function noInstance(value: unknown): never {
  throw new TypeError(`it gave ${typeNameOf(value)} instead of an instance`);
}

function protectedKey(key: string): CmdStreamError {
  return refused(`the key "${key}" names a method or accessor`);
}

function refused(reason: string, cause?: unknown): CmdStreamError {
  return new CmdStreamError('BAD_PAYLOAD', reason, cause === undefined ? {} : { cause });
}
