// Command and Result, the two words of the Distributed Command Pattern, as base classes, and what a Command is given
// when it runs. The classes carry types and defaults, no state: what an instance holds is what travels.
import type { TypeEntry } from './type-table.js';
import type { Seq } from '../wire/frame.js';

/** These carry a type at compile time only; no value ever has such a key. */
export declare const RESULT: unique symbol;
export declare const RECEIVER: unique symbol;
export declare const ANSWER: unique symbol;

/**
 * What a Command's `exec`, or a handler, may give back: one Result, or a stream of them, now or later; nothing only
 * where `R` says so: `Command<void>`.
 */
export type HandlerResult<R> =
  R | AsyncIterable<R> | SubscribableLike<R> | PromiseLike<R | AsyncIterable<R> | SubscribableLike<R>>;

/** An Observable, named by what it can do, so that contracts load no rxjs. */
export interface SubscribableLike<R> {
  subscribe(observer: { next(value: R): void; error(error: unknown): void; complete(): void }): { unsubscribe(): void };
}

/**
 * The two ends of a connection. A Unix domain socket, a pipe and any other stream without addresses has none: all four
 * are undefined.
 *
 * @publicApi
 */
export interface ConnectionAddresses {
  /** The IP address of the client, without the port: `127.0.0.1`, `2001:db8::1`. */
  readonly remoteAddress: string | undefined;
  /** The port of the client. */
  readonly remotePort: number | undefined;
  /** The IP address of the server's end, without the port. */
  readonly localAddress: string | undefined;
  /** The port of the server's end. */
  readonly localPort: number | undefined;
}

/**
 * What a running Command knows about itself and its connection.
 *
 * @publicApi
 */
export interface CommandContext extends ConnectionAddresses {
  /** Number of the Command on its connection, as the client chose it. */
  readonly seq: Seq;
  /** When the Command's last byte arrived, in milliseconds since the epoch. */
  readonly receivedAt: number;
  /** Length of the Command's frame in bytes, seq included. */
  readonly bytesRead: number;
  /** When the caller stops waiting, in milliseconds since the epoch; undefined if it said nothing of that. */
  readonly deadline: number | undefined;
  /** What the caller sent along; empty from a plain cmd-stream peer. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Aborts when the caller does not wait any more, because the answer was given or for another reason;
   * `signal.reason.code` says which: ANSWERED, CANCELLED, TIMEOUT, SLOW_CONSUMER, SHUTDOWN, or what has ended the
   * connection. That of an event, which has no answer, aborts when it is done or the server is closed. Made on first
   * use; what listeners fail with is reported and ends nothing.
   */
  readonly signal: AbortSignal;
}

/**
 * Something a client asks a server to do. `R` is the class of its Results, `Receiver` the service it runs against.
 * The constructor must work without arguments: a decoded Command is `new Class()` with its fields assigned.
 *
 * @publicApi
 */
export abstract class Command<R = unknown, Receiver = unknown> {
  declare readonly [RESULT]: R;
  declare readonly [RECEIVER]: Receiver;

  /** Runs the Command against its Receiver; only Commands that are run by an Invoker have it. */
  exec?(receiver: Receiver, context: CommandContext): HandlerResult<R>;
}

/**
 * What a server sends back. `lastOne()` says whether the Command is answered with this; the default is yes.
 * Override it, per class or by a field of the value, for Commands with several Results.
 *
 * @publicApi
 */
export abstract class Result {
  lastOne(): boolean {
    return true;
  }
}

/** What carries, at compile time only, the type of its Results. */
export interface Answered<R> {
  readonly [RESULT]: R;
}

/**
 * What a client can send: an instance of a Command class, or a message that a type entry of its contract recognises.
 */
export type AnyCommand = Answered<unknown> | { readonly $typeName: string };

/** The type of the Results of a Command. */
export type ResultOf<C> = C extends Answered<infer R> ? R : unknown;

/** A type of Commands that is no class: its messages are of type `M`, their Results of type `R`. */
export interface CommandEntry<M extends object = object, R = unknown> extends TypeEntry<M> {
  readonly [ANSWER]: R;
}
