// A client without Nest, as users see it: what it does is done by its core.
import type { ExecutedCommand, ResultOf } from '../contract/command.js';
import type { CommandOf, Contract } from '../contract/contract.js';
import type { ClientTlsReloadOptions } from '../connection/tls-options.js';
import type { CmdStreamError } from '../errors.js';
import type { Seq } from '../wire/frame.js';
import { checkSink } from './call/call-rules.js';
import { CallerSink, type Call, type CallOptions, type CommandSink } from './call/client-call.js';
import { resolveClientOptions } from './client-config.js';
import { ClientCore } from './client-core.js';
import type { CommandClientOptions } from './client-options.js';
import type { ConnectionPing } from './group/connection-ping.js';
import type { ServerState, ClientStatus, ClientStatusChange } from './group/group-server.js';

/**
 * Sends the Commands of one contract to one server, or to several, over one or several connections.
 * `CommandClient<typeof calcContract>` takes the Commands of that contract only, as one that is made with it does.
 *
 * @example
 * import { CommandClient } from 'nestjs-cmd-stream/core';
 * import { AddCmd, calcContract } from './calc.contract.js';
 *
 * const client = new CommandClient({ host: 'calc.example', port: 9000, contract: calcContract });
 * const { value } = await client.execute(new AddCmd(2, 3), { timeoutMs: 500 });
 * console.log(value);
 * await client.close();
 *
 * @throws {CmdStreamError} INVALID_OPTION, SERVER_INFO_TOO_LARGE when it is made with options that make no sense
 * @publicApi
 */
export class CommandClient<K extends Contract = Contract> {
  readonly #core: ClientCore;

  constructor(options: CommandClientOptions<K>);
  constructor(given: CommandClientOptions | ClientCore) {
    this.#core = given instanceof ClientCore ? given : new ClientCore(resolveClientOptions(given));
  }

  /** What its connections are together, now; {@link onStatus} notifies of changes. */
  get status(): ClientStatus {
    return this.#core.status;
  }

  /** Each server, now. */
  get servers(): readonly ServerState[] {
    return this.#core.servers;
  }

  /** Commands that wait for a connection or an answer. */
  get pending(): number {
    return this.#core.pending;
  }

  /** Results so far that no call waited for. */
  get unexpectedResults(): number {
    return this.#core.unexpectedResults;
  }

  /**
   * Frames so far for Commands that were cancelled or timed out: a server may have sent some before it learns of that.
   */
  get lateFrames(): number {
    return this.#core.lateFrames;
  }

  /**
   * Calls `listener` whenever a connection opens, ends or cannot be opened, and with every change of `status`; returns
   * what ends that.
   *
   * @throws {CmdStreamError} INVALID_OPTION when it is no function
   */
  onStatus(listener: (change: ClientStatusChange) => void): () => void {
    return this.#core.onStatus(listener);
  }

  /**
   * Replaces the certificate, or what else is given, for connections from now on; those that are open go on as they
   * are, with `maxConnectionAgeMs` until that is over. Without options the files of `tlsFiles` are read anew. What is
   * of no use throws, and changes nothing. A session of TLS from before is not taken up again.
   *
   * @throws {CmdStreamError} INVALID_OPTION for a client without TLS of its own, without options where there are no
   * `tlsFiles`, and for options that make no sense; TLS_ERROR when the certificate, or the key, cannot be used
   */
  reloadTls(options?: ClientTlsReloadOptions): void {
    this.#core.reloadTls(options);
  }

  /**
   * Opens all connections; calls do so by themselves. Resolves with the first that is open; waits for it as long as a
   * call would.
   *
   * @throws {CmdStreamError} CONNECT_FAILED, CONNECT_TIMEOUT, TLS_ERROR, SERVER_INFO_MISMATCH, SERVER_INFO_TOO_LARGE,
   * CONTRACT_MISMATCH, EXTENSION_UNAVAILABLE, CLOSED; QUEUE_FULL when as many wait for one as `queue.maxCommands`
   * allows, but at least 1,024
   */
  connect(): Promise<void> {
    return this.#core.connect();
  }

  /**
   * {@link connect}, also of a client that was closed; calls from before may still be answered meanwhile.
   *
   * @throws {CmdStreamError} as {@link connect}
   */
  reopen(): Promise<void> {
    return this.#core.reopen();
  }

  /** True while a connection is open to a server of this package. */
  get isExtended(): boolean {
    return this.#core.isExtended;
  }

