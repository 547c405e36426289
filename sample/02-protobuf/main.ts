import type { CommandServer } from 'nestjs-cmd-stream';
import { Pupil, startClient } from './client.js';
import { startServer } from './server.js';

// PORT=3000 npm run start:protobuf keeps the server up for other clients; without it, server and client run once and
// end.
async function main(): Promise<void> {
  const port = Number(process.env['PORT'] ?? 0);
  const server = await startServer(port);
  const listening = server.unwrap<CommandServer>().address!.port;

  if (port > 0) {
    console.log(`listening on port ${listening}`);
  } else {
    const client = await startClient(listening);
    await client.get(Pupil).ask();
    await client.close();
    await server.close();
  }
}

void main();
