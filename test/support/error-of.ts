// The error of a call that must fail.
import { expect } from '@jest/globals';

export async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    (value) => expect(value).toBe('an error'),
    (error: unknown) => error,
  );
}
