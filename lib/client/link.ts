// The client's way to one server: one connection at a time, opened when it is needed, and the calls that wait for one.
// A lost connection fails its calls; the next call opens a new one. A draining one keeps its calls until they are
// answered, while new ones go to the next. seq goes on counting for the life of the link.
//
//   idle --(call or connect)--> connecting --> open --(lost, or the server drains)--> idle         closed: for good
import type { Socket } from 'node:net';
import { dial, type DialTarget } from '../connection/dial.js';
import { CmdStreamError } from '../errors.js';
import type { Seq } from '../wire/frame.js';
import { ClientSession, type ClientSessionConfig, type ClientSessionOwner } from './client-session.js';
import type { CallHome, PendingCall } from './pending-call.js';

export interface LinkConfig extends ClientSessionConfig {
  readonly target: DialTarget;
  readonly connectTimeoutMs: number;
}

export type LinkStatus = 'idle' | 'connecting' | 'open' | 'closed';

/** What a link tells its client. */
export interface LinkOwner {
  onStatus(status: LinkStatus, cause?: CmdStreamError): void;
  onUnexpectedResult(seq: Seq, result: unknown, bytesRead: number): void;
  onLateFrame(): void;
  /** No call waits any more. */
  onIdle(): void;
}

interface Opening {
  readonly abort: AbortController;
  readonly opened: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
  timer?: NodeJS.Timeout;
  session?: ClientSession;
}

type State =
  | { readonly name: 'idle' }
  | { readonly name: 'connecting'; readonly opening: Opening }
  | { readonly name: 'open'; readonly session: ClientSession }
  | { readonly name: 'closed' };

const IDLE: State = Object.freeze({ name: 'idle' });
const CLOSED: State = Object.freeze({ name: 'closed' });
/** How often a Command that was not started is sent before its error reaches the caller. */
const MAX_ATTEMPTS = 6;
/** The first pause before sending one again; it doubles each time. */
const RESEND_MS = 10;
/** After so many connections in a row that ended in the middle of the knock, one is opened without. */
const KNOCKS_BEFORE_PLAIN = 2;

export class Link implements ClientSessionOwner, CallHome {
  readonly #config: LinkConfig;
  readonly #owner: LinkOwner;
  readonly #queued = new Set<PendingCall>();
  /** Connections that drain: they have no new calls. */
  readonly #leaving = new Set<ClientSession>();
  readonly #resends = new Map<PendingCall, NodeJS.Timeout>();
  #state: State = IDLE;
  #lastSeq = 0;
  #failedKnocks = 0;

  constructor(config: LinkConfig, owner: LinkOwner) {
    this.#config = config;
    this.#owner = owner;
  }

  get status(): LinkStatus {
    return this.#state.name;
  }

