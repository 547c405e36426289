// A CommandServer of the calc contract at a port of its own that keeps what its callbacks get.
import { CommandServer, type CommandServerOptions, type CmdStreamError } from '../../lib/core.js';
import { calcInvoker } from './calc-invoker.js';
import { until } from './deadline.js';
import type { Given } from './given.js';
import { keepLost, type LostConnection } from './lost-connection.js';
import { RawPeer } from './raw-peer.js';
import { vectorContract } from './vector-contract.js';

export class CalcServer {
  readonly server: CommandServer;
  /** What was refused is among them. */
  readonly lost: LostConnection[] = [];
  readonly errors: unknown[] = [];

  constructor(options: Given<CommandServerOptions> = {}) {
    this.server = new CommandServer({
      contract: vectorContract,
      invoker: calcInvoker,
      host: '127.0.0.1',
      port: 0,
      quietPeriodMs: 20,
      ...keepLost(this.lost),
      onError: (error) => this.errors.push(error),
      ...options,
    } as CommandServerOptions);
  }

  static async start(options: Partial<CommandServerOptions> = {}): Promise<CalcServer> {
    const calc = new CalcServer(options);
    await calc.server.listen();
    return calc;
  }

  get port(): number {
    return this.server.address!.port;
  }

  connect(): Promise<RawPeer> {
    return RawPeer.connect(this.port);
  }

  /** Why the connection number `index` to be lost was lost, as soon as it is. */
  async lostCause(index = 0): Promise<CmdStreamError> {
    await until(`connection ${index} is lost`, () => this.lost.length > index);
    return this.lost[index]!.cause;
  }

  /** Sees in every test that nothing is counted for peers any more when all of them are gone, and their Commands. */
  async destroy(): Promise<void> {
    const { server } = this;
    server.destroy();
    await until('nothing is counted for no one', () => server.inFlight > 0 || server.bufferedBytes === 0);
  }
}
