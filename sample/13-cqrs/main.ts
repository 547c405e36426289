import { CmdStreamClient, type CommandServer, type HttpErrorPayload, isRemoteError } from 'nestjs-cmd-stream';
import { GetTrophies, heroesContract, KillDragon } from './heroes.contract.js';
import { MixedUpModule, startServer } from './server.js';

const isHttpError = (payload: unknown): payload is HttpErrorPayload =>
  typeof (payload as HttpErrorPayload | null)?.statusCode === 'number';

// PORT=3000 nest start 13-cqrs keeps the server up for other clients; without it, it is asked and ends.
async function main(): Promise<void> {
  const port = Number(process.env['PORT'] ?? 0);
  const server = await startServer(port);
  const listening = server.unwrap<CommandServer>().address!.port;

  if (port > 0) {
    console.log(`listening on port ${listening}`);
  } else {
    const client = new CmdStreamClient({ port: listening, contract: heroesContract });
    await client.execute(new KillDragon('Siegfried', 'Fafnir'));
    const { dragons } = await client.execute(new GetTrophies('Siegfried'));
    console.log(`trophies of Siegfried: ${dragons.join(', ')}`);
    await client.execute(new KillDragon('Hagen', 'Fafnir')).catch((error: unknown) => {
      if (!isRemoteError(error, isHttpError)) throw error;
      console.log(`Hagen: ${error.payload.statusCode}, ${error.payload.message}`);
    });
    await client.close();
    await server.close();
    await startServer(0, MixedUpModule).catch((error: Error) => console.log(`mixed up: ${error.message}`));
  }
}

void main();
