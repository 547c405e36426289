// Calls code of the user that is told something: what it throws, now or by a promise, is its own.
export function told(callback: () => unknown): void {
  try {
    const result = callback();
    if (isPromiseLike(result)) result.then(undefined, () => {});
  } catch {
    // There is nobody else to tell; the client serves others.
  }
}

export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
