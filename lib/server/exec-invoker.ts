// The Invoker of the classic Command Pattern without Nest: every Command runs itself against one Receiver.
import { PatternMessage } from '../codec/pattern-message.js';
import type { CommandContext, Command } from '../contract/command.js';
import { typeNameOf } from '../contract/type-table.js';
import { CmdStreamError, peerText } from '../errors.js';
import type { CommandInvoker, ResultSink } from './invoker.js';
import { deliver } from './call/result-source.js';

/**
 * Runs `command.exec(receiver, context)` and sends what it gives back: a value, a promise, an AsyncIterable, an
 * Observable.
 *
 * @publicApi
 */
export class ExecInvoker<Receiver> implements CommandInvoker {
  readonly #receiver: Receiver;

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
  }

  /**
   * Runs one Command; the server calls it.
   *
   * @throws {CmdStreamError} NO_HANDLER for one that has no `exec`, and for a message by pattern
   */
  invoke(value: unknown, context: CommandContext, sink: ResultSink): void {
    if (value instanceof PatternMessage) {
      const what = `the ${value.kind} ${peerText(value.route)}`;
      throw new CmdStreamError('NO_HANDLER', `no handler for ${what}: an ExecInvoker runs Commands, and no patterns`);
    }
    const command = value as Command<unknown, Receiver>;
    if (typeof command.exec !== 'function') {
      throw new CmdStreamError('NO_HANDLER', `${typeNameOf(command)} has no method exec(receiver, context)`);
    }
    deliver(command.exec(this.#receiver, context), context, sink);
  }
}
