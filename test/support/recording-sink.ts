// A CommandSink that keeps everything it gets, for tests of a client.
import type { CommandSink } from '../../lib/core.js';
import { until } from './deadline.js';

export class RecordingSink<R = unknown> implements CommandSink<R> {
  readonly results: R[] = [];
  readonly ends: ('complete' | { readonly error: unknown })[] = [];

  next(result: R): void {
    this.results.push(result);
  }

  complete(): void {
    this.ends.push('complete');
  }

  error(error: unknown): void {
    this.ends.push({ error });
  }

  /** Waits for the end; gives the error if that is what ended the call. */
  async ended(): Promise<unknown> {
    await until('a call ends', () => this.ends.length > 0);
    const [end] = this.ends;
    return end === 'complete' ? undefined : end!.error;
  }
}
