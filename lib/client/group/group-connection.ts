// One place in a client's group: one connection to one server at a time, opened anew when it is lost. A draining or
// aged connection keeps its calls until they are answered, while its successor takes new ones.
//
//   idle --(start)--> connecting --> open --(lost, or the server drains)--> pausing --(delay)--> connecting      closed: for good
//                         └────────────────(failed)────────────────────────────^
import type { Duplex } from 'node:stream';
import { addressText, type ServerAddress } from '../../connection/dial.js';
import { CmdStreamError } from '../../errors.js';
import type { Seq } from '../../wire/frame.js';
import { Backoff } from './backoff.js';
import { ClientSession, type ClientSessionConfig, type ClientSessionListener } from '../session/client-session.js';
import { ConnectionAge } from './connection-age.js';
import { DrainingSessions } from './draining-sessions.js';
import { notOpened, ConnectAttempt, type ConnectStage } from './connect-attempt.js';
import type { CallListener } from '../call/call-multiplexer.js';
import type { ClientCall } from '../call/client-call.js';
import { reconnectDefaults, type ResolvedReconnectOptions } from '../client-options.js';

export interface GroupConnectionConfig extends Omit<ClientSessionConfig, 'server'> {
  readonly connectTimeoutMs: number;
  /** `false`: a lost connection is opened anew by the next call only. */
  readonly reconnect: ResolvedReconnectOptions | false;
  readonly maxConnectionAgeMs: number;
  /** For errors. */
  readonly hasTls: boolean;
  dial(
    server: ServerAddress,
    turn: number,
    signal: AbortSignal,
    onStage: (stage: ConnectStage) => void,
  ): Promise<Duplex>;
}

export type ConnectionStatus = 'disconnected' | 'connecting' | 'connected' | 'closed';

/** The server a link leads to. */
export interface GroupConnectionTarget {
  readonly address: ServerAddress;
  /** Of the server's addresses, the one to begin with; counts up, so that its connections are spread. */
  nextTurn(): number;
}

/** What a link tells its group. */
export interface GroupConnectionListener extends CallListener {
  /** A connection that is open has fallen silent or was heard again, or has another one's place. */
  onChanged(): void;
  /** `connecting`, `connected` or `disconnected`; the attempts of an outage say nothing until one succeeds or fails. */
  onLinkStatus(link: GroupConnection, cause?: CmdStreamError, isAttempt?: boolean): void;
  /** The connection that has just ended was a good one: its server did serve. */
  onServed(link: GroupConnection): void;
}

type State =
  | { readonly name: 'idle' }
  | { readonly name: 'connecting'; readonly opening: ConnectAttempt }
  | { readonly name: 'open'; readonly session: ClientSession }
  | { readonly name: 'pausing'; readonly timer: NodeJS.Timeout }
  | { readonly name: 'closed' };

const IDLE: State = Object.freeze({ name: 'idle' });
const CLOSED: State = Object.freeze({ name: 'closed' });
/** A connection that lived so long, or answered, was a good one: the next outage begins anew. */
const GOOD_AFTER_MS = 5000;
/** One that ends sooner was refused: no server is so quick to find it idle. */
const UNNEEDED_AFTER_MS = 100;
const MOST_LEAVING = 4; // With so many old connections left, none is opened for age.

export class GroupConnection implements ClientSessionListener {
  readonly server: string;
  /** Why the last connection, or the attempt to open one, failed; undefined while one is open. */
  lastError: CmdStreamError | undefined;
  readonly #target: GroupConnectionTarget;
  readonly #config: GroupConnectionConfig & ClientSessionConfig;
  readonly #owner: GroupConnectionListener;
  readonly #backoff: Backoff;
  readonly #age: ConnectionAge;
  readonly #leaving: DrainingSessions;
  #state: State = IDLE;
  /** Opens the successor of a connection that has become too old. */
  #renewal: ConnectAttempt | undefined;
  /** Attempts that were under way at the end. */
  #abandoned: readonly ConnectAttempt[] = [];
  /** When the connection was opened (monotonic milliseconds). */
  #openedAt = 0;
  /** When a connection that was given up may be tried again (monotonic milliseconds). */
  #notBefore = 0;

