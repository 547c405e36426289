// One Command from its arrival to its end: context and sink in one object, because every Command needs both.
import type { Seq } from '../wire/frame.js';
import type { CommandContext } from '../codec/command-context.js';
import type { ResultSink } from './invoker.js';

/** What a running Command needs from its session. */
export interface CommandHome {
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** Why the connection ended, undefined while it lives. */
  readonly endCause: unknown;
  readonly drained: Promise<void> | undefined;
  /** True if the Result is the last one of its Command. */
  isLast(result: unknown): boolean;
  send(seq: Seq, result: unknown): number;
  /** Sees to it that the Command is aborted when the connection ends. */
  watch(command: RunningCommand): void;
  completed(command: RunningCommand): void;
  /** `answered`: it had sent its last Result before it failed. */
  failed(command: RunningCommand, error: unknown, answered: boolean): void;
}

type State = 'running' | 'answered' | 'settled';

export class RunningCommand implements CommandContext, ResultSink {
  readonly #home: CommandHome;
  #state: State = 'running';
  #controller: AbortController | undefined;

  constructor(
    readonly seq: Seq,
    readonly value: unknown,
    readonly bytesRead: number,
    readonly receivedAt: number,
    home: CommandHome,
  ) {
    this.#home = home;
  }

  get remoteAddress(): string {
    return this.#home.remoteAddress;
  }

  get localAddress(): string {
    return this.#home.localAddress;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#home.endCause !== undefined) this.#controller.abort(this.#home.endCause);
      else if (this.#state !== 'settled') this.#home.watch(this);
    }
    return this.#controller.signal;
  }

  get isOpen(): boolean {
    return this.#state === 'running' && this.#home.endCause === undefined;
  }

  get drained(): Promise<void> | undefined {
    return this.#home.drained;
  }

  next(result: unknown): number {
    if (!this.isOpen) return 0;
    const bytes = this.#home.send(this.seq, result);
    if (this.#home.isLast(result) && this.#state === 'running') this.#state = 'answered';
    return bytes;
  }

  complete(): void {
    if (this.#state === 'settled') return;
    this.#state = 'settled';
    this.#home.completed(this);
  }

  error(error: unknown): void {
    if (this.#state === 'settled') return;
    const answered = this.#state === 'answered';
    this.#state = 'settled';
    this.#home.failed(this, error, answered);
  }

  /** Tells the handler that nobody waits any more. */
  abort(reason: unknown): void {
    this.#controller?.abort(reason);
  }
}
