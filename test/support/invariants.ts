// What must hold whatever a peer does. Each hostile test has a server under attack beside a client that means well, or
// a client whose server means harm; behind each of them this is looked at:
//
//   I1   no warning of the process (uncaught errors fail the running test by Jest itself)
//   I2   each call that was handed out ends, and once
//   I3   nothing comes behind the end of a call
//   I4   a Command is run at most once, and only if its frame was written whole
//   I5   nothing is counted as held for peers that have gone, and never more than `maxBufferedBytes`
//   I6   no socket and no timer is left
//   I8   each connection has one reason to end, and its code is one of the list
//   I9   the client that means well has its answers, and its connection, to the end
//   I10  a server that closes in good order has answered what was sent to it before
//   I11  as many calls were made as were answered, failed or were given up; no Command is left behind at the server
//   I12  no reason has a control character, with which a line of a log could be forged
//
// I7, the delay of the event loop, is a time, and no test asserts times: the figures of this suite show it, and for I2
// how soon. What the process takes for I5 the test of S10 looks at, in a process of its own.
import assert from 'node:assert/strict';
import { afterEach, beforeEach } from '@jest/globals';
import {
  CmdStreamErrorCode,
  type CmdStreamError,
  type CommandClient,
  type CommandClientOptions,
  type CommandContext,
  type CommandServerOptions,
  type ConnectionAddresses,
} from '../../lib/core.js';
import { costOfCommand, defaultBudget } from '../../lib/server/byte-budget.js';
import { CallBook } from './call-book.js';
import { calcClient } from './calc-client.js';
import { calcInvoker } from './calc-invoker.js';
import { CalcServer } from './calc-server.js';
import { openPair, type ClientPair } from './client-pair.js';
import { inTime, until } from './deadline.js';
import type { Given } from './given.js';
import { guardLeaks } from './leak-guard.js';
import { RawPeer } from './raw-peer.js';
import { AddCmd, CalcResult } from './vector-contract.js';
import { wholeCommands } from './whole-frames.js';

interface Owned {
  destroy(): unknown;
}

/** What is owned is destroyed after the test; the servers and clients made here are looked at before that. */
export interface HostileTest {
  own<T extends Owned>(owned: T): T;
  /** A server under attack. */
  stand(options?: Partial<CommandServerOptions>): Promise<UnderAttack>;
  /** A client that is connected to a raw peer. */
  pair(options?: Partial<CommandClientOptions>): Promise<ClientPair>;
  /** A client whose server is not there yet. */
  client(port: number, options?: Given<CommandClientOptions>): CommandClient;
}

/** Jest gives a test a copy of it, which learns of no warning. */
const realProcess = (setImmediate.constructor as FunctionConstructor)('return process')() as NodeJS.Process;
const LAST_CALLS = 20;
const MAX_COMMAND_BYTES = 1_048_576;
const codes = new Set(Object.keys(CmdStreamErrorCode));

/** I1: call once per file, where {@link guardInvariants} is not. */
export function guardWarnings(): void {
  const warnings: string[] = [];
  const keep = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);

  beforeEach(() => {
    warnings.length = 0;
    realProcess.on('warning', keep);
  });

  afterEach(() => {
    realProcess.off('warning', keep);
    const own = warnings.filter((text) => !/^(Experimental|Deprecation)Warning/.test(text));
    assert.deepEqual(own, [], 'the process was warned');
  });
}

/** Call once per file. */
export function guardInvariants(): HostileTest {
  let servers: UnderAttack[] = [];
  let clients: CommandClient[] = [];
  let books: CallBook[] = [];

  afterEach(async () => {
    const [allServers, allClients, allBooks] = [servers, clients, books];
    [servers, clients, books] = [[], [], []];
    for (const server of allServers) await server.check();
    for (const client of allClients) client.destroy();
    for (const book of allBooks) await book.check();
  });

  // Their hooks run behind this one: the first ends what is left, the other looks when nothing is.
  const own = guardLeaks();
  guardWarnings();
  const watch = (client: CommandClient): CommandClient => {
    clients.push(client);
    books.push(new CallBook(client));
    return client;
  };
  return {
    own,
    async stand(options = {}) {
      const server = own(await UnderAttack.stand(options));
      servers.push(server);
      return server;
    },
    async pair(options = {}) {
      const opened = await openPair(own, options);
      watch(opened.client);
      return opened;
    },
    client: (port, options = {}) => watch(own(calcClient(port, options))),
  };
}

export class UnderAttack {
  readonly calc: CalcServer;
  /** Every connection that ended or was refused, in that order, with its reason. */
  readonly reasons: CmdStreamError[] = [];
  readonly #opened = new Set<ConnectionAddresses>();
  readonly #ended = new Map<ConnectionAddresses, number>();
  readonly #peers: RawPeer[] = [];
  /** How many Commands of each client's port were run. */
  readonly #ran = new Map<number | undefined, number>();
  /** What each of these ports may have had run. */
  readonly #mayRun = new Map<number | undefined, () => number>();
  #mostBuffered = 0;
  readonly #maxBuffered: number;
  #neighbour!: CommandClient;
  #book!: CallBook;

