// What a client does: it owns the groups of connections, one at a time, and gives them calls. CommandClient and the
// Nest client are faces of it; users see neither it nor what it takes beside their options.
import { AsyncScope } from '../async-scope.js';
import { notify, requireFunction } from '../callbacks.js';
import { resultCountOf } from '../contract/command.js';
import { hasResult, type ContractTables } from '../contract/contract.js';
import { unlisted } from '../contract/type-table.js';
import { PatternMessage } from '../codec/pattern-message.js';
import type { ClientTlsReloadOptions } from '../connection/tls-options.js';
import { CmdStreamError } from '../errors.js';
import type { ObservedClient } from '../instrumentation/instrumentation.js';
import { ClientObservers, type WatchedCall } from '../instrumentation/observers.js';
import { NO_METADATA, type Metadata } from '../wire/control-frame.js';
import type { Seq } from '../wire/frame.js';
import { ambientMetadata, checkCallOptions, ownMetadata } from './call/call-rules.js';
import { ClientCall, type CallNeeds, type CallOptions, type CallSink, type CommandSink } from './call/client-call.js';
import { Deadlines } from './call/deadlines.js';
import { SignalListeners } from './call/signal-listeners.js';
import { groupConfigOf, MOST_PENDING, type ResolvedClientOptions } from './client-config.js';
import type { UnexpectedResult } from './client-options.js';
import { clientMetadata, withClientMetadata } from './client-metadata.js';
import type { ConnectionStatus } from './group/group-connection.js';
import { pingGroup, type ConnectionPing } from './group/connection-ping.js';
import type { ClientStatus, ClientStatusChange, ServerState } from './group/group-server.js';
import { Group } from './group/group.js';
import { INITIAL_CREDIT, ResultIterator } from './result-iterator.js';
import { hookedNeeds } from './send-hooks.js';

export const NO_OPTIONS: CallOptions = Object.freeze({});
/** What `emit` and `ping` know of the options of a call. */
const emitOptions: readonly string[] = ['metadata'];
const pingOptions: readonly string[] = ['timeoutMs'];

export class ClientCore implements ObservedClient {
  /** Results so far that no call waited for. */
  unexpectedResults = 0;
  /** Frames so far for Commands that were cancelled or timed out. */
  lateFrames = 0;
  /** What serves all callers begins here: not in the scope of the one whose call came first. */
  readonly #scope = new AsyncScope();
  readonly #options: ResolvedClientOptions;
  /** Shared by its groups: no number is used twice. */
  readonly #seqCounter = { last: 0 };
  #group: Group;
  /** Earlier ones, before the client was opened anew, whose calls may not be answered yet. */
  readonly #former = new Map<Group, Promise<void>>();
  readonly #signals = new SignalListeners();
  readonly #deadlines = new Deadlines(this.#scope);
  readonly #observers: ClientObservers;
  readonly #nameOf = (command: unknown): string =>
    command instanceof PatternMessage ? command.route : this.#options.contract.commands.nameFor(command);
  /** Bytes of all its connections so far. */
  readonly traffic = { sent: 0, received: 0 };
  /** What outages have cost its calls so far. */
  readonly losses = { lost: 0, unsent: 0 };
  readonly #statusListeners = new Set<{ readonly call: (change: ClientStatusChange) => void }>();
  #closing: Promise<void> | undefined;

  constructor(options: ResolvedClientOptions) {
    this.#options = options;
    this.#group = this.#newGroup();
    this.#observers = new ClientObservers(options.instrumentation, this);
    this.#observers.open();
  }

