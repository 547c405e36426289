// The client's side of the way to one server: one connection at a time, opened when a call needs it. A lost connection
// fails the calls that are there; the next call opens a new one.
//
//   idle --(call or connect)--> connecting --(ServerInfo fits)--> open --(lost)--> idle        closed: for good
import { CmdStreamError } from '../errors.js';
import { Connection, type ConnectionConfig, type ConnectionOwner } from '../connection/connection.js';
import { dial, type DialTarget } from '../connection/dial.js';
import type { Seq } from '../wire/frame.js';
import { Calls, type CallsConfig } from './calls.js';
import type { PendingCall } from './pending-call.js';

export interface LinkConfig extends ConnectionConfig, CallsConfig {
  readonly target: DialTarget;
  readonly serverInfo: Buffer;
  readonly connectTimeoutMs: number;
}

export type LinkStatus = 'idle' | 'connecting' | 'open' | 'closed';

/** What a link tells its client. */
export interface LinkOwner {
  onStatus(status: LinkStatus, cause?: CmdStreamError): void;
  onUnexpectedResult(seq: Seq, result: unknown, bytesRead: number): void;
  /** No call waits any more. */
  onIdle(): void;
}

type State =
  | { readonly name: 'idle' }
  | {
      readonly name: 'connecting';
      readonly abort: AbortController;
      readonly opened: Promise<void>;
      connection?: Connection;
    }
  | { readonly name: 'open'; readonly connection: Connection }
  | { readonly name: 'closed' };

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

const IDLE: State = Object.freeze({ name: 'idle' });
const CLOSED: State = Object.freeze({ name: 'closed' });

export class Link implements ConnectionOwner {
  readonly calls: Calls;
  readonly #config: LinkConfig;
  readonly #owner: LinkOwner;
  readonly #pings: Waiter[] = [];
  #state: State = IDLE;
  #opening: Waiter | undefined;

  constructor(config: LinkConfig, owner: LinkOwner) {
    this.#config = config;
    this.#owner = owner;
    this.calls = new Calls(config, () => owner.onIdle());
  }

  get status(): LinkStatus {
    return this.#state.name;
  }

  /** The live connection, if there is one. */
  get connection(): Connection | undefined {
    return this.#state.name === 'open' ? this.#state.connection : undefined;
  }

