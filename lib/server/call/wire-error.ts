// What of an error travels to the caller. The session's own words do; what the application meant for the caller is
// REMOTE and travels as JSON; of other errors of this package it is the code, and of anything else nothing. What
// another server has sent was meant for this one: it goes no further.
import type { DataLimits } from '../../codec/json/json-codec-options.js';
import { dataText, errorText } from '../../codec/pattern-message.js';
import type { Connection } from '../../connection/connection.js';
import { errorMeanings, type CmdStreamErrorCode } from '../../error-codes.js';
import { CmdStreamError, isCmdStreamError } from '../../errors.js';
import { ByteWriter } from '../../wire/byte-writer.js';
import { writeError } from '../../wire/control-frame.js';
import type { Seq } from '../../wire/frame.js';

export interface WireError {
  readonly code: string;
  /** JSON text. */
  readonly data: string;
}

/** Is given what the caller does not get to see. */
type OnHidden = (error: unknown) => void;

const HIDDEN: WireError = Object.freeze({
  code: 'INTERNAL',
  data: dataText({ status: 'error', message: 'Internal server error' }),
});

/** Fits into the smallest frame that any peer may ask for. */
const BARE: WireError = Object.freeze({ code: 'INTERNAL', data: '' });

/** Codes by which the session says that a Command was not executed, or not to its end: a handler cannot know. */
const sessionCodes: ReadonlySet<string> = new Set(['INTERNAL', 'OVERLOADED', 'SHUTDOWN']);

/** An error that a Command's own code has thrown, perhaps one that it was given by another server. */
export function handlerError(error: unknown, onHidden: OnHidden, limits: DataLimits): WireError {
  try {
    if (isForCaller(error)) return { code: 'REMOTE', data: errorText(error.payload, limits) };
    if (isCmdStreamError(error) && error.code !== 'REMOTE' && !sessionCodes.has(error.code)) {
      const { code } = error;
      // The name of a type that has no handler is no secret, and no failure to be reported.
      if (code === 'NO_HANDLER' && !error.sent) return { code, data: dataText({ message: error.message }) };
      onHidden(error);
      return { code, data: dataText({ message: errorMeanings[code] }) };
    }
    onHidden(error);
  } catch (unwritable) {
    onHidden(unwritable);
  }
  return HIDDEN;
}

/** Has the application made it for its caller? What came from another server has been sent. */
export function isForCaller(error: unknown): error is CmdStreamError {
  return isCmdStreamError(error) && error.code === 'REMOTE' && !error.sent;
}

/** A mistake of the handler: its author must learn of it, not its caller alone. */
const mistakes: ReadonlySet<string> = new Set<CmdStreamErrorCode>([
  'RESULT_NOT_IN_CONTRACT',
  'ENCODE_FAILED',
  'FRAME_TOO_LARGE',
  'JSON_LIMIT',
]);

/**
 * An error about a Result that cannot be sent: of the session, of the codec, or of the user's code in it. `handlerOf`
 * tells who gave it.
 */
export function frameError(error: unknown, onHidden: OnHidden, limits: DataLimits, handlerOf: () => string): WireError {
  const isOwn = isCmdStreamError(error) && error.code !== 'REMOTE' && !sessionCodes.has(error.code);
  if (!isOwn) return handlerError(error, onHidden, limits);
  if (!mistakes.has(error.code)) return sessionError(error, onHidden);
  const text = `${handlerOf()} gave what cannot be sent: ${error.message}`;
  const named = new CmdStreamError(error.code, text, error.cause === undefined ? {} : { cause: error.cause });
  if (!hasForeignCause(named)) onHidden(named);
  return sessionError(named, onHidden);
}

/** An error of the session about a Command. If it was made of a user's exception, its text stays here. */
export function sessionError(error: CmdStreamError, onHidden: OnHidden): WireError {
  const { code } = error;
  const isForeign = hasForeignCause(error);
  if (isForeign) onHidden(error);
  const message = isForeign ? errorMeanings[code] : error.message;
  // A Command that was begun when the server shut down may have had effects.
  return { code, data: dataText(code === 'SHUTDOWN' ? { message, started: true } : { message }) };
}

function hasForeignCause({ cause }: CmdStreamError): boolean {
  if (cause === undefined) return false;
  return !isCmdStreamError(cause) || hasForeignCause(cause);
}

/** The ERROR frame of a Command: all of it, or as much as the peer takes. */
export function encodeErrorFrame(connection: Connection, seq: Seq, error: WireError, onHidden: OnHidden): Buffer {
  const writer = new ByteWriter();
  for (const { code, data } of [error, HIDDEN]) {
    try {
      connection.writer.encode(writer, () => writeError(writer, seq, code, data));
      return writer.take();
    } catch (tooLarge) {
      onHidden(tooLarge);
    }
  }
  writeError(writer, seq, BARE.code, BARE.data);
  return writer.take();
}
