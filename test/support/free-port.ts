// A port of this machine where nothing listens: that of a server that has just ended.
import { RawServer } from './raw-server.js';

export async function freePort(): Promise<number> {
  const raw = await RawServer.listen();
  const { port } = raw;
  await raw.destroy();
  return port;
}
