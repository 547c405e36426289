// Whole sessions of a server whose client is fuzzed: nothing leaves the connection, every Command that was received
// whole is answered once and in order, and what is left behind is nothing. Beside it a client that means well.
import { duplexPair, type Duplex } from 'node:stream';
import { CommandClient, CommandServer, ExecInvoker, type ConnectionAddresses } from '../../lib/core.js';
import { turns, until } from '../support/deadline.js';
import { FuzzedClient } from './fuzzed-client.js';
import type { ServerScript } from './server-script.js';
import { Item, sessionContract, WorkCmd, WorkReceiver } from './session-contract.js';

/** Why a connection may end: the closed list. */
const reasons: ReadonlySet<string> = new Set([
  'PEER_CLOSED',
  'PEER_RESET',
  'FRAME_TOO_LARGE',
  'VARINT_OVERFLOW',
  'NEGATIVE_LENGTH',
  'UNKNOWN_TYPE',
  'UNSAFE_INTEGER',
  'BAD_PAYLOAD',
  'JSON_LIMIT',
  'PROTOCOL_ERROR',
  'CONTRACT_MISMATCH',
  'HANDLER_ERROR',
  'SEND_BUFFER_FULL',
  'MEMORY_PRESSURE',
  'OVERLOADED',
]);

const MAX_BUFFERED_BYTES = 1_048_576;
/** All must be done in it; a session takes a millisecond. */
const MOST_MS = 30_000;

export class ServerSessions {
  readonly #receiver = new WorkReceiver();
  readonly #server: CommandServer;
  readonly #neighbour: CommandClient;
  readonly #ended = new Map<ConnectionAddresses, string[]>();
  #opened: ConnectionAddresses | undefined;
  #idleBytes = 0;
  #lastId = 0;
  /** How often each reason has ended a connection. */
  readonly reasons = new Map<string, number>();
  /** Sessions to whose end the client has kept to the protocol. */
  clean = 0;
  mostBufferedBytes = 0;

  private constructor() {
    this.#server = new CommandServer({
      contract: sessionContract,
      invoker: new ExecInvoker(this.#receiver),
      host: '127.0.0.1',
      port: 0,
      maxInFlightPerConnection: 6,
      maxCommandBytes: 2_000,
      maxStreamBufferBytes: 8_192,
      maxSendBufferBytes: 65_536,
      maxBufferedBytes: MAX_BUFFERED_BYTES,
      onConnection: (connection) => {
        this.#opened = connection;
        this.#ended.set(connection, []);
      },
      onDisconnect: (connection, cause) => this.#ended.get(connection)!.push(cause.code),
      onError: () => {},
    });
    this.#neighbour = new CommandClient({
      contract: sessionContract,
      extension: 'require',
      connect: () => this.#connect().near,
    });
  }

  static async open(): Promise<ServerSessions> {
    const sessions = new ServerSessions();
    await sessions.#server.listen();
    await sessions.#neighbour.execute(new WorkCmd());
    await turns();
    sessions.#idleBytes = sessions.#server.bufferedBytes;
    return sessions;
  }

  /** No socket: two ends in this process. */
  #connect(): { readonly near: Duplex; readonly far: Duplex } {
    const [near, far] = duplexPair();
    this.#server.netServer!.emit('connection', far);
    return { near, far };
  }

  /** Plays the script, and gives what it has found wrong. */
  async run(script: ServerScript): Promise<readonly string[]> {
    const id = ++this.#lastId;
    const neighbour = this.#neighbour.execute(new WorkCmd(id)).catch((error: Error) => error);
    const { near, far } = this.#connect();
    const connection = this.#opened!;
    const violations: string[] = [];
    const client = new FuzzedClient(script, near, far, () => this.#noteBytes(violations));
    try {
      await client.play();
      if (client.isClean) await until('every Command is answered', () => client.isAnswered, MOST_MS);
      client.end();
      await until('the connection has ended', () => this.#ended.get(connection)!.length > 0, MOST_MS);
      await turns();
      const waiting = this.#receiver.release();
      if (client.isClean && waiting > 0) violations.push(`${waiting} handlers were not aborted`);
      await until('no Command is left', () => this.#isIdle, MOST_MS);
      await until('nothing is held', () => this.#server.bufferedBytes <= this.#idleBytes, MOST_MS);
      await until('the session is over', () => this.#server.connections === 1, MOST_MS);
    } catch (error) {
      violations.push((error as Error).message);
      client.end();
    }
    const answer = await neighbour;
    if (!(answer instanceof Item) || answer.id !== id) violations.push(`the neighbour: ${String(answer)}`);
    if (this.#neighbour.status !== 'connected') violations.push(`the neighbour is ${this.#neighbour.status}`);
    if (client.isClean) this.clean++;
    this.#checkReasons(connection, client.isClean, violations);
    return [...violations, ...client.violations()];
  }

  get #isIdle(): boolean {
    return this.#receiver.running === 0 && this.#server.inFlight === 0;
  }

  #noteBytes(violations: string[]): void {
    const { bufferedBytes } = this.#server;
    this.mostBufferedBytes = Math.max(this.mostBufferedBytes, bufferedBytes);
    if (bufferedBytes > MAX_BUFFERED_BYTES) violations.push(`${bufferedBytes} bytes are held`);
  }

  #checkReasons(connection: ConnectionAddresses, isClean: boolean, violations: string[]): void {
    const codes = this.#ended.get(connection)!;
    this.#ended.delete(connection);
    if (codes.length !== 1) violations.push(`so many reasons: ${codes.join()}`);
    for (const code of codes) {
      this.reasons.set(code, (this.reasons.get(code) ?? 0) + 1);
      if (!reasons.has(code)) violations.push(`the reason ${code}`);
      if (isClean && !code.startsWith('PEER_')) violations.push(`${code} has ended a connection without garbage`);
    }
  }

  destroy(): void {
    this.#neighbour.destroy();
    this.#server.destroy();
  }
}
