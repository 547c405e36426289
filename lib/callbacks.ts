// Code of the user, called so that its failure stays its own: callbacks that are informed, whether they fail now or by
// a promise, and functions that must answer synchronously. And the promises that this package resolves itself.
import type { CmdStreamErrorCode } from './error-codes.js';
import { CmdStreamError } from './errors.js';

/** Calls `callback`, if there is one; what it throws or rejects with goes to `report`, and never to the caller. */
export function callSafely<A extends unknown[]>(
  report: (error: unknown) => void,
  callback: ((...args: A) => unknown) | undefined,
  ...args: A
): void {
  try {
    const returned = callback?.(...args);
    if (isPromiseLike(returned)) returned.then(undefined, report);
  } catch (error) {
    report(error);
  }
}

/** Calls `callback`; what it throws or rejects with is dropped. */
export function notify(callback: () => unknown): void {
  callSafely(drop, callback);
}

/** True when code of the user gave a promise; should that reject, the rejection is handled here and dropped. */
export function ignoreRejection(returned: unknown): boolean {
  if (!isPromiseLike(returned)) return false;
  returned.then(undefined, drop);
  return true;
}

export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

function drop(): void {}

/** Returns what `name` of the user gave. @throws {CmdStreamError} `code` when that is a promise */
export function requireSync<T>(code: CmdStreamErrorCode, name: string, given: T): T {
  if (typeof given === 'object' && ignoreRejection(given))
    throw new CmdStreamError(code, `${name} must answer at once, and gave a promise`);
  return given;
}

/** @throws {CmdStreamError} INVALID_OPTION when `what` is no function, and would never be called */
export function requireFunction(what: string, given: unknown): void {
  if (typeof given === 'function') return;
  const got = given === null ? 'null' : typeof given;
  throw new CmdStreamError('INVALID_OPTION', `${what} must be a function, got ${got}`);
}

/** A promise and what resolves it. */
export interface Deferred {
  readonly promise: Promise<void>;
  resolve(): void;
}

export function deferred(): Deferred {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
