// Keeps account of the calls of a client: what is handed out ends once and no more, nothing comes behind an end, and as
// many calls are made as are answered, fail, or are given up.
import assert from 'node:assert/strict';
import type { CommandClient } from '../../lib/core.js';
import { until } from './deadline.js';

type Dispatch = CommandClient['dispatch'];

export class CallBook {
  made = 0;
  answered = 0;
  failed = 0;
  givenUp = 0;
  readonly #client: CommandClient;
  readonly #faults: string[] = [];

  constructor(client: CommandClient) {
    this.#client = client;
    this.#watchPromises('execute', 'emit', 'connect', 'reopen', 'ping', 'pingEach', 'close');
    this.#watchDispatch();
  }

  /** Calls that have not ended. */
  get open(): number {
    return this.made - this.answered - this.failed - this.givenUp;
  }

  /** Call it when the client was destroyed. */
  async check(): Promise<void> {
    await until('each call of a client has ended', () => this.open <= 0);
    assert.equal(this.open, 0, 'a call has ended more than once');
    assert.equal(this.#client.pending, 0, 'a client that was destroyed has calls');
    assert.deepEqual(this.#faults, [], 'a sink was called behind its end');
  }

  #watchPromises(...names: readonly (keyof CommandClient)[]): void {
    for (const name of names) {
      const method = (this.#client[name] as (...args: unknown[]) => Promise<unknown>).bind(this.#client);
      const watched = (...args: unknown[]): Promise<unknown> => {
        this.made++;
        const promise = method(...args);
        promise.then(
          () => this.answered++,
          () => this.failed++,
        );
        return promise;
      };
      Object.defineProperty(this.#client, name, { value: watched });
    }
  }

  #watchDispatch(): void {
    const dispatch = this.#client.dispatch.bind(this.#client) as Dispatch;
    const watched: Dispatch = (command, sink, options) => {
      this.made++;
      let isOver = false;
      const end = (how: 'answered' | 'failed' | 'givenUp', work: () => void): void => {
        if (isOver && how !== 'givenUp') this.#faults.push(`${how} behind its end`);
        else if (!isOver) this[how]++;
        isOver = true;
        work();
      };
      const call = dispatch(
        command,
        {
          next: (result, bytesRead) => {
            if (isOver) this.#faults.push('a Result behind its end');
            return sink.next(result, bytesRead);
          },
          complete: () => end('answered', () => sink.complete()),
          error: (error) => end('failed', () => sink.error(error)),
        },
        options,
      );
      const cancel = call.cancel.bind(call);
      Object.defineProperty(call, 'cancel', { value: (...args: []) => end('givenUp', () => cancel(...args)) });
      return call;
    };
    Object.defineProperty(this.#client, 'dispatch', { value: watched });
  }
}
