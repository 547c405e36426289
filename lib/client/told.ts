// Calls code of the user that is told something: what it throws, now or by a promise, is its own.
export function told(callback: () => unknown): void {
  try {
    forgive(callback());
  } catch {
    // There is nobody else to tell; the client serves others.
  }
}

/** Whether code of the user gave a promise, which may do as it likes: that it rejects is nobody's business any more. */
export function forgive(returned: unknown): boolean {
  if (!isPromiseLike(returned)) return false;
  returned.then(undefined, () => {});
  return true;
}

export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
