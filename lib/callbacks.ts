// Calls code of the user that is notify something, when it fails, now or by a promise, that is its own business; and code
// that must answer at once, where a promise is no answer.
import { CmdStreamError, type ErrorCode } from './errors.js';

/** `report` hears what it fails with; where there is nobody to hear it, others are served all the same. */
export function tell<A extends unknown[]>(
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

export function notify(callback: () => unknown): void {
  tell(nobody, callback);
}

/** Whether code of the user gave a promise, which may do as it likes: that it rejects is nobody's business any more. */
export function forgive(returned: unknown): boolean {
  if (!isPromiseLike(returned)) return false;
  returned.then(undefined, nobody);
  return true;
}

export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

function nobody(): void {}

/** What `name` of the user has given. @throws {CmdStreamError} `code` when that is a promise */
export function atOnce<T>(code: ErrorCode, name: string, given: T): T {
  if (typeof given === 'object' && forgive(given))
    throw new CmdStreamError(code, `${name} must answer at once, and gave a promise`);
  return given;
}

// A promise and what resolves it.

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
