// The connections of one client: a call goes to one that is open, can do what it needs, and whose server's circuit
// breaker lets it through. What finds none waits in the waiting room, as do calls that are sent again.
//
//   submit --> choose --> session of a connection          none open --> waiting room --(a connection opens)--> submit
//                 ^---(refused, or lost and idempotent: after a pause in the waiting room)---+
import { isIP, type LookupFunction } from 'node:net';
import type { ServerAddress } from '../../connection/dial.js';
import { CLOSE_MS } from '../../connection/connection-socket.js';
import { codeOf, type CmdStreamError } from '../../errors.js';
import { isPermanent } from '../failure.js';
import type { Metadata } from '../../wire/control-frame.js';
import type { Seq } from '../../wire/frame.js';
import { ConnectionPicker, type ConnectionPickerConfig } from './connection-picker.js';
import type { CircuitBreakerFactory, CircuitBreakerState } from '../circuit-breaker.js';
import { GroupServer, groupStatus, type ClientStatus } from './group-server.js';
import { GroupConnection, type GroupConnectionConfig, type GroupConnectionListener } from './group-connection.js';
import { HostLookup, type FoundAddresses } from './host-lookup.js';
import type { ClientCall } from '../call/client-call.js';
import { CANCELLED } from '../call/call-outcome.js';
import {
  WaitingRoom,
  type ResolvedQueueOptions,
  type ResolvedRetryOptions,
  type WaitingRoomConfig,
} from './waiting-room.js';

export interface GroupConfig
  extends
    Omit<GroupConnectionConfig, 'group' | 'seqCounter' | 'server' | 'address' | 'turns' | 'hosts'>,
    ConnectionPickerConfig,
    WaitingRoomConfig {
  readonly servers: readonly ServerAddress[];
  readonly connectionsPerServer: number;
  /** May calls wait for an attempt that is not under way yet? */
  readonly mayWait: boolean;
  readonly queue: ResolvedQueueOptions;
  readonly retry: ResolvedRetryOptions | false;
  readonly circuitBreaker: CircuitBreakerFactory | undefined;
  /** How often the addresses of host names are looked up; 0: when a connection is opened only. */
  readonly resolveIntervalMs: number;
  /** Undefined: connections are opened by code of the user, which resolves names as it likes. */
  readonly resolver: LookupFunction | undefined;
}

/** What a group tells its client. */
export interface GroupListener {
  /** A connection opens, has ended, or could not be opened. */
  onConnectionChange(connection: GroupConnection, cause: CmdStreamError | undefined, server: GroupServer): void;
  /** The host of a server was looked up. */
  onAddresses(server: string, found: FoundAddresses): void;
  /** The circuit breaker of a server has another state. */
  onCircuit(server: string, circuit: CircuitBreakerState): void;
  onUnexpectedResult(seq: Seq, result: unknown, bytesRead: number, afterLast: boolean): void;
  onLateFrame(): void;
}

export class Group implements GroupConnectionListener {
  readonly servers: readonly GroupServer[];
  readonly waiting: WaitingRoom;
  /** Connections that are open and take calls, in order. To read only, for others. */
  open: readonly GroupConnection[] = [];
  /** Is more than one connection open? */
  hasOthers = false;
  /** Why Results that it has brought are not wanted any more. */
  destroyedBy: CmdStreamError | undefined;
  readonly #config: GroupConfig;
  readonly #listener: GroupListener;
  #connections: readonly GroupConnection[];
  /** Those whose address is not one of its host any more, until their calls are answered. */
  readonly #leaving = new Set<GroupConnection>();
  readonly #picker: ConnectionPicker;
  readonly #seqCounter: { last: number };
  /** Is there a connection for which no attempt will be made by itself, beside some that are open? */
  #hasIdle = false;
  #closed: CmdStreamError | undefined;

