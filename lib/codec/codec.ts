// The role of a codec: turns the Commands and Results of one contract into bytes and back. It knows no seq and no
// socket.
import type { PayloadReader, PayloadWriter } from '../wire/payload.js';
import type { Contract } from '../contract/contract.js';
import type { DataLimits } from './json/json-codec-options.js';

/** Texts that are equal where the bytes of a type are, by type number; at a number without a type any text. */
export interface CodecLayouts {
  /** One text for each Command, its position in the list its type number. */
  readonly commands: readonly string[];
  /** One text for each Result, in the same way. */
  readonly results: readonly string[];
}

/**
 * Bytes of Commands and Results behind the seq of their frame. Both sides need the same.
 *
 * An `encode…` that throws costs only its own Command: whatever it wrote is cut off again. A `decode…` reads exactly
 * one value; missing bytes make the reader throw a signal that must pass through, the value is then decoded anew.
 * A decoder that knows where its value ends should say so by `reader.delimit(length)`.
 *
 * @publicApi
 */
export interface Codec {
  /** Which codec it is: two peers of this package refuse each other where the names differ. */
  readonly name: string;
  /**
   * What JSON that belongs to no type of the contract may be: data by pattern, and the answers of a contract without
   * Results. Default: as `jsonCodec()` without options.
   */
  readonly dataLimits?: DataLimits | undefined;
  /**
   * How the types of the contract are laid out, position by position, where both sides must agree on more than names.
   * It goes into the fingerprint by which two peers of this package find out that their contracts differ. Default:
   * names alone.
   */
  readonly layouts?: CodecLayouts | undefined;
  /** Writes a Command of the contract, at a client. What it throws fails the call with ENCODE_FAILED. */
  encodeCommand(command: unknown, writer: PayloadWriter): void;
  /**
   * Reads one Command, at a server. What it throws, but for the signal, ends the connection as a violation of the
   * protocol.
   */
  decodeCommand(reader: PayloadReader): unknown;
  /** Writes a Result of the contract, at a server. What it throws is thrown by `sink.next`. */
  encodeResult(result: unknown, writer: PayloadWriter): void;
  /** Reads one Result, at a client, as {@link decodeCommand} does. */
  decodeResult(reader: PayloadReader): unknown;
}

/**
 * Makes the codec for a contract; what `jsonCodec()` returns, and what the option `codec` of clients and servers takes
 * besides a {@link Codec}. Called once for each client and server, when it is made; a contract that the codec cannot
 * serve should throw a CmdStreamError INVALID_CONTRACT.
 *
 * @example
 * import type { CodecFactory, PayloadReader, PayloadWriter } from 'nestjs-cmd-stream/core';
 * import { AddCmd, CalcResult } from './calc.contract.js';
 *
 * // One Command, two integers of 4 bytes; one Result, an integer of 4 bytes.
 * export const sumCodec: CodecFactory = () => ({
 *   name: 'sum',
 *   encodeCommand(command: unknown, writer: PayloadWriter) {
 *     const { A, B } = command as AddCmd;
 *     writer.writeUint32(A);
 *     writer.writeUint32(B);
 *   },
 *   decodeCommand: (reader: PayloadReader) => new AddCmd(reader.readUint32(), reader.readUint32()),
 *   encodeResult: (result: unknown, writer: PayloadWriter) => writer.writeUint32((result as CalcResult).value),
 *   decodeResult: (reader: PayloadReader) => new CalcResult(reader.readUint32()),
 * });
 *
 * @publicApi
 */
export type CodecFactory = (contract: Contract) => Codec;
