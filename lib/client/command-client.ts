// A client without Nest: one contract, one link; `dispatch` and what is built on it. One owner, one close.
import { codecFor } from '../codec/codec-rules.js';
import type { Command, ResultOf } from '../codec/command.js';
import { timeLimit } from '../connection/connection-options.js';
import { Ticker } from '../connection/ticker.js';
import { clientFlow } from '../connection/value-flow.js';
import { CmdStreamError } from '../errors.js';
import { resolveOptions } from '../options.js';
import type { Seq } from '../wire/frame.js';
import { serverInfoBytes } from '../wire/server-info.js';
import { clientDefaults, clientRules, type CommandClientOptions } from './client-options.js';
import { Link, type LinkStatus } from './link.js';
import { PendingCall, type Call, type CallOptions, type CommandSink } from './pending-call.js';

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
    const config = {
      side: 'client' as const,
      flow: clientFlow(codecFor(resolved.contract, resolved.codec), resolved),
      options: resolved,
      ticker: new Ticker(),
      target: resolved,
      serverInfo: serverInfoBytes(resolved.serverInfo),
      results: resolved.contract.results,
      connectTimeoutMs: resolved.connectTimeoutMs,
      maxPending: resolved.maxPending,
      maxQueued: resolved.maxQueuedCommands,
      maxSendBufferBytes: resolved.maxSendBufferBytes,
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
    return this.#link.calls.size;
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

  /**
   * Sends a Command; everything that comes back, errors included, goes to the sink, some of it possibly before this returns.
   * Errors: those of {@link connect}; COMMAND_NOT_IN_CONTRACT, ENCODE_FAILED, FRAME_TOO_LARGE, QUEUE_FULL, INVALID_OPTION (never sent); CONNECTION_LOST; TIMEOUT; the signal's reason.
   */
  dispatch<C extends Command>(command: C, sink: CommandSink<ResultOf<C>>, options: CallOptions = {}): Call {
    const call = new PendingCall(command, sink as CommandSink, this.#link.calls);
    const { signal, timeoutMs = 0 } = options;
    if (signal?.aborted) call.fail(signal.reason);
    else if (this.#closing) call.fail(new CmdStreamError('CLOSED', 'the client is closed'));
    else if (!callTimeLimit.accepts(timeoutMs)) {
      const got = `must be ${callTimeLimit.expected}, got ${String(timeoutMs)}`;
      call.fail(new CmdStreamError('INVALID_OPTION', `call option "timeoutMs" ${got}`));
    } else {
      call.watch(timeoutMs, signal);
      this.#link.submit(call);
    }
    return call;
  }

  /**
   * Sends a Command that has one Result and resolves with it. Rejects with the errors of {@link dispatch}, or with
   * MULTIPLE_RESULTS when a Result comes that is not the last one; the Command is then forgotten.
   */
  execute<C extends Command>(command: C, options: CallOptions = {}): Promise<ResultOf<C>> {
    return new Promise((resolve, reject) => {
      let result: ResultOf<C>;
      let results = 0;
      const call = this.dispatch(
        command,
        {
          next: (value) => {
            result = value;
            if (++results === 1 && this.#options.contract.results.isLast(value)) return;
            reject(
              new CmdStreamError('MULTIPLE_RESULTS', 'execute() is for Commands with one Result; use dispatch()', {
                sent: true,
              }),
            );
            call.cancel();
          },
          complete: () => resolve(result),
          error: reject,
        },
        { signal: options.signal, timeoutMs: options.timeoutMs ?? this.#options.timeoutMs },
      );
    });
  }

  /**
   * Sends a Command without waiting for Results; resolves when it was written. Results that come all the same are unexpected ones.
   *
   * @throws {CmdStreamError} as {@link dispatch}
   */
  emit(command: Command): Promise<void> {
    return new Promise((resolve, reject) => {
      const call = new PendingCall(
        command,
        { next: () => {}, complete: resolve, error: reject },
        this.#link.calls,
        'written',
      );
      if (this.#closing) call.fail(new CmdStreamError('CLOSED', 'the client is closed'));
      else this.#link.submit(call);
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
    return this.#link.calls.waitingFor(seq) !== undefined;
  }

  /** Stops waiting for Results of this number, as {@link Call.cancel}; unknown numbers have no effect. */
  forget(seq: Seq): void {
    this.#link.calls.waitingFor(seq)?.cancel();
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
