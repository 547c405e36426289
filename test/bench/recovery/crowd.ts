// Many clients of one server, each with the default options and one connection, as many processes would have them.
import { CommandClient, type CommandClientOptions } from '../../../lib/core.js';
import { interopContract } from '../../support/interop-contract.js';
import { AddCmd } from '../../support/vector-contract.js';

export class Crowd {
  readonly clients: readonly CommandClient[];

  constructor(size: number, optionsOf: (index: number) => Partial<CommandClientOptions>) {
    this.clients = Array.from({ length: size }, (_, index) => {
      return new CommandClient({ contract: interopContract, host: '127.0.0.1', ...optionsOf(index) });
    });
  }

  /** When each of them had an answer, in monotonic milliseconds. */
  answered(): Promise<readonly number[]> {
    return Promise.all(
      this.clients.map(async (client) => {
        await connected(client);
        await client.execute(new AddCmd(2, 3));
        return performance.now();
      }),
    );
  }

  close(): Promise<unknown> {
    return Promise.all(this.clients.map((client) => client.close()));
  }
}

/** A call alone would give up waiting before a long outage is over. */
async function connected(client: CommandClient): Promise<void> {
  if (client.status === 'connected') return;
  await new Promise<void>((resolve) => {
    const end = client.onStatus(({ status }) => {
      if (status !== 'connected') return;
      end();
      resolve();
    });
    client.connect().catch(() => {});
  });
}