  #newGroup(): Group {
    const onReloadError = (error: CmdStreamError): void => this.#observers.onReloadError(error);
    const config = groupConfigOf(this.#options, this.#scope, onReloadError);
    const group: Group = new Group({ ...config, traffic: this.traffic, losses: this.losses }, this.#seqCounter, {
      onConnectionChange: ({ server, status, retryInMs }, cause, { open }) => {
        this.#observers.onConnection({ server, status, cause, open, retryInMs });
        // The end of what was closed is no news of what was opened since.
        if (group === this.#group) this.#notify(cause, server, status);
      },
      onAddresses: (server, found) => this.#observers.onLookup({ server, ...found }),
      onCircuit: (server, circuit) => this.#observers.onCircuit({ server, circuit }),
      onUnexpectedResult: (seq, result, bytesRead, afterLast) =>
        this.#unexpected({ seq, result, bytesRead, afterLast }),
      onLateFrame: () => this.lateFrames++,
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

  /** Those of them that wait for a connection, or to be sent again. */
  get queued(): number {
    return this.#group.waiting.pending;
  }

  reloadTls(options?: ClientTlsReloadOptions): void {
    const { tls } = this.#options;
    if (tls === undefined) throw new CmdStreamError('INVALID_OPTION', 'reloadTls: the client has no TLS of its own');
    tls.reload(options);
  }

  onStatus(listener: (change: ClientStatusChange) => void): () => void {
    requireFunction('onStatus: the listener', listener);
    const entry = { call: listener };
    this.#statusListeners.add(entry);
    return () => void this.#statusListeners.delete(entry);
  }

  connect(): Promise<void> {
    return this.#closing ? Promise.reject(closedError()) : this.#group.connect();
  }

  reopen(): Promise<void> {
    if (this.#closing) {
      const former = this.#group;
      const ended = this.#closing.finally(() => this.#former.delete(former));
      this.#former.set(former, ended);
      this.#closing = undefined;
      this.#group = this.#newGroup();
      this.#observers.open();
    }
    return this.#group.connect();
  }

  /** True while a connection is open to a server of this package. */
  get isExtended(): boolean {
    return this.#group.isExtended;
  }

  /** `needs`: metadata that travels though the caller has not given it. */
  execute(command: unknown, options?: CallOptions, needs?: CallNeeds): Promise<unknown> {
    const { contract } = this.#options;
    if (resultCountOf(command) === 'many Results')
      return Promise.reject(streamError(contract.commands.nameFor(command)));
    return new Promise((resolve, reject) => {
      const sink = new OneResult(contract, resolve, reject);
      sink.call = this.submit(command, sink, options, needs, this.#options.timeoutMs);
    });
  }

  /** `needsOf` is asked when the Command is sent. */
  iterate<R>(
    command: unknown,
    options: CallOptions | undefined,
    needsOf?: () => CallNeeds | undefined,
  ): ResultIterator<R> {
    let group: Group | undefined;
    const dispatch = (sink: CommandSink<R>): ClientCall => {
      group = this.#group;
      return this.submit(command, sink as CommandSink, options, { ...needsOf?.(), credit: INITIAL_CREDIT });
    };
    return new ResultIterator(dispatch, this.#options.maxStreamBufferBytes, {
      timeoutMs: options?.timeoutMs,
      signal: options?.signal,
      destroyed: () => group?.destroyedBy,
    });
  }

  /**
   * What `dispatch()` and all others are built on: sends a Command, or a message by pattern. `sink` is called in
   * whatever scope; one of a user is put into a {@link CallerSink} first.
   */
  submit(
    command: unknown,
    sink: CallSink,
    options: CallOptions = NO_OPTIONS,
    needs?: CallNeeds,
    defaultTimeoutMs = 0,
  ): ClientCall {
    let call: ClientCall;
    let later: Promise<Metadata> | undefined;
    const watch = this.#observers.areOn ? this.#watch(command, needs) : undefined;
    try {
      if (options !== NO_OPTIONS) this.#checkOptions(command, options);
      const { signal, timeoutMs = defaultTimeoutMs, metadata, idempotent } = options;
      if (signal?.aborted) throw signal.reason;
      if (this.#closing) throw closedError();
      let own = metadata === undefined ? undefined : ownMetadata('call option "metadata"', metadata);
      let allNeeds = needs;
      if (watch) {
        allNeeds = watchedNeeds(needs, watch);
        own = own && withoutOutdated(own, watch.metadata);
      }
      if (this.#options.hooks) allNeeds = hookedNeeds(this.#options.hooks, command, allNeeds);
      if (this.#options.metadata !== undefined) {
        const given = clientMetadata(this.#options.metadata, command);
        if (given instanceof Promise) later = given;
        else allNeeds = withClientMetadata(allNeeds, given);
      }
      call = new ClientCall(command, sink, this.#group.waiting, { timeoutMs, metadata: own, idempotent }, allNeeds);
    } catch (error) {
      call = new ClientCall(command, sink, this.#group.waiting, undefined, { watch });
      call.fail(error, options?.signal?.aborted ? 'cancelled' : 'failed');
      return call;
    }
    try {
      call.watch(options.signal, this.#signals, this.#deadlines);
    } catch (error) {
      call.fail(error);
    }
    if (later) this.#group.submitLater(call, later);
    else this.#group.submit(call);
    return call;
  }

  /** What watches the call, from now on. */
  #watch(command: unknown, needs: CallNeeds | undefined): WatchedCall | undefined {
    const awaitsAnswer = needs?.until !== 'written';
    const kind = command instanceof PatternMessage ? command.kind : 'command';
    return this.#observers.onCall(command, kind, awaitsAnswer, this.#nameOf);
  }

  /** Data of a pattern are no wrong options. */
  #checkOptions(command: unknown, options: CallOptions): void {
    const { commands } = this.#options.contract;
    if (typeof command === 'string' && commands.indexOf(command) < 0) throw unlisted(commands, 'commands', command);
    checkCallOptions(options);
  }

  /** Sends a Command, or an event by pattern, and resolves when it was written. */
  emit(command: unknown, options: CallOptions = NO_OPTIONS, ambient: Metadata = NO_METADATA): Promise<void> {
    return new Promise((resolve, reject) => {
      checkCallOptions(options, emitOptions);
      const sink = { next: () => {}, complete: resolve, error: reject };
      this.submit(command, sink, options, { until: 'written', ambient });
    });
  }

  async pingEach(options: Pick<CallOptions, 'timeoutMs'> = NO_OPTIONS): Promise<readonly ConnectionPing[]> {
    checkCallOptions(options, pingOptions);
    if (this.#closing) throw closedError();
    return pingGroup(this.#group, options.timeoutMs ?? this.#options.timeoutMs, MOST_PENDING);
  }

  /** The call that waits for Results of this number. */
  find(seq: Seq): ClientCall | undefined {
    const here = this.#group.find(seq);
    if (here || this.#former.size === 0) return here;
    for (const group of this.#former.keys()) {
      const call = group.find(seq);
      if (call) return call;
    }
    return undefined;
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all([this.#drain(this.#group), ...this.#former.values()]).then(() => this.#restTls());
    return this.#closing;
  }

  async #drain(group: Group): Promise<void> {
    // Not before `#closing` is set, which the status depends on.
    await undefined;
    const { gracePeriodMs } = this.#options;
    const since = performance.now();
    if (group.pending > 0) {
      if (group === this.#group) this.#notify();
      await group.idle(gracePeriodMs);
    }
    const closed = new CmdStreamError('CLOSED', 'the client was closed');
    // Those that were not answered in time are not waited for any more.
    if (group.pending > 0) {
      this.#destroy(group, closed);
      return group.closed();
    }
    const isNews = group === this.#group && group.status !== 'closed';
    if (isNews) this.#observers.close();
    const ended = group.close(closed, Math.max(0, gracePeriodMs - (performance.now() - since)));
    if (isNews) this.#notify(closed);
    await ended;
  }

  destroy(cause = new CmdStreamError('CLOSED', 'the client was closed')): void {
    const groups = [...this.#former.keys(), this.#group];
    // Before listeners are notified: they may close it, too.
    this.#closing ??= closedOf(groups);
    for (const group of groups) this.#destroy(group, cause);
    this.#restTls();
  }

  /** No connection is opened any more, unless the client was opened anew meanwhile. */
  #restTls(): void {
    if (this.#group.status === 'closed') this.#options.tls?.rest();
  }

  #destroy(group: Group, cause: CmdStreamError): void {
    const isNews = group === this.#group && group.status !== 'closed';
    group.destroy(cause);
    if (!isNews) return;
    this.#observers.close();
    this.#notify(cause);
  }

  #notify(cause?: CmdStreamError, server?: string, connection?: ConnectionStatus): void {
    const change = { status: this.status, cause, server, connection };
    for (const { call } of this.#statusListeners) notify(() => this.#scope.runApart(call, undefined, change));
  }

  #unexpected(result: UnexpectedResult): void {
    this.unexpectedResults++;
    const { onUnexpectedResult } = this.#options;
    if (onUnexpectedResult === undefined) return;
    notify(() => this.#scope.runApart(onUnexpectedResult, undefined, result));
  }
}

/** What a call needs that is watched. Metadata that cannot travel costs no call. */
function watchedNeeds(needs: CallNeeds | undefined, watch: WatchedCall): CallNeeds {
  try {
    const given = ambientMetadata('option "instrumentation"', watch.metadata);
    if (needs === undefined) return { watch, ambient: given };
    if (given !== NO_METADATA) return { ...needs, watch, ambient: { ...needs.ambient, ...given } };
  } catch {
    // It is an observer's fault, and none of the caller's.
  }
  return { ...needs, watch };
}

/** A caller who hands on all that it was given, trace ids included, does not say what this call is a part of. */
function withoutOutdated(own: Metadata, given: Metadata = NO_METADATA): Metadata {
  if (!Object.keys(given).some((key) => Object.hasOwn(own, key))) return own;
  return Object.fromEntries(Object.entries(own).filter(([key]) => !Object.hasOwn(given, key)));
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

/** What `execute()` resolves with: the one Result. */
class OneResult implements CallSink {
  /** Its call, from when it was submitted: no Result comes before that. */
  call: ClientCall | undefined;
  readonly #contract: ContractTables;
  readonly #resolve: (result: unknown) => void;
  readonly #reject: (error: unknown) => void;
  #result: unknown;
  #hasResult = false;

  constructor(contract: ContractTables, resolve: (result: unknown) => void, reject: (error: unknown) => void) {
    this.#contract = contract;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  next(result: unknown, _bytesRead: number, isLast: boolean): void {
    if (this.#hasResult || this.call!.isStream) throw this.#multipleResults(SEVERAL_RESULTS);
    this.#result = result;
    this.#hasResult = true;
    // JSON of a contract without Results says nothing of itself: whether others follow is seen when they do.
    const { results } = this.#contract;
    if (!isLast && results.indexOf(result) >= 0) throw this.#multipleResults(notLast(results.nameFor(result)));
  }

  complete(): void {
    const { command } = this.call!;
    // Whatever its handler gives. An answer without a value is none.
    if (this.#result !== undefined && resultCountOf(command) === 'no Result') this.#resolve(undefined);
    else if (this.#result !== undefined || !hasResult(this.#contract, command)) this.#resolve(this.#result);
    else this.#reject(new CmdStreamError('NO_RESULT', `no Result came: ${this.call!.label}`, { sent: true }));
  }

  error(error: unknown): void {
    this.#reject(error);
  }

  #multipleResults(text: string): CmdStreamError {
    return new CmdStreamError('MULTIPLE_RESULTS', `${text} ${this.call!.label}`, { sent: true });
  }
}

/** `send()` is the Nest client's, `dispatch()` the core client's. */
const OTHER_CALLS = 'use send(), dispatch() of the core client, or iterate()';
const SEVERAL_RESULTS = `execute() is for Commands with one Result; ${OTHER_CALLS}`;

function streamError(name: string): CmdStreamError {
  return new CmdStreamError('MULTIPLE_RESULTS', `${name} is a StreamCommand: ${SEVERAL_RESULTS}`);
}

function notLast(name: string): string {
  const remedy = `${OTHER_CALLS}, or give a Result whose lastOne() is true`;
  return `${name} is not the last Result: its lastOne() is false; ${remedy}`;
}
