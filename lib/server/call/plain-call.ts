// A Command of a plain cmd-stream peer: Results go out as they come, the first last one ends it, and there is no
// word for an error but a Result of the contract or the end of the connection.
import type { TypeTable } from '../../contract/type-table.js';
import { CmdStreamError, isCmdStreamError, messageOf } from '../../errors.js';
import { NO_METADATA } from '../../wire/control-frame.js';
import type { Seq } from '../../wire/frame.js';
import { isPromiseLike } from '../../callbacks.js';
import { ServerCall, type CommandHome, type HandlerNames } from './server-call.js';
import type { PlainErrorMapper } from '../server-options.js';
import { IN_HAND } from '../session/send-scheduler.js';

export interface PlainHome extends CommandHome, HandlerNames {
  readonly results: TypeTable;
  readonly onPlainError: PlainErrorMapper | 'close';
  /** True while more waits than may. */
  readonly isFull: boolean;
  /** A source that cannot wait costs the connection: a plain peer cannot be notify that one Command failed. */
  overflow(): void;
  send(seq: Seq, result: unknown): number;
  /** What users call this Command. */
  nameOf(command: unknown): string;
  /** The Command goes on although it was answered. */
  wentOn(command: unknown): void;
  /** Ends the connection, after what was sent. */
  end(cause: CmdStreamError): void;
}

/** ended: its handler has ended, perhaps its error is still to be mapped. */
type State = 'running' | 'answered' | 'ended';

export class PlainCall extends ServerCall {
  #state: State = 'running';
  /** What `next` has thrown, or this has found: an Invoker that hands it to `error` quotes the session. */
  #thrown: unknown;
  #isAnswered = false;
  /** Results that were sent while more waited than may. */
  #inHand = 0;

  constructor(
    seq: Seq,
    value: unknown,
    bytesRead: number,
    receivedAt: number,
    protected override readonly home: PlainHome,
  ) {
    super(seq, value, bytesRead, receivedAt, undefined, Infinity, NO_METADATA, home);
  }

  get isOpen(): boolean {
    return this.#state === 'running' && !this.isAborted;
  }

  get drained(): Promise<void> | undefined {
    return this.home.drained;
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  next(result: unknown): number {
    if (this.#isAnswered) this.home.wentOn(this.value);
    if (!this.isOpen) return 0;
    if (this.isTaking) return this.#send(result);
    this.take();
    try {
      return this.#send(result);
    } finally {
      this.taken();
    }
  }

  #send(result: unknown): number {
    let bytes: number;
    let isLast: boolean;
    try {
      // Asked first: nothing is sent of a Result that cannot say it.
      isLast = this.home.results.isLast(result);
      if (this.#isTooMany(result, isLast)) {
        this.home.overflow();
        return 0;
      }
      bytes = this.home.send(this.seq, result);
    } catch (error) {
      this.#thrown = error;
      throw error;
    }
    if (this.#state === 'running' && isLast) {
      this.#state = 'answered';
      this.#isAnswered = true;
      this.answered();
    }
    return bytes;
  }

  /** A producer that waits for room has some in hand before it can know that there is none; the last one is always sent. */
  #isTooMany(result: unknown, isLast: boolean): boolean {
    if (!this.home.isFull) this.#inHand = 0;
    else if (!isLast && this.home.results.indexOf(result) >= 0) this.#inHand++;
    return this.#inHand > IN_HAND;
  }

  complete(result?: unknown): void {
    if (this.#state === 'ended') return;
    if (this.isTaking) return this.endBehind(() => this.complete(result));
    try {
      if (result !== undefined) this.next(result);
    } catch (error) {
      return this.error(error);
    }
    if (this.isOpen) return this.error(this.#withoutLast());
    this.#state = 'ended';
    this.settle();
  }

  #withoutLast(): unknown {
    const text = `the handler of ${this.home.nameOf(this.value)} ended without a last Result, which a plain peer waits for`;
    this.#thrown = new CmdStreamError('HANDLER_ERROR', text);
    return this.#thrown;
  }

  error(error: unknown): void {
    if (this.#state === 'ended') return;
    if (this.isTaking) return this.endBehind(() => this.error(error));
    this.#state = 'ended';
    if (this.#isAnswered) this.home.report(this.#failureOf(error));
    else if (!this.isAborted) return void this.#answer(this.#failureOf(error));
    this.settle();
  }

  #failureOf(error: unknown): unknown {
    return error !== undefined && error === this.#thrown ? error : this.home.failureOf(error);
  }

  /** The mapper may be asynchronous. */
  async #answer(failure: unknown): Promise<void> {
    const { onPlainError } = this.home;
    // What another peer would get as the payload of an error is what the mapper is given.
    const error = isCmdStreamError(failure) && failure.code === 'REMOTE' ? failure.payload : failure;
    if (onPlainError === 'close') this.#endWith(error);
    else {
      try {
        const mapped = onPlainError(error, this.value, this);
        this.#reply(isPromiseLike(mapped) ? await mapped : mapped);
      } catch (mappingError) {
        this.home.report(mappingError);
        this.#endWith(mappingError);
      }
    }
    this.settle();
  }

  #reply(result: unknown): void {
    if (this.isAborted) return;
    this.home.send(this.seq, result);
    if (this.home.results.isLast(result)) return;
    throw new CmdStreamError('HANDLER_ERROR', 'onPlainError gave no last Result, which a plain peer waits for');
  }

  #endWith(cause: unknown): void {
    const text = `${this.home.handlerOf(this.value)} failed: ${messageOf(cause)}`;
    this.home.end(new CmdStreamError('HANDLER_ERROR', text, { cause }));
  }
}
