// A client without Nest: one contract, one link; `dispatch` and what is built on it. One owner, one close.
import { codecFor } from '../codec/codec-rules.js';
import type { AnyCommand, ResultOf } from '../codec/command.js';
import { fingerprintOf } from '../codec/fingerprint.js';
import { timeLimit } from '../connection/connection-options.js';
import { Ticker } from '../connection/ticker.js';
import { clientFlow } from '../connection/value-flow.js';
import { CmdStreamError } from '../errors.js';
import { resolveOptions } from '../options.js';
import { NO_METADATA, type Metadata } from '../wire/control-frame.js';
import type { Seq } from '../wire/frame.js';
import { serverInfoBytes } from '../wire/server-info.js';
import { clientDefaults, clientRules, type CommandClientOptions } from './client-options.js';
import { Link, type LinkStatus } from './link.js';
import { PendingCall, type Call, type CallNeeds, type CallOptions, type CommandSink } from './pending-call.js';
import { INITIAL_CREDIT, ResultIterator } from './result-iterator.js';

const callTimeLimit = timeLimit();

/**
 * Sends the Commands of one contract to one server.
 *
 * @throws {CmdStreamError} INVALID_OPTION, SERVER_INFO_TOO_LARGE when it is made with options that make no sense
 * @publicApi
 */
