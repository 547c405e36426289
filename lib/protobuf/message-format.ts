// How the messages of one type become bodies and are read from them, and the entry of a contract that knows it.
import type { Answered, CommandEntry } from '../contract/command.js';
import { CmdStreamError } from '../errors.js';

/** What a codec allows in one body. */
export interface BodyLimits {
  readonly maxDepth: number;
  readonly maxFields: number;
}

/** What either method throws costs its own Command or Result only. */
export interface MessageFormat {
  encode(message: unknown): Uint8Array;
  /** `body` is a view into the receive buffer: what is returned must hold nothing of it. */
  decode(body: Uint8Array): unknown;
}

export const FORMAT: unique symbol = Symbol.for('nestjs-cmd-stream.protobuf-format') as never;

/**
 * A message type in a contract: messages of type `M`, answered, if they are Commands, with Results of type `R`.
 *
 * @publicApi
 */
export interface ProtobufType<M extends object = object, R = unknown, Init = M> extends CommandEntry<M, R> {
  /** Makes a message that knows, at compile time, the type of its Results. */
  create(init?: Init): M & Answered<R>;
  /** @internal */
  readonly [FORMAT]: (limits: BodyLimits) => MessageFormat;
  /** @internal */
  readonly answers: readonly string[];
}

/**
 * What either door takes: how messages of a type are treated once they are in a contract.
 *
 * @publicApi
 */
export interface MessageTraits<M> {
  /** Of a Result: is this one the last of its Command? Default: what its boolean field `lastOne` says, else yes. */
  lastOne?: ((message: M) => boolean) | undefined;
  /** Of a Command: may it be executed twice? Then it is sent again when its connection is lost. Default: no. */
  idempotent?: boolean | undefined;
  /**
   * Of a Command: why it should not be used any more, `true` without a reason. A client that sends one, and a server
   * that gets one, say so in a DeprecationWarning of the process, once for each type. Default: it may be used.
   */
  deprecated?: boolean | string | undefined;
}

/** Those that are there, checked. */
export function traitsOf<M>({ lastOne, idempotent, deprecated }: MessageTraits<M>): MessageTraits<M> {
  if (lastOne !== undefined && typeof lastOne !== 'function')
    throw new CmdStreamError('INVALID_CONTRACT', '`lastOne` must be a function of the message');
  if (idempotent !== undefined && typeof idempotent !== 'boolean')
    throw new CmdStreamError('INVALID_CONTRACT', '`idempotent` must be a boolean');
  if (
    deprecated !== undefined &&
    typeof deprecated !== 'boolean' &&
    (typeof deprecated !== 'string' || deprecated === '')
  )
    throw new CmdStreamError('INVALID_CONTRACT', '`deprecated` must be a boolean, or a text that is not empty');
  return {
    ...(lastOne && { lastOne }),
    ...(idempotent !== undefined && { idempotent }),
    ...(deprecated !== undefined && { deprecated }),
  };
}
