// The context of a Command as Nest hands it to handlers, guards, interceptors, pipes and filters; and which error of a
// handler says no more than that it gave up when its signal asked it to: Nest need not log that, and it is no failure.
import { IntrinsicException } from '@nestjs/common';
import { BaseRpcContext } from '@nestjs/microservices';
import type { CommandContext, PeerIdentity } from '../../contract/command.js';
import { CmdStreamError, isCmdStreamError } from '../../errors.js';
import type { ResultSink } from '../../server/invoker.js';
import type { Seq } from '../../wire/frame.js';

/** Where a context has its sink. Registered: the decorator of a handler may be that of another copy of this package. */
const SINK: unique symbol = Symbol.for('nestjs-cmd-stream.sink') as never;

/**
 * What a handler may know about its Command; the second parameter of handlers and of `exec`.
 *
 * @publicApi
 */
export class CmdStreamContext extends BaseRpcContext<[CommandContext, string]> implements CommandContext {
  readonly #sink: ResultSink | undefined;
  #isQuiet = false;

  constructor(args: [CommandContext, string]);
  /** @internal `sink`: takes the Results of the Command. */
  constructor(args: [CommandContext, string], sink: ResultSink);
  constructor(args: [CommandContext, string], sink?: ResultSink) {
    super(args);
    this.#sink = sink;
  }

  /** @internal */
  get [SINK](): ResultSink | undefined {
    return this.#sink;
  }

  get seq(): Seq {
    return this.args[0].seq;
  }

  get receivedAt(): number {
    return this.args[0].receivedAt;
  }

  get bytesRead(): number {
    return this.args[0].bytesRead;
  }

  get peer(): PeerIdentity {
    return this.args[0].peer;
  }

  get remoteAddress(): string | undefined {
    return this.args[0].remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.args[0].remotePort;
  }

  get localAddress(): string | undefined {
    return this.args[0].localAddress;
  }

  get localPort(): number | undefined {
    return this.args[0].localPort;
  }

  get deadline(): number | undefined {
    return this.args[0].deadline;
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.args[0].metadata;
  }

  get signal(): AbortSignal {
    const { signal } = this.args[0];
    if (!this.#isQuiet) {
      this.#isQuiet = true;
      quieten(signal);
    }
    return signal;
  }

  /** The route of the handler. */
  getPattern(): string {
    return this.args[1];
  }
}

export function isCmdStreamContext(value: unknown): value is CmdStreamContext {
  return typeof value === 'object' && value !== null && SINK in value;
}

export function sinkOf(context: CmdStreamContext): ResultSink | undefined {
  return context[SINK];
}

/** Of exceptions that it does not know Nest's exception layer logs all but those of this kind. */
const unlogged = Object.create(
  IntrinsicException.prototype,
  Object.getOwnPropertyDescriptors(CmdStreamError.prototype),
) as object;

/**
 * Lets Nest's exception layer log nothing when a handler by pattern fails with the reason of its signal, if that is of
 * its Command alone: nothing stands between the two. The reason is what it was, of the same class.
 */
function quieten(signal: AbortSignal): void {
  if (!signal.aborted) signal.addEventListener('abort', () => adopt(signal.reason), { once: true });
  else adopt(signal.reason);
}

/**
 * Codes of errors that are made for one Command alone. Why a connection or the server ends, all that listen are given.
 */
const OWN_CODES: ReadonlySet<string> = new Set(['ANSWERED', 'CANCELLED', 'TIMEOUT']);

function adopt(reason: unknown): void {
  if (isCmdStreamError(reason) && OWN_CODES.has(reason.code)) Object.setPrototypeOf(reason, unlogged);
}

/**
 * Has a handler with these arguments failed because its signal asked it to stop? It must know its context or the signal
 * for that. Other errors are mistakes, also when no answer is wanted any more: they are not hidden.
 */
export function isAbandonment(error: unknown, args: readonly unknown[]): boolean {
  return args.some((arg) => {
    const signal = isCmdStreamContext(arg) ? arg.signal : arg;
    return signal instanceof AbortSignal && signal.aborted && (error === signal.reason || isAbortError(error));
  });
}

/** What Node's own functions, and `fetch`, fail with when their signal aborts. */
function isAbortError(error: unknown): boolean {
  try {
    return (error as { name?: unknown } | null | undefined)?.name === 'AbortError';
  } catch {
    return false;
  }
}
