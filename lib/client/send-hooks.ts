// What users may see and do around each call of a client: the role of send hooks, and how they watch their call.
import { AsyncResource } from 'node:async_hooks';
import { CmdStreamError } from '../errors.js';
import type { Metadata } from '../wire/control-frame.js';
import { ambientMetadata } from './call/call-rules.js';
import type { CallOutcome, SentCommand } from '../instrumentation/instrumentation.js';
import type { CallWatch } from './call/call-outcome.js';
import type { CallNeeds } from './call/client-call.js';
import { ignoreRejection, notify } from '../callbacks.js';

/**
 * A Result that came.
 *
 * @publicApi
 */
export interface ReceivedResult {
  /** The Result, decoded; by pattern the answer. */
  readonly result: unknown;
  /** Counts the Results of this Command, from 1. */
  readonly number: number;
  /** Bytes of its frame. */
  readonly bytes: number;
}

/**
 * What one call tells; made anew for each call by a {@link SendHooksFactory}. What the methods throw is ignored, but
 * for `beforeSend`.
 *
 * @publicApi
 */
export interface SendHooks {
  /**
   * Before anything else. What it returns travels as metadata that the caller has not given: plain servers do not get
   * it. What it throws becomes the error of the call; nothing was sent then and no other hook is called.
   */
  beforeSend?: ((command: unknown) => Metadata | void) | undefined;
  /** With every Result. */
  onResult?: ((sent: SentCommand, received: ReceivedResult) => void) | undefined;
  /**
   * The call has failed: it could not be sent, its connection was lost, the server has answered an error, its caller
   * has aborted it.
   */
  onError?: ((sent: SentCommand, error: unknown) => void) | undefined;
  /** The call's time is over. */
  onTimeout?: ((sent: SentCommand, error: unknown) => void) | undefined;
  /** The call is over, for whatever reason; always the last one, and always once. */
  onEnd?: ((sent: SentCommand) => void) | undefined;
}

/**
 * Makes the hooks of one call; called once for each call, so that its hooks may keep what they measure.
 *
 * @example
 * import { CommandClient, type SendHooksFactory } from 'nestjs-cmd-stream/core';
 * import { calcContract } from './calc.contract.js';
 *
 * const timed: SendHooksFactory = () => {
 *   const start = performance.now();
 *   return { onEnd: ({ seq, bytes }) => console.log(`${seq}: ${bytes} bytes, ${performance.now() - start} ms`) };
 * };
 *
 * export const client = new CommandClient({ contract: calcContract, hooks: timed });
 *
 * @publicApi
 */
export type SendHooksFactory = () => SendHooks;

/** Send hooks as the observer of their call: they run in the scope of its caller. */
class HookedCall implements CallWatch {
  readonly #hooks: SendHooks;
  readonly #scope = new AsyncResource('cmd-stream');
  #view: SentCommand | undefined;
  #results = 0;

  constructor(hooks: SendHooks) {
    this.#hooks = hooks;
  }

  onResult(call: SentCommand, result: unknown, bytes: number): void {
    const sent = (this.#view ??= viewOf(call));
    const number = ++this.#results;
    this.#scope.runInAsyncScope(() => notify(() => this.#hooks.onResult?.(sent, { result, number, bytes })));
  }

  onEnd(call: SentCommand, outcome: CallOutcome): void {
    this.#scope.runInAsyncScope(this.#onEnd, this, (this.#view ??= viewOf(call)), outcome);
  }

  #onEnd(sent: SentCommand, { how, error }: CallOutcome): void {
    if (how === 'timed out') notify(() => this.#hooks.onTimeout?.(sent, error));
    else if (how === 'failed' || error !== undefined) notify(() => this.#hooks.onError?.(sent, error));
    notify(() => this.#hooks.onEnd?.(sent));
  }
}

/** The call as its hooks see it, one for all of them: they can read, and nothing else. */
function viewOf(call: SentCommand): SentCommand {
  return Object.freeze({
    command: call.command,
    get seq() {
      return call.seq;
    },
    get bytes() {
      return call.bytes;
    },
    get attempts() {
      return call.attempts;
    },
    get server() {
      return call.server;
    },
  });
}

/** What a call needs when it has hooks. @throws what `beforeSend`, or the factory, throws */
export function hookedNeeds(factory: SendHooksFactory, command: unknown, needs: CallNeeds = {}): CallNeeds {
  const hooks = factory();
  if (ignoreRejection(hooks)) throw new CmdStreamError('INVALID_OPTION', 'option "hooks": it must not give a promise');
  const metadata = hooks.beforeSend?.(command);
  if (ignoreRejection(metadata))
    throw new CmdStreamError('INVALID_OPTION', 'option "hooks": beforeSend() must not give a promise');
  const ambient = metadata
    ? { ...needs.ambient, ...ambientMetadata('beforeSend() of option "hooks"', metadata) }
    : needs.ambient;
  const watch = new HookedCall(hooks);
  return { ...needs, ambient, watch: needs.watch ? new TwiceWatched(needs.watch, watch) : watch };
}

/** Instrumentation and hooks of one call. */
class TwiceWatched implements CallWatch {
  readonly #outer: CallWatch;
  readonly #inner: CallWatch;

  constructor(outer: CallWatch, inner: CallWatch) {
    this.#outer = outer;
    this.#inner = inner;
  }

  onResult(sent: SentCommand, result: unknown, bytes: number): void {
    this.#outer.onResult(sent, result, bytes);
    this.#inner.onResult(sent, result, bytes);
  }

  onEnd(sent: SentCommand, outcome: CallOutcome): void {
    this.#inner.onEnd(sent, outcome);
    this.#outer.onEnd(sent, outcome);
  }
}
