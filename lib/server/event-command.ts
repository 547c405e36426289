// An event by pattern, or a Command whose sender wants no answer, on its way through its handlers: what it gives is
// dropped, what it fails with is reported.
import { CmdStreamError, isCmdStreamError, isError, MAX_REASON_BYTES, messageOf, peerText } from '../errors.js';
import type { Metadata } from '../wire/control-frame.js';
import { RunningCommand, type CommandHome } from './running-command.js';

/** What an event needs beside: its error has nobody to go to, and must say whose it is. */
export interface EventHome extends CommandHome {
  /** Whose handler it is, as messages have it. */
  handlerOfEvent(event: unknown): string;
}

export class EventCommand extends RunningCommand {
  readonly #events: EventHome;
  #settled = false;

  /** `seq`: 0 for an event by pattern, which has no number. */
  constructor(seq: number, value: unknown, bytesRead: number, receivedAt: number, metadata: Metadata, home: EventHome) {
    super(seq, value, bytesRead, receivedAt, undefined, Infinity, metadata, home);
    this.#events = home;
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
    this.home.report(this.#named(this.home.failureOf(error)));
    this.complete();
  }

  /** Errors of this package, but for those that the application has made, say themselves what they are about. */
  #named(failure: unknown): unknown {
    if (isCmdStreamError(failure) && failure.code !== 'REMOTE') return failure;
    const text = peerText(shown(failure), MAX_REASON_BYTES);
    const message = `${this.#events.handlerOfEvent(this.value)} failed: ${text}`;
    return new CmdStreamError('HANDLER_ERROR', message, { cause: failure });
  }
}

function shown(failure: unknown): string {
  const error = isCmdStreamError(failure) && isError(failure.cause) ? failure.cause : failure;
  const text = messageOf(failure);
  if (!isError(error) || isCmdStreamError(error)) return text;
  return `${nameOf(error)}: ${text}`;
}

/** A class of an exception may have kept the name of its base. */
function nameOf(error: Error): string {
  try {
    return String(error.constructor.name || error.name);
  } catch {
    return 'Error';
  }
}
