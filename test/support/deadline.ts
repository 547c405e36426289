// Waiting in tests: for a promise or a condition, never for a time to pass, and never for ever.
import { setImmediate as nextTurn } from 'node:timers/promises';

/** What takes a second may take half a minute where cores are shared. */
const DEADLINE_MS = 45_000;

/** What `promise` gives, or an error that names what was awaited. */
export async function inTime<T>(what: string, promise: PromiseLike<T>, deadlineMs = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${deadlineMs} ms: ${what}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets turns of the event loop pass until `condition` holds. */
export async function until(what: string, condition: () => boolean, deadlineMs = DEADLINE_MS): Promise<void> {
  const started = performance.now();
  while (!condition()) {
    if (performance.now() - started > deadlineMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await nextTurn();
  }
}

/** Lets everything happen that is under way in this process without input from outside. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn();
}