  /** Calls that wait for their last Result, for the connection, or to be sent again. */
  get pending(): number {
    const written = [...this.#sessions()].reduce((sum, session) => sum + session.pending, 0);
    return written + this.#queued.size + this.#resends.size;
  }

  /** True if the connection is open to a server of this package. */
  get isExtended(): boolean {
    return this.#state.name === 'open' && this.#state.session.isExtended;
  }

  /** Resolves when the connection is open; opens it if need be. */
  connect(): Promise<void> {
    if (this.#state.name === 'open') return Promise.resolve();
    if (this.#state.name === 'closed') return Promise.reject(clientClosed());
    return this.#open();
  }

  /** Writes the call's Command, now or as soon as the connection is open. */
  submit(call: PendingCall): void {
    if (this.#state.name === 'open') this.#state.session.submit(call);
    else if (this.#state.name === 'closed') call.fail(clientClosed());
    else if (this.#queued.size >= this.#config.maxQueued) {
      const limit = `maxQueuedCommands (${this.#config.maxQueued})`;
      call.fail(new CmdStreamError('QUEUE_FULL', `${limit} Commands wait for a connection already`));
    } else {
      call.moveTo(this);
      this.#queued.add(call);
      this.#open().catch(() => {});
    }
  }

  /** Resolves when the server has answered a ping. */
  async ping(): Promise<void> {
    await (await this.#openSession()).ping();
  }

  async #openSession(): Promise<ClientSession> {
    await this.connect();
    if (this.#state.name !== 'open') throw clientClosed();
    return this.#state.session;
  }

  /** The call that waits for Results of this number. */
  find(seq: Seq): PendingCall | undefined {
    for (const session of this.#sessions()) {
      const call = session.find(seq);
      if (call) return call;
    }
    return undefined;
  }

  forget(call: PendingCall): void {
    this.#queued.delete(call);
    clearTimeout(this.#resends.get(call));
    this.#resends.delete(call);
    this.onIdle();
  }

  grant(): void {}

  /** Ends for good; calls that wait fail with `cause`. */
  destroy(cause: CmdStreamError): void {
    const state = this.#state;
    if (state.name === 'closed') return;
    const sessions = [...this.#sessions()];
    const waiting = this.#waiting();
    this.#change(CLOSED, cause);
    if (state.name === 'connecting') this.#abandon(state.opening, cause);
    for (const session of sessions) session.destroy(cause);
    for (const call of waiting) call.fail(cause);
  }

  nextSeq(): number {
    return ++this.#lastSeq;
  }

  onOpen(session: ClientSession): void {
    if (this.#state.name !== 'connecting') return;
    const { opening } = this.#state;
    this.#failedKnocks = 0;
    clearTimeout(opening.timer);
    this.#state = { name: 'open', session };
    const queued = [...this.#queued];
    this.#queued.clear();
    for (const call of queued) session.submit(call);
    this.#owner.onStatus('open');
    opening.resolve();
  }

  onGoaway(session: ClientSession): void {
    this.#leaving.add(session);
    if (this.#state.name === 'open' && this.#state.session === session) this.#change(IDLE);
  }

  onNotStarted(call: PendingCall, error: CmdStreamError): void {
    if (call.attempts >= MAX_ATTEMPTS || this.#state.name === 'closed') return call.fail(error);
    call.seq = 0;
    call.moveTo(this);
    if (call.attempts === 0) return this.submit(call);
    const pauseMs = RESEND_MS * 2 ** (call.attempts - 1);
    const resend = (): void => {
      this.#resends.delete(call);
      this.submit(call);
    };
    this.#resends.set(call, setTimeout(resend, pauseMs));
  }

  onUnexpectedResult(seq: Seq, result: unknown, bytesRead: number): void {
    this.#owner.onUnexpectedResult(seq, result, bytesRead);
  }

  onLateFrame(): void {
    this.#owner.onLateFrame();
  }

  onIdle(): void {
    if (this.pending === 0) this.#owner.onIdle();
  }

  onEnd(session: ClientSession, cause: CmdStreamError, hungUpOnKnock: boolean): void {
    this.#leaving.delete(session);
    if (hungUpOnKnock) this.#failedKnocks++;
    if (this.#state.name === 'connecting' && this.#state.opening.session === session) {
      this.#connectFailed(this.#state.opening, this.#notOpened(cause));
    } else if (this.#state.name === 'open' && this.#state.session === session) this.#change(IDLE, cause);
  }

  /** A server that refuses a certificate says so when TLS has long finished for the client, or just hangs up. */
  #notOpened(cause: CmdStreamError): CmdStreamError {
    const { host, port, tls } = this.#config.target;
    if (cause.code !== 'PEER_CLOSED' && cause.code !== 'PEER_RESET') return cause;
    const code = tls && cause.code === 'PEER_RESET' ? 'TLS_ERROR' : 'CONNECT_FAILED';
    return new CmdStreamError(code, `cannot connect to ${host}:${port}: ${cause.message}`, { cause });
  }

  #open(): Promise<void> {
    if (this.#state.name === 'connecting') return this.#state.opening.opened;
    const opening = newOpening();
    this.#change({ name: 'connecting', opening });
    if (!this.#isCurrent(opening)) return opening.opened;
    const { connectTimeoutMs, target } = this.#config;
    if (connectTimeoutMs > 0) {
      const text = `no answer from ${target.host}:${target.port} within connectTimeoutMs (${connectTimeoutMs})`;
      opening.timer = setTimeout(
        () => this.#connectFailed(opening, new CmdStreamError('CONNECT_TIMEOUT', text)),
        connectTimeoutMs,
      );
    }
    dial(target, opening.abort.signal).then(
      (socket) => this.#dialled(opening, socket),
      (error: CmdStreamError) => this.#connectFailed(opening, error),
    );
    return opening.opened;
  }

  #dialled(opening: Opening, socket: Socket): void {
    if (!this.#isCurrent(opening)) {
      socket.destroy();
      return;
    }
    opening.session = new ClientSession(socket, this.#config, this.#shallKnock(), this);
  }

  /** A peer that hangs up on the knock, as no cmd-stream peer known does, is spoken to without it every other time. */
  #shallKnock(): boolean {
    if (this.#config.extension === false) return false;
    if (this.#config.extension === 'require' || this.#failedKnocks < KNOCKS_BEFORE_PLAIN) return true;
    this.#failedKnocks = 0;
    return false;
  }

  #connectFailed(opening: Opening, error: CmdStreamError): void {
    if (!this.#isCurrent(opening)) return;
    const waiting = this.#waiting();
    this.#change(IDLE, error);
    this.#abandon(opening, error);
    for (const call of waiting) call.fail(error);
  }

  #abandon(opening: Opening, error: CmdStreamError): void {
    clearTimeout(opening.timer);
    opening.abort.abort(error);
    opening.session?.destroy(error);
    opening.reject(error);
  }

  #isCurrent(opening: Opening): boolean {
    return this.#state.name === 'connecting' && this.#state.opening === opening;
  }

  *#sessions(): Iterable<ClientSession> {
    if (this.#state.name === 'open') yield this.#state.session;
    yield* this.#leaving;
  }

  /** Calls without a connection. Only those that are there now fail with what happens next. */
  #waiting(): PendingCall[] {
    return [...this.#queued, ...this.#resends.keys()];
  }

  #change(state: State, cause?: CmdStreamError): void {
    this.#state = state;
    this.#owner.onStatus(state.name, cause);
  }
}

function newOpening(): Opening {
  let resolve = (): void => {};
  let reject = (_error: unknown): void => {};
  const opened = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  opened.catch(() => {});
  return { abort: new AbortController(), opened, resolve, reject };
}

function clientClosed(): CmdStreamError {
  return new CmdStreamError('CLOSED', 'the client is closed');
}
