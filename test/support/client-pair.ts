// A CommandClient that is open towards a raw peer: what a test of a client begins with.
import type { CommandClient, CommandClientOptions } from '../../lib/core.js';
import { calcClient } from './calc-client.js';
import { GREETING } from './calc-frames.js';
import type { RawPeer } from './raw-peer.js';
import { RawServer } from './raw-server.js';

interface Owned {
  destroy(): unknown;
}

export interface ClientPair {
  readonly client: CommandClient;
  readonly peer: RawPeer;
  readonly raw: RawServer;
}

/** Connects the two; `own` is what {@link guardLeaks} gave. */
export async function openPair(
  own: <T extends Owned>(owned: T) => T,
  options: Partial<CommandClientOptions> = {},
): Promise<ClientPair> {
  const raw = own(await RawServer.listen());
  const client = own(calcClient(raw.port, options));
  const connected = client.connect();
  const peer = await raw.peer();
  peer.write(GREETING);
  await connected;
  return { client, peer, raw };
}
