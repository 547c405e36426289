// A client without Nest: one contract, one group of connections; `dispatch` and what is built on it. One owner, one close.
import { AsyncScope } from '../async-scope.js';
import type { AnyCommand, ResultOf } from '../contract/command.js';
import { CmdStreamError } from '../errors.js';
import { NO_METADATA, type Metadata } from '../wire/control-frame.js';
import type { Seq } from '../wire/frame.js';
import { checkCallOptions, ownMetadata } from './call/call-rules.js';
import {
  CallerSink,
  ClientCall,
  type Call,
  type CallNeeds,
  type CallOptions,
  type CallSink,
  type CommandSink,
} from './call/client-call.js';
import { groupConfigOf, resolveClientOptions, type ResolvedClientOptions } from './client-config.js';
import type { CommandClientOptions } from './client-options.js';
import { pingGroup, type ConnectionPing } from './group/connection-ping.js';
import { Group } from './group/group.js';
import type { ServerState, ClientStatus, ClientStatusChange } from './group/group-server.js';
import type { ConnectionStatus } from './group/group-connection.js';
import { INITIAL_CREDIT, ResultIterator } from './result-iterator.js';
import { SignalListeners } from './call/signal-listeners.js';
import { hookedNeeds } from './send-hooks.js';
import { notify } from '../callbacks.js';

const NO_OPTIONS: CallOptions = Object.freeze({});
/** What `emit` and `ping` know of the options of a call. */
const emitOptions: readonly string[] = ['metadata'];
const pingOptions: readonly string[] = ['timeoutMs'];

/**
 * Sends the Commands of one contract to one server, or to several, over one or several connections.
 *
 * @throws {CmdStreamError} INVALID_OPTION, SERVER_INFO_TOO_LARGE when it is made with options that make no sense
 * @publicApi
 */
export class CommandClient {
  /** What serves all callers begins here: not in the scope of the one whose call came first. */
  readonly #scope = new AsyncScope();
  readonly #options: ResolvedClientOptions;
  readonly #seqs = { last: 0 };
  #group: Group;
  /** Earlier ones, before the client was opened anew, whose calls may not be answered yet. */
  readonly #former = new Map<Group, Promise<void>>();
  readonly #signals = new SignalListeners();
  readonly #statusListeners = new Set<(change: ClientStatusChange) => void>();
  #unexpectedResults = 0;
  #lateFrames = 0;
  #closing: Promise<void> | undefined;

  constructor(options: CommandClientOptions) {
    this.#options = resolveClientOptions(options);
    this.#group = this.#newGroup();
  }

