// What a running Command is told about itself: the same for `exec(receiver, context)` and for a server's Invoker.
import type { Seq } from '../wire/frame.js';

/**
 * What a running Command knows about itself and its connection.
 *
 * @publicApi
 */
export interface CommandContext {
  /** Number of the Command on its connection, as the client chose it. */
  readonly seq: Seq;
  /** When the Command's last byte arrived, in milliseconds since the epoch. */
  readonly receivedAt: number;
  /** Length of the Command's frame in bytes, seq included. */
  readonly bytesRead: number;
  /** `address:port` of the client. */
  readonly remoteAddress: string;
  /** `address:port` of this side of the connection. */
  readonly localAddress: string;
  /** When the caller stops waiting, in milliseconds since the epoch; undefined if it said nothing of that. */
  readonly deadline: number | undefined;
  /** What the caller sent along; empty from a plain cmd-stream peer. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Aborts when nobody waits for the answer any more, because it was given or for the lack of a taker; `signal.reason.code`
   * says why: ANSWERED, CANCELLED, TIMEOUT, SLOW_CONSUMER, SHUTDOWN, or what has ended the connection. That of an event, for
   * which nobody waits from the start, aborts when it is done or the server is closed. Made on first use; what listeners
   * fail with is reported and ends nothing.
   */
  readonly signal: AbortSignal;
}