  private constructor(options: Partial<CommandServerOptions>) {
    const { invoker = calcInvoker, maxBufferedBytes = defaultBudget() } = options;
    // The frame that is one too many may be counted while room is made for it.
    this.#maxBuffered = maxBufferedBytes + costOfCommand(MAX_COMMAND_BYTES);
    this.calc = new CalcServer({
      ...options,
      invoker: {
        invoke: (command, context, sink) => {
          this.#noteRun(context);
          return invoker.invoke(command, context, sink);
        },
      },
      onConnection: (connection) => void this.#opened.add(connection),
      onDisconnect: (connection, cause) => {
        this.#noteBuffered();
        this.#ended.set(connection, (this.#ended.get(connection) ?? 0) + 1);
        this.reasons.push(cause);
      },
      onConnectionRefused: (_client, cause) => void this.reasons.push(cause),
    });
  }

  static async stand(options: Partial<CommandServerOptions>): Promise<UnderAttack> {
    const server = new UnderAttack(options);
    await server.calc.server.listen();
    const { port } = server.calc;
    server.#neighbour = calcClient(port, {
      extension: 'require',
      ...(options.tls && { tls: { ca: options.tls.cert } }),
    });
    server.#book = new CallBook(server.#neighbour);
    await server.#neighbour.connect();
    return server;
  }

  /** The client that means well: it has to have its answers, and its connection, to the end. */
  get neighbour(): CommandClient {
    return this.#neighbour;
  }

  /** How many Commands were run, those of the client that means well included. */
  get ran(): number {
    return [...this.#ran.values()].reduce((sum, count) => sum + count, 0);
  }

  async attack(bytes = ''): Promise<RawPeer> {
    const peer = await RawPeer.connect(this.calc.port);
    this.#peers.push(peer);
    const { localPort } = peer.socket;
    const before = this.#mayRun.get(localPort);
    this.#mayRun.set(localPort, () => (before?.() ?? 0) + wholeCommands(Buffer.concat(peer.written)));
    if (bytes !== '') peer.write(bytes);
    return peer;
  }

  /** The reason of the connection number `index` to end, as soon as it has. */
  async reason(index = 0): Promise<CmdStreamError> {
    await until(`connection ${index} ends`, () => this.reasons.length > index);
    return this.reasons[index]!;
  }

  async check(): Promise<void> {
    await this.#checkNeighbour();
    await Promise.all(this.#peers.map((peer) => peer.destroy()));
    await until('only the neighbour is left', () => this.#ended.size === this.#opened.size - 1);
    await this.#checkClose();
    this.#neighbour.destroy();
    await this.#book.check();
    this.calc.destroy();
    await until('each connection has ended', () => this.#ended.size === this.#opened.size);
    this.#checkReasons();
    this.#checkRuns();
    await until('no Command is left', () => this.calc.server.inFlight === 0);
    assert.equal(this.calc.server.bufferedBytes, 0, 'bytes are counted for no one');
  }

  async destroy(): Promise<void> {
    this.#neighbour.destroy();
    await Promise.all(this.#peers.map((peer) => peer.destroy()));
    this.calc.destroy();
  }

  /** I9. */
  async #checkNeighbour(): Promise<void> {
    const sum = this.#neighbour.execute(new AddCmd(2, 3));
    assert.deepEqual(await inTime('the neighbour is answered', sum), new CalcResult(5));
    assert.equal(this.#neighbour.status, 'connected');
  }

  /** I10. */
  async #checkClose(): Promise<void> {
    const sums = Array.from({ length: LAST_CALLS }, (_, at) => this.#neighbour.execute(new AddCmd(at, 1)));
    const closed = this.calc.server.close();
    const results = await inTime('what was sent before the end is answered', Promise.all(sums));
    assert.deepEqual(
      results,
      sums.map((_, at) => new CalcResult(at + 1)),
    );
    await inTime('the server is closed', closed);
  }

  /** I8 and I12. */
  #checkReasons(): void {
    const oftener = [...this.#ended.values()].filter((times) => times !== 1);
    assert.deepEqual(oftener, [], 'a connection has more than one reason');
    const unknown = this.reasons.filter(({ code }) => !codes.has(code));
    assert.deepEqual(unknown, [], 'a reason has a code of its own');
    const unsafe = this.reasons.filter(({ message }) => /\p{Cc}/u.test(message));
    assert.deepEqual(unsafe, [], 'a reason has control characters');
  }

  /** I4 and I5. */
  #checkRuns(): void {
    for (const [port, mayRun] of this.#mayRun) {
      const [ran, most] = [this.#ran.get(port) ?? 0, mayRun()];
      assert.ok(ran <= most, `${ran} Commands were run of a connection that has written ${most}`);
      this.#ran.delete(port);
    }
    const neighbours = [...this.#ran.values()].reduce((sum, count) => sum + count, 0);
    assert.ok(neighbours <= this.#book.made, `${neighbours} Commands were run for ${this.#book.made} calls`);
    assert.ok(this.#mostBuffered <= this.#maxBuffered, `${this.#mostBuffered} bytes were held`);
  }

  #noteRun({ remotePort }: CommandContext): void {
    this.#noteBuffered();
    this.#ran.set(remotePort, (this.#ran.get(remotePort) ?? 0) + 1);
  }

  #noteBuffered(): void {
    this.#mostBuffered = Math.max(this.#mostBuffered, this.calc.server.bufferedBytes);
  }
}
