// Calls code of the user that is told something: when it fails, now or by a promise, that is its own business.

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

export function told(callback: () => unknown): void {
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
