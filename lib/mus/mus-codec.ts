// The MUS codec: a type number (DTM), then the value, field by field; no length. Whether its serializers fit the
// contract is found out when it is made.
import type { Codec, CodecFactory, CodecLayouts } from '../codec/codec.js';
import { tablesOf } from '../contract/contract.js';
import { isReserved, type Reserved } from '../contract/type-numbers.js';
import { isClass, nameOf, unlisted, type TypeClass, type TypeTable } from '../contract/type-table.js';
import { CmdStreamError } from '../errors.js';
import type { ByteReader } from '../wire/byte-reader.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import { resolveMusCodecOptions, type MusCodecOptions } from './mus-codec-options.js';
import { isMusInterface, MusInterface } from './mus-interface.js';
import { isMusSerializer, type AnyMusSerializer } from './mus-serializer.js';

/**
 * The MUS codec, byte for byte that of cmd-stream-go. A decoded value is a `new Class()` with its fields assigned.
 *
 * A value that does not fit its serializer fails with ENCODE_FAILED before anything is sent, naming the field; bytes
 * that cannot be read end the connection, because nothing says where their frame ends.
 *
 * @example
 * import { Command, defineContract, Result } from 'nestjs-cmd-stream';
 * import { mus, musCodec } from 'nestjs-cmd-stream/mus';
 *
 * export class Greeting extends Result {
 *   constructor(readonly text = '') {
 *     super();
 *   }
 * }
 *
 * export class GreetCmd extends Command<Greeting> {
 *   constructor(readonly name = '', readonly times = 1) {
 *     super();
 *   }
 * }
 *
 * export const contract = defineContract({ commands: [GreetCmd], results: [Greeting] });
 *
 * // Each class stands behind its type number, the DTM of Go: in a list the first is 1.
 * export const codec = musCodec({
 *   commands: [mus.struct(GreetCmd, { name: mus.string, times: mus.varint.int })],
 *   results: [mus.struct(Greeting, { text: mus.string })],
 * });
 *
 * @throws {CmdStreamError} INVALID_OPTION; INVALID_CONTRACT, when a client or server is made with it, if the contract
 * lists a class the serializers have not, or the other way round
 * @publicApi
 */
export function musCodec(options: MusCodecOptions): CodecFactory {
  const { commands, results, maxValues } = resolveMusCodecOptions(options);
  const [commandSerializer, resultSerializer] = [serializerOf(commands), results && serializerOf(results)];
  return (contract) => {
    const tables = tablesOf(contract);
    return new MusCodec(
      new Direction('commands', tables.commands, commandSerializer, maxValues),
      new Direction('results', tables.results, resultSerializer, maxValues),
    );
  };
}

function serializerOf(given: MusCodecOptions['commands']): AnyMusSerializer {
  return isMusSerializer(given) ? given : new MusInterface(given as Exclude<typeof given, AnyMusSerializer>);
}

class MusCodec implements Codec {
  readonly name = 'mus';
  readonly layouts: CodecLayouts;
  readonly #commands: Direction;
  readonly #results: Direction;

  constructor(commands: Direction, results: Direction) {
    this.#commands = commands;
    this.#results = results;
    this.layouts = { commands: commands.layouts, results: results.layouts };
  }

  encodeCommand(command: unknown, writer: ByteWriter): void {
    this.#commands.encode(command, writer);
  }

  decodeCommand(reader: ByteReader): unknown {
    return this.#commands.decode(reader);
  }

  encodeResult(result: unknown, writer: ByteWriter): void {
    this.#results.encode(result, writer);
  }

  decodeResult(reader: ByteReader): unknown {
    return this.#results.decode(reader);
  }
}

/** One list of the contract and its serializer. */
class Direction {
  readonly #list: 'commands' | 'results';
  readonly #table: TypeTable;
  readonly #serializer: AnyMusSerializer | undefined;
  readonly #maxValues: number;
  /** An interface looks at the class itself. */
  readonly #looksAtClass: boolean;

  constructor(
    list: 'commands' | 'results',
    table: TypeTable,
    serializer: AnyMusSerializer | undefined,
    maxValues: number,
  ) {
    this.#list = list;
    this.#table = table;
    this.#serializer = serializer;
    this.#maxValues = maxValues;
    this.#looksAtClass = isMusInterface(serializer);
    this.#checkContract();
  }

  #checkContract(): void {
    const list = this.#list;
    const known = this.#serializer?.types ?? [];
    for (const type of this.#table.types) {
      if (isReserved(type)) this.#checkNumbersGiven();
      else if (!isClass(type) || !known.includes(type)) {
        const reason = `the MUS codec has no serializer for ${nameOf(type)} of \`${list}\``;
        throw new CmdStreamError('INVALID_CONTRACT', reason);
      }
    }
    for (const type of known) {
      if (this.#table.indexOfType(type) >= 0) continue;
      const reason = `the MUS codec has a serializer for ${nameOf(type)}, which is not in the contract's \`${list}\``;
      throw new CmdStreamError('INVALID_CONTRACT', reason);
    }
  }

  /** Where a type is gone from a contract, those behind it would be counted anew. */
  #checkNumbersGiven(): void {
    if (!isMusInterface(this.#serializer) || !this.#serializer.isCounted) return;
    const remedy = 'give them the numbers they have on the wire: { 1: …, 3: … }';
    const reason = `\`${this.#list}\` has numbers without a type, but its serializers are counted from 1: ${remedy}`;
    throw new CmdStreamError('INVALID_CONTRACT', reason);
  }

  /** How each type of the list is laid out, its number included; by type number, empty where there is no type. */
  get layouts(): readonly string[] {
    const serializer = this.#serializer;
    const types = this.#table.types as readonly (TypeClass | Reserved)[];
    if (isMusInterface(serializer)) return serializer.layoutsFor(types);
    const layout = serializer?.layout() ?? '';
    return types.map((type) => (isReserved(type) ? '' : layout));
  }

  encode(value: unknown, writer: ByteWriter): void {
    if (!this.#looksAtClass) this.#checkListed(value);
    try {
      this.#serializer!.encode(value as never, writer);
    } catch (error) {
      this.#checkListed(value);
      throw error;
    }
  }

  #checkListed(value: unknown): void {
    if (this.#table.indexOf(value) >= 0) return;
    throw unlisted(this.#table, this.#list, value);
  }

  decode(reader: ByteReader): unknown {
    if (!this.#serializer) throw new CmdStreamError('UNKNOWN_TYPE', `the contract has no \`${this.#list}\``);
    reader.limitValues(this.#maxValues, 'maxValues');
    return this.#serializer.decode(reader);
  }
}
