import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import * as after from './after/client.js';
import * as afterServer from './after/server.js';
import * as before from './before/client.js';
import * as beforeServer from './before/server.js';

// PORT=3000 nest start 05-drop-in keeps the server of `after` up for other clients.
const { PORT } = process.env;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function run({ startServer }: typeof beforeServer, { startClient }: typeof before) {
  const port = await freePort();
  const server = await startServer(port);
  const client = await startClient(port);
  await client.ask();
  await client.close();
  await server.close();
}

async function main(): Promise<void> {
  if (PORT === undefined) {
    console.log('before, over TCP of Nest');
    await run(beforeServer, before);
    console.log('after, over cmd-stream');
    await run(afterServer, after);
  } else {
    await afterServer.startServer(Number(PORT));
    console.log(`listening on port ${PORT}`);
  }
}

void main();
