// One place in a client's group: one connection to one server at a time, opened anew when it is lost. A draining or
// aged connection keeps its calls until they are answered, while its successor takes new ones.
//
//   idle --(start)--> connecting --> open --(lost, or the server drains)--> pausing --(delay)--> connecting      closed: for good
//                         └────────────────(failed)────────────────────────────^
import type { Duplex } from 'node:stream';
import { addressText, type ServerAddress } from '../connection/dial.js';
import { CmdStreamError } from '../errors.js';
import type { Seq } from '../wire/frame.js';
import { Backoff } from './backoff.js';
import { ClientSession, type ClientSessionConfig, type ClientSessionOwner } from './client-session.js';
import { ConnectionAge } from './connection-age.js';
import type { ConnectionChoice } from './dispatch-strategy.js';
import { Opening } from './opening.js';
import type { PendingCall } from './pending-call.js';
import { reconnectDefaults, type ResolvedReconnectOptions } from './reconnect-options.js';

export interface LinkConfig extends ClientSessionConfig {
  readonly connectTimeoutMs: number;
  /** `false`: a lost connection is opened anew by the next call only. */
  readonly reconnect: ResolvedReconnectOptions | false;
  readonly maxConnectionAgeMs: number;
  /** For errors. */
  readonly hasTls: boolean;
  dial(server: ServerAddress, turn: number, signal: AbortSignal): Promise<Duplex>;
}

export type LinkStatus = 'disconnected' | 'connecting' | 'connected' | 'closed';

/** What a link tells its group. */
export interface LinkOwner extends Omit<ClientSessionOwner, 'onOpen' | 'onEnd' | 'onGoaway' | 'onIdle'> {
  /** `connecting`, `connected` or `disconnected`; the attempts of an outage say nothing until one succeeds or fails. */
  onLinkStatus(link: Link, cause?: CmdStreamError): void;
  /** The connection that has just ended was a good one: its server did serve. */
  onServed(link: Link): void;
  onIdle(): void;
}

type State =
  | { readonly name: 'idle' }
  | { readonly name: 'connecting'; readonly opening: Opening }
  | { readonly name: 'open'; readonly session: ClientSession; readonly since: number }
  | { readonly name: 'pausing'; readonly timer: NodeJS.Timeout }
  | { readonly name: 'closed' };

const IDLE: State = Object.freeze({ name: 'idle' });
const CLOSED: State = Object.freeze({ name: 'closed' });
/** After so many connections in a row that ended in the middle of the knock, one is opened without. */
const KNOCKS_BEFORE_PLAIN = 2;
/** A connection that lived so long, or answered, was a good one: the next outage begins anew. */
const GOOD_AFTER_MS = 5000;
/** A link that has so many old connections left opens no new one for age. */
const MOST_LEAVING = 4;

export class Link implements ClientSessionOwner, ConnectionChoice {
  readonly server: string;
  /** Why the last connection, or the attempt to open one, failed; undefined while one is open. */
  lastError: CmdStreamError | undefined;
  readonly #address: ServerAddress;
  readonly #config: LinkConfig;
  readonly #owner: LinkOwner;
  readonly #backoff: Backoff;
  readonly #age: ConnectionAge;
  /** Connections that have no new calls. */
  readonly #leaving = new Set<ClientSession>();
  /** Those of them that end as soon as they are idle; a draining server ends its connections itself. */
  readonly #replaced = new Set<ClientSession>();
  #state: State = IDLE;
  /** Opens the successor of a connection that has become too old. */
  #renewal: Opening | undefined;
  #failedKnocks = 0;
  #turn: number;

  constructor(
    readonly index: number,
    address: ServerAddress,
    config: LinkConfig,
    owner: LinkOwner,
  ) {
    this.#address = address;
    this.server = addressText(address);
    this.#config = config;
    this.#owner = owner;
    this.#backoff = new Backoff(config.reconnect || reconnectDefaults);
    this.#age = new ConnectionAge(config.maxConnectionAgeMs, () => this.#renew());
    this.#turn = index;
  }

  /** An outage is no `connecting`, although attempts are made. */
  get status(): LinkStatus {
    const { name } = this.#state;
    if (name === 'open') return 'connected';
    if (name === 'connecting') return this.#backoff.attempts > 0 ? 'disconnected' : 'connecting';
    return name === 'closed' ? 'closed' : 'disconnected';
  }

  /** The connection that takes calls. */
  get session(): ClientSession | undefined {
    return this.#state.name === 'open' ? this.#state.session : undefined;
  }

