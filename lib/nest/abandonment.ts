// Tells a handler that gave up because nobody waits any more from one that failed.
import { CmdStreamContext } from './cmd-stream.context.js';

/**
 * Did a handler with these arguments fail because it was told to stop? Only one that knows its context or the signal can
 * have been told. Other errors are mistakes, also when nobody waits: they are not hidden.
 */
export function isAbandonment(error: unknown, args: readonly unknown[]): boolean {
  return args.some((arg) => {
    const signal = arg instanceof CmdStreamContext ? arg.signal : arg;
    return signal instanceof AbortSignal && signal.aborted && (error === signal.reason || isAbortError(error));
  });
}

/** What Node's own functions, and `fetch`, fail with when their signal aborts. */
function isAbortError(error: unknown): boolean {
  try {
    return (error as { name?: unknown } | null | undefined)?.name === 'AbortError';
  } catch {
    return false;
  }
}
