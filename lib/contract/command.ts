// Command and Result, the two words of the Distributed Command Pattern, as base classes, one for each number of Results
// that a Command may have, and what it is given when it runs. The classes carry types and defaults, no state: what an
// instance holds is what travels.
import type { X509Certificate } from 'node:crypto';
import type { TypeClass, TypeEntry } from './type-table.js';
import type { Seq } from '../wire/frame.js';

/** These carry a type at compile time only; no value ever has such a key. */
export declare const ANSWER: unique symbol;
// Not exported: an editor would offer them as members of every Command.
declare const RESULT: unique symbol;
declare const RECEIVER: unique symbol;
declare const COUNT: unique symbol;

/**
 * What the base classes of Commands and of Results say of themselves. Registered, so that every copy of this package
 * in a process knows the classes of all others; `instanceof` knows those of one.
 */
const RESULT_COUNT: unique symbol = Symbol.for('nestjs-cmd-stream.result-count') as never;
const IS_RESULT: unique symbol = Symbol.for('nestjs-cmd-stream.result') as never;

/** How many Results a Command has, as compilers show it. */
export type ResultCount = 'one Result' | 'many Results' | 'no Result';

/** What the `exec` of a {@link Command} may give back: its Result, a promise of it, or an Observable that emits it. */
export type OneResult<R> =
  | Exclude<R, void | undefined>
  | SubscribableLike<Exclude<R, void | undefined>>
  | PromiseLike<Exclude<R, void | undefined> | SubscribableLike<Exclude<R, void | undefined>>>;

/** What the `exec` of a {@link StreamCommand} may give back: an AsyncIterable or Observable, or a promise of one. */
export type ManyResults<R> =
  AsyncIterable<R> | SubscribableLike<R> | PromiseLike<AsyncIterable<R> | SubscribableLike<R>>;

/** What the `exec` of a {@link VoidCommand} may give back: nothing, a promise of it, an Observable that emits none. */
export type NoResult = void | PromiseLike<void> | SubscribableLike<never>;

/** What code that runs any Command may give back, whatever number of Results that has. */
export type HandlerResult<R> =
  R | AsyncIterable<R> | SubscribableLike<R> | PromiseLike<R | AsyncIterable<R> | SubscribableLike<R>>;

/** An Observable, named by what it can do, so that contracts load no rxjs. */
export interface SubscribableLike<R> {
  /** As of an Observable of rxjs: calls the observer, until what is returned ends that. */
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

/** The alternative names of a certificate, by their kinds. @publicApi */
export interface AlternativeNames {
  /** Names of hosts: `billing.example.com`. */
  readonly dns: readonly string[];
  /** IP addresses. */
  readonly ip: readonly string[];
  /** URIs, such as those of SPIFFE: `spiffe://example.com/billing`. */
  readonly uri: readonly string[];
  /** Addresses of mail: `billing@example.com`. */
  readonly email: readonly string[];
}

/**
 * Who is at the other end of a connection. Only one whose certificate the server has found good has a name: of any
 * other, and without TLS, `subject` and `alternativeNames` are empty.
 *
 * @publicApi
 */
export interface PeerIdentity {
  /** Its IP address, as `remoteAddress`. */
  readonly address: string | undefined;
  /** Its port, as `remotePort`. */
  readonly port: number | undefined;
  /** Has it shown a certificate that is good, and of a CA that the server trusts? Only with `requestCert`. */
  readonly authorized: boolean;
  /** Why the certificate it has shown is not good, OpenSSL's code: only with `rejectUnauthorized: false`. */
  readonly authorizationError: string | undefined;
  /** The certificate it has shown, good or not; undefined where it has shown none. */
  readonly certificate: X509Certificate | undefined;
  /** The subject of its good certificate, by the short names of its parts: `CN`, `O`, `OU`. */
  readonly subject: Readonly<Record<string, readonly string[] | undefined>>;
  /** The one `CN` of its subject; undefined where it has none, or several. */
  readonly commonName: string | undefined;
  /** The alternative names of its good certificate. */
  readonly alternativeNames: AlternativeNames;
}

/**
 * What a running Command knows about itself and its connection.
 *
 * @publicApi
 */
export interface CommandContext extends ConnectionAddresses {
  /** Who has sent it; the same object for all Commands of a connection. */
  readonly peer: PeerIdentity;
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

/** What the classes of Commands have in common: what they tell the compiler. */
export abstract class CountedCommand<R = unknown, Receiver = unknown, Count extends ResultCount = ResultCount> {
  declare readonly [RESULT]: R;
  declare readonly [RECEIVER]: Receiver;
  declare readonly [COUNT]: Count;

  /** @internal */
  abstract get [RESULT_COUNT](): ResultCount;
}

/**
 * Something a client asks a server to do, and that has one Result. `R` is the class of its Result, `Receiver` the
 * service it runs against. The constructor must work without arguments: a decoded Command is `new Class()` with its
 * fields assigned. Where its handler gives nothing, the call fails with NO_RESULT.
 *
 * @example
 * import { Command, Result } from 'nestjs-cmd-stream';
 *
 * export class Sum extends Result {
 *   constructor(readonly value = 0) {
 *     super();
 *   }
 * }
 *
 * export class AddCmd extends Command<Sum> {
 *   constructor(readonly a = 0, readonly b = 0) {
 *     super();
 *   }
 * }
 *
 * @publicApi
 */
export abstract class Command<R = unknown, Receiver = unknown> extends CountedCommand<R, Receiver, 'one Result'> {
  /** @internal */
  get [RESULT_COUNT](): ResultCount {
    return 'one Result';
  }