  /** Resolves when the connection is open; opens it if need be. */
  connect(): Promise<void> {
    if (this.#state.name === 'open') return Promise.resolve();
    if (this.#state.name === 'closed') return Promise.reject(clientClosed());
    return this.#open();
  }

  /** Writes the call's Command in its turn, on the connection there is or on one that is opened for it. */
  submit(call: PendingCall): void {
    if (this.#state.name === 'closed') return call.fail(clientClosed());
    this.calls.submit(call, this.connection);
    if (this.#state.name === 'idle' && call.isPending) this.#open().catch(() => {});
  }

  /** Resolves when the server has answered a ping. */
  async ping(): Promise<void> {
    await this.connect();
    const { connection } = this;
    if (connection === undefined) throw clientClosed();
    await new Promise<void>((resolve, reject) => {
      this.#pings.push({ resolve, reject });
      connection.sendPing();
    });
  }

  /** Ends for good; pending calls fail with `cause`. */
  destroy(cause: CmdStreamError): void {
    if (this.#state.name !== 'closed') this.#leave(CLOSED, cause);
  }

  #open(): Promise<void> {
    if (this.#state.name === 'connecting') return this.#state.opened;
    const abort = new AbortController();
    const opened = new Promise<void>((resolve, reject) => {
      this.#opening = { resolve, reject };
    });
    this.#change({ name: 'connecting', abort, opened });
    const { connectTimeoutMs, target } = this.#config;
    const tooLong = new CmdStreamError(
      'CONNECT_TIMEOUT',
      `no ServerInfo from ${target.host}:${target.port} within connectTimeoutMs (${connectTimeoutMs})`,
    );
    const timer =
      connectTimeoutMs > 0 ? setTimeout(() => this.#connectFailed(abort, tooLong), connectTimeoutMs) : undefined;
    opened.then(
      () => clearTimeout(timer),
      () => clearTimeout(timer),
    );
    dial(target, abort.signal).then(
      (socket) => {
        if (this.#state.name !== 'connecting' || this.#state.abort !== abort) return socket.destroy();
        this.#state.connection = new Connection(socket, this.#config, this);
        return undefined;
      },
      (error: CmdStreamError) => this.#connectFailed(abort, error),
    );
    return opened;
  }

  #connectFailed(abort: AbortController, error: CmdStreamError): void {
    if (this.#state.name === 'connecting' && this.#state.abort === abort) this.#leave(IDLE, error);
  }

  onServerInfo(info: Buffer): void {
    if (this.#state.name !== 'connecting' || this.#state.connection === undefined) return;
    const { connection, abort } = this.#state;
    if (!info.equals(this.#config.serverInfo)) {
      const texts = `expected ${quoted(this.#config.serverInfo)}, the server says ${quoted(info)}`;
      this.#connectFailed(abort, new CmdStreamError('SERVER_INFO_MISMATCH', `option "serverInfo": ${texts}`));
      return;
    }
    this.#change({ name: 'open', connection });
    this.#opening?.resolve();
    this.calls.writeQueued(connection);
  }

  /** A pong answers the oldest ping; one nobody asked for means nothing. */
  onPing(): void {
    this.#pings.shift()?.resolve();
  }

  onValue(seq: Seq, result: unknown, bytesRead: number): void {
    if (!this.calls.answer(seq, result)) this.#owner.onUnexpectedResult(seq, result, bytesRead);
  }

  onFlushed(): void {
    if (this.#state.name === 'open') this.calls.writeQueued(this.#state.connection);
  }

  onEnd(cause: CmdStreamError): void {
    if (this.#state.name === 'open') {
      this.#leave(
        IDLE,
        cause,
        new CmdStreamError('CONNECTION_LOST', `the connection was lost: ${cause.message}`, { cause }),
      );
    } else if (this.#state.name === 'connecting') this.#leave(IDLE, this.#notOpened(cause));
  }

  /** A server that refuses a certificate says so when TLS has long finished for the client, or just hangs up. */
  #notOpened(cause: CmdStreamError): CmdStreamError {
    const { host, port, tls } = this.#config.target;
    if (cause.code !== 'PEER_CLOSED' && cause.code !== 'PEER_RESET') return cause;
    const code = tls && cause.code === 'PEER_RESET' ? 'TLS_ERROR' : 'CONNECT_FAILED';
    return new CmdStreamError(code, `cannot connect to ${host}:${port}: ${cause.message}`, { cause });
  }

  /** Goes to a state without a connection. Only then is anybody told, and only calls that were there before fail. */
  #leave(next: State, cause: CmdStreamError, error = cause): void {
    const state = this.#state;
    const opening = this.#opening;
    const calls = this.calls.inOrder();
    const pings = this.#pings.splice(0);
    const written = error.sent
      ? error
      : new CmdStreamError(error.code, error.message, { cause: error.cause, sent: true });
    this.#state = next;
    if (state.name === 'connecting') {
      state.abort.abort(cause);
      opening?.reject(cause);
    }
    if (state.name === 'connecting' || state.name === 'open') state.connection?.destroy(cause);
    this.#owner.onStatus(next.name, cause);
    for (const ping of pings) ping.reject(error);
    for (const call of calls) call.fail(call.isSent ? written : error);
  }

  #change(state: State, cause?: CmdStreamError): void {
    this.#state = state;
    this.#owner.onStatus(state.name, cause);
  }
}

function clientClosed(): CmdStreamError {
  return new CmdStreamError('CLOSED', 'the client is closed');
}

function quoted(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('utf8', 0, 128));
}
