// The two words of the Distributed Command Pattern as base classes. They carry types and defaults, no state:
// what an instance holds is what travels.
import type { CommandContext } from './command-context.js';
import type { TypeEntry } from './type-table.js';

/** These carry a type at compile time only; no value ever has such a key. */
export declare const RESULT: unique symbol;
export declare const RECEIVER: unique symbol;
export declare const ANSWER: unique symbol;

/** One Result, a stream of them, or nothing at all. */
type Results<R> = R | AsyncIterable<R> | SubscribableLike<R> | void;

/** What a Command's `exec`, or a handler, may give back. */
export type Outcome<R> = Results<R> | PromiseLike<Results<R>>;

/** An Observable, named by what it can do, so that contracts load no rxjs. */
export interface SubscribableLike<R> {
  subscribe(observer: { next(value: R): void; error(error: unknown): void; complete(): void }): { unsubscribe(): void };
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
  exec?(receiver: Receiver, context: CommandContext): Outcome<R>;
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

/** What a client can send: an instance of a Command class, or a message that a type entry of its contract recognises. */
export type AnyCommand = Answered<unknown> | { readonly $typeName: string };

/** The type of the Results of a Command. */
export type ResultOf<C> = C extends Answered<infer R> ? R : unknown;

/** A type of Commands that is no class: its messages are of type `M`, their Results of type `R`. */
export interface CommandEntry<M extends object = object, R = unknown> extends TypeEntry<M> {
  readonly [ANSWER]: R;
}
