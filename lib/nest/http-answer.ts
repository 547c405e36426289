// What a caught error of another server means to the caller of a gateway: a status, and what of it the caller may know.
import { HttpException } from '@nestjs/common';
import { plainData } from '../codec/pattern-message.js';
import { httpStatusOf, remotePayload, statusCodeOf } from '../error-status.js';
import { isCmdStreamError } from '../errors.js';

/** Nest says it itself, and logs the error. */
const UNKNOWN_FAILURE = 500;

const textOfStatus: Readonly<Record<number, string>> = Object.freeze({
  499: 'Client Closed Request',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
});

/** The answer over HTTP to an error of a call; undefined if the error says nothing that is for the caller. */
export function httpAnswerTo(error: unknown): HttpException | undefined {
  const said = remotePayload(error);
  if (said) return relayedStatus(said.payload);
  if (!isCmdStreamError(error)) return undefined;
  const status = httpStatusOf(error);
  return status === UNKNOWN_FAILURE ? undefined : new HttpException(textOfStatus[status]!, status, { cause: error });
}

/** The exception again that a payload was made of. */
function relayedStatus(payload: unknown): HttpException | undefined {
  try {
    const statusCode = statusCodeOf(payload);
    if (statusCode === undefined) return undefined;
    const { message, details } = payload as Record<string, unknown>;
    const body = plainData(details);
    const text = typeof message === 'string' ? message : 'Error';
    return new HttpException(body !== null && typeof body === 'object' ? body : text, statusCode);
  } catch {
    return undefined;
  }
}