  get pending(): number {
    let sum = 0;
    for (const session of this.#sessions()) sum += session.pending;
    return sum;
  }

  get roundTripMs(): number | undefined {
    return this.session?.roundTripMs;
  }

  /** True while an attempt is made, or another one will be without anybody asking. */
  get isTrying(): boolean {
    return this.#state.name === 'connecting' || this.#state.name === 'pausing';
  }

  /** True while an attempt is made. */
  get isOpening(): boolean {
    return this.#state.name === 'connecting';
  }

  find(seq: Seq): PendingCall | undefined {
    for (const session of this.#sessions()) {
      const call = session.find(seq);
      if (call) return call;
    }
    return undefined;
  }

  /** Opens the connection unless that is under way. */
  start(): void {
    if (this.#state.name === 'idle') this.#connect();
  }

  /** The server is back: no need to wait for the end of the delay. */
  wake(): void {
    if (this.#state.name !== 'pausing') return;
    clearTimeout(this.#state.timer);
    this.#connect();
  }

  /** Ends for good. */
  destroy(cause: CmdStreamError): void {
    const state = this.#state;
    if (state.name === 'closed') return;
    const sessions = [...this.#sessions()];
    this.#state = CLOSED;
    this.#age.end();
    if (state.name === 'connecting') state.opening.abandon(cause);
    else if (state.name === 'pausing') clearTimeout(state.timer);
    this.#renewal?.abandon(cause);
    for (const session of sessions) session.destroy(cause);
  }

  nextSeq(): number {
    return this.#owner.nextSeq();
  }

  onOpen(session: ClientSession): void {
    this.#failedKnocks = 0;
    this.lastError = undefined;
    const predecessor = this.session;
    (this.#opening ?? this.#renewal)?.succeed();
    this.#renewal = undefined;
    this.#state = { name: 'open', session, since: performance.now() };
    this.#age.begin();
    if (predecessor) this.#replace(predecessor);
    else this.#owner.onLinkStatus(this);
  }

  /** The successor is open: the old connection ends when its calls are answered. */
  #replace(old: ClientSession): void {
    this.#leaving.add(old);
    this.#replaced.add(old);
    old.leave(new CmdStreamError('CONNECTION_LOST', 'the connection was replaced'));
  }

  onGoaway(session: ClientSession): void {
    this.#leaving.add(session);
    if (this.session === session) this.#down(undefined);
  }

  onIdle(session: ClientSession): void {
    if (this.#replaced.delete(session))
      session.end(new CmdStreamError('CLOSED', 'the connection is not needed any more'));
    this.#owner.onIdle();
  }

  onEnd(session: ClientSession, cause: CmdStreamError, hungUpOnKnock: boolean): void {
    if (hungUpOnKnock) this.#failedKnocks++;
    this.#replaced.delete(session);
    if (this.#leaving.delete(session)) return;
    if (this.session === session) return this.#down(cause);
    const opening = this.#renewal?.session === session ? this.#renewal : this.#opening;
    if (opening?.session === session) opening.fail(this.#notOpened(cause));
  }

  onNotStarted(call: PendingCall, error: CmdStreamError): void {
    this.#owner.onNotStarted(call, error);
  }

  onLost(call: PendingCall, error: CmdStreamError): void {
    this.#owner.onLost(call, error);
  }

  onUnexpectedResult(seq: Seq, result: unknown, bytesRead: number): void {
    this.#owner.onUnexpectedResult(seq, result, bytesRead);
  }

  onLateFrame(): void {
    this.#owner.onLateFrame();
  }

  get #opening(): Opening | undefined {
    return this.#state.name === 'connecting' ? this.#state.opening : undefined;
  }

  /** A server that refuses a certificate says so when TLS has long finished for the client, or just hangs up. */
  #notOpened(cause: CmdStreamError): CmdStreamError {
    if (cause.code !== 'PEER_CLOSED' && cause.code !== 'PEER_RESET') return cause;
    const code = this.#config.hasTls && cause.code === 'PEER_RESET' ? 'TLS_ERROR' : 'CONNECT_FAILED';
    return new CmdStreamError(code, `cannot connect to ${this.server}: ${cause.message}`, { cause });
  }

  #connect(): void {
    const opening = this.#newOpening();
    this.#state = { name: 'connecting', opening };
    if (this.status === 'connecting') this.#owner.onLinkStatus(this);
    if (this.#opening === opening) opening.begin();
  }

  #newOpening(): Opening {
    const { connectTimeoutMs, dial } = this.#config;
    const turn = this.#turn++;
    return new Opening({
      server: this.server,
      connectTimeoutMs,
      dial: (signal) => dial(this.#address, turn, signal),
      start: (socket) => new ClientSession(socket, this.#config, this.#shallKnock(), this),
      onFailed: (failed, error) => this.#onFailed(failed, error),
    });
  }

  /** A peer that hangs up on the knock, as no cmd-stream peer known does, is spoken to without it every other time. */
  #shallKnock(): boolean {
    if (this.#config.extension === false) return false;
    if (this.#config.extension === 'require' || this.#failedKnocks < KNOCKS_BEFORE_PLAIN) return true;
    this.#failedKnocks = 0;
    return false;
  }

  #onFailed(opening: Opening, error: CmdStreamError): void {
    if (opening === this.#renewal) {
      this.#renewal = undefined;
      this.#age.postpone();
    } else if (opening === this.#opening) this.#down(error);
  }

  /** There is no connection for new calls; `cause` undefined: the server drains. */
  #down(cause: CmdStreamError | undefined): void {
    if (this.#state.name === 'open') {
      const { session, since } = this.#state;
      if (session.hasAnswered || performance.now() - since >= GOOD_AFTER_MS) {
        this.#backoff.reset();
        this.#owner.onServed(this);
      }
    }
    this.lastError = cause;
    this.#age.end();
    this.#renewal?.abandon(new CmdStreamError('CONNECTION_LOST', 'what it was to replace is gone'));
    this.#renewal = undefined;
    this.#state = this.#config.reconnect && !this.#backoff.isExhausted ? this.#pause() : IDLE;
    if (this.#state === IDLE) this.#backoff.reset();
    this.#owner.onLinkStatus(this, cause);
  }

  #pause(): State {
    const now = performance.now();
    const delayMs = this.#backoff.next(now, this.#opening ? now - this.#opening.since : 0);
    // What waits for the connection keeps the process alive by itself.
    return { name: 'pausing', timer: setTimeout(() => this.#connect(), delayMs).unref() };
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
