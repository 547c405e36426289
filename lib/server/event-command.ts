// An event by pattern on its way through its handlers. Nobody waits for an answer: it has no number, what it gives is
// dropped, what it fails with is reported.
import type { PatternMessage } from '../codec/pattern-message.js';
import type { Metadata } from '../wire/control-frame.js';
import { RunningCommand, type CommandHome } from './running-command.js';

export class EventCommand extends RunningCommand {
  #settled = false;

  constructor(event: PatternMessage, bytesRead: number, receivedAt: number, metadata: Metadata, home: CommandHome) {
    super(0, event, bytesRead, receivedAt, undefined, metadata, home);
  }

  get isOpen(): boolean {
    return !this.#settled && !this.isAborted;
  }

  get drained(): undefined {
    return undefined;
  }

  next(): number {
    return 0;
  }

  complete(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.settle();
  }

  error(error: unknown): void {
    this.home.report(error);
    this.complete();
  }
}
