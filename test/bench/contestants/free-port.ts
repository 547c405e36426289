// A port for those who cannot choose a free one themselves. Another process may take it before it is used.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { host, portOf } from './nest-app.js';

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const port = portOf(server.address());
  server.close();
  await once(server, 'close');
  return port;
}