  #newGroup(): Group {
    const group: Group = new Group(groupConfigOf(this.#options, this.#scope), this.#seqs, {
      // The end of what was closed is no news of what was opened since.
      onLinkChange: ({ server, status }, cause) => group === this.#group && this.#tell(cause, server, status),
      onUnexpectedResult: (seq, result, bytesRead) => this.#unexpected(seq, result, bytesRead),
      onLateFrame: () => this.#lateFrames++,
    });
    return group;
  }

  get status(): ClientStatus {
    const { status } = this.#group;
    return this.#closing && status !== 'closed' ? 'draining' : status;
  }

  /** Each server, now. */
  get servers(): readonly ServerState[] {
    return this.#group.servers.map(({ state }) => state);
  }

  /** Commands that wait for a connection or an answer. */
  get pending(): number {
    let sum = this.#group.pending;
    for (const { pending } of this.#former.keys()) sum += pending;
    return sum;
  }

  /** Results so far that nobody waited for. */
  get unexpectedResults(): number {
    return this.#unexpectedResults;
  }

  /** Frames so far for Commands that were cancelled or timed out: honest peers cannot help sending some. */
  get lateFrames(): number {
    return this.#lateFrames;
  }

  /** Calls `listener` whenever a connection opens, ends or cannot be opened, and with every change of `status`; returns what ends that. */
  onStatus(listener: (change: ClientStatusChange) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  /**
   * Opens all connections; calls do so by themselves. Resolves with the first that is open; waits for it as long as a call
   * would.
   *
   * @throws {CmdStreamError} CONNECT_FAILED, CONNECT_TIMEOUT, TLS_ERROR, SERVER_INFO_MISMATCH, SERVER_INFO_TOO_LARGE,
   * CONTRACT_MISMATCH, EXTENSION_UNAVAILABLE, CLOSED; QUEUE_FULL when as many wait for one as `maxQueuedCommands` allows,
   * but at least 1,024
   */
  connect(): Promise<void> {
    return this.#closing ? Promise.reject(closedError()) : this.#group.connect();
  }

  /**
   * {@link connect}, also of a client that was closed; calls from before may still be answered meanwhile.
   *
   * @throws {CmdStreamError} as {@link connect}
   */
  reopen(): Promise<void> {
    if (this.#closing) {
      const former = this.#group;
      const ended = this.#closing.finally(() => this.#former.delete(former));
      this.#former.set(former, ended);
      this.#closing = undefined;
      this.#group = this.#newGroup();
    }
    return this.#group.connect();
  }

  /** True while a connection is open to a server of this package. */
  get isExtended(): boolean {
    return this.#group.isExtended;
  }

  /**
   * Sends a Command; everything that comes back, errors included, goes to the sink, some of it possibly before this returns.
   * Errors: those of {@link connect}; COMMAND_NOT_IN_CONTRACT, ENCODE_FAILED, FRAME_TOO_LARGE, QUEUE_FULL, EXTENSION_UNAVAILABLE
   * (never sent); CONNECTION_LOST; TIMEOUT; the signal's reason; what the server answered: REMOTE, INTERNAL, OVERLOADED,
   * NO_HANDLER, SHUTDOWN and the codes of a refused Command.
   */
  dispatch<C extends AnyCommand>(command: C, sink: CommandSink<ResultOf<C>>, options?: CallOptions): Call {
    return this.submit(command, new CallerSink(sink as CommandSink), options);
  }

  /**
   * Sends a Command that has one Result and resolves with it, with undefined if the handler gave none. Rejects with the
   * errors of {@link dispatch}, or with MULTIPLE_RESULTS when more come; the Command is then cancelled.
   */
  execute<C extends AnyCommand>(command: C, options?: CallOptions): Promise<ResultOf<C>> {
    return this.executeWith(command, options, undefined);
  }

  /** {@link execute} with metadata nobody asked for. */
  executeWith<C extends AnyCommand>(command: C, options?: CallOptions, needs?: CallNeeds): Promise<ResultOf<C>> {
    return new Promise((resolve, reject) => {
      let result: unknown;
      let results = 0;
      const sink: CallSink = {
        next: (value, _bytesRead, isLast) => {
          result = value;
          if (++results > 1 || call.isStream) throw multipleResults(SEVERAL_RESULTS, call);
          if (!isLast) throw multipleResults(notLast(this.#options.contract.results.nameFor(value)), call);
        },
        complete: () => resolve(result as ResultOf<C>),
        error: reject,
      };
      const call: ClientCall = this.submit(command, sink, options, needs, this.#options.timeoutMs);
    });
  }

  /**
   * The Results of a Command as an AsyncIterable, sent with the first `next()`. A taker that is slower than the server's
   * async generator slows it down, within 32 Results; towards a plain server, or a source that cannot be slowed down, at
   * most `maxBufferedResults` and `maxBufferedBytes` wait, then the call fails with SLOW_CONSUMER. Leaving the loop cancels the
   * Command. Results that wait are still given after a loss, and dropped when the call is aborted, its time is over or the
   * client is destroyed.
   * Errors are those of {@link dispatch}.
   */
  iterate<C extends AnyCommand>(command: C, options?: CallOptions): AsyncIterableIterator<ResultOf<C>, undefined> {
    return this.iterateWith(command, options, () => undefined);
  }

  /** {@link iterate} with metadata nobody asked for, which is found when the Command is sent. */
  iterateWith<C extends AnyCommand>(
    command: C,
    options: CallOptions | undefined,
    needsOf: () => CallNeeds | undefined,
  ): AsyncIterableIterator<ResultOf<C>, undefined> {
    let group: Group | undefined;
    const dispatch = (sink: CommandSink<ResultOf<C>>): ClientCall => {
      group = this.#group;
      return this.submit(command, sink as CommandSink, options, { ...needsOf(), credit: INITIAL_CREDIT });
    };
    const { maxBufferedResults, maxBufferedBytes } = this.#options;
    return new ResultIterator(dispatch, maxBufferedResults, {
      maxBytes: maxBufferedBytes,
      timeoutMs: options?.timeoutMs,
      signal: options?.signal,
      destroyed: () => group?.destroyedBy,
    });
  }

  /**
   * {@link dispatch} for anything that can be sent: a Command or a message by pattern. `sink` is called in whatever scope;
   * one of a user is put into a {@link CallerSink} first.
   */
  submit(
    command: unknown,
    sink: CallSink,
    options: CallOptions = NO_OPTIONS,
    needs?: CallNeeds,
    defaultTimeoutMs = 0,
  ): ClientCall {
    let call: ClientCall;
    try {
      if (options !== NO_OPTIONS) checkCallOptions(options);
      const { signal, timeoutMs = defaultTimeoutMs, metadata } = options;
      if (signal?.aborted) throw signal.reason;
      if (this.#closing) throw closedError();
      const own = metadata === undefined ? undefined : ownMetadata('call option "metadata"', metadata);
      const all = this.#options.hooks ? hookedNeeds(this.#options.hooks, command, needs) : needs;
      call = new ClientCall(command, sink, this.#group.waiting, { timeoutMs, metadata: own }, all);
    } catch (error) {
      call = new ClientCall(command, sink, this.#group.waiting);
      call.fail(error);
      return call;
    }
    try {
      call.watch(options.signal, this.#signals);
    } catch (error) {
      call.fail(error);
    }
    this.#group.submit(call);
    return call;
  }

  /**
   * Sends a Command without waiting for Results; resolves when it was written. Results that come all the same are unexpected ones.
   *
   * @throws {CmdStreamError} as {@link dispatch}
   */
  emit(command: AnyCommand, options: Pick<CallOptions, 'metadata'> = NO_OPTIONS): Promise<void> {
    return this.post(command, options);
  }

  /** {@link emit} for anything that can be sent: a Command or an event by pattern. */
  post(command: unknown, options: CallOptions = NO_OPTIONS, ambient: Metadata = NO_METADATA): Promise<void> {
    return new Promise((resolve, reject) => {
      checkCallOptions(options, emitOptions);
      const sink = { next: () => {}, complete: resolve, error: reject };
      this.submit(command, sink, options, { until: 'written', ambient });
    });
  }

  /**
   * Pings every open connection and resolves with the longest round-trip time in milliseconds. `timeoutMs`: as of a call,
   * the time to open one included.
   *
   * @throws {CmdStreamError} as {@link connect}; CONNECTION_LOST; TIMEOUT; QUEUE_FULL when more than `maxPending` wait
   */
  async ping(options?: Pick<CallOptions, 'timeoutMs'>): Promise<number> {
    const pings = await this.pingEach(options);
    const failed = pings.find(({ error }) => error);
    if (failed?.error) throw failed.error;
    return Math.max(...pings.map(({ roundTripMs = 0 }) => roundTripMs));
  }

  /**
   * Pings every open connection and tells what came of each: one that does not answer does not hide the others.
   * `timeoutMs`: as of {@link ping}.
   *
   * @throws {CmdStreamError} as {@link connect}; TIMEOUT; when no connection is open in time
   */
  async pingEach(options: Pick<CallOptions, 'timeoutMs'> = NO_OPTIONS): Promise<readonly ConnectionPing[]> {
    checkCallOptions(options, pingOptions);
    if (this.#closing) throw closedError();
    const { timeoutMs, maxPending } = this.#options;
    return pingGroup(this.#group, options.timeoutMs ?? timeoutMs, maxPending);
  }

  /** Does anybody wait for Results of this number? */
  has(seq: Seq): boolean {
    return this.#find(seq) !== undefined;
  }

  /** Stops waiting for Results of this number, as {@link Call.cancel}; unknown numbers have no effect. */
  forget(seq: Seq): void {
    this.#find(seq)?.cancel();
  }

  #find(seq: Seq): ClientCall | undefined {
    const here = this.#group.find(seq);
    if (here || this.#former.size === 0) return here;
    for (const group of this.#former.keys()) {
      const call = group.find(seq);
      if (call) return call;
    }
    return undefined;
  }

  /**
   * Takes no more Commands, waits for pending ones up to `gracePeriodMs`, then ends the connection; calls fail with CLOSED then,
   * until {@link reopen} opens the client anew. Resolves when the sockets are closed. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= Promise.all([this.#drain(this.#group), ...this.#former.values()]).then(() => {});
    return this.#closing;
  }

  async #drain(group: Group): Promise<void> {
    // Not before `#closing` is set, which the status depends on.
    await undefined;
    const { gracePeriodMs } = this.#options;
    const since = performance.now();
    if (group.pending > 0) {
      if (group === this.#group) this.#tell();
      await group.idle(gracePeriodMs);
    }
    const closed = new CmdStreamError('CLOSED', 'the client was closed');
    // Those that were not answered in time are not waited for any more.
    if (group.pending > 0) {
      this.#destroy(group, closed);
      return group.closed();
    }
    const isNews = group === this.#group && group.status !== 'closed';
    const ended = group.close(closed, Math.max(0, gracePeriodMs - (performance.now() - since)));
    if (isNews) this.#tell(closed);
    await ended;
  }

  /** Ends at once; pending calls fail with `cause`. */
  destroy(cause = new CmdStreamError('CLOSED', 'the client was closed')): void {
    const groups = [...this.#former.keys(), this.#group];
    // Before it is notify: who listens may close it, too.
    this.#closing ??= closedOf(groups);
    for (const group of groups) this.#destroy(group, cause);
  }

  #destroy(group: Group, cause: CmdStreamError): void {
    const isNews = group === this.#group && group.status !== 'closed';
    group.destroy(cause);
    if (isNews) this.#tell(cause);
  }

  #tell(cause?: CmdStreamError, server?: string, connection?: ConnectionStatus): void {
    const change = { status: this.status, cause, server, connection };
    for (const listener of this.#statusListeners) notify(() => this.#scope.runApart(listener, undefined, change));
  }

  #unexpected(seq: Seq, result: unknown, bytesRead: number): void {
    this.#unexpectedResults++;
    const { onUnexpectedResult } = this.#options;
    if (onUnexpectedResult === undefined) return;
    notify(() => this.#scope.runApart(onUnexpectedResult, undefined, { seq, result, bytesRead }));
  }
}

/** Resolves when the sockets of what is just about to be destroyed are closed. */
async function closedOf(groups: readonly Group[]): Promise<void> {
  await undefined;
  await Promise.all(groups.map((group) => group.closed()));
}

function closedError(): CmdStreamError {
  const remedy = 'connect() opens a CmdStreamClient anew, reopen() a CommandClient';
  return new CmdStreamError('CLOSED', `the client is closed: ${remedy}`);
}

/** `send()` is the Nest client's, `dispatch()` the core client's. */
const OTHER_CALLS = 'use send(), dispatch() of the core client, or iterate()';
const SEVERAL_RESULTS = `execute() is for Commands with one Result; ${OTHER_CALLS}`;

function notLast(name: string): string {
  return `${name} is not the last Result: its lastOne() is false; ${OTHER_CALLS}, or give a Result whose lastOne() is true`;
}

function multipleResults(text: string, { label }: ClientCall): CmdStreamError {
  return new CmdStreamError('MULTIPLE_RESULTS', `${text} ${label}`, { sent: true });
}
