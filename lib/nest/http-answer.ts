// What a caught error of another server means to the caller of a gateway: a status, and what of it the caller may know.
import { HttpException } from '@nestjs/common';
import { plainData } from '../codec/pattern-message.js';
import { isCmdStreamError, isError, type CmdStreamErrorCode } from '../errors.js';

const UNAVAILABLE = 503;
const GATEWAY_TIMEOUT = 504;

/** What is worth another try later, or at another gateway; of all other codes the caller learns that it failed. */
const statusOfCode: Readonly<Partial<Record<CmdStreamErrorCode, number>>> = Object.freeze({
  TIMEOUT: GATEWAY_TIMEOUT,
  CIRCUIT_OPEN: UNAVAILABLE,
  CONNECT_FAILED: UNAVAILABLE,
  OVERLOADED: UNAVAILABLE,
});

const textOfStatus: Readonly<Record<number, string>> = Object.freeze({
  [UNAVAILABLE]: 'Service Unavailable',
  [GATEWAY_TIMEOUT]: 'Gateway Timeout',
});

/** The answer over HTTP to an error of a call; undefined if the error says nothing that is for the caller. */
export function httpAnswerTo(error: unknown): HttpException | undefined {
  if (!isCmdStreamError(error)) return isFilterPayload(error) ? relayedStatus(error) : undefined;
  if (error.code === 'REMOTE') return relayedStatus(error.payload);
  const status = statusOfCode[error.code];
  return status === undefined ? undefined : new HttpException(textOfStatus[status]!, status, { cause: error });
}

/** Is it an error that another server has said, as a call by class or by pattern fails with it? */
export function remotePayload(error: unknown): { readonly payload: unknown } | undefined {
  if (isCmdStreamError(error)) return error.code === 'REMOTE' ? { payload: error.payload } : undefined;
  return isFilterPayload(error) ? { payload: error } : undefined;
}

/** Has CmdStreamExceptionFilter made it of an HttpException? A call by pattern fails with just that. */
function isFilterPayload(error: unknown): boolean {
  try {
    const { status, statusCode, message } = (error ?? {}) as Record<string, unknown>;
    return !isError(error) && status === 'error' && isErrorStatus(statusCode) && typeof message === 'string';
  } catch {
    return false;
  }
}

/** The exception again that a payload was made of. */
function relayedStatus(payload: unknown): HttpException | undefined {
  try {
    const { statusCode, message, details } = (payload ?? {}) as Record<string, unknown>;
    if (isError(payload) || !isErrorStatus(statusCode)) return undefined;
    const body = plainData(details);
    const text = typeof message === 'string' ? message : 'Error';
    return new HttpException(body !== null && typeof body === 'object' ? body : text, statusCode);
  } catch {
    return undefined;
  }
}

/** Others would not be errors, or no statuses: Node refuses them. */
function isErrorStatus(status: unknown): status is number {
  return Number.isInteger(status) && (status as number) >= 400 && (status as number) <= 599;
}
