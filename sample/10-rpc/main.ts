import type { CommandServer } from 'nestjs-cmd-stream';
import { Pupil, startClient } from './client.js';
import { startServer } from './server.js';

async function main(): Promise<void> {
  const server = await startServer(0);
  const client = await startClient(server.unwrap<CommandServer>().address!.port);
  await client.get(Pupil).ask();
  await client.close();
  await server.close();
}

void main();
