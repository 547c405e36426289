// The connections of one client, and which of them takes a call: skips those that are not open, cannot do what the call
// needs, or whose server's circuit breaker says no. Calls that find none wait here, as do those that are sent again.
//
//   submit --> choose --> link's connection          none open --> queue --(a link opens)--> choose
//                 ^------ retries (OVERLOADED, idempotent and lost) <---------+
import type { ServerAddress } from '../../connection/dial.js';
import { CLOSE_MS } from '../../connection/connection-socket.js';
import type { CmdStreamError } from '../../errors.js';
import { isPermanent } from '../failure.js';
import type { Seq } from '../../wire/frame.js';
import { ConnectionPicker, type ConnectionPickerConfig } from './connection-picker.js';
import type { CircuitBreakerFactory } from '../circuit-breaker.js';
import { GroupServer, groupStatus, type ClientStatus } from './group-server.js';
import { GroupConnection, type GroupConnectionConfig, type GroupConnectionListener } from './group-connection.js';
import type { ClientCall } from '../call/client-call.js';
import { WaitingRoom, type WaitingRoomConfig } from './waiting-room.js';
import type { ResolvedRetryOptions } from '../client-options.js';

export interface GroupConfig
  extends Omit<GroupConnectionConfig, 'group' | 'seqs'>, ConnectionPickerConfig, WaitingRoomConfig {
  readonly servers: readonly ServerAddress[];
  readonly connections: number;
  readonly whenDisconnected: 'wait' | 'fail';
  readonly retry: ResolvedRetryOptions | false;
  readonly circuitBreaker: CircuitBreakerFactory | undefined;
}

/** What a group tells its client. */
export interface GroupListener {
  /** A connection to the server opens, has ended, or could not be opened. */
  onLinkChange(link: GroupConnection, cause: CmdStreamError | undefined): void;
  onUnexpectedResult(seq: Seq, result: unknown, bytesRead: number): void;
  onLateFrame(): void;
}

export class Group implements GroupConnectionListener {
  readonly servers: readonly GroupServer[];
  readonly waiting: WaitingRoom;
  /** Why nothing it has brought is wanted any more. */
  destroyedBy: CmdStreamError | undefined;
  /** Is more than one connection open? */
  hasOthers = false;
  readonly #config: GroupConfig;
  readonly #owner: GroupListener;
  readonly #links: readonly GroupConnection[];
  readonly #router: ConnectionPicker;
  /** Links that are open, in order. */
  #ready: readonly GroupConnection[] = [];
  /** Is there a link that nobody opens, beside some that are open? */
  #hasIdle = false;
  #closed: CmdStreamError | undefined;
  #onIdle: (() => void) | undefined;

