// Compiled, never run: what the types of errors say, and what they refuse.
import {
  CmdStreamError,
  CmdStreamErrorCode,
  grpcStatusOf,
  httpStatusOf,
  isCmdStreamError,
  isRemoteError,
  type CmdStreamErrorKind,
  type RemoteError,
} from 'nestjs-cmd-stream';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function assert<T extends true>(): T | undefined {
  return undefined;
}

interface SoldOut {
  readonly item: string;
}

declare const isSoldOut: (payload: unknown) => payload is SoldOut;
declare const isOdd: (payload: unknown) => boolean;

/** All kinds; a return is missing where one has no case. */
export function advice({ kind }: CmdStreamError): string {
  switch (kind) {
    case 'setup':
      return 'mend the program';
    case 'value':
      return 'mend the value';
    case 'connection':
      return 'wait';
    case 'call':
      return 'look at the options of the call';
    case 'remote':
      return 'read the answer';
  }
}

// @ts-expect-error: a kind without a case gives nothing
export function half({ kind }: CmdStreamError): string {
  switch (kind) {
    case 'setup':
    case 'value':
    case 'connection':
    case 'call':
      return 'not remote';
  }
}

export function meaning({ code }: CmdStreamError): string | undefined {
  switch (code) {
    case CmdStreamErrorCode.TIMEOUT:
      return 'late';
    case 'REMOTE':
      return 'answered';
    // @ts-expect-error: there is no such code
    case 'TIME_OUT':
      return 'never';
    default:
      return undefined;
  }
}

// @ts-expect-error: a code that has become another one
export const renamed: CmdStreamErrorCode = 'JSON_DEPTH';
// @ts-expect-error: nor is there a member of that name
export const missing = CmdStreamErrorCode.WRITE_STALLED;
// @ts-expect-error: codes are fixed
CmdStreamErrorCode.TIMEOUT = 'TIMEOUT';

assert<Equal<typeof CmdStreamErrorCode.TIMEOUT, 'TIMEOUT'>>();
assert<Equal<(typeof CmdStreamErrorCode)[keyof typeof CmdStreamErrorCode], CmdStreamErrorCode>>();
assert<Equal<CmdStreamError['kind'], CmdStreamErrorKind>>();

/** One entry for each code, and no other. */
export const limits: Record<
  'CONNECT_TIMEOUT' | 'WRITE_STALL_TIMEOUT' | 'FIRST_CONNECTION_TIMEOUT',
  CmdStreamErrorCode
> = CmdStreamErrorCode;

export function narrowed(error: unknown): unknown {
  if (isRemoteError(error, isSoldOut)) {
    assert<Equal<typeof error.payload, SoldOut>>();
    assert<Equal<typeof error.code, 'REMOTE'>>();
    // @ts-expect-error: the payload has no such member
    void error.payload.price;
    return error.payload.item;
  }
  if (isRemoteError(error)) {
    assert<Equal<typeof error.payload, unknown>>();
    // @ts-expect-error: nothing is known of it
    return error.payload.item;
  }
  // @ts-expect-error: what checks nothing gives no type
  if (isRemoteError<SoldOut>(error)) return undefined;
  // @ts-expect-error: a predicate that is no type guard gives none either
  if (isRemoteError<SoldOut>(error, isOdd)) return undefined;
  if (isCmdStreamError(error)) {
    assert<Equal<typeof error.code, CmdStreamErrorCode>>();
    return error.sent;
  }
  // @ts-expect-error: it may be anything
  return error.message;
}

const made = CmdStreamError.remote({ item: 'tea' }, { cause: new Error('no stock') });
assert<Equal<typeof made, RemoteError<{ item: string }>>>();
// @ts-expect-error: where it was sent is not for the handler to say
CmdStreamError.remote('no', { sent: true });

export const statuses: readonly number[] = [httpStatusOf(made), grpcStatusOf(undefined)];
