// Servers, clients and the sockets between them: lives through many schedules, because opening it costs more than one.
import diagnostics from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { CommandClient, CommandServer, ExecInvoker, type CmdStreamError } from '../../lib/core.js';
import { inTime, until } from '../support/deadline.js';
import { connectionEnds, TrackedCall } from './tracked-call.js';
import type { Step } from './schedule.js';
import { raceContract, turns, WorkCmd, WorkReceiver } from './race-contract.js';

const CLIENTS = 2;
const SETTLE_MS = 4_000;
const SOCKET_CREATED = 'net.client.socket';

export class RaceWorld {
  readonly #receiver = new WorkReceiver();
  readonly #closing = new Set<CommandServer | CommandClient>();
  readonly #closed: Promise<void>[] = [];
  readonly #violations: string[] = [];
  readonly #clientSockets = new Set<Socket>();
  readonly #serverSockets = new Set<Socket>();
  readonly #onClientSocket = (message: unknown): void =>
    this.#keep(this.#clientSockets, (message as { socket: Socket }).socket);
  #server = this.#newServer(0);
  #port = 0;
  #clients: CommandClient[] = [];
  #lastId = 0;
  #calls: TrackedCall[] = [];

  static async open(): Promise<RaceWorld> {
    const world = new RaceWorld();
    diagnostics.subscribe(SOCKET_CREATED, world.#onClientSocket);
    world.#port = (await world.#server.listen()).port;
    world.#watchSockets();
    world.#clients = Array.from({ length: CLIENTS }, () => world.#newClient());
    return world;
  }

  /** Takes the steps one after the other, waits until all is quiet, and gives what broke the model. */
  async run(schedule: readonly Step[]): Promise<readonly string[]> {
    this.#calls = [];
    this.#violations.length = 0;
    for (const step of schedule) await this.#take(step);
    await this.#settle();
    const { executions } = this.#receiver;
    const broken = this.#calls.flatMap((call) => call.violationsAfter(executions.get(call.command.id) ?? 0));
    executions.clear();
    this.#receiver.produced.clear();
    return [...broken, ...this.#violations];
  }

  async #take(step: Step): Promise<void> {
    switch (step.do) {
      case 'call': {
        const { work, items, pause, last, size } = step;
        const id = ++this.#lastId;
        const command = new WorkCmd(id, work, items, pause, last, size);
        const produced = (): number => this.#receiver.produced.get(id) ?? 0;
        this.#calls.push(new TrackedCall(this.#clients[step.client]!, command, step.manner, step.leaveAfter, produced));
        return;
      }
      case 'turns':
        return turns(step.count);
      case 'cut':
        return this.#cut(step.side, step.socket, step.hard);
      case 'ping':
        this.#clients[step.client]!.ping().catch(() => {});
        return;
      case 'full':
        this.#server.netServer!.maxConnections = step.full ? 1 : Infinity;
        return;
      case 'new client':
        this.#close(this.#clients[step.client]!);
        this.#clients[step.client] = this.#newClient();
        return;
      case 'new server':
        this.#close(this.#server);
        this.#server = this.#newServer(this.#port);
        await this.#server.listen();
        this.#watchSockets();
    }
  }

  /** `hard`: reset instead of FIN. */
  #cut(side: 'client' | 'server', index: number, hard: boolean): void {
    const all = [...(side === 'client' ? this.#clientSockets : this.#serverSockets)];
    const sockets = all.filter(({ connecting }) => !connecting);
    const socket = sockets[index % sockets.length];
    // Node leaks the handle of a socket that is reset behind its own FIN.
    if (hard && !socket?.writableEnded) socket?.resetAndDestroy();
    else socket?.destroy();
  }

  /** Every call ends, every execution ends, nothing is left in any table. */
  async #settle(): Promise<void> {
    try {
      await inTime('every call is over', Promise.all(this.#calls.map((call) => call.over)), SETTLE_MS);
      await inTime('what is closed is closed', Promise.all(this.#closed.splice(0)), SETTLE_MS);
      const peers = (): (CommandServer | CommandClient)[] => [this.#server, ...this.#clients, ...this.#closing];
      await until('nothing is pending', () => peers().every((peer) => loadOf(peer) === 0), SETTLE_MS);
      await until('no handler goes on', () => this.#receiver.running === 0, SETTLE_MS);
      this.#closing.clear();
      this.#server.netServer!.maxConnections = Infinity;
    } catch (error) {
      this.#violations.push((error as Error).message);
    }
  }

  #newServer(port: number): CommandServer {
    return new CommandServer({
      contract: raceContract,
      invoker: new ExecInvoker(this.#receiver),
      host: '127.0.0.1',
      port,
      maxInFlightPerConnection: 4,
      onDisconnect: (_connection, cause) => this.#lost(cause),
      onConnectionRefused: (_client, cause) => {
        if (cause.code !== 'MAX_CONNECTIONS') this.#lost(cause);
      },
    });
  }

  #lost(cause: CmdStreamError): void {
    if (connectionEnds.has(cause.code)) return;
    this.#violations.push(`the server lost a connection by ${cause.code}: ${cause.message}`);
  }

  #newClient(): CommandClient {
    const reconnect = { delayMs: 5, fastPeriodMs: 60_000 };
    const options = {
      host: '127.0.0.1',
      port: this.#port,
      extension: 'require',
      queue: { timeoutMs: 1_000 },
      reconnect,
    } as const;
    return new CommandClient({ contract: raceContract, ...options });
  }

  #close(peer: CommandServer | CommandClient): void {
    this.#closing.add(peer);
    this.#closed.push(peer.close());
  }

  #watchSockets(): void {
    this.#server.netServer!.on('connection', (socket: Socket) => this.#keep(this.#serverSockets, socket));
  }

  #keep(sockets: Set<Socket>, socket: Socket): void {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  }

  destroy(): void {
    diagnostics.unsubscribe(SOCKET_CREATED, this.#onClientSocket);
    for (const peer of [...this.#clients, this.#server, ...this.#closing]) peer.destroy();
  }
}

function loadOf(peer: CommandServer | CommandClient): number {
  return peer instanceof CommandServer ? peer.inFlight : peer.pending;
}
