import { CmdStreamClient } from 'nestjs-cmd-stream';
import { filter, firstValueFrom } from 'rxjs';
import { Square, squareContract } from './square.contract.js';

export type SquareClient = CmdStreamClient<typeof squareContract>;

/** A client of all `ports`; resolves when all of its connections are open. */
export async function clientOf(ports: readonly number[], connectionsPerServer: number): Promise<SquareClient> {
  const servers = ports.map((port) => ({ host: '127.0.0.1', port }));
  // Servers come and go here all the time; what the client would log of it is no part of the output.
  const client = new CmdStreamClient({ contract: squareContract, servers, connectionsPerServer, logger: false });
  await client.connect();
  await allOpen(client);
  return client;
}

export async function allOpen(client: SquareClient): Promise<void> {
  await firstValueFrom(client.status.pipe(filter((status) => status === 'connected')));
}

/** How many of so many Commands each process has answered, such as `50 + 50`. */
export async function shares(client: SquareClient, count: number): Promise<string> {
  const answers = await Promise.all(Array.from({ length: count }, (_, n) => client.execute(new Square(n))));
  const counts = new Map<number, number>();
  for (const { pid } of answers) counts.set(pid, (counts.get(pid) ?? 0) + 1);
  return [...counts.values()].toSorted((one, other) => one - other).join(' + ');
}

/** Eight callers, each with one Command after the other, while something else happens; how many were not answered. */
export async function lostDuring(client: SquareClient, happens: () => Promise<unknown>): Promise<number> {
  const load = { isOver: false, lost: 0 };
  const ask = async (): Promise<void> => {
    for (let n = 0; !load.isOver; n++) {
      const right = await client.execute(new Square(n)).then(
        ({ value }) => value === n * n,
        () => false,
      );
      if (!right) load.lost++;
    }
  };
  const callers = Array.from({ length: 8 }, ask);
  await happens();
  load.isOver = true;
  await Promise.all(callers);
  return load.lost;
}