  /**
   * Sends a Command; everything that comes back, errors included, goes to the sink, some of it possibly before this
   * returns. Errors: those of {@link connect}; COMMAND_NOT_IN_CONTRACT, ENCODE_FAILED, FRAME_TOO_LARGE, QUEUE_FULL,
   * EXTENSION_UNAVAILABLE (never sent); CONNECTION_LOST; TIMEOUT; the signal's reason; what the server answered:
   * REMOTE, INTERNAL, OVERLOADED, NO_HANDLER, NO_RESULT, SHUTDOWN, and the codes of a refused Command.
   *
   * @throws {CmdStreamError} INVALID_OPTION when the sink has not all three functions: no error could be given to it
   * @example
   * import type { CommandClient } from 'nestjs-cmd-stream/core';
   * import { PrimesCmd } from './calc.contract.js';
   *
   * export function printPrimes(client: CommandClient): () => void {
   *   const call = client.dispatch(new PrimesCmd(10), {
   *     next: ({ P }) => console.log(P),
   *     complete: () => console.log('done'),
   *     error: (error) => console.error(error),
   *   });
   *   return () => call.cancel();
   * }
   */
  dispatch<C extends CommandOf<K>>(command: C, sink: CommandSink<ResultOf<C>>, options?: CallOptions): Call {
    checkSink(sink as CommandSink);
    return this.#core.submit(command, new CallerSink(sink as CommandSink, true), options);
  }

  /**
   * Sends a Command that has one Result and resolves with it; of a VoidCommand with nothing. Rejects with the errors of
   * {@link dispatch}; with NO_RESULT when a Command has none; with MULTIPLE_RESULTS at once for a StreamCommand, or
   * when more come: the Command is then cancelled.
   *
   * @example
   * import { isRemoteError, type CommandClient } from 'nestjs-cmd-stream/core';
   * import { AddCmd } from './calc.contract.js';
   *
   * export async function sum(client: CommandClient): Promise<number | undefined> {
   *   try {
   *     const { value } = await client.execute(new AddCmd(2, 3), { timeoutMs: 500 });
   *     return value;
   *   } catch (error) {
   *     if (isRemoteError(error)) return undefined;
   *     throw error;
   *   }
   * }
   */
  execute<C extends CommandOf<K>>(command: C & ExecutedCommand, options?: CallOptions): Promise<ResultOf<C>> {
    return this.#core.execute(command, options) as Promise<ResultOf<C>>;
  }

  /**
   * The Results of a Command as an AsyncIterable, sent with the first `next()`. A taker that is slower than the
   * server's async generator slows it down, within 32 Results; towards a plain server, or a source that cannot be
   * slowed down, at most `maxStreamBufferBytes` wait, then the call fails with SLOW_CONSUMER.
   * Leaving the loop cancels the Command. Results that wait are still given after a loss, and dropped when the call is
   * aborted, its time is over or the client is destroyed.
   * Errors are those of {@link dispatch}.
   *
   * @example
   * import type { CommandClient } from 'nestjs-cmd-stream/core';
   * import { PrimesCmd } from './calc.contract.js';
   *
   * export async function firstAbove(client: CommandClient, least: number): Promise<number | undefined> {
   *   // Leaving the loop cancels the Command.
   *   for await (const { P } of client.iterate(new PrimesCmd(1_000))) if (P > least) return P;
   *   return undefined;
   * }
   */
  iterate<C extends CommandOf<K>>(command: C, options?: CallOptions): AsyncIterableIterator<ResultOf<C>, undefined> {
    return this.#core.iterate(command, options);
  }

  /**
   * Sends a Command without waiting for Results; resolves when it was written. Results that come all the same are
   * unexpected ones. Whether it may be sent twice says its class or type alone: `idempotent` is no option here.
   *
   * @throws {CmdStreamError} as {@link dispatch}
   */
  emit(command: CommandOf<K>, options?: Pick<CallOptions, 'metadata'>): Promise<void> {
    return this.#core.emit(command, options);
  }

  /**
   * Pings every open connection and resolves with the longest round-trip time in milliseconds. `timeoutMs`: as of a
   * call, the time to open one included.
   *
   * @throws {CmdStreamError} as {@link connect}; CONNECTION_LOST; TIMEOUT; QUEUE_FULL when 65,536 wait for a pong
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
  pingEach(options?: Pick<CallOptions, 'timeoutMs'>): Promise<readonly ConnectionPing[]> {
    return this.#core.pingEach(options);
  }

  /** Does a call wait for Results of this number? */
  has(seq: Seq): boolean {
    return this.#core.find(seq) !== undefined;
  }

  /**
   * Stops waiting for Results of this number, as {@link Call.cancel}; unknown numbers have no effect. A promise, an
   * iterator or an Observable of that call fails with CANCELLED; a sink of {@link dispatch} is not called any more.
   */
  forget(seq: Seq): void {
    this.#core.find(seq)?.forget();
  }

  /**
   * Takes no more Commands, waits for pending ones up to `gracePeriodMs`, then ends the connection; calls fail with
   * CLOSED then, until {@link reopen} opens the client anew. Resolves when the sockets are closed. Idempotent.
   */
  close(): Promise<void> {
    return this.#core.close();
  }

  /** {@link close}, for `await using client = new CommandClient(…)`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Ends at once; pending calls fail with `cause`. */
  destroy(cause?: CmdStreamError): void {
    this.#core.destroy(cause);
  }
}

/** The face of a core that was made before: the Nest client has both. */
export function commandClientOf(core: ClientCore): CommandClient {
  return new CommandClient(core as never);
}