  /** `seqs`: the number of the last Command, which all groups of a client share. */
  constructor(config: GroupConfig, seqs: { last: number }, owner: GroupListener) {
    this.#config = config;
    this.#owner = owner;
    const submit = (call: ClientCall): void => this.submit(call);
    this.waiting = new WaitingRoom(config, submit, () => this.#whyNotOpen);
    this.servers = config.servers.map((address) => new GroupServer(address, config.circuitBreaker, config.scope));
    this.#router = new ConnectionPicker(config, this.servers);
    const given = { ...config, seqs, group: this };
    this.#links = Array.from({ length: config.connections }, (_, index) => {
      const server = this.servers[index % this.servers.length]!;
      const link = new GroupConnection(index, server, given, this);
      server.links.push(link);
      return link;
    });
  }

  get status(): ClientStatus {
    return this.#closed ? 'closed' : groupStatus(this.#links);
  }

  /** Calls that wait for their last Result, for a connection, or to be sent again. */
  get pending(): number {
    let sum = this.waiting.size;
    for (const link of this.#links) sum += link.pending;
    return sum;
  }

  /** True if some connection is open to a server of this package. */
  get isExtended(): boolean {
    return this.#ready.some((link) => link.session?.isExtended);
  }

  /** Those that take calls. */
  get open(): readonly GroupConnection[] {
    return this.#ready;
  }

  /** Opens all connections; resolves with the first that is open. `timeoutMs` 0: no limit but those of calls. */
  connect(timeoutMs = 0): Promise<void> {
    if (this.#ready.length > 0) {
      this.#start();
      return Promise.resolve();
    }
    if (this.#closed) return Promise.reject(this.#closed);
    const opened = this.waiting.connect(timeoutMs);
    this.#awaitConnection();
    return opened;
  }

  /** Writes the call's Command, now or as soon as a connection can take it. */
  submit(call: ClientCall): void {
    if (!call.isPending) return;
    if (this.#closed) return call.fail(this.#closed);
    if (this.#hasIdle) this.#startIdle();
    if (this.#ready.length === 0) return this.#wait(call);
    try {
      const { session } = this.#router.choose(call);
      // Code of the user has run: the call may be over by now, and the connection may be gone.
      if (!call.isPending) call.report({ how: 'cancelled' });
      else if (session) {
        session.submit(call);
        this.#onIdle?.();
      } else {
        call.report({ how: 'cancelled' });
        this.submit(call);
      }
    } catch (error) {
      call.fail(error);
    }
  }

  #wait(call: ClientCall): void {
    try {
      this.#router.hold(call);
      // So that the next one may find a connection.
      if (this.waiting.isFull) this.#start();
      this.waiting.add(call);
    } catch (error) {
      return call.fail(error);
    }
    // Code of the user has run.
    if (this.#closed) this.waiting.fail(this.#closed);
    else if (call.isPending) this.#awaitConnection();
  }

  #awaitConnection(): void {
    this.#start();
    this.#giveUp();
  }

  #start(): void {
    for (const link of this.#links) link.start();
  }

  /** A connection that nobody opens by itself is opened by the next call, although others take it. */
  #startIdle(): void {
    for (const link of this.#links) if (link.mayStart) link.start();
  }

  find(seq: Seq): ClientCall | undefined {
    for (const link of this.#links) {
      const call = link.find(seq);
      if (call) return call;
    }
    return undefined;
  }

  /** Resolves when no call is pending, and after `limitMs` in any case. */
  async idle(limitMs: number): Promise<void> {
    if (this.pending === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#onIdle = () => {
        if (this.pending > 0) return this.#watchCalls();
        clearTimeout(timer);
        resolve();
      };
      this.#watchCalls();
    });
  }

  #watchCalls(): void {
    if (this.waiting.size > 0) this.waiting.whenEmpty(this.#onIdle!);
    for (const link of this.#links) link.whenIdle(this.#onIdle!);
  }

  /** Ends for good; calls that wait fail with `cause`. */
  destroy(cause: CmdStreamError): void {
    this.#closed ??= cause;
    this.destroyedBy ??= cause;
    this.#setReady([]);
    for (const link of this.#links) link.destroy(cause);
    this.waiting.fail(cause);
    this.#onIdle?.();
  }

  /**
   * Ends for good and in order: what was written leaves, then FIN. Resolves when all sockets are closed; those that are
   * not in time, because their peer does not read, are destroyed, so that it does within `limitMs`.
   */
  async close(cause: CmdStreamError, limitMs: number): Promise<void> {
    if (this.#closed) return this.closed();
    this.#closed = cause;
    this.#setReady([]);
    for (const link of this.#links) link.close(cause);
    this.waiting.fail(cause);
    const destroy = (): void => {
      for (const link of this.#links) link.destroy(cause);
    };
    const timer = setTimeout(destroy, limitMs - Math.min(CLOSE_MS, limitMs / 2));
    await this.closed();
    clearTimeout(timer);
  }

  /** Resolves when all sockets of a group that has ended are closed, or have had time for it. */
  async closed(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.closed()));
  }

  onLinkStatus(link: GroupConnection, cause?: CmdStreamError, isAttempt = false): void {
    this.#setReady(this.#links.filter(({ session }) => session !== undefined));
    this.#hasIdle = this.#ready.length > 0 && this.#links.some(({ isTrying, session }) => !isTrying && !session);
    const isOpen = link.session !== undefined;
    if (isOpen) {
      this.#router.serverOf(link).wake(link);
      this.waiting.release();
    } else if (isAttempt && cause) this.#router.onAttemptFailed(link, cause, () => this.#giveUp());
    else this.#giveUp();
    this.#owner.onLinkChange(link, cause);
  }

  #setReady(ready: readonly GroupConnection[]): void {
    this.#ready = ready;
    this.hasOthers = ready.length > 1;
    this.#router.setOpen(ready);
  }

  onChanged(): void {
    this.#router.setOpen(this.#ready);
  }

  /** Nobody waits in vain: for links that do not try, or try what is hopeless, or longer than the user wants. */
  #giveUp(): void {
    if (!this.waiting.isAwaiting || this.#ready.length > 0) return;
    if (this.#links.every((link) => this.#isInVain(link))) this.waiting.failAwaiting(this.#lastError);
  }

  #isInVain(link: GroupConnection): boolean {
    if (!link.isTrying) return true;
    if (link.isOpening) return false;
    return this.#config.whenDisconnected === 'fail' || isPermanent(link.lastError);
  }

  get #lastError(): CmdStreamError | undefined {
    return this.#links.findLast(({ lastError }) => lastError)?.lastError;
  }

  /** Why the last attempt failed, or what the first one still waits for. */
  get #whyNotOpen(): CmdStreamError | undefined {
    return this.#lastError ?? this.#links.find(({ isOpening }) => isOpening)?.unanswered;
  }

  onServed(link: GroupConnection): void {
    this.#router.serverOf(link).served();
  }

  onUnwritten(call: ClientCall, error: CmdStreamError): void {
    call.report({ how: 'cancelled' });
    call.rewind(this.waiting);
    if (this.#closed) call.fail(error);
    else this.submit(call);
  }

  onNotStarted(call: ClientCall, error: CmdStreamError): void {
    call.report({ how: 'failed', error });
    call.holder = this.waiting;
    // Of a call that is over by now nothing is kept.
    if (this.#closed || call.kept === undefined || !this.waiting.resendRefused(call)) call.fail(error);
  }

  onLost(call: ClientCall, error: CmdStreamError): void {
    call.holder = this.waiting;
    call.mayHaveRun = true;
    const mayRepeat = call.kept !== undefined && !this.#closed && this.#config.isIdempotent(call.command);
    if (mayRepeat && this.waiting.resendLost(call)) call.report({ how: 'failed', error });
    else call.fail(error);
  }

  onUnexpectedResult(seq: Seq, result: unknown, bytesRead: number): void {
    this.#owner.onUnexpectedResult(seq, result, bytesRead);
  }

  onLateFrame(): void {
    this.#owner.onLateFrame();
  }
}
