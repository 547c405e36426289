// A message type of any other generator in a contract: three functions say all about it.
import { requireSync, ignoreRejection } from '../callbacks.js';
import { TYPE_ENTRY } from '../contract/type-table.js';
import { CmdStreamError } from '../errors.js';
import { FORMAT, traitsOf, type MessageTraits, type ProtobufType } from './message-format.js';

/**
 * How {@link protobufMessage} writes, reads and recognizes the messages of one type.
 *
 * @publicApi
 */
export interface ProtobufMessageOptions<M extends object, R = unknown> extends MessageTraits<M> {
  /** The full name of the message type, as in `calc.AddCmd`. Both sides' names must be the same. */
  typeName: string;
  /** The bytes of a message; what does not fit should throw. */
  encode(message: M): Uint8Array;
  /** The message in these bytes, which are its own to keep; should throw if there is none. */
  decode(bytes: Uint8Array): M;
  /**
   * Is it a message of this type? Asked of every value that is sent, and of whatever else it may be; no if it throws.
   */
  is(value: unknown): boolean;
  /** Of a Command: the type of its Results. */
  result?: ProtobufType<R & object> | readonly ProtobufType<R & object>[] | undefined;
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
  const { typeName, encode, decode, is, result } = options;
  if (typeof typeName !== 'string' || [encode, decode, is].some((method) => typeof method !== 'function')) {
    throw new CmdStreamError('INVALID_CONTRACT', 'protobufMessage() needs typeName, encode, decode and is');
  }
  const format = {
    encode(message: unknown): Uint8Array {
      const bytes: unknown = requireSync('ENCODE_FAILED', 'encode()', encode(message as M));
      if (bytes instanceof Uint8Array) return bytes;
      throw new CmdStreamError('ENCODE_FAILED', 'encode() gave no Uint8Array');
    },
    decode: (body: Uint8Array): unknown => requireSync('BAD_PAYLOAD', 'decode()', decode(new Uint8Array(body))),
  };
  const entry = {
    [TYPE_ENTRY]: true,
    name: typeName,
    is: (value: unknown) => saysYes(is(value)),
    create: (message: M) => message,
    [FORMAT]: () => format,
    answers: [result ?? []].flat().map(({ name }) => name),
    ...traitsOf(options),
  };
  return Object.freeze(entry) as unknown as ProtobufType<M, R>;
}

/** A promise says nothing. */
function saysYes(answer: unknown): boolean {
  return !ignoreRejection(answer) && Boolean(answer);
}
