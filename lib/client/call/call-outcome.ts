// How a call ends, as circuit breakers see it, and what watches it until then.
import { PatternMessage } from '../../codec/pattern-message.js';
import { typeNameOf } from '../../contract/type-table.js';
import { isCmdStreamError, visibleText } from '../../errors.js';
import type { CallOutcome, SentCommand } from '../../instrumentation/instrumentation.js';

/** Given up by its caller, or moved to another connection: a circuit breaker learns nothing from it. */
export const CANCELLED: CallOutcome = Object.freeze({ how: 'cancelled' });

/** What watches one call from within. No method may throw. */
export interface CallWatch {
  onResult(sent: SentCommand, result: unknown, bytes: number): void;
  onEnd(sent: SentCommand, outcome: CallOutcome): void;
}

/** Has the server done its part, as far as the outcome of a call shows? Undefined: it shows nothing. */
export function breakerVerdict(
  { how, error }: CallOutcome,
  isFailure: (error: unknown) => boolean,
): boolean | undefined {
  if (how === 'completed') return true;
  if (error === undefined) return undefined;
  if (isFailure(error)) return false;
  return how === 'failed' && isCmdStreamError(error) && error.sent ? true : undefined;
}

/** What was sent, for errors. */
export function nameOfSent(command: unknown): string {
  try {
    if (!(command instanceof PatternMessage)) return typeNameOf(command);
    return command.isPacket ? `the ${command.kind}` : `the ${command.kind} ${visibleText(command.route)}`;
  } catch {
    return 'a Command'; // Of a class that throws when it is looked at.
  }
}
