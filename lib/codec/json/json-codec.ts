// The JSON codec: every body is one JSON text in UTF-8. Owns the order of the steps between a value and its text.
import { CmdStreamError, isCmdStreamError, messageOf } from '../../errors.js';
import { resolveOptions } from '../../options.js';
import type { ByteReader } from '../../wire/byte-reader.js';
import type { ByteWriter } from '../../wire/byte-writer.js';
import type { CodecFactory } from '../codec.js';
import { tablesOf, type ContractTables } from '../../contract/contract.js';
import { tracedTypeOf } from '../../contract/trace-command.js';
import { ClassTransformer } from './json-class-transformer.js';
import {
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
import { FlatReader, FlatWriter } from './json-flat.js';
import { parseJson, type ReceivedLimits } from './json-parse.js';
import { isAssigned, reviverFor, type Revive } from './json-revive.js';
import { failingPath, JsonWriter, LossError } from './json-stringify.js';
import { TaggedCodec, type BodyCodec } from '../tagged-codec.js';
import { isReserved } from '../../contract/type-numbers.js';
import { isClass, nameOf, type ContractType, type TypeClass, type TypeList } from '../../contract/type-table.js';

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
    const mark = writer.length;
    writer.writeUvarint(index);
    try {
      this.#types[index]!.encode(value as object, writer);
    } catch (error) {
      writer.truncate(mark);
      throw error;
    }
  }

  decodeBody(index: number, reader: ByteReader): unknown {
    return this.#types[index]!.decode(reader);
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
  /** Undefined where class-transformer writes. */
  readonly #flatWriter: FlatWriter | undefined;
  /** Of instances that are made by assigning; undefined before the first body. */
  #flatReader: FlatReader | undefined;
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
    if (this.#transformer === undefined) this.#flatWriter = new FlatWriter(options);
  }

  /** Writes length and body. */
  encode(value: object, writer: ByteWriter): void {
    const flat = this.#flatWriter?.mayTry ? this.#flatWriter : undefined;
    if (flat?.writeSized(value, writer)) return;
    const text = this.#textOf(value);
    flat?.learn(value, this.#writer.wasFine);
    writer.writeUtf8(text);
  }

  #textOf(value: object): string {
    let text: string;
    try {
      text = this.#transformer ? this.#transformed(value, this.#transformer) : this.#writer.write(value);
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

  /** Reads the rest of the frame. */
  decode(reader: ByteReader): unknown {
    const flat = this.#flatReader?.mayTry(reader) ? this.#flatReader : undefined;
    return flat?.read(reader) ?? this.#revived(reader.readUtf8(reader.remaining), flat);
  }

  #revived(text: string, flat: FlatReader | undefined): unknown {
    const limits = (this.#limits ??= this.#findLimits());
    try {
      const body = parseJson(text, this.#options, limits);
      const value = this.#revive(body);
      flat?.learn(body as object | null);
      return value;
    } catch (error) {
      throw this.#named(error);
    }
  }

  #findLimits(): ReceivedLimits {
    const limits = this.#limitsOf(this.#options, this.#maker());
    if (isAssigned(this.#type, this.#options, this.#found))
      this.#flatReader = new FlatReader(this.#type, this.#options, limits.maxComplexity);
    return limits;
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