  /** `seqCounter`: counts Commands for all groups of a client. */
  constructor(config: GroupConfig, seqCounter: { last: number }, listener: GroupListener) {
    this.#config = config;
    this.#listener = listener;
    this.#seqCounter = seqCounter;
    const submit = (call: ClientCall): void => this.submit(call);
    this.waiting = new WaitingRoom(config, submit, () => this.#whyNotOpen);
    const onCircuit = (server: string, state: CircuitBreakerState): void => listener.onCircuit(server, state);
    this.servers = config.servers.map(
      (address) => new GroupServer(address, config.circuitBreaker, config.scope, onCircuit),
    );
    for (const server of this.servers) server.hosts = this.#hostsOf(server);
    this.#picker = new ConnectionPicker(config, this.servers);
    const length = config.servers.length * config.connectionsPerServer;
    this.#connections = Array.from({ length }, (_, index) => this.#newConnection(index));
  }

  #hostsOf(server: GroupServer): HostLookup | undefined {
    const { resolver, resolveIntervalMs } = this.#config;
    const { address } = server;
    if (!('host' in address) || isIP(address.host) > 0 || resolver === undefined || resolveIntervalMs === 0) return;
    return new HostLookup(address.host, { ...this.#config, resolver }, (found) => {
      this.#redistribute(server);
      if (!this.#closed) this.#listener.onAddresses(server.name, found);
    });
  }

  #newConnection(index: number): GroupConnection {
    const server = this.#picker.serverOf({ index });
    const { name, address, turns, hosts } = server;
    const given = { seqCounter: this.#seqCounter, group: this, server: name, address, turns, hosts };
    const connection = new GroupConnection(index, { ...this.#config, ...given }, this);
    server.connections.push(connection);
    return connection;
  }

  get status(): ClientStatus {
    return this.#closed ? 'closed' : groupStatus(this.#connections);
  }

  /** Calls that wait for their last Result, for a connection, or to be sent again. */
  get pending(): number {
    let sum = this.waiting.pending;
    for (const { pending } of this.#all()) sum += pending;
    return sum;
  }

  /** True if some connection is open to a server of this package. */
  get isExtended(): boolean {
    return this.open.some(({ session }) => session?.isExtended);
  }

  /** Opens all connections; resolves with the first that is open. `timeoutMs` 0: no limit but those of calls. */
  connect(timeoutMs = 0): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closed);
    if (this.open.length > 0) {
      this.#start();
      return Promise.resolve();
    }
    const opened = this.waiting.connect(timeoutMs);
    this.#awaitConnection();
    return opened;
  }

  /** Writes the call's Command, now or as soon as a connection can take it. */
  submit(call: ClientCall): void {
    if (!call.isPending) return;
    if (this.#closed) return call.fail(this.#closed);
    if (this.#hasIdle) this.#startIdle();
    if (this.open.length === 0) return this.#wait(call);
    try {
      const { session } = this.#picker.choose(call);
      if (session && call.isPending) return session.submit(call);
      // Strategies and breakers are code of the user: it may have ended the call, or the connection. What the breaker
      // gave is given back, and what is still pending is submitted anew.
      call.report(CANCELLED);
      this.submit(call);
    } catch (error) {
      call.fail(error);
    }
  }

  /** The same as soon as the call's metadata is there; it says then what it says now. */
  submitLater(call: ClientCall, metadata: Promise<Metadata>): void {
    const { callBytes } = this.#config;
    const ready = metadata.then((given) => {
      if (call.isPending) callBytes.keepMetadata(call, { ...given, ...call.ambient });
    });
    // A call that is over by then needs none.
    ready.catch(() => {});
    if (!call.isPending) return;
    try {
      callBytes.keepUnwritten(call);
      if (call.isPending) this.waiting.prepare(call, ready);
    } catch (error) {
      call.fail(error);
    }
  }

  #wait(call: ClientCall): void {
    try {
      this.#picker.hold(call);
      // So that the next one may find a connection.
      if (this.waiting.isFull) this.#start();
      this.waiting.add(call);
    } catch (error) {
      if (codeOf(error) === 'QUEUE_FULL') this.#config.losses.unsent++;
      return call.fail(error);
    }
    // Code of the user has run.
    if (this.#closed) this.waiting.fail(this.#closed);
    else if (call.isPending) this.#awaitConnection();
  }

  #awaitConnection(): void {
    this.#start();
    this.#failIfInVain();
  }

  #start(): void {
    for (const connection of this.#connections) connection.start();
  }

  /** A connection that is not opened by itself is opened by the next call, although others take it. */
  #startIdle(): void {
    for (const connection of this.#connections) if (connection.mayStart) connection.start();
  }

  find(seq: Seq): ClientCall | undefined {
    for (const connection of this.#all()) {
      const call = connection.find(seq);
      if (call) return call;
    }
    return undefined;
  }

  /** Resolves when no call is pending, and after `limitMs` in any case. */
  async idle(limitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      // Calls go from one place to another, as when they are sent again: each is asked until there is none anywhere.
      const look = (): void => {
        const busy = [this.waiting, ...this.#all()].find(({ pending }) => pending > 0);
        if (busy) return busy.whenIdle(look);
        clearTimeout(timer);
        resolve();
      };
      look();
    });
  }

  /** Ends for good; calls that wait fail with `cause`. */
  destroy(cause: CmdStreamError): void {
    this.#closed ??= cause;
    this.destroyedBy ??= cause;
    this.#end();
    for (const connection of this.#all()) connection.destroy(cause);
    this.waiting.fail(cause);
  }

  /**
   * Ends for good and in order: what was written leaves, then FIN. Resolves when all sockets are closed; those that are
   * not in time, because their peer does not read, are destroyed, so that it does within `limitMs`.
   */
  async close(cause: CmdStreamError, limitMs: number): Promise<void> {
    if (this.#closed) return this.closed();
    this.#closed = cause;
    this.#end();
    for (const connection of this.#all()) connection.close(cause);
    this.waiting.fail(cause);
    const destroy = (): void => {
      for (const connection of this.#all()) connection.destroy(cause);
    };
    const timer = setTimeout(destroy, limitMs - Math.min(CLOSE_MS, limitMs / 2));
    await this.closed();
    clearTimeout(timer);
  }

  /** Resolves when all sockets of a group that has ended are closed, or have had time for it. */
  async closed(): Promise<void> {
    await Promise.all(Array.from(this.#all(), (connection) => connection.closed()));
  }

  #end(): void {
    this.#setOpen([]);
    for (const { hosts } of this.servers) hosts?.rest();
  }

  *#all(): Iterable<GroupConnection> {
    yield* this.#connections;
    yield* this.#leaving;
  }

  onStatusChange(connection: GroupConnection, cause?: CmdStreamError, isAttempt = false): void {
    const server = this.#picker.serverOf(connection);
    this.#setOpen(this.#connections.filter(({ session }) => session));
    if (!connection.isConnecting) this.#follow(server, connection);
    this.#hasIdle = this.open.length > 0 && this.#connections.some(({ isTrying, session }) => !isTrying && !session);
    if (connection.session) {
      server.wake(connection);
      this.waiting.release();
    } else if (isAttempt && cause) this.#picker.onAttemptFailed(connection, cause, () => this.#failIfInVain());
    else this.#failIfInVain();
    this.#listener.onConnectionChange(connection, cause, server);
  }

  /** A connection is open, or is not any more: the addresses of its host are watched as long as one is. */
  #follow(server: GroupServer, connection: GroupConnection): void {
    const { hosts } = server;
    if (hosts === undefined) return;
    if (server.open === 0) {
      hosts.rest();
      for (const left of server.forgetAddresses(this.#config.connectionsPerServer)) this.#leave(left, server);
    } else {
      hosts.watch();
      if (!connection.session) hosts.refresh();
      this.#redistribute(server);
    }
  }

  /** Each address of a host gets its connections, and those to addresses that it has no more leave. */
  #redistribute(server: GroupServer): void {
    if (this.#closed) return;
    const { missing, surplus } = server.redistribute(this.#config.connectionsPerServer);
    const added = missing.map((endpoint) => {
      const connection = this.#newConnection(this.#freeIndex(server));
      connection.endpoint = endpoint;
      this.#connections = [...this.#connections, connection].toSorted((one, other) => one.index - other.index);
      return connection;
    });
    for (const connection of surplus) this.#leave(connection, server);
    for (const connection of added) connection.start();
  }

  /** By its number a connection is one of its server. */
  #freeIndex(server: GroupServer): number {
    const taken = new Set(Array.from(this.#all(), ({ index }) => index));
    let index = this.servers.indexOf(server);
    while (taken.has(index)) index += this.servers.length;
    return index;
  }

  #leave(connection: GroupConnection, server: GroupServer): void {
    const wasOpen = connection.session !== undefined;
    server.connections.splice(server.connections.indexOf(connection), 1);
    this.#connections = this.#connections.filter((one) => one !== connection);
    this.#leaving.add(connection);
    connection.leave();
    if (!wasOpen) return;
    this.#setOpen(this.#connections.filter(({ session }) => session));
    this.#listener.onConnectionChange(connection, undefined, server);
  }

  onGone(connection: GroupConnection): void {
    this.#leaving.delete(connection);
  }

  onSessionChange(): void {
    this.#picker.setOpen(this.open);
  }

  onServed(connection: GroupConnection): void {
    this.#picker.serverOf(connection).served(connection);
  }

  #setOpen(open: readonly GroupConnection[]): void {
    this.open = open;
    this.hasOthers = open.length > 1;
    this.#picker.setOpen(open);
  }

  /** Calls that wait for a connection fail if none will open: none is tried, or each fails for good. */
  #failIfInVain(): void {
    if (!this.waiting.isAwaiting || this.open.length > 0) return;
    if (this.#connections.every((connection) => this.#isInVain(connection))) this.waiting.failAwaiting(this.#lastError);
  }

  #isInVain({ isTrying, isConnecting, lastError }: GroupConnection): boolean {
    if (!isTrying) return true;
    if (isConnecting) return false;
    return !this.#config.mayWait || isPermanent(lastError);
  }

  get #lastError(): CmdStreamError | undefined {
    return this.#connections.findLast(({ lastError }) => lastError)?.lastError;
  }

  /** Why the last attempt failed, or what the first one still waits for. */
  get #whyNotOpen(): CmdStreamError | undefined {
    return this.#lastError ?? this.#connections.find(({ isConnecting }) => isConnecting)?.unanswered;
  }

  onUnwritten(call: ClientCall, error: CmdStreamError): void {
    call.report(CANCELLED);
    call.rewind(this.waiting);
    if (this.#closed) call.fail(error);
    else this.submit(call);
  }

  onNotStarted(call: ClientCall, error: CmdStreamError): void {
    call.report({ how: 'failed', error });
    call.holder = this.waiting;
    // Without its bytes it cannot be sent again: there was no room to keep them, or it has ended meanwhile.
    if (this.#closed || call.kept === undefined || !this.waiting.resendRefused(call)) call.fail(error);
  }

  onLost(call: ClientCall, error: CmdStreamError): void {
    call.holder = this.waiting;
    call.mayHaveRun = true;
    const isIdempotent = call.idempotent ?? this.#config.isIdempotent(call.command);
    const mayRepeat = call.kept !== undefined && !this.#closed && isIdempotent;
    if (mayRepeat && this.waiting.resendLost(call)) return call.report({ how: 'failed', error });
    if (call.isPending && error.code === 'CONNECTION_LOST') this.#config.losses.lost++;
    call.fail(error);
  }

  onUnexpectedResult(seq: Seq, result: unknown, bytesRead: number, afterLast: boolean): void {
    this.#listener.onUnexpectedResult(seq, result, bytesRead, afterLast);
  }

  onLateFrame(): void {
    this.#listener.onLateFrame();
  }
}
