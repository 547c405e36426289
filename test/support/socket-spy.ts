// Sees the sockets that the tested side opens: how often it writes and how much it has read. What Node's
// diagnostics channels tell of one side is the tested side only, because raw peers stand on the other.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

export class SocketSpy {
  readonly sockets: Socket[] = [];
  /** Bytes of each write, in order, of all sockets. */
  readonly writes: Buffer[] = [];
  readonly #channel: string;

  constructor(side: 'client' | 'server') {
    this.#channel = `net.${side}.socket`;
    subscribe(this.#channel, this.#onSocket);
  }

  get bytesRead(): number {
    return this.sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
  }

  destroy(): void {
    unsubscribe(this.#channel, this.#onSocket);
  }

  #onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    this.sockets.push(socket);
    // connect() puts the original `write` back.
    if (socket.connecting || socket.remoteAddress === undefined) socket.once('connect', () => this.#watch(socket));
    else this.#watch(socket);
  };

  #watch(socket: Socket): void {
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = (...args: unknown[]) => {
      this.writes.push(Buffer.from(args[0] as Uint8Array));
      return write(...args);
    };
  }
}
