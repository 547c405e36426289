// Calls of one connection, each linked to the next: while none runs, nothing is kept for them.
import type { ServerCall } from './server-call.js';

export class RunningCalls {
  /** Read-only to others. */
  size = 0;
  #last: ServerCall | undefined;

  add(call: ServerCall): void {
    const last = this.#last;
    call.previous = last;
    if (last !== undefined) last.following = call;
    this.#last = call;
    this.size++;
  }

  /** It must be there. */
  delete(call: ServerCall): void {
    const { previous, following } = call;
    if (previous !== undefined) previous.following = following;
    if (following !== undefined) following.previous = previous;
    else this.#last = previous;
    call.previous = call.following = undefined;
    this.size--;
  }

  /** Those that are there now, in the order in which they were added. */
  all(): readonly ServerCall[] {
    const calls: ServerCall[] = [];
    for (let call = this.#last; call !== undefined; call = call.previous) calls.push(call);
    return calls.toReversed();
  }
}
