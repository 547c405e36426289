// What a server logs of errors that no caller, or no caller in full, learns of.
import type { LoggerService } from '@nestjs/common';
import { callSafely } from '../../callbacks.js';
import type { CmdStreamErrorCode } from '../../error-codes.js';
import { isCmdStreamError, isError, messageOf, type CmdStreamError } from '../../errors.js';
import { lineOf } from '../log-text.js';
import type { PeerLog } from '../peer-log.js';
import { failedFilterOf, isLogged } from './handler-failure.js';

/** What a peer can send as often as it likes, or make a handler give. */
const unreadable: ReadonlySet<CmdStreamErrorCode> = new Set<CmdStreamErrorCode>([
  'NO_HANDLER',
  'BAD_PAYLOAD',
  'FRAME_TOO_LARGE',
  'JSON_LIMIT',
  'UNKNOWN_TYPE',
  'UNSAFE_INTEGER',
]);

const FILTER_HINT =
  'if it is for HTTP only, let it extend CmdStreamExceptionFilter, and hand what is not for HTTP to super.catch()';

export class FailureLog {
  readonly #loggerOf: () => LoggerService;
  readonly #peers: PeerLog;

  /**
   * `logger`: a subclass may have another one; `peers` bounds the lines of what peers can cause as often as they like.
   */
  constructor(logger: () => LoggerService, peers: PeerLog) {
    this.#loggerOf = logger;
    this.#peers = peers;
  }

  get #logger(): LoggerService {
    return this.#loggerOf();
  }

  /** What the core server reports. */
  report(error: unknown): void {
    const code = isCmdStreamError(error) ? error.code : undefined;
    if (code !== undefined && unreadable.has(code)) logging(() => this.#peers.failure(error as CmdStreamError));
    else if (code === 'OVERLOADED' || code === 'ACCEPT_FAILED')
      logging(() => this.#peers.error(error as CmdStreamError));
    else if (code === 'RESULT_AFTER_LAST')
      logging(() => this.#peers.line(() => this.#logger.warn(lineOf(messageOf(error)))));
    else if (code === 'HANDLER_ERROR') this.#event(error as CmdStreamError);
    else if (!isLogged(error)) this.error(error);
  }

  /** One message of whose handler has failed, with the stack of what it threw; what was logged already has its own. */
  #event({ message, cause }: CmdStreamError): void {
    if (isLogged(cause)) return;
    this.#thrown(lineOf(message), isCmdStreamError(cause) && isError(cause.cause) ? cause.cause : cause);
  }

  /** An error that nothing but the log shows. */
  error(error: unknown): void {
    const filter = failedFilterOf(error);
    if (filter === undefined) return this.#thrown(lineOf(messageOf(error)), error);
    const said = lineOf(messageOf(error));
    this.#thrown(`the exception filter ${filter} has failed itself: ${said}; ${FILTER_HINT}`, error);
  }

  /** Whatever fails, a peer can have it fail as often as it likes, and with its own words. */
  #thrown(text: string, error: unknown): void {
    logging(() => this.#peers.thrown(error, (stack) => this.#logger.error(text, stack)));
  }
}

/** The logger is the application's: where it fails itself, there is no other place to say so. */
function logging(log: () => unknown): void {
  callSafely(() => {}, log);
}
