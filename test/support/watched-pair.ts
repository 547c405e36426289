// A server and a client, of the core, that are watched, and Commands that end in every way there is.
import {
  Command,
  CommandClient,
  CommandServer,
  defineContract,
  Result,
  StreamCommand,
  type CommandClientOptions,
  type CommandContext,
  type CommandInvoker,
  type CommandServerOptions,
} from '../../lib/core.js';
import { deliver } from '../../lib/server/call/result-source.js';

export class Sum extends Result {
  constructor(readonly value = 0) {
    super();
  }
}

export class Item extends Result {
  constructor(readonly at = 0) {
    super();
  }
}

export class AddCmd extends Command<Sum> {
  constructor(
    readonly a = 0,
    readonly b = 0,
  ) {
    super();
  }

  override exec(): Sum {
    return new Sum(this.a + this.b);
  }
}

export class BadError extends Error {}

export class FailCmd extends Command<Sum> {
  override exec(): Sum {
    throw new BadError('it has failed');
  }
}

export class CountCmd extends StreamCommand<Item> {
  constructor(readonly count = 0) {
    super();
  }

  override async *exec(): AsyncIterable<Item> {
    for (let at = 0; at < this.count; at++) yield new Item(at);
  }
}

/** Is answered when its signal aborts, which is too late. */
export class SlowCmd extends Command<Sum> {
  override exec(_receiver: unknown, { signal }: CommandContext): Promise<Sum> {
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(new Sum(0)), { once: true }));
  }
}

export const watchedContract = defineContract({
  commands: [AddCmd, FailCmd, CountCmd, SlowCmd],
  results: [Sum, Item],
});

/** Runs Commands by their `exec`; `onRun` is called in the scope of each. */
export function execInvoker(onRun: (command: unknown, context: CommandContext) => unknown = () => {}): CommandInvoker {
  return {
    invoke(command, context, sink) {
      onRun(command, context);
      const given = (command as { exec(receiver: unknown, context: CommandContext): unknown }).exec({}, context);
      deliver(given, context, sink);
    },
  };
}

type Own = <T extends { destroy(): unknown }>(owned: T) => T;

export async function watchedServer(own: Own, options: Partial<CommandServerOptions> = {}): Promise<CommandServer> {
  const server = own(
    new CommandServer({
      contract: watchedContract,
      invoker: execInvoker(),
      host: '127.0.0.1',
      port: 0,
      ...options,
    }),
  );
  await server.listen();
  return server;
}

export function watchedClient(own: Own, port: number, options: Partial<CommandClientOptions> = {}): CommandClient {
  return own(new CommandClient({ contract: watchedContract, host: '127.0.0.1', port, reconnect: false, ...options }));
}

/** Runs what must fail; resolves with the error. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('it should have failed');
}
