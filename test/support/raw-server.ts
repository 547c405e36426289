// A listening socket that hands over each accepted connection as a RawPeer, for tests of a client.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { inTime, until } from './deadline.js';
import { RawPeer } from './raw-peer.js';

export class RawServer {
  readonly peers: RawPeer[] = [];
  /** Called with each connection that is accepted. */
  onPeer: ((peer: RawPeer) => void) | undefined;
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => {
    const peer = new RawPeer(socket);
    this.peers.push(peer);
    this.onPeer?.(peer);
  });

  static async listen(): Promise<RawServer> {
    const server = new RawServer();
    server.#server.listen(0, '127.0.0.1');
    await inTime('a raw server listens', once(server.#server, 'listening'));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The connection number `index`, as soon as there is one. */
  async peer(index = 0): Promise<RawPeer> {
    await until(`connection ${index} is accepted`, () => this.peers.length > index);
    return this.peers[index]!;
  }

  async destroy(): Promise<void> {
    this.#server.close();
    await Promise.all(this.peers.map((peer) => peer.destroy()));
  }
}
