// Logs what peers cause, how their connections ended above all, so that a peer can neither flood the log nor forge its
// lines: one line per reason and second, ten of all, with a count of those left out, control characters escaped.
import type { LoggerService } from '@nestjs/common';
import { notify } from '../callbacks.js';
import type { ConnectionAddresses } from '../contract/command.js';
import type { CmdStreamErrorCode } from '../error-codes.js';
import { encodeError, peerText, visibleText, type CmdStreamError } from '../errors.js';
import { endpointText, lineOf, stackLines } from './log-text.js';

const LOG_INTERVAL_MS = 1000;
/** Of all reasons together, in one interval. */
const MOST_LINES = 10;
/** Among these, of stacks: the others are for what else happens meanwhile. */
const MOST_STACK_LINES = 5;

/** Ends that need no line: they are what clients do. */
const ordinary: ReadonlySet<CmdStreamErrorCode> = new Set<CmdStreamErrorCode>([
  'PEER_CLOSED',
  'PEER_RESET',
  'IDLE_TIMEOUT',
  'SHUTDOWN',
  'CLOSED',
]);

type Level = 'warn' | 'error';

export class PeerLog {
  readonly logger: LoggerService;
  /** Types of Results that have come behind the last one of a Command: said once is enough. */
  readonly #afterLast = new Set<string>();
  readonly #lines = new Map<string, { loggedAt: number; leftOut: number }>();
  /** The interval that runs: since when, and how many lines were written and left out. */
  #interval = { since: Number.NEGATIVE_INFINITY, written: 0, ofStacks: 0, leftOut: 0 };

  constructor(logger: LoggerService) {
    this.logger = logger;
  }

  connectionEnd({ remoteAddress, remotePort }: ConnectionAddresses, cause: CmdStreamError): void {
    if (ordinary.has(cause.code)) return;
    const of = remoteAddress === undefined ? 'without an address' : `of ${endpointText(remoteAddress, remotePort)}`;
    this.#write(cause, `connection ${of} ended: `);
  }

  error(error: CmdStreamError): void {
    this.#write(error, '');
  }

  /** What a peer sent cannot be read, or what it asked for cannot be sent. */
  failure(error: CmdStreamError): void {
    this.#write(error, '', 'error');
  }

  /** Calls `write` if one more line may be written now; of those left out the number is written later. */
  line(write: () => unknown, count = 1): void {
    const now = performance.now();
    const { since, leftOut } = this.#interval;
    if (now - since >= LOG_INTERVAL_MS) {
      this.#interval = { since: now, written: leftOut > 0 ? 1 : 0, ofStacks: 0, leftOut: 0 };
      if (leftOut > 0) this.logger.warn(`${leftOut} lines were left out: ${MOST_LINES} may be written in a second`);
    }
    if (this.#interval.written < MOST_LINES) {
      this.#interval.written++;
      write();
    } else this.#interval.leftOut += count;
  }

  /** The same of what was thrown, with the first lines of its stack, if they may be written: they count, too. */
  thrown(error: unknown, write: (stack: string | undefined) => unknown): void {
    this.line(() => {
      const interval = this.#interval;
      const stack = stackLines(error, Math.min(MOST_STACK_LINES - interval.ofStacks, MOST_LINES - interval.written));
      interval.written += stack.length;
      interval.ofStacks += stack.length;
      write(stack.length > 0 ? stack.join('\n') : undefined);
    });
  }

  /** In Nest's own words, which operators look for. */
  noEventHandler(text: string): void {
    this.#limited('no event handler', text, 'error');
  }

  noMessageHandler(pattern: string): void {
    const why = 'one that is bound to a transport other than the option transportId is not served';
    this.#limited('no message handler', `no handler for messages with the pattern ${pattern}; ${why}`, 'warn');
  }

  /** A server has answered a Command twice, as the classes of this client have it. */
  afterLast(name: string): void {
    if (this.#afterLast.has(name)) return;
    this.#afterLast.add(name);
    const why = 'a lastOne() was true before it, here, and should not have been, or the server has answered twice';
    const text = `${name} came behind the last Result of its Command, and is dropped: ${why} (this is said once)`;
    notify(() => this.line(() => this.logger.warn(visibleText(text))));
  }

  /** What was emitted failed, and has no subscriber that gets the error. */
  unsent(error: unknown, name: string): void {
    this.#write(encodeError(error), `an emit() of ${peerText(name)} without a subscriber failed: `);
  }

  #write({ code, message }: CmdStreamError, what: string, level: Level = 'warn'): void {
    this.#limited(code, `${what}${code}: ${lineOf(message)}`, level);
  }

  #limited(reason: string, text: string, level: Level): void {
    const now = performance.now();
    const line = this.#lines.get(reason);
    if (line !== undefined && now - line.loggedAt < LOG_INTERVAL_MS) {
      line.leftOut++;
      return;
    }
    const more = line?.leftOut ?? 0;
    const leftOut = more > 0 ? ` (and ${more} more since the last line)` : '';
    this.#lines.set(reason, { loggedAt: now, leftOut: 0 });
    this.line(() => this.logger[level](text + leftOut), 1 + more);
  }
}
