// The JSON codec: every body is one JSON text in UTF-8. Owns the order of the steps between a value and its text.
import { CmdStreamError, isCmdStreamError, messageOf } from '../../errors.js';
import { resolveOptions } from '../../options.js';
import type { ByteReader } from '../../wire/byte-reader.js';
import type { ByteWriter } from '../../wire/byte-writer.js';
import type { CodecFactory } from '../codec.js';
import type { Contract } from '../../contract/contract.js';
import { ClassTransformer } from './json-class-transformer.js';
import {
  jsonCodecDefaults,
  jsonCodecRules,
  RECEIVED_KEYS,
  type DataLimits,
  type JsonCodecOptions,
  type ResolvedJsonCodecOptions,
} from './json-codec-options.js';
import { parseJson } from './json-parse.js';
import { reviverFor, type Revive } from './json-revive.js';
import { checkStructure } from './json-scan.js';
import { failingPath, JsonWriter, LossError } from './json-stringify.js';
import { TaggedCodec, type BodyCodec } from '../tagged-codec.js';
import { isClass, nameOf, type ContractType, type TypeClass, type TypeTable } from '../../contract/type-table.js';

/**
 * The JSON codec, byte for byte that of cmd-stream-go. A decoded value is an instance of its class: made by its static `fromJSON(value)`
 * if it has one, by class-transformer if it carries its decorators, else a `new Class()` with the body's keys assigned.
 * A `toJSON()` is honoured when writing.
 *
 * A value that cannot be written fails with ENCODE_FAILED, JSON_DEPTH or JSON_TOKENS, a body that cannot be read with
 * BAD_PAYLOAD, JSON_DEPTH, JSON_TOKENS, JSON_KEYS or UNSAFE_INTEGER.
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
    const transformer = ClassTransformer.find();
    return new JsonCodec(
      contract,
      new JsonBodies(contract.commands, resolved, transformer, resolved.maxKeysPerObject ?? RECEIVED_KEYS),
      new JsonBodies(contract.results, resolved, transformer, Number.POSITIVE_INFINITY),
      resolved,
    );
  };
}

class JsonCodec extends TaggedCodec {
  readonly dataLimits: DataLimits;

  constructor(contract: Contract, commands: JsonBodies, results: JsonBodies, dataLimits: DataLimits) {
    super('json', contract, commands, results);
    this.dataLimits = dataLimits;
  }
}

class JsonBodies implements BodyCodec {
  readonly #types: readonly JsonType[];

  /** `maxKeys`: most keys of one object where no decorators are. */
  constructor(
    { types }: TypeTable,
    options: ResolvedJsonCodecOptions,
    transformer: ClassTransformer | undefined,
    maxKeys: number,
  ) {
    this.#types = types.map((type) => new JsonType(classOf(type), options, transformer, maxKeys));
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
  readonly #maxKeys: number;
  readonly #options: ResolvedJsonCodecOptions;
  readonly #revive: Revive;
  readonly #writer: JsonWriter;
  readonly #transformer: ClassTransformer | undefined;
  /** The keys that the fields which class-transformer renames have in a body. */
  #bodyKeys: ReadonlyMap<string, string> | undefined;

  constructor(
    type: TypeClass,
    options: ResolvedJsonCodecOptions,
    transformer: ClassTransformer | undefined,
    maxKeys: number,
  ) {
    this.#type = type;
    this.#name = nameOf(type);
    this.#maxKeys = maxKeys;
    this.#options = options;
    this.#writer = new JsonWriter(options.maxDepth);
    this.#revive = reviverFor(type, options, transformer);
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
      checkStructure(text, this.#options);
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
    try {
      return this.#revive(parseJson(text, this.#options, this.#maxKeys));
    } catch (error) {
      throw this.#named(error);
    }
  }

  #named(error: unknown): unknown {
    if (!isCmdStreamError(error)) return error;
    const { code, message, cause } = error;
    return new CmdStreamError(code, `${this.#name}: ${message}`, cause === undefined ? {} : { cause });
  }
}

function classOf(type: ContractType): TypeClass {
  if (isClass(type)) return type;
  throw new CmdStreamError(
    'INVALID_CONTRACT',
    `${nameOf(type)} is no class: the JSON codec writes and reads classes only`,
  );
}
