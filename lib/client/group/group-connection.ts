// One place in a client's group: one connection to one server at a time, opened anew when it is lost. A draining or
// replaced connection keeps its calls until they are answered, while its successor takes new ones.
//
//   idle --(start)--> connecting --> open --(lost, or the server drains)--> pausing --(delay)--> connecting
//                         └────────────────(failed)────────────────────────────^
//   any --(leave: its address is not its host's any more)--> left: nothing is opened any more          closed: for good
import type { Duplex } from 'node:stream';
import type { LookupFunction } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { ServerAddress } from '../../connection/dial.js';
import { CmdStreamError } from '../../errors.js';
import type { Seq } from '../../wire/frame.js';
import { Backoff, reconnectDefaults, type ResolvedReconnectOptions } from './backoff.js';
import { ClientSession, type ClientSessionConfig, type ClientSessionListener } from '../session/client-session.js';
import { ConnectionRenewal } from './connection-renewal.js';
import { DrainingSessions } from './draining-sessions.js';
import { lookupOf, type Endpoint, type HostLookup } from './host-lookup.js';
import { notOpened, ConnectAttempt, type ConnectStage } from './connect-attempt.js';
import type { CallListener } from '../call/call-multiplexer.js';
import type { ClientCall } from '../call/client-call.js';

/** Where an attempt goes to. */
export interface DialRoute {
  readonly address: ServerAddress;
  /** Of several addresses of one kind, the one to begin with: this number, counted round. */
  readonly turn: number;
  /** What resolves the host for it; undefined: as always. */
  readonly lookup: LookupFunction | undefined;
}

export interface GroupConnectionConfig extends ClientSessionConfig {
  readonly address: ServerAddress;
  /** Of the server's addresses, the one to begin with: counts up, so that its connections are spread. */
  readonly turns: { next: number };
  /** Resolves its host; undefined: whatever opens the socket does. */
  readonly hosts?: HostLookup | undefined;
  readonly connectTimeoutMs: number;
  /** `false`: a lost connection is opened anew by the next call only. */
  readonly reconnect: ResolvedReconnectOptions | false;
  readonly maxConnectionAgeMs: number;
  /** For errors. */
  readonly tls: { readonly options: SecureContextOptions } | undefined;
  dial(route: DialRoute, signal: AbortSignal, onStage: (stage: ConnectStage) => void): Promise<Duplex>;
}

/** What one connection is: not open, being opened, open, or over for good. */
export type ConnectionStatus = 'disconnected' | 'connecting' | 'connected' | 'closed';

/** What a connection of a group tells of itself. */
export interface GroupConnectionListener extends CallListener {
  /** `connecting`, `connected` or `disconnected`; the attempts of an outage say nothing until one succeeds or fails. */
  onStatusChange(connection: GroupConnection, cause?: CmdStreamError, isAttempt?: boolean): void;
  /** One that is open has fallen silent, is silent no more, or has another one's place. */
  onSessionChange(): void;
  /** One that has just ended was a good one: its server did serve. */
  onServed(connection: GroupConnection): void;
  /** Of one that has left: nothing of it is left. */
  onGone(connection: GroupConnection): void;
}

type State =
  | { readonly name: 'idle' }
  | { readonly name: 'connecting'; readonly attempt: ConnectAttempt }
  | { readonly name: 'open'; readonly session: ClientSession }
  | { readonly name: 'pausing'; readonly timer: NodeJS.Timeout }
  | { readonly name: 'left' }
  | { readonly name: 'closed' };

const IDLE: State = Object.freeze({ name: 'idle' });
const LEFT: State = Object.freeze({ name: 'left' });
const CLOSED: State = Object.freeze({ name: 'closed' });
/** A connection that lived so long, or answered, was a good one: the next outage begins anew. */
const GOOD_AFTER_MS = 5000;
/** One that ends sooner was refused: no server is so quick to find it idle. */
const UNNEEDED_AFTER_MS = 100;
/** With so many old connections left, none is opened for age. */
const MOST_DRAINING = 4;

export class GroupConnection implements ClientSessionListener {
  readonly server: string;
  /** The one of its host's addresses that it keeps to; undefined: it takes any. */
  endpoint: Endpoint | undefined;
  /** The connection that takes calls. To read only, for others. */
  session: ClientSession | undefined;
  /** Why the last connection, or the attempt to open one, failed; undefined while one is open. */
  lastError: CmdStreamError | undefined;
  readonly #config: GroupConnectionConfig;
  readonly #listener: GroupConnectionListener;
  readonly #backoff: Backoff;
  readonly #renewal: ConnectionRenewal;
  readonly #draining: DrainingSessions;
  #state: State = IDLE;
  /** Attempts that were under way at the end. */
  #abandoned: readonly ConnectAttempt[] = [];
  /** When the connection was opened (monotonic milliseconds). */
  #openedAt = 0;
  /** When a connection that was given up may be tried again (monotonic milliseconds). */
  #notBefore = 0;

