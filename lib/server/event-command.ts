// An event by pattern, or a Command whose sender wants no answer, on its way through its handlers: what it gives is
// dropped, what it fails with is reported.
import type { Metadata } from '../wire/control-frame.js';
import { RunningCommand, type CommandHome } from './running-command.js';

export class EventCommand extends RunningCommand {
  #settled = false;

  /** `seq`: 0 for an event by pattern, which has no number. */
  constructor(
    seq: number,
    value: unknown,
    bytesRead: number,
    receivedAt: number,
    metadata: Metadata,
    home: CommandHome,
  ) {
    super(seq, value, bytesRead, receivedAt, undefined, Infinity, metadata, home);
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
    this.home.report(this.home.failureOf(error));
    this.complete();
  }
}
