// A Command of a plain cmd-stream peer: Results go out as they come, the first last one ends it, and there is no
// word for an error but a Result of the contract or the end of the connection.
import type { TypeTable } from '../codec/type-table.js';
import { CmdStreamError, isCmdStreamError, messageOf } from '../errors.js';
import { NO_METADATA } from '../wire/control-frame.js';
import type { Seq } from '../wire/frame.js';
import { RunningCommand, type CommandHome } from './running-command.js';
import type { PlainErrorMapper } from './server-options.js';

export interface PlainHome extends CommandHome {
  readonly results: TypeTable;
  readonly onPlainError: PlainErrorMapper | 'close';
  send(seq: Seq, result: unknown): number;
  /** Ends the connection, after what was sent. */
  end(cause: CmdStreamError): void;
}

type State = 'running' | 'answered' | 'settled';

export class PlainCommand extends RunningCommand {
  #state: State = 'running';
  /** What `next` has thrown: an Invoker that hands it to `error` quotes the session. */
  #thrown: unknown;

  constructor(
    seq: Seq,
    value: unknown,
    bytesRead: number,
    receivedAt: number,
    protected override readonly home: PlainHome,
  ) {
    super(seq, value, bytesRead, receivedAt, undefined, NO_METADATA, home);
  }

  get isOpen(): boolean {
    return this.#state === 'running' && !this.isAborted;
  }

  get drained(): Promise<void> | undefined {
    return this.home.drained;
  }

  next(result: unknown): number {
    if (!this.isOpen) return 0;
    const bytes = this.#send(result);
    if (this.home.results.isLast(result) && this.#state === 'running') this.#state = 'answered';
    return bytes;
  }

  #send(result: unknown): number {
    try {
      return this.home.send(this.seq, result);
    } catch (error) {
      this.#thrown = error;
      throw error;
    }
  }

  complete(result?: unknown): void {
    if (this.#state === 'settled') return;
    try {
      if (result !== undefined) this.next(result);
    } catch (error) {
      return this.error(error);
    }
    this.#state = 'settled';
    this.settle();
  }

  error(error: unknown): void {
    if (this.#state === 'settled') return;
    const answered = this.#state === 'answered';
    this.#state = 'settled';
    if (answered) this.home.report(this.#failureOf(error));
    else if (!this.isAborted) this.#answer(this.#failureOf(error));
    this.settle();
  }

  #failureOf(error: unknown): unknown {
    return error !== undefined && error === this.#thrown ? error : this.home.failureOf(error);
  }

  #answer(failure: unknown): void {
    const { onPlainError } = this.home;
    // What another peer would get as the payload of an error is what the mapper is given.
    const error = isCmdStreamError(failure) && failure.code === 'REMOTE' ? failure.payload : failure;
    let cause = error;
    if (onPlainError !== 'close') {
      try {
        this.home.send(this.seq, onPlainError(error, this.value, this));
        return;
      } catch (mappingError) {
        cause = mappingError;
        this.home.report(mappingError);
      }
    }
    this.home.end(new CmdStreamError('HANDLER_ERROR', `a handler failed: ${messageOf(cause)}`, { cause }));
  }
}
