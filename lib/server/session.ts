// The server's side of one connection: runs each Command that arrives, keeps count of those that run, and decides
// when to go on reading. Ends with its connection, but not before its last Command has ended.
import type { Duplex } from 'node:stream';
import { CmdStreamError, messageOf } from '../errors.js';
import type { Seq } from '../wire/frame.js';
import { Connection, type ConnectionConfig, type ConnectionOwner } from '../connection/connection.js';
import type { TypeTable } from '../codec/type-table.js';
import type { Invoker } from './invoker.js';
import { RunningCommand, type CommandHome } from './running-command.js';
import type { PlainErrorMapper } from './server-options.js';

export interface SessionConfig extends ConnectionConfig {
  readonly serverInfo: Uint8Array;
  readonly invoker: Invoker;
  readonly results: TypeTable;
  readonly onPlainError: PlainErrorMapper | 'close';
  readonly maxInFlight: number;
  readonly sendHighWaterBytes: number;
}

/** What a session tells the server. */
export interface SessionOwner {
  /** An error that nobody else hears of. */
  onCommandError(error: unknown, session: Session): void;
  /** The connection ended; its Commands may still be running. */
  onConnectionEnd(session: Session, cause: CmdStreamError): void;
  /** The connection and all its Commands have ended. */
  onSessionEnd(session: Session, cause: CmdStreamError): void;
}

export class Session implements ConnectionOwner, CommandHome {
  readonly #connection: Connection;
  readonly #config: SessionConfig;
  readonly #owner: SessionOwner;
  /** Those that asked to be told when nobody waits any more. */
  readonly #watching = new Set<RunningCommand>();
  #running = 0;
  #endCause: CmdStreamError | undefined;
  #over = false;
  #quietSince = performance.now();
  #draining: { readonly promise: Promise<void>; resolve(): void } | undefined;

  constructor(socket: Duplex, config: SessionConfig, owner: SessionOwner) {
    this.#config = config;
    this.#owner = owner;
    this.#connection = new Connection(socket, config, this);
    this.#connection.sendServerInfo(config.serverInfo);
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress;
  }

  get localAddress(): string {
    return this.#connection.localAddress;
  }

  get endCause(): CmdStreamError | undefined {
    return this.#endCause;
  }

  get drained(): Promise<void> | undefined {
    if (this.#endCause !== undefined || this.#connection.bufferedBytes <= this.#config.sendHighWaterBytes)
      return undefined;
    this.#draining ??= deferred();
    return this.#draining.promise;
  }

  /** Commands that are running. */
  get inFlight(): number {
    return this.#running;
  }

  /** For how long nothing has been going on, in milliseconds; negative while something is. */
  quietFor(now: number): number {
    const idle = this.#running === 0 && this.#connection.bufferedBytes === 0 && !this.#connection.isReceiving;
    return idle ? now - this.#quietSince : -1;
  }

  end(cause: CmdStreamError): void {
    this.#connection.end(cause);
  }

  destroy(cause: CmdStreamError): void {
    this.#connection.destroy(cause);
  }

  onPing(): void {
    this.#connection.sendPing();
    this.#lookAtGate();
  }

  onValue(seq: Seq, value: unknown, bytesRead: number): void {
    const command = new RunningCommand(seq, value, bytesRead, this.#connection.receivedAt, this);
    this.#running++;
    this.#lookAtGate();
    try {
      const done = this.#config.invoker.invoke(value, command, command);
      done?.then(
        () => command.complete(),
        (error: unknown) => command.error(error),
      );
    } catch (error) {
      command.error(error);
    }
  }

  onFlushed(): void {
    this.#quietSince = performance.now();
    if (this.#connection.bufferedBytes <= this.#config.sendHighWaterBytes) this.#hasDrained();
    this.#lookAtGate();
  }

  #hasDrained(): void {
    this.#draining?.resolve();
    this.#draining = undefined;
  }

  onEnd(cause: CmdStreamError): void {
    this.#endCause = cause;
    this.#hasDrained();
    this.#owner.onConnectionEnd(this, cause);
    for (const command of this.#watching) command.abort(cause);
    this.#endIfDone();
  }

  isLast(result: unknown): boolean {
    return this.#config.results.isLast(result);
  }

  watch(command: RunningCommand): void {
    this.#watching.add(command);
  }

  send(seq: Seq, result: unknown): number {
    const { bufferedBytes } = this.#connection;
    const { maxSendBufferBytes } = this.#config.options;
    if (bufferedBytes > maxSendBufferBytes) {
      const limit = `maxSendBufferBytes (${maxSendBufferBytes})`;
      const waiting = `${bufferedBytes} bytes wait for a peer that does not read: more than ${limit}`;
      this.#connection.destroy(new CmdStreamError('SEND_BUFFER_FULL', waiting));
      return 0;
    }
    const bytes = this.#connection.send(seq, result);
    this.#lookAtGate();
    return bytes;
  }

  completed(command: RunningCommand): void {
    this.#remove(command);
    this.#lookAtGate();
  }

  failed(command: RunningCommand, error: unknown, answered: boolean): void {
    if (answered) this.#owner.onCommandError(error, this);
    else if (this.#endCause === undefined) this.#answerError(command, error);
    this.#remove(command);
    this.#lookAtGate();
  }

  #remove(command: RunningCommand): void {
    this.#watching.delete(command);
    if (--this.#running === 0) this.#quietSince = performance.now();
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#endCause === undefined || this.#running > 0 || this.#over) return;
    this.#over = true;
    this.#owner.onSessionEnd(this, this.#endCause);
  }

  /** The peer knows no error reply: answer with a Result of the contract, or end the connection. */
  #answerError(command: RunningCommand, error: unknown): void {
    const { onPlainError } = this.#config;
    let cause = error;
    if (onPlainError !== 'close') {
      try {
        this.#connection.send(command.seq, onPlainError(error, command.value, command));
        return;
      } catch (mappingError) {
        cause = mappingError;
        this.#owner.onCommandError(mappingError, this);
      }
    }
    this.#connection.end(new CmdStreamError('HANDLER_ERROR', `a handler failed: ${messageOf(cause)}`, { cause }));
  }

  /** Reading goes on only while there is room for more Commands and for their Results. */
  #lookAtGate(): void {
    const { maxInFlight, sendHighWaterBytes } = this.#config;
    if (this.#running >= maxInFlight || this.#connection.bufferedBytes > sendHighWaterBytes) this.#connection.pause();
    else this.#connection.resume();
  }
}

function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