  constructor(
    readonly index: number,
    target: GroupConnectionTarget,
    config: GroupConnectionConfig,
    owner: GroupConnectionListener,
  ) {
    this.#target = target;
    this.server = addressText(target.address);
    this.#config = { ...config, server: this.server };
    this.#owner = owner;
    this.#leaving = new DrainingSessions(config.scope);
    this.#backoff = new Backoff(config.reconnect || reconnectDefaults);
    this.#age = new ConnectionAge(config.maxConnectionAgeMs, () => this.#renew());
  }

  /** An outage is no `connecting`, although attempts are made. */
  get status(): ConnectionStatus {
    const { name } = this.#state;
    if (name === 'open') return 'connected';
    if (name === 'connecting')
      return this.#backoff.attempts > 0 && this.#config.reconnect ? 'disconnected' : 'connecting';
    return name === 'closed' ? 'closed' : 'disconnected';
  }

  /** The connection that takes calls. */
  get session(): ClientSession | undefined {
    return this.#state.name === 'open' ? this.#state.session : undefined;
  }

  get pending(): number {
    return [...this.#sessions()].reduce((sum, { pending }) => sum + pending, 0);
  }

  get roundTripMs(): number | undefined {
    return this.session?.roundTripMs;
  }

  /** True while an attempt is made, or another one will be without anybody asking. */
  get isTrying(): boolean {
    return this.isOpening || this.#state.name === 'pausing';
  }

  /** True while an attempt is made. */
  get isOpening(): boolean {
    return this.#state.name === 'connecting';
  }

  /** What the attempt that is under way waits for. */
  get unanswered(): CmdStreamError | undefined {
    return this.#opening?.unanswered();
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
    if (delayMs > 0) this.#state = this.#pause(delayMs);
    else this.#connect();
  }

  /** True if nobody tries to open it, and a call may. */
  get mayStart(): boolean {
    return this.#state.name === 'idle' && performance.now() >= this.#notBefore;
  }

  /** The server is back: no need to wait for the end of the delay. */
  wake(): void {
    if (this.#state.name !== 'pausing') return;
    clearTimeout(this.#state.timer);
    this.#connect();
  }

  /** Ends for good, at once. */
  destroy(cause: CmdStreamError): void {
    this.#shut(cause);
    this.#leaving.destroy(cause);
  }

  /** Ends for good and in order: what was written leaves. */
  close(cause: CmdStreamError): void {
    for (const session of this.#sessions()) session.end(cause);
    this.#shut(cause);
  }

  /** Resolves when all sockets of a link that has ended for good are closed, or have had time for it. */
  async closed(): Promise<void> {
    await Promise.all([this.#leaving.closed(), ...this.#abandoned.map((opening) => opening.closed())]);
  }

  #shut(cause: CmdStreamError): void {
    const state = this.#state;
    if (state.name === 'closed') return;
    const sessions = [...this.#sessions()];
    this.#abandoned = [this.#opening, this.#renewal].filter((opening) => opening !== undefined);
    this.#state = CLOSED;
    this.#age.end();
    if (state.name === 'pausing') clearTimeout(state.timer);
    for (const opening of this.#abandoned) opening.abandon(cause);
    for (const session of sessions) session.destroy(cause);
  }

  onOpen(session: ClientSession): void {
    this.lastError = undefined;
    const predecessor = this.session;
    (this.#opening ?? this.#renewal)?.succeed();
    this.#renewal = undefined;
    this.#state = { name: 'open', session };
    this.#openedAt = performance.now();
    this.#age.begin();
    if (predecessor === undefined) return this.#owner.onLinkStatus(this);
    this.#judge(predecessor);
    this.#owner.onChanged();
    this.#leaving.replaced(predecessor);
  }

  onGoaway(session: ClientSession, isUnneeded: boolean): void {
    this.#leaving.drains(session);
    if (this.session !== session) return;
    if (isUnneeded) this.#rest(session, undefined);
    else this.#down(undefined);
  }

  onEnd(session: ClientSession, cause: CmdStreamError, hungUpOnProbe: boolean): void {
    if (this.#leaving.onEnd(session)) return;
    if (this.session === session)
      return this.#isUnneeded(session, cause) ? this.#rest(session, cause) : this.#down(cause);
    const opening = this.#renewal?.session === session ? this.#renewal : this.#opening;
    if (opening?.session === session)
      opening.fail(notOpened(cause, { server: this.server, hasTls: this.#config.hasTls, hungUpOnProbe }));
  }

  onSilenceChange(): void {
    this.#owner.onChanged();
  }

  /** Calls it back once for each of its connections that has calls, when that has none any more. */
  whenIdle(callback: () => void): void {
    for (const session of this.#sessions()) if (session.pending > 0) session.whenIdle(callback);
  }

  get #opening(): ConnectAttempt | undefined {
    return this.#state.name === 'connecting' ? this.#state.opening : undefined;
  }

  #connect(): void {
    const opening = this.#newOpening();
    this.#state = { name: 'connecting', opening };
    if (this.status === 'connecting') this.#owner.onLinkStatus(this);
    if (this.#opening === opening) opening.begin();
  }

  #newOpening(): ConnectAttempt {
    const { connectTimeoutMs, ticker, dial } = this.#config;
    const turn = this.#target.nextTurn();
    return new ConnectAttempt({
      server: this.server,
      connectTimeoutMs,
      ticker,
      dial: (signal, onStage) => dial(this.#target.address, turn, signal, onStage),
      start: (socket) => new ClientSession(socket, this.#config, this, this.#owner),
      onFailed: (failed, error) => this.#onFailed(failed, error),
    });
  }

  #onFailed(opening: ConnectAttempt, error: CmdStreamError): void {
    if (opening === this.#renewal) {
      this.#renewal = undefined;
      this.#age.postpone();
    } else if (opening === this.#opening) this.#down(error);
  }

  /** There is no connection for new calls; `cause` undefined: the server drains. */
  #down(cause: CmdStreamError | undefined): void {
    if (this.#state.name === 'open') this.#judge(this.#state.session);
    this.#end(cause);
    const isAttempt = this.#opening !== undefined;
    const isGivenUp = !this.#config.reconnect || this.#backoff.isExhausted;
    const now = performance.now();
    const delayMs = this.#backoff.next(now, now - (this.#opening?.since ?? now));
    this.#notBefore = now + delayMs;
    this.#state = isGivenUp ? IDLE : this.#pause(delayMs);
    this.#owner.onLinkStatus(this, cause, isAttempt);
  }

  /** A plain server cannot say why it hangs up on a connection that nobody has used: most likely that it was idle. */
  #isUnneeded(session: ClientSession, cause: CmdStreamError): boolean {
    if (session.isExtended || session.isUsed || cause.code !== 'PEER_CLOSED') return false;
    return performance.now() - this.#openedAt >= UNNEEDED_AFTER_MS;
  }

  /** The server is there, and nobody needs the connection: the next call opens another one. */
  #rest(session: ClientSession, cause: CmdStreamError | undefined): void {
    this.#judge(session);
    this.#end(undefined);
    this.#notBefore = 0;
    this.#state = IDLE;
    this.#owner.onLinkStatus(this, cause);
  }

  #end(cause: CmdStreamError | undefined): void {
    this.lastError = cause;
    this.#age.end();
    this.#renewal?.abandon(new CmdStreamError('CONNECTION_LOST', 'what it was to replace is gone'));
    this.#renewal = undefined;
  }

  #pause(delayMs: number): State {
    // What waits for the connection keeps the process alive by itself.
    const timer = this.#config.scope.run(() => setTimeout(() => this.#connect(), delayMs).unref());
    return { name: 'pausing', timer };
  }

  /** Was the connection a good one? Then an outage begins anew. */
  #judge(session: ClientSession): void {
    if (!session.hasAnswered && performance.now() - session.since < GOOD_AFTER_MS) return;
    this.#backoff.reset();
    this.#owner.onServed(this);
  }

  #renew(): void {
    if (this.#state.name !== 'open' || this.#renewal) return;
    if (this.#leaving.size >= MOST_LEAVING) return this.#age.postpone();
    this.#renewal = this.#newOpening();
    this.#renewal.begin();
  }

  *#sessions(): Iterable<ClientSession> {
    if (this.#state.name === 'open') yield this.#state.session;
    yield* this.#leaving;
  }
}
