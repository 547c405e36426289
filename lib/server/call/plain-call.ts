// A Command of a plain cmd-stream peer: Results go out as they come, the first last one ends it, and there is no
// word for an error but a Result of the contract or the end of the connection.
import { isAlwaysLast, resultCountOf } from '../../contract/command.js';
import type { TypeTable } from '../../contract/type-table.js';
import { CmdStreamError, isCmdStreamError, messageOf } from '../../errors.js';
import { isPromiseLike } from '../../callbacks.js';
import { ServerCall } from './server-call.js';
import { MADE_AHEAD } from '../session/send-scheduler.js';

/** ended: its handler has ended, perhaps its error is still to be mapped. */
type State = 'running' | 'answered' | 'ended';

export class PlainCall extends ServerCall {
  #state: State = 'running';
  /** What `next` or this class has thrown. Where an Invoker hands it to `error`, it is no failure of the handler. */
  #thrown: unknown;
  #isAnswered = false;
  /** Results that were sent while more waited than may. */
  #madeAhead = 0;

  get isOpen(): boolean {
    return this.#state === 'running' && this.abortReason === undefined;
  }

  get drained(): Promise<void> | undefined {
    return this.session.scheduler.drained;
  }

  get #results(): TypeTable {
    return this.session.config.contract.results;
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  next(result: unknown): number {
    if (this.#isAnswered) this.#reportResultAfterLast();
    if (!this.isOpen) return 0;
    if (this.isEncoding) return this.#send(result);
    this.isEncoding = true;
    try {
      return this.#send(result);
    } finally {
      this.doneEncoding();
    }
  }

  #send(result: unknown): number {
    let bytes: number;
    let isLast: boolean;
    try {
      // Asked first: nothing is sent of a Result that cannot say it.
      isLast = this.#results.isLast(result);
      if (this.#isTooMany(result, isLast)) {
        const { connection, scheduler } = this.session;
        connection.destroy(scheduler.overflow());
        return 0;
      }
      bytes = this.#write(result);
    } catch (error) {
      this.#thrown = error;
      throw error;
    }
    if (this.#state === 'running' && isLast) {
      this.#state = 'answered';
      this.#isAnswered = true;
      if (this.#isShortStream(result)) this.#reportShortStream();
      this.answered();
    }
    return bytes;
  }

  #write(result: unknown): number {
    const { writer } = this.session.connection;
    const bytes = writer.send((frame) => writer.writeValue(frame, this.seq, result));
    this.watch?.onResult(result, bytes);
    this.session.regulate();
    return bytes;
  }

  /** Of its first last Result: could it have been another one? */
  #isShortStream(result: unknown): boolean {
    if (!this.session.config.isEachLast || resultCountOf(this.command) !== 'many Results') return false;
    return isAlwaysLast(result as object);
  }

  #reportResultAfterLast(): void {
    this.#reportOnce('the handler of', 'goes on after its last Result: a plain peer gets nothing of that');
  }

  /** What produces the others is stopped before they can be seen. */
  #reportShortStream(): void {
    this.#reportOnce(
      '',
      'is a StreamCommand, and every Result of the contract is a last one: a plain peer gets the first',
    );
  }

  /** Once for each type of Commands: what does it does it always. */
  #reportOnce(whose: string, what: string): void {
    const { reportedAfterLast } = this.session.config;
    const name = this.commandName;
    if (reportedAfterLast.has(name)) return;
    reportedAfterLast.add(name);
    const remedy = 'all but the last must have a lastOne() that returns false (this is said once)';
    this.session.report(new CmdStreamError('RESULT_AFTER_LAST', `${whose} ${name} ${what}; ${remedy}`.trimStart()));
  }

  /**
   * A producer that waits for room has made some before it can know that there is none; the last one is always sent.
   */
  #isTooMany(result: unknown, isLast: boolean): boolean {
    if (!this.session.scheduler.isFull) this.#madeAhead = 0;
    else if (!isLast && this.#results.indexOf(result) >= 0) this.#madeAhead++;
    return this.#madeAhead > MADE_AHEAD;
  }

  complete(result?: unknown): void {
    if (this.#state === 'ended') return this.handlerEnded();
    if (this.isEncoding) return this.endBehind(() => this.complete(result));
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
    const text = `the handler of ${this.commandName} ended without a last Result, which a plain peer waits for`;
    this.#thrown = new CmdStreamError('HANDLER_ERROR', text);
    return this.#thrown;
  }

  error(error: unknown): void {
    if (this.#state === 'ended') return this.handlerEnded();
    if (this.isEncoding) return this.endBehind(() => this.error(error));
    this.#state = 'ended';
    this.failure = { error };
    if (this.#isAnswered) this.session.report(this.#failureOf(error));
    else if (this.abortReason === undefined) return void this.#answer(this.#failureOf(error));
    this.settle();
  }

  protected override timeOut(cause: CmdStreamError): void {
    this.#thrown = cause;
    this.endReason = cause;
    this.leaveHandler();
    this.error(cause);
    this.abortSignal(cause);
  }

  #failureOf(error: unknown): unknown {
    return error !== undefined && error === this.#thrown ? error : this.failureOf(error);
  }

  /** Answers with what `onPlainError`, which may be asynchronous, makes of the failure. */
  async #answer(failure: unknown): Promise<void> {
    const { onPlainError } = this.session.config;
    // What a peer of this package would get as the payload of an error is what `onPlainError` is given.
    const error = isCmdStreamError(failure) && failure.code === 'REMOTE' ? failure.payload : failure;
    if (onPlainError === 'close') this.#endWith(error);
    else {
      try {
        const mapped = onPlainError(error, this.command, this);
        this.#reply(isPromiseLike(mapped) ? await mapped : mapped);
      } catch (mappingError) {
        this.session.report(mappingError);
        this.#endWith(mappingError);
      }
    }
    this.settle();
  }

  #reply(result: unknown): void {
    if (this.abortReason !== undefined) return;
    this.#write(result);
    if (this.#results.isLast(result)) return;
    throw new CmdStreamError('HANDLER_ERROR', 'onPlainError gave no last Result, which a plain peer waits for');
  }

  #endWith(cause: unknown): void {
    const text = `${this.handlerName()} failed: ${messageOf(cause)}`;
    this.session.connection.end(new CmdStreamError('HANDLER_ERROR', text, { cause }));
  }
}