  constructor(
    readonly index: number,
    config: GroupConnectionConfig,
    listener: GroupConnectionListener,
  ) {
    this.server = config.server;
    this.#config = config;
    this.#listener = listener;
    this.#draining = new DrainingSessions(config.ticker);
    this.#backoff = new Backoff(config.reconnect || reconnectDefaults);
    this.#renewal = new ConnectionRenewal(config, (onFailed) =>
      this.#draining.size < MOST_DRAINING ? this.#newAttempt(onFailed) : undefined,
    );
  }

  /** An outage is no `connecting`, although attempts are made. */
  get status(): ConnectionStatus {
    const { name } = this.#state;
    if (name === 'open') return 'connected';
    if (name === 'connecting')
      return this.#backoff.attempts > 0 && this.#config.reconnect ? 'disconnected' : 'connecting';
    return name === 'closed' ? 'closed' : 'disconnected';
  }

  get pending(): number {
    let sum = this.session?.pending ?? 0;
    // Strategies ask for it with every call.
    if (this.#draining.size === 0) return sum;
    for (const { pending } of this.#draining) sum += pending;
    return sum;
  }

  get roundTripMs(): number | undefined {
    return this.session?.roundTripMs;
  }

  /** True while an attempt is made, or another one will be by itself. */
  get isTrying(): boolean {
    return this.isConnecting || this.#state.name === 'pausing';
  }

  /** True while an attempt is made. */
  get isConnecting(): boolean {
    return this.#state.name === 'connecting';
  }

  /** Milliseconds until the next attempt; undefined where none will be made by itself. */
  get retryInMs(): number | undefined {
    return this.#state.name === 'pausing' ? Math.max(0, this.#notBefore - performance.now()) : undefined;
  }

  /** What the attempt that is under way waits for. */
  get unanswered(): CmdStreamError | undefined {
    return this.#attempt?.unanswered();
  }

  find(seq: Seq): ClientCall | undefined {
    for (const session of this.#sessions()) {
      const call = session.find(seq);
      if (call) return call;
    }
    return undefined;
  }

  /** Opens the connection unless that is under way. One that was given up keeps to the pace of its outage. */
  start(): void {
    if (this.#state.name === 'idle') this.#config.scope.run(this.#start, this);
  }

  #start(): void {
    const delayMs = this.#config.reconnect ? this.#notBefore - performance.now() : 0;
    if (delayMs > 0) this.#enter(this.#pause(delayMs));
    else this.#connect();
  }

  /** True if no attempt will be made by itself, and a call may begin one. */
  get mayStart(): boolean {
    return this.#state.name === 'idle' && performance.now() >= this.#notBefore;
  }

  /** The server is back: no need to wait for the end of the delay. */
  wake(): void {
    if (this.#state.name !== 'pausing') return;
    clearTimeout(this.#state.timer);
    this.#connect();
  }

  /** Takes no new calls, and opens nothing any more; what is under way on it is answered. */
  leave(): void {
    const { session } = this;
    const cause = new CmdStreamError('CONNECTION_LOST', 'the address is not one of its host any more');
    this.#stop(cause, LEFT);
    if (session) this.#draining.addReplaced(session);
    this.#checkGone();
  }

  #checkGone(): void {
    if (this.#state === LEFT && this.#draining.size === 0) void this.closed().then(() => this.#listener.onGone(this));
  }

  /** Ends for good, at once. */
  destroy(cause: CmdStreamError): void {
    this.#end(cause);
    this.#draining.destroy(cause);
  }

  /** Ends for good and in order: what was written leaves. */
  close(cause: CmdStreamError): void {
    for (const session of this.#sessions()) session.end(cause);
    this.#end(cause);
  }

  /** Resolves when all sockets of a connection that has ended for good are closed, or have had time for it. */
  async closed(): Promise<void> {
    await Promise.all([this.#draining.closed(), ...this.#abandoned.map((attempt) => attempt.closed())]);
  }

  #end(cause: CmdStreamError): void {
    if (this.#state === CLOSED) return;
    const sessions = [...this.#sessions()];
    this.#stop(cause, CLOSED);
    for (const session of sessions) session.destroy(cause);
  }

  /** No attempt is made any more. */
  #stop(cause: CmdStreamError, end: State): void {
    const state = this.#state;
    const attempts = [this.#attempt, this.#renewal.attempt].filter((attempt) => attempt !== undefined);
    this.#abandoned = [...this.#abandoned, ...attempts];
    this.#enter(end);
    this.#renewal.end(cause);
    if (state.name === 'pausing') clearTimeout(state.timer);
    if (state.name === 'connecting') state.attempt.abandon(cause);
  }

  onOpen(session: ClientSession): void {
    this.lastError = undefined;
    this.endpoint = this.#config.hosts?.endpointAt(session.connection.addresses.remoteAddress) ?? this.endpoint;
    const predecessor = this.session;
    this.#attempt?.succeed();
    this.#enter({ name: 'open', session });
    this.#openedAt = performance.now();
    this.#renewal.begin();
    if (predecessor === undefined) return this.#listener.onStatusChange(this);
    this.#noteWhetherGood(predecessor);
    this.#listener.onSessionChange();
    this.#draining.addReplaced(predecessor);
  }

  onGoaway(session: ClientSession, isUnneeded: boolean): void {
    this.#draining.addDraining(session);
    if (this.session !== session) return;
    if (isUnneeded) this.#becomeIdle(session, undefined);
    else this.#lose(undefined);
  }

  onEnd(session: ClientSession, cause: CmdStreamError, hungUpOnProbe: boolean): void {
    if (this.#draining.onEnd(session)) return this.#checkGone();
    if (this.session === session)
      return this.#isUnneeded(session, cause) ? this.#becomeIdle(session, cause) : this.#lose(cause);
    const attempt = [this.#renewal.attempt, this.#attempt].find((one) => one?.session === session);
    attempt?.fail(notOpened(cause, { server: this.server, tls: this.#config.tls?.options, hungUpOnProbe }));
  }

  onSilenceChange(): void {
    this.#listener.onSessionChange();
  }

  /** Calls it back once for each of its connections that has calls, when that has none any more. */
  whenIdle(callback: () => void): void {
    for (const session of this.#sessions()) if (session.pending > 0) session.whenIdle(callback);
  }

  get #attempt(): ConnectAttempt | undefined {
    return this.#state.name === 'connecting' ? this.#state.attempt : undefined;
  }

  #enter(state: State): void {
    this.#state = state;
    this.session = state.name === 'open' ? state.session : undefined;
  }

  #connect(): void {
    const attempt = this.#newAttempt((error) => this.#lose(error));
    this.#enter({ name: 'connecting', attempt });
    if (this.status === 'connecting') this.#listener.onStatusChange(this);
    if (this.#attempt === attempt) attempt.begin();
  }

  #newAttempt(onFailed: (error: CmdStreamError) => void): ConnectAttempt {
    const { address, turns, hosts, connectTimeoutMs, ticker, dial } = this.#config;
    const { endpoint } = this;
    const turn = turns.next++;
    return new ConnectAttempt({
      server: this.server,
      connectTimeoutMs,
      ticker,
      dial: (signal, onStage) => {
        const lookup = endpoint ? lookupOf(endpoint) : hosts?.lookupFor(signal);
        return dial({ address, turn, lookup }, signal, onStage);
      },
      start: (socket) => new ClientSession(socket, this.#config, this, this.#listener),
      onFailed,
    });
  }

  /** There is no connection for new calls; `cause` undefined: the server drains. */
  #lose(cause: CmdStreamError | undefined): void {
    if (this.session) this.#noteWhetherGood(this.session);
    const attempt = this.#attempt;
    this.#endRenewal(cause);
    const isGivenUp = !this.#config.reconnect || this.#backoff.isExhausted;
    const now = performance.now();
    const delayMs = this.#backoff.next(now, now - (attempt?.since ?? now));
    this.#notBefore = now + delayMs;
    this.#enter(isGivenUp ? IDLE : this.#pause(delayMs));
    this.#listener.onStatusChange(this, cause, attempt !== undefined);
  }

  /** A plain server cannot say why it hangs up on a connection that had no call: most likely that it was idle. */
  #isUnneeded(session: ClientSession, cause: CmdStreamError): boolean {
    if (session.isExtended || session.isUsed || cause.code !== 'PEER_CLOSED') return false;
    return performance.now() - this.#openedAt >= UNNEEDED_AFTER_MS;
  }

  /** The server is there, and the connection is not needed: the next call opens another one. */
  #becomeIdle(session: ClientSession, cause: CmdStreamError | undefined): void {
    this.#noteWhetherGood(session);
    this.#endRenewal(undefined);
    this.#notBefore = 0;
    this.#enter(IDLE);
    this.#listener.onStatusChange(this, cause);
  }

  #endRenewal(cause: CmdStreamError | undefined): void {
    this.lastError = cause;
    this.#renewal.end(new CmdStreamError('CONNECTION_LOST', 'what it was to replace is gone'));
  }

  #pause(delayMs: number): State {
    // What waits for the connection keeps the process alive by itself.
    const timer = this.#config.scope.run(() => setTimeout(() => this.#connect(), delayMs).unref());
    return { name: 'pausing', timer };
  }

  /** After a good connection an outage begins anew. */
  #noteWhetherGood(session: ClientSession): void {
    if (!session.hasAnswered && performance.now() - session.since < GOOD_AFTER_MS) return;
    this.#backoff.reset();
    this.#listener.onServed(this);
  }

  *#sessions(): Iterable<ClientSession> {
    if (this.session) yield this.session;
    yield* this.#draining;
  }
}
