// One end of a TCP connection that speaks literal bytes: writes what a test writes down, collects what comes back.
// It knows no protocol, keeps its own half open until it is asked to end it, and every wait has a deadline.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { inTime, turns, until } from './deadline.js';

export class RawPeer {
  readonly socket: Socket;
  /** What arrived, one entry for each 'data' event. */
  readonly chunks: Buffer[] = [];
  /** What was written, one entry for each call. */
  readonly written: Uint8Array[] = [];
  #ended = false;
  #closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.chunks.push(chunk));
    for (const end of ['end', 'error', 'close']) {
      socket.on(end, () => {
        this.#ended = true;
        this.#closed ||= end === 'close';
      });
    }
  }

  /** To a port of this machine, or to the path of a Unix domain socket. */
  static async connect(to: number | string): Promise<RawPeer> {
    const target = typeof to === 'string' ? { path: to } : { port: to, host: '127.0.0.1' };
    const peer = new RawPeer(connect({ ...target, allowHalfOpen: true }));
    await inTime('a raw peer is connected', once(peer.socket, 'connect'));
    return peer;
  }

  /** All that arrived so far. */
  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get hex(): string {
    return this.received.toString('hex');
  }

  /** True once the other side has sent FIN or reset the connection. */
  get isEnded(): boolean {
    return this.#ended;
  }

  write(bytes: string | Uint8Array): void {
    const all = typeof bytes === 'string' ? Buffer.from(bytes, 'hex') : bytes;
    this.written.push(all);
    this.socket.write(all);
  }

  /** Writes byte by byte; the next one leaves when `readSoFar` says that the last one has arrived. */
  async dribble(bytes: string, readSoFar: () => number): Promise<void> {
    await this.writeParts(bytes.match(/../g) ?? [], readSoFar);
  }

  /** Writes one part after the other, each when `readSoFar` says that the last one has arrived. */
  async writeParts(parts: readonly string[], readSoFar: () => number): Promise<void> {
    let arrived = readSoFar();
    for (const part of parts) {
      this.write(part);
      arrived += part.length / 2;
      await until(`${arrived} bytes are read`, () => readSoFar() >= arrived || this.#ended);
    }
  }

  /** Waits until exactly these bytes have arrived, and sees that no others follow them. */
  async receives(hex: string): Promise<void> {
    const settled = (): boolean => this.hex.length >= hex.length || !hex.startsWith(this.hex) || this.#ended;
    await until('bytes arrive', settled).catch(() => {});
    await turns();
    if (this.hex !== hex)
      throw new Error(`expected ${hex}\nreceived ${this.hex}${this.#ended ? ', then the end' : ''}`);
  }

  /** Waits until at least this many bytes have arrived. */
  async receivesBytes(count: number): Promise<void> {
    let received = 0;
    let seen = 0;
    await until(`${count} bytes arrive`, () => {
      for (; seen < this.chunks.length; seen++) received += this.chunks[seen]!.length;
      return received >= count;
    });
  }

  /** Waits until the other side has ended the connection. */
  ends(): Promise<void> {
    return until('the other side ends the connection', () => this.#ended);
  }

  /** Ends this side's sending direction only. */
  finish(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): Promise<void> {
    this.socket.destroy();
    return until('a raw peer is closed', () => this.#closed);
  }
}
