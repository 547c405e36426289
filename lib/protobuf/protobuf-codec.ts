// The Protobuf codec: every body is one Protobuf message. Owns what holds for the message types of all generators: the
// options, the longest body, and whose error it is when one cannot be written or read.
import type { CodecFactory } from '../codec/codec.js';
import { tablesOf, type ContractTables } from '../contract/contract.js';
import { checkBodyLength, TaggedCodec, type BodyCodec, type BodyLimit } from '../codec/tagged-codec.js';
import { isReserved } from '../contract/type-numbers.js';
import { isTypeEntry, nameOf, type ContractType, type TypeList } from '../contract/type-table.js';
import type { CmdStreamErrorCode } from '../error-codes.js';
import { CmdStreamError, messageOf, peerText } from '../errors.js';
import { resolveOptions, integer, type OptionRules } from '../options.js';
import type { ByteReader } from '../wire/byte-reader.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import { FORMAT, type BodyLimits, type MessageFormat, type ProtobufType } from './message-format.js';

/**
 * The limits of {@link protobufCodec}; all are optional.
 *
 * @publicApi
 */
export interface ProtobufCodecOptions {
  /**
   * Longest body, read or written, in bytes: 1 to 1 GiB. A longer one is refused as soon as its length is known.
   * @default none: `maxCommandBytes` and `maxResultBytes` limit the frame
   */
  maxBytes?: number | undefined;
  /**
   * Most messages, groups and map entries one inside the other, read or written: 1 to 1,000.
   * @default 100
   */
  maxDepth?: number | undefined;
  /**
   * Most fields in one body, read or written, those of nested messages included; each element of a list that is not
   * packed is one. 1 to 100,000,000.
   * @default 50_000
   */
  maxFields?: number | undefined;
}

export const protobufCodecDefaults = Object.freeze({ maxDepth: 100, maxFields: 50_000 });

export const protobufCodecRules: OptionRules<ProtobufCodecOptions> = Object.freeze({
  maxBytes: integer(1, 1024 * 1024 * 1024, 'bytes'),
  maxDepth: integer(1, 1_000, 'levels'),
  maxFields: integer(1, 100_000_000, 'fields'),
});

/**
 * The Protobuf codec, byte for byte that of cmd-stream-go, for contracts of {@link protobufType} and
 * {@link protobufMessage}.
 *
 * A message that does not fit its type fails with ENCODE_FAILED, which names the field; a body that is no message with
 * BAD_PAYLOAD; one beyond `maxBytes`, in either direction, with FRAME_TOO_LARGE.
 *
 * @example
 * import { CmdStreamServer, defineContract } from 'nestjs-cmd-stream';
 * import { protobufCodec, protobufType } from 'nestjs-cmd-stream/protobuf';
 * import { AddCmdSchema, CalcResultSchema } from './gen/calc_pb.js';
 *
 * export const AddCmd = protobufType(AddCmdSchema, { result: CalcResultSchema });
 * export const CalcResult = protobufType(CalcResultSchema);
 * export const contract = defineContract({ commands: [AddCmd], results: [CalcResult] });
 *
 * export const strategy = new CmdStreamServer({ port: 9000, contract, codec: protobufCodec() });
 *
 * @throws {CmdStreamError} INVALID_OPTION when an option is unknown or out of range; INVALID_CONTRACT, from what it
 * returns, for a contract that lists anything else, or lacks the Results of its Commands
 * @publicApi
 */
export function protobufCodec(options?: ProtobufCodecOptions): CodecFactory {
  const resolved = resolveOptions<ProtobufCodecOptions, typeof protobufCodecDefaults>(
    'protobufCodec',
    options,
    protobufCodecDefaults,
    protobufCodecRules,
  );
  const limit = { bytes: resolved.maxBytes ?? Number.POSITIVE_INFINITY, option: 'maxBytes' };
  return (contract) => {
    const tables = tablesOf(contract);
    const bodies = (list: TypeList) => new ProtobufBodies(list, limit, resolved);
    const codec = new TaggedCodec('protobuf', tables, bodies(tables.commands), bodies(tables.results), limit);
    checkAnswers(tables);
    return codec;
  };
}

class ProtobufBodies implements BodyCodec {
  /** Both by type number. */
  readonly #names: readonly (string | undefined)[];
  readonly #formats: readonly (MessageFormat | undefined)[];
  readonly #limit: BodyLimit;

  constructor({ types }: TypeList, limit: BodyLimit, limits: BodyLimits) {
    this.#names = types.map((type) => (isReserved(type) ? undefined : nameOf(type)));
    this.#formats = types.map((type) => (isReserved(type) ? undefined : entryOf(type)[FORMAT](limits)));
    this.#limit = limit;
  }

  encodeBody(index: number, value: unknown, writer: ByteWriter): void {
    const body = this.#attempt('ENCODE_FAILED', index, (format) => format.encode(value));
    checkBodyLength(body.length, this.#limit);
    writer.writeUvarint(index);
    writer.writeUvarint(body.length);
    writer.writeBytes(body);
  }

  decodeBody(index: number, reader: ByteReader): unknown {
    const { buffer, byteOffset, length } = reader.readBytes(reader.remaining);
    // Not a Buffer: fields that are bytes take after the body.
    const body = new Uint8Array(buffer, byteOffset, length);
    return this.#attempt('BAD_PAYLOAD', index, (format) => format.decode(body));
  }

  #attempt<T>(code: CmdStreamErrorCode, index: number, attempt: (format: MessageFormat) => T): T {
    try {
      return attempt(this.#formats[index]!);
    } catch (error) {
      const reason = code === 'BAD_PAYLOAD' ? peerText(messageOf(error)) : messageOf(error);
      throw new CmdStreamError(code, `${this.#names[index]}: ${reason}`, { cause: error });
    }
  }
}

function entryOf(type: ContractType): ProtobufType {
  if (isTypeEntry(type) && FORMAT in type) return type as ProtobufType;
  throw new CmdStreamError('INVALID_CONTRACT', `${nameOf(type)} is no message type: put it in by protobufType()`);
}

/** A Result that is not listed could never be sent: the contract is refused, and not the first answer. */
function checkAnswers({ commands, results }: ContractTables): void {
  if (results.types.length === 0) return;
  const listed = new Set(results.types.map((type) => (isReserved(type) ? undefined : nameOf(type))));
  for (const type of commands.types) {
    if (isReserved(type)) continue;
    const missing = entryOf(type).answers.find((name) => !listed.has(name));
    if (missing === undefined) continue;
    throw new CmdStreamError(
      'INVALID_CONTRACT',
      `${nameOf(type)} is answered with ${missing}, which \`results\` lacks`,
    );
  }
}