  /** Runs the Command against its Receiver; only Commands that are run by an Invoker have it. */
  exec?(receiver: Receiver, context: CommandContext): OneResult<R>;
}

/**
 * A Command with any number of Results of the class `R`, none included: for `send`, `iterate` and `dispatch`. Its
 * handler gives an AsyncIterable or an Observable. Otherwise as {@link Command}.
 *
 * @example
 * import { Result, StreamCommand } from 'nestjs-cmd-stream';
 *
 * export class Prime extends Result {
 *   constructor(readonly value = 0) {
 *     super();
 *   }
 * }
 *
 * export class PrimesCmd extends StreamCommand<Prime> {
 *   constructor(readonly count = 0) {
 *     super();
 *   }
 * }
 *
 * @publicApi
 */
export abstract class StreamCommand<R = unknown, Receiver = unknown> extends CountedCommand<
  R,
  Receiver,
  'many Results'
> {
  /** @internal */
  get [RESULT_COUNT](): ResultCount {
    return 'many Results';
  }

  /** As `exec` of {@link Command}; it may be an async generator. */
  exec?(receiver: Receiver, context: CommandContext): ManyResults<R>;
}

/**
 * A Command without a Result: `execute` resolves with nothing when its handler is done. A plain server has no answer
 * without a Result, and cannot serve it. Otherwise as {@link Command}.
 *
 * @example
 * import { VoidCommand } from 'nestjs-cmd-stream';
 *
 * export class ForgetCmd extends VoidCommand {
 *   constructor(readonly userId = '') {
 *     super();
 *   }
 * }
 *
 * @publicApi
 */
export abstract class VoidCommand<Receiver = unknown> extends CountedCommand<void, Receiver, 'no Result'> {
  /** @internal */
  get [RESULT_COUNT](): ResultCount {
    return 'no Result';
  }

  /** As `exec` of {@link Command}. */
  exec?(receiver: Receiver, context: CommandContext): NoResult;
}

/** How many Results the Command, or one of a class with this prototype, has; undefined of anything else. */
export function resultCountOf(command: unknown): ResultCount | undefined {
  return (command as Partial<CountedCommand> | null | undefined)?.[RESULT_COUNT];
}

/** Is it a Result, or the prototype of a class of Results? What extends another class may be one without being this. */
export function isResult(value: unknown): boolean {
  return (value as Partial<Result> | null | undefined)?.[IS_RESULT] === true;
}

/**
 * Is its `lastOne()`, or that of Results with this prototype, the one of {@link Result} itself, which is always true? A
 * Result may have one of its own, as a field, which its prototype does not show.
 */
export function isAlwaysLast(given: object): boolean {
  if (!isResult(given)) return false;
  let owner = given;
  while (!Object.hasOwn(owner, 'lastOne') && !Object.hasOwn(owner, IS_RESULT))
    owner = Object.getPrototypeOf(owner) as object;
  return Object.hasOwn(owner, IS_RESULT);
}

/**
 * Why the method cannot handle Commands of the class: an async generator has many Results. Undefined: it can, as far as
 * is known before it is called.
 */
export function countMismatch({ name, prototype }: TypeClass, method: unknown): string | undefined {
  const count = resultCountOf(prototype);
  if (count === undefined || count === 'many Results') return undefined;
  if (Object.prototype.toString.call(method) !== '[object AsyncGeneratorFunction]') return undefined;
  return `an async generator has many Results, and ${name} has ${count}: let it extend StreamCommand`;
}

/**
 * What a server sends back; its classes stand in the list `results` of the contract, and are made without arguments
 * when they are decoded, as Commands are. `lastOne()` says whether the Command is answered with this; the default is
 * yes.
 * Override it, per class or by a field of the value, for Commands with several Results.
 *
 * @example
 * import { Result } from 'nestjs-cmd-stream';
 *
 * export class Line extends Result {
 *   constructor(readonly text = '', readonly isLast = true) {
 *     super();
 *   }
 *
 *   override lastOne(): boolean {
 *     return this.isLast;
 *   }
 * }
 *
 * @publicApi
 */
export abstract class Result {
  /** @internal */
  get [IS_RESULT](): true {
    return true;
  }

  /**
   * Is the Command answered with this Result? Default: `true`. Must answer at once; peers written in Go know no other
   * end of a stream.
   */
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

/** All Commands but those of a {@link StreamCommand}. */
export interface SingleCommand {
  readonly [COUNT]?: Exclude<ResultCount, 'many Results'> | undefined;
}

/** What `execute` takes. Nothing is of the second type, which is what the compiler complains about. */
export type ExecutedCommand =
  SingleCommand | { readonly 'a StreamCommand has many Results: use iterate() or send()': never };

/** The type of the Results of a Command. */
export type ResultOf<C> = C extends Answered<infer R> ? R : unknown;

/** A type of Commands that is no class: its messages are of type `M`, their Results of type `R`. */
export interface CommandEntry<M extends object = object, R = unknown> extends TypeEntry<M> {
  readonly [ANSWER]: R;
}