export class CommandClient {
  readonly #options;
  readonly #link: Link;
  readonly #statusListeners = new Set<(status: LinkStatus, cause?: CmdStreamError) => void>();
  #unexpectedResults = 0;
  #closing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: CommandClientOptions) {
    const resolved = resolveOptions('CommandClient', options, clientDefaults, clientRules);
    this.#options = resolved;
    const codec = codecFor(resolved.contract, resolved.codec);
    const config = {
      ...resolved,
      side: 'client' as const,
      flow: clientFlow(codec, resolved),
      options: resolved,
      ticker: new Ticker(),
      target: resolved,
      fingerprint: fingerprintOf(resolved.contract, codec.name),
      serverInfo: serverInfoBytes(resolved.serverInfo),
      maxQueued: resolved.maxQueuedCommands,
    };
    this.#link = new Link(config, {
      onStatus: (status, cause) => this.#tell(status, cause),
      onUnexpectedResult: (seq, result, bytesRead) => this.#unexpected(seq, result, bytesRead),
      onIdle: () => this.#onIdle?.(),
    });
  }

  get status(): LinkStatus {
    return this.#link.status;
  }

  /** Commands that wait for a connection or an answer. */
  get pending(): number {
    return this.#link.pending;
  }

  /** Results so far that nobody waited for. */
  get unexpectedResults(): number {
    return this.#unexpectedResults;
  }

  /** Calls `listener` with every change of `status`; returns what ends that. */
  onStatus(listener: (status: LinkStatus, cause?: CmdStreamError) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  /**
   * Opens the connection; calls do so by themselves.
   *
   * @throws {CmdStreamError} CONNECT_FAILED, CONNECT_TIMEOUT, TLS_ERROR, SERVER_INFO_MISMATCH, SERVER_INFO_TOO_LARGE, CLOSED
   */
  connect(): Promise<void> {
    return this.#link.connect();
  }

  /** True while the connection is open to a server of this package. */
  get isExtended(): boolean {
    return this.#link.isExtended;
  }

  /**
   * Sends a Command; everything that comes back, errors included, goes to the sink, some of it possibly before this returns.
   * Errors: those of {@link connect}; COMMAND_NOT_IN_CONTRACT, ENCODE_FAILED, FRAME_TOO_LARGE, QUEUE_FULL, EXTENSION_UNAVAILABLE
   * (never sent); CONNECTION_LOST; TIMEOUT; the signal's reason; what the server answered: REMOTE, INTERNAL, OVERLOADED,
   * NO_HANDLER, SHUTDOWN and the codes of a refused Command.
   */
  dispatch<C extends AnyCommand>(command: C, sink: CommandSink<ResultOf<C>>, options?: CallOptions): Call {
    return this.submit(command, sink as CommandSink, options);
  }

  /**
   * Sends a Command that has one Result and resolves with it, with undefined if the handler gave none. Rejects with the
   * errors of {@link dispatch}, or with MULTIPLE_RESULTS when more come; the Command is then cancelled.
   */
  execute<C extends AnyCommand>(command: C, options?: CallOptions): Promise<ResultOf<C>> {
    return this.executeWith(command, options, undefined);
  }

  /** {@link execute} with metadata nobody asked for. */
  executeWith<C extends AnyCommand>(command: C, options: CallOptions = {}, needs?: CallNeeds): Promise<ResultOf<C>> {
    const limited = { ...options, timeoutMs: options.timeoutMs ?? this.#options.timeoutMs };
    return new Promise((resolve, reject) => {
      let result: unknown;
      let results = 0;
      const sink: CommandSink = {
        next: (value) => {
          result = value;
          if (++results > 1 || call.isStream || !this.#options.contract.results.isLast(value)) {
            const text = 'execute() is for Commands with one Result; use dispatch() or iterate()';
            throw new CmdStreamError('MULTIPLE_RESULTS', text, { sent: true });
          }
        },
        complete: () => resolve(result as ResultOf<C>),
        error: reject,
      };
      const call: PendingCall = this.submit(command, sink, limited, needs);
    });
  }

  /**
   * The Results of a Command as an AsyncIterable, sent with the first `next()`. A taker that is slower than the server's
   * async generator slows it down, within 32 Results; towards a plain server, or a source that cannot be slowed down, at
   * most `maxBufferedResults` wait, then the call fails with SLOW_CONSUMER. Leaving the loop cancels the Command.
   * Errors are those of {@link dispatch}.
   */
  iterate<C extends AnyCommand>(command: C, options?: CallOptions): AsyncIterableIterator<ResultOf<C>, undefined> {
    return this.iterateWith(command, options, {});
  }

  /** {@link iterate} with metadata nobody asked for. */
  iterateWith<C extends AnyCommand>(
    command: C,
    options: CallOptions | undefined,
    needs: CallNeeds,
  ): AsyncIterableIterator<ResultOf<C>, undefined> {
    const dispatch = (sink: CommandSink<ResultOf<C>>): PendingCall =>
      this.submit(command, sink as CommandSink, options, { ...needs, credit: INITIAL_CREDIT });
    return new ResultIterator(dispatch, this.#options.maxBufferedResults);
  }

  /** {@link dispatch} for anything that can be sent: a Command or a message by pattern. */
  submit(command: unknown, sink: CommandSink, options: CallOptions = {}, needs?: CallNeeds): PendingCall {
    const call = new PendingCall(command, sink, this.#link, options, needs);
    if (options.signal?.aborted) call.fail(options.signal.reason);
    else if (this.#closing) call.fail(new CmdStreamError('CLOSED', 'the client is closed'));
    else if (!callTimeLimit.accepts(call.timeoutMs)) {
      const got = `must be ${callTimeLimit.expected}, got ${String(call.timeoutMs)}`;
      call.fail(new CmdStreamError('INVALID_OPTION', `call option "timeoutMs" ${got}`));
    } else if (options.signal !== undefined && typeof options.signal.addEventListener !== 'function') {
      call.fail(new CmdStreamError('INVALID_OPTION', 'call option "signal" must be an AbortSignal'));
    } else {
      call.watch(options.signal);
      this.#link.submit(call);
    }
    return call;
  }

  /**
   * Sends a Command without waiting for Results; resolves when it was written. Results that come all the same are unexpected ones.
   *
   * @throws {CmdStreamError} as {@link dispatch}
   */
  emit(command: AnyCommand, options: Pick<CallOptions, 'metadata'> = {}): Promise<void> {
    return this.post(command, options.metadata);
  }

  /** {@link emit} for anything that can be sent: a Command or an event by pattern. */
  post(command: unknown, metadata?: Metadata, ambient: Metadata = NO_METADATA): Promise<void> {
    return new Promise((resolve, reject) => {
      const sink = { next: () => {}, complete: resolve, error: reject };
      this.submit(command, sink, { metadata }, { until: 'written', ambient });
    });
  }

  /**
   * Resolves with the round-trip time of a ping in milliseconds.
   *
   * @throws {CmdStreamError} as {@link connect}; CONNECTION_LOST
   */
  async ping(): Promise<number> {
    await this.#link.connect();
    const start = performance.now();
    await this.#link.ping();
    return performance.now() - start;
  }

  /** Does anybody wait for Results of this number? */
  has(seq: Seq): boolean {
    return this.#link.find(seq) !== undefined;
  }

  /** Stops waiting for Results of this number, as {@link Call.cancel}; unknown numbers have no effect. */
  forget(seq: Seq): void {
    this.#link.find(seq)?.cancel();
  }

  /** Takes no more Commands, waits for pending ones up to `gracePeriodMs`, then ends the connection. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    if (this.pending > 0) {
      const { gracePeriodMs } = this.#options;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, gracePeriodMs);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.destroy();
  }

  /** Ends at once; pending calls fail with `cause`. */
  destroy(cause = new CmdStreamError('CLOSED', 'the client was closed')): void {
    this.#closing ??= Promise.resolve();
    this.#link.destroy(cause);
  }

  #tell(status: LinkStatus, cause?: CmdStreamError): void {
    for (const listener of this.#statusListeners) {
      try {
        listener(status, cause);
      } catch {
        // A listener's failure is its own; the connection serves others.
      }
    }
  }

  #unexpected(seq: Seq, result: unknown, bytesRead: number): void {
    this.#unexpectedResults++;
    try {
      this.#options.onUnexpectedResult?.({ seq, result, bytesRead });
    } catch {
      // A callback's failure is its own; the connection serves others.
    }
  }
}
