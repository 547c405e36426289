// Logs how connections ended, so that a peer can neither flood the log nor forge its lines: one line per reason and
// second, with a count of those left out, control characters escaped.
import type { LoggerService } from '@nestjs/common';
import { visibleText, type ErrorCode } from '../errors.js';
import type { LostConnection } from '../server/server-options.js';

const LOG_INTERVAL_MS = 1000;
const MAX_TEXT = 512;

/** Ends that need no line: they are what clients do. */
const ordinary: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['PEER_CLOSED', 'PEER_RESET', 'SHUTDOWN', 'CLOSED']);

export class PeerLog {
  readonly #logger: LoggerService;
  readonly #lines = new Map<ErrorCode, { loggedAt: number; leftOut: number }>();

  constructor(logger: LoggerService) {
    this.#logger = logger;
  }

  connectionLost({ remoteAddress, cause }: LostConnection): void {
    if (ordinary.has(cause.code)) return;
    const now = performance.now();
    const line = this.#lines.get(cause.code);
    if (line !== undefined && now - line.loggedAt < LOG_INTERVAL_MS) {
      line.leftOut++;
      return;
    }
    const leftOut = line?.leftOut ? ` (and ${line.leftOut} more since the last line)` : '';
    this.#lines.set(cause.code, { loggedAt: now, leftOut: 0 });
    const text = cause.message.length > MAX_TEXT ? `${cause.message.slice(0, MAX_TEXT)}…` : cause.message;
    this.#logger.warn(`connection of ${remoteAddress} ended: ${cause.code}: ${visibleText(text)}${leftOut}`);
  }
}
