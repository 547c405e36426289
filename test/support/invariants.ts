// A server under attack beside a client that means well, and what must hold whatever a peer does: no warning of the
// process and nothing left open, one reason for each connection, no Command left behind, no other connection harmed,
// nothing in a reason that a log could be forged with. (Uncaught errors fail the running test by Jest itself.)
import assert from 'node:assert/strict';
import { afterEach, beforeEach } from '@jest/globals';
import type { CmdStreamError, CommandClient, CommandServerOptions, ConnectionAddresses } from '../../lib/core.js';
import { calcClient } from './calc-client.js';
import { CalcServer } from './calc-server.js';
import { inTime, until } from './deadline.js';
import { guardLeaks } from './leak-guard.js';
import { RawPeer } from './raw-peer.js';
import { AddCmd, CalcResult } from './vector-contract.js';

interface Owned {
  destroy(): unknown;
}

/** What is owned is destroyed after the test; with `stand` there is a server that is looked at before that. */
export interface HostileTest {
  own<T extends Owned>(owned: T): T;
  stand(options?: Partial<CommandServerOptions>): Promise<UnderAttack>;
}

/** Jest gives a test a copy of it, which learns of no warning. */
const realProcess = (setImmediate.constructor as FunctionConstructor)('return process')() as NodeJS.Process;

/** Call once per file. */
export function guardInvariants(): HostileTest {
  const warnings: string[] = [];
  const keep = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
  let servers: UnderAttack[] = [];

  beforeEach(() => {
    warnings.length = 0;
    realProcess.on('warning', keep);
  });

  afterEach(async () => {
    const all = servers;
    servers = [];
    for (const server of all) await server.check();
    realProcess.off('warning', keep);
    const own = warnings.filter((text) => !/^(Experimental|Deprecation)Warning/.test(text));
    assert.deepEqual(own, [], 'the process was warned');
  });

  // Its hook runs behind this one, and ends what is left.
  const own = guardLeaks();
  return {
    own,
    async stand(options = {}) {
      const server = own(await UnderAttack.stand(options));
      servers.push(server);
      return server;
    },
  };
}

export class UnderAttack {
  readonly calc: CalcServer;
  /** Every connection that ended or was refused, in that order, with its reason. */
  readonly reasons: CmdStreamError[] = [];
  readonly #opened = new Set<ConnectionAddresses>();
  readonly #ended = new Map<ConnectionAddresses, number>();
  readonly #peers: RawPeer[] = [];
  #neighbour!: CommandClient;

  private constructor(options: Partial<CommandServerOptions>) {
    this.calc = new CalcServer({
      ...options,
      onConnection: (connection) => void this.#opened.add(connection),
      onDisconnect: (connection, cause) => {
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
    await server.#neighbour.connect();
    return server;
  }

  /** The client that means well: it has to have its answers, and its connection, to the end. */
  get neighbour(): CommandClient {
    return this.#neighbour;
  }

  async attack(bytes = ''): Promise<RawPeer> {
    const peer = await RawPeer.connect(this.calc.port);
    this.#peers.push(peer);
    if (bytes !== '') peer.write(bytes);
    return peer;
  }

  /** The reason of the connection number `index` to end, as soon as it has. */
  async reason(index = 0): Promise<CmdStreamError> {
    await until(`connection ${index} ends`, () => this.reasons.length > index);
    return this.reasons[index]!;
  }

  async check(): Promise<void> {
    const sum = this.#neighbour.execute(new AddCmd(2, 3));
    assert.deepEqual(await inTime('the neighbour is answered', sum), new CalcResult(5));
    assert.equal(this.#neighbour.status, 'connected');
    this.#neighbour.destroy();
    await Promise.all(this.#peers.map((peer) => peer.destroy()));
    this.calc.destroy();
    await until('each connection has ended', () => this.#ended.size === this.#opened.size);
    const oftener = [...this.#ended.values()].filter((times) => times !== 1);
    assert.deepEqual(oftener, [], 'a connection has more than one reason');
    const unsafe = this.reasons.filter(({ message }) => /\p{Cc}/u.test(message));
    assert.deepEqual(unsafe, [], 'a reason has control characters');
    await until('no Command is left', () => this.calc.server.inFlight === 0);
  }

  async destroy(): Promise<void> {
    this.#neighbour.destroy();
    await Promise.all(this.#peers.map((peer) => peer.destroy()));
    this.calc.destroy();
  }
}
