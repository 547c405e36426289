// The frame of the codecs that number their types and delimit their bodies. What a body looks like is the BodyCodec's.
//
//   payload = type number, length, body
//   type number = positive varint: position in the contract's list, from 0
//   length      = positive varint: bytes of the body
import { CmdStreamError, type ErrorCode } from '../errors.js';
import type { ByteReader } from '../wire/byte-reader.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import type { Codec } from './codec.js';
import type { Contract } from './contract.js';
import { typeNameOf, type TypeTable } from './type-table.js';

/** Writes and reads the bodies of one list of a contract. */
export interface BodyCodec {
  /** Writes the length of the body, then the body, of a value of the type with that number. */
  encodeBody(index: number, value: unknown, writer: ByteWriter): void;
  /** Reads all of `reader.remaining`, which has arrived. */
  decodeBody(index: number, reader: ByteReader): unknown;
}

export class TaggedCodec implements Codec {
  readonly name: string;
  readonly #contract: Contract;
  readonly #commands: BodyCodec;
  readonly #results: BodyCodec;

  constructor(name: string, contract: Contract, commands: BodyCodec, results: BodyCodec) {
    this.name = name;
    this.#contract = contract;
    this.#commands = commands;
    this.#results = results;
  }

  encodeCommand(command: unknown, writer: ByteWriter): void {
    const index = this.#contract.commands.indexOf(command);
    if (index < 0) throw unlisted('COMMAND_NOT_IN_CONTRACT', 'commands', command);
    writer.writeUvarint(index);
    this.#commands.encodeBody(index, command, writer);
  }

  decodeCommand(reader: ByteReader): unknown {
    return this.#commands.decodeBody(readType(reader, this.#contract.commands, 'commands'), reader);
  }

  encodeResult(result: unknown, writer: ByteWriter): void {
    const index = this.#contract.results.indexOf(result);
    if (index < 0) throw unlisted('RESULT_NOT_IN_CONTRACT', 'results', result);
    writer.writeUvarint(index);
    this.#results.encodeBody(index, result, writer);
  }

  decodeResult(reader: ByteReader): unknown {
    return this.#results.decodeBody(readType(reader, this.#contract.results, 'results'), reader);
  }
}

/** Delimits the body before it refuses the type, so that the frame can be skipped. */
function readType(reader: ByteReader, table: TypeTable, list: string): number {
  const index = reader.readPositive();
  reader.delimit(reader.readLength());
  if (index >= 0 && index < table.types.length) return Number(index);
  const known = `\`${list}\` has 0 to ${table.types.length - 1}`;
  throw new CmdStreamError('UNKNOWN_TYPE', `type number ${index} is not in the contract: ${known}`);
}

function unlisted(code: ErrorCode, list: string, value: unknown): CmdStreamError {
  return new CmdStreamError(code, `${typeNameOf(value)} is not in the contract's \`${list}\``);
}
