// A message type of any other generator in a contract: three functions say all about it.
import { TYPE_ENTRY } from '../codec/type-table.js';
import { CmdStreamError } from '../errors.js';
import { checkTypeOptions, FORMAT, type ProtobufType } from './message-format.js';

/** @publicApi */
export interface ProtobufMessageOptions<M extends object, R = unknown> {
  /** The full name of the message type, as in `calc.AddCmd`. Both sides' names must be the same. */
  typeName: string;
  /** The bytes of a message; what does not fit should throw. */
  encode(message: M): Uint8Array;
  /** The message in these bytes, which are its own to keep; should throw if there is none. */
  decode(bytes: Uint8Array): M;
  /** Is it a message of this type? Asked of every value that is sent, and of whatever else it may be. */
  is(value: unknown): boolean;
  /** Of a Command: the type of its Results. */
  result?: ProtobufType<R & object> | readonly ProtobufType<R & object>[];
  /** Of a Result: is this one the last of its Command? Default: yes. */
  lastOne?(message: M): boolean;
  /** Of a Command: it may be executed twice, so a client may send it again when its connection is lost. Default: no. */
  idempotent?: boolean;
}

/**
 * Puts a message type of any generator into a contract.
 *
 * @throws {CmdStreamError} INVALID_CONTRACT when a function or the name is missing or something else
 * @publicApi
 */
export function protobufMessage<M extends object, R = unknown>(
  options: ProtobufMessageOptions<M, R>,
): ProtobufType<M, R> {
  const { typeName, encode, decode, is, result, lastOne, idempotent } = options;
  if (typeof typeName !== 'string' || [encode, decode, is].some((method) => typeof method !== 'function')) {
    throw new CmdStreamError('INVALID_CONTRACT', 'protobufMessage() needs typeName, encode, decode and is');
  }
  checkTypeOptions(lastOne, idempotent);
  const format = {
    encode(message: unknown): Uint8Array {
      const bytes: unknown = encode(message as M);
      if (bytes instanceof Uint8Array) return bytes;
      throw new CmdStreamError('ENCODE_FAILED', 'encode() gave no Uint8Array');
    },
    decode: (body: Uint8Array): unknown => decode(new Uint8Array(body)),
  };
  const entry = {
    [TYPE_ENTRY]: true,
    name: typeName,
    is,
    create: (message: M) => message,
    [FORMAT]: () => format,
    answers: [result ?? []].flat().map(({ name }) => name),
    ...(lastOne && { lastOne }),
    ...(idempotent && { idempotent }),
  };
  return Object.freeze(entry) as unknown as ProtobufType<M, R>;
}
