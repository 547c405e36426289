// The roles of a server's application: what runs a Command, and how it answers.
import type { CommandContext } from '../contract/command.js';

/**
 * Sends the Results of one Command; may be kept and used from anywhere, also after `invoke` has returned.
 * `complete` and `error` end the Command; what is called after that, or after the connection's end, has no effect.
 *
 * @publicApi
 */
export interface ResultSink {
  /** False once no more Results are wanted. */
  readonly isOpen: boolean;
  /** True once a plain peer, which knows no other end, was sent a last Result: nothing may follow. */
  readonly isAnswered?: boolean | undefined;
  /** Undefined while there is room for more Results; else resolves when there is, or when no more are wanted. */
  readonly drained: Promise<void> | undefined;
  /**
   * Sends one Result and returns the length of its frame in bytes; 0 if it is not wanted any more, or if it is held
   * back for a moment because nothing but `complete` may follow. One too many of those that wait for their taker ends
   * the Command with SLOW_CONSUMER: the sink is closed, the signal aborts.
   *
   * @throws {CmdStreamError} RESULT_NOT_IN_CONTRACT, ENCODE_FAILED or FRAME_TOO_LARGE; the Command goes on
   */
  next(result: unknown): number;
  /** The Command is done; `result`, if given, is sent as its last. */
  complete(result?: unknown): void;
  /** The Command failed. */
  error(error: unknown): void;
}

/**
 * Runs Commands: what the option `invoker` of a CommandServer takes. `ExecInvoker` is the one for Commands that run
 * themselves; under Nest handlers take its place. What `invoke` throws or rejects with is as if given to `sink.error`;
 * a promise that resolves is as `sink.complete`. Without a promise the sink must be ended, now or later: until then the
 * Command counts as running.
 *
 * @example
 * import { CmdStreamError, type CommandInvoker } from 'nestjs-cmd-stream/core';
 * import { AddCmd, CalcResult, Prime, PrimesCmd } from './calc.contract.js';
 *
 * export const invoker: CommandInvoker = {
 *   async invoke(command, { signal }, sink) {
 *     if (command instanceof AddCmd) sink.next(new CalcResult(command.A + command.B));
 *     else if (command instanceof PrimesCmd) {
 *       for (const prime of [2, 3, 5]) {
 *         await sink.drained;
 *         if (signal.aborted) return;
 *         sink.next(new Prime(prime, prime === 5));
 *       }
 *     } else throw new CmdStreamError('NO_HANDLER', 'this server runs AddCmd and PrimesCmd');
 *   },
 * };
 *
 * @publicApi
 */
export interface CommandInvoker {
  /** Runs one Command, an instance of a class of the contract, and answers it by `sink`. */
  invoke(command: unknown, context: CommandContext, sink: ResultSink): void | PromiseLike<void>;
  /**
   * What is answered for an error that a Command's own code, or code around it, has failed with: once for each failure.
   * A CmdStreamError `REMOTE` travels to the caller with its `payload`. Where it throws, that is reported, and the
   * caller learns no more than that the handler has failed. Default: the error itself.
   */
  failureOf?(error: unknown): unknown;
  /**
   * How long this Command may run, in milliseconds; 0: without limit; undefined, the default: as the server's option
   * `commandTimeoutMs` says.
   */
  timeoutMsOf?(command: unknown): number | undefined;
  /**
   * Is there something that runs it? Instrumentation asks, so that names which peers make up are none of its own.
   * Default: yes.
   */
  handles?(command: unknown): boolean;
  /** What runs a Command, for messages: a class and its method. Default: the name of the Command alone is shown. */
  handlerOf?(command: unknown): string | undefined;
}
