// CalcServers that say which of them has answered, and clients of several of them that try again soon.
import { CommandClient, type CommandClientOptions, type CommandServerOptions } from '../../lib/core.js';
import { calcInvoker } from './calc-invoker.js';
import { CalcServer } from './calc-server.js';
import type { Given } from './given.js';
import { EchoCmd, EchoResult, vectorContract } from './vector-contract.js';

/** Delays of a client that is not to keep a test waiting. */
export const soon = Object.freeze({ delayMs: 20, fastPeriodMs: 60_000 });

export class NamedServer {
  readonly calc: CalcServer;
  /** Commands it has run. */
  ran = 0;
  /** Where it listens, or did. */
  port = 0;

  constructor(
    readonly name: string,
    options: Partial<CommandServerOptions> = {},
  ) {
    this.calc = new CalcServer({
      invoker: {
        invoke: (command, context, sink) => {
          this.ran++;
          if (!(command instanceof EchoCmd)) return calcInvoker.invoke(command, context, sink);
          sink.next(new EchoResult(name));
          return sink.complete();
        },
      },
      ...options,
    });
  }

  static async start(name: string, options?: Partial<CommandServerOptions>): Promise<NamedServer> {
    const server = new NamedServer(name, options);
    server.port = (await server.calc.server.listen()).port;
    return server;
  }

  destroy(): void {
    this.calc.destroy();
  }
}

/** A client of the servers at these ports of this machine. */
export function groupClient(
  servers: readonly { readonly port: number }[],
  options: Given<CommandClientOptions> = {},
): CommandClient {
  const addresses = servers.map(({ port }) => ({ host: '127.0.0.1', port }));
  return new CommandClient({
    contract: vectorContract,
    servers: addresses,
    reconnect: soon,
    ...options,
  } as CommandClientOptions);
}

/** Which server answers the next call. */
export async function askedName(client: CommandClient): Promise<string> {
  return (await client.execute(new EchoCmd('who?'))).text;
}
