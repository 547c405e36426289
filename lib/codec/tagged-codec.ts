// The frame of the codecs that number their types and delimit their bodies. What a body looks like is the BodyCodec's.
//
//   payload = type number, length, body
//   type number = positive varint: position in the contract's list, from 0
//   length      = positive varint: bytes of the body
import { CmdStreamError } from '../errors.js';
import type { ByteReader } from '../wire/byte-reader.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import type { Codec } from './codec.js';
import type { ContractTables } from '../contract/contract.js';
import { unlisted, type TypeTable } from '../contract/type-table.js';

/** Writes and reads the bodies of one list of a contract. */
export interface BodyCodec {
  /** Writes type number, length and body of a value of the type with that number; if that fails, nothing of it. */
  encodeBody(index: number, value: unknown, writer: ByteWriter): void;
  /** Reads all of `reader.remaining`, which has arrived. */
  decodeBody(index: number, reader: ByteReader): unknown;
}

/** Most bytes of one body, and the option that says so. */
export interface BodyLimit {
  readonly bytes: number;
  readonly option: string;
}

export class TaggedCodec implements Codec {
  readonly name: string;
  readonly #contract: ContractTables;
  readonly #commands: BodyCodec;
  readonly #results: BodyCodec;
  readonly #limit: BodyLimit | undefined;

  /** `limit` is kept to when reading; a BodyCodec keeps to it when writing. */
  constructor(name: string, contract: ContractTables, commands: BodyCodec, results: BodyCodec, limit?: BodyLimit) {
    this.name = name;
    this.#contract = contract;
    this.#commands = commands;
    this.#results = results;
    this.#limit = limit;
  }

  encodeCommand(command: unknown, writer: ByteWriter): void {
    const index = this.#contract.commands.indexOf(command);
    if (index < 0) throw unlisted(this.#contract.commands, 'commands', command);
    this.#commands.encodeBody(index, command, writer);
  }

  decodeCommand(reader: ByteReader): unknown {
    return this.#commands.decodeBody(this.#readType(reader, this.#contract.commands, 'commands'), reader);
  }

  encodeResult(result: unknown, writer: ByteWriter): void {
    const index = this.#contract.results.indexOf(result);
    if (index < 0) throw unlisted(this.#contract.results, 'results', result);
    this.#results.encodeBody(index, result, writer);
  }

  decodeResult(reader: ByteReader): unknown {
    return this.#results.decodeBody(this.#readType(reader, this.#contract.results, 'results'), reader);
  }

  /** Delimits the body before it refuses the type, so that the frame can be skipped, where it can be. */
  #readType(reader: ByteReader, table: TypeTable, list: string): number {
    const index = reader.readPositive();
    const length = reader.readLength();
    if (this.#limit) checkBodyLength(length, this.#limit);
    if (index >= 0 && index < table.types.length && table.has(Number(index))) {
      reader.delimit(length);
      return Number(index);
    }
    reader.delimitRefused(length);
    // Peers of this package have compared their contracts.
    const hint = reader.skipsRefused ? '' : '; is that a cmd-stream peer, with the same contract and codec?';
    throw new CmdStreamError('UNKNOWN_TYPE', `type number ${index} is ${whyUnknown(index, table, list)}${hint}`);
  }
}

function whyUnknown(index: number | bigint, table: TypeTable, list: string): string {
  if (table.isReserved(Number(index))) return `reserved in \`${list}\`: its type is gone from the contract`;
  const numbers = [...table.types.keys()].filter((number) => table.has(number));
  const known = numbers.length > 0 ? `\`${list}\` has ${numbers[0]} to ${numbers.at(-1)}` : `it has no \`${list}\``;
  return `not in the contract: ${known}`;
}

/** @throws {CmdStreamError} FRAME_TOO_LARGE when a body is longer than its limit */
export function checkBodyLength(length: number, { bytes, option }: BodyLimit): void {
  if (length > bytes)
    throw new CmdStreamError('FRAME_TOO_LARGE', `body of ${length} bytes exceeds ${option} (${bytes})`);
}
