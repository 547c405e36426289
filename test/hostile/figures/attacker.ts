// The role of peers that mean harm, or are many: connections that write what is asked for, and read or do not.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { frame, GREETING, uvarint } from '../../support/calc-frames.js';
import { hello, PROBE } from '../../support/extension-frames.js';
import { percentile } from './figure.js';
import { floodOf, garbage, type FloodName } from './floods.js';
import { type } from './hostile-contract.js';

export interface PeerOptions {
  readonly extended?: boolean;
  /** What comes in; true by default. */
  readonly reads?: boolean;
}

export interface Echoes {
  readonly p50: number;
  readonly p99: number;
  readonly count: number;
  /** That were not sent, as the connection still waited for its last answer; and those without any in the end. */
  readonly leftOut: number;
  readonly unanswered: number;
}

const AT_ONCE = 200;
const GREETING_BYTES = GREETING.length / 2;
const MOST_WAIT_MS = 10_000;
const WRITTEN_AHEAD = 4 * 1024 * 1024;
/** Of connections that write garbage; fewer than a listening socket's backlog. */
const MOST_OPEN = 300;
const ECHO = Buffer.from(frame(1, type.Echo, '{"S":"xxxxxxxxxxxxxxxxxxxx"}'), 'hex');

const peers: Socket[] = [];

async function dial(port: number, { extended = false, reads = true }: PeerOptions): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  socket.on('error', () => {}).on('data', () => {});
  if (extended) {
    socket.write(Buffer.from(PROBE, 'hex'));
    while (socket.bytesRead <= GREETING_BYTES && !socket.destroyed) await delay(1);
    socket.write(Buffer.from(hello(), 'hex'));
  }
  if (!reads) socket.pause();
  return socket;
}

/** Resolves when the system has taken what was written, or some time is over, or the connection. */
async function taken(socket: Socket, most = 0, until = performance.now() + MOST_WAIT_MS): Promise<void> {
  while (socket.writableLength > most && !socket.destroyed && performance.now() < until) await delay(2);
}

async function floodOn(socket: Socket, next: () => Buffer, until: number): Promise<number> {
  const { bytesWritten } = socket;
  while (performance.now() < until && !socket.destroyed) {
    if (socket.write(next())) await delay(0);
    else await taken(socket, 0, until);
  }
  return socket.bytesWritten - bytesWritten - socket.writableLength;
}

export const attacker = {
  /** So many more connections; gives how long that took, in milliseconds. */
  async open(port: number, count: number, options: PeerOptions = {}): Promise<number> {
    const began = performance.now();
    for (let left = count; left > 0; left -= AT_ONCE) {
      const dialled = Array.from({ length: Math.min(left, AT_ONCE) }, () => dial(port, options));
      peers.push(...(await Promise.all(dialled)));
    }
    return performance.now() - began;
  },

  /** On each connection. */
  write(hex: string): void {
    const bytes = Buffer.from(hex, 'hex');
    for (const peer of peers) peer.write(bytes);
  },

  /** On each connection: the beginning of a frame, as many bytes as the system takes in time. */
  async writePartial(announced: number, sent: number): Promise<void> {
    const beginning = Buffer.from(uvarint(1) + uvarint(type.Any) + uvarint(announced), 'hex');
    const body = Buffer.alloc(sent, ' ');
    for (const [at, peer] of peers.entries()) {
      peer.write(beginning);
      peer.write(body);
      if (at % 20 === 19) await Promise.all(peers.slice(at - 19, at + 1).map((each) => taken(each)));
    }
  },

  /** On each connection: so many Commands that take their time, with so many characters each. */
  async hold(count: number, size: number, ms: number): Promise<void> {
    const text = 'x'.repeat(size);
    const body = Buffer.from(`{"Ms":${ms},"S":"${text}"}`);
    for (const peer of peers) {
      for (let seq = 1; seq <= count && !peer.destroyed; seq++) {
        peer.write(Buffer.from(uvarint(seq) + uvarint(type.Hold) + uvarint(body.length), 'hex'));
        peer.write(body);
        await taken(peer, WRITTEN_AHEAD);
        if (peer.writableLength > WRITTEN_AHEAD) break;
      }
    }
  },

  /** On each connection, for so many seconds; gives the bytes that were taken. */
  async flood(name: FloodName, seconds: number): Promise<number> {
    const until = performance.now() + seconds * 1000;
    const sent = await Promise.all(peers.map((peer) => floodOn(peer, floodOf(name), until)));
    return sent.reduce((all, each) => all + each, 0);
  },

  /** Connections that write garbage and are ended, one behind the other, for so many seconds; gives how many. */
  async floodGarbage(port: number, seconds: number): Promise<number> {
    let opened = 0;
    let closed = 0;
    for (const end = performance.now() + seconds * 1000; performance.now() < end; await delay(1)) {
      for (; opened - closed < MOST_OPEN; opened++) {
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => {}).on('close', () => closed++);
        socket.resume().end(Buffer.from(garbage[opened % garbage.length]!, 'hex'));
      }
    }
    return opened;
  },

  /** One echo a second on each connection, spread evenly over it. */
  async echo(seconds: number): Promise<Echoes> {
    const waited: number[] = [];
    const since = new Map<Socket, number>();
    for (const peer of peers) {
      peer.removeAllListeners('data').on('data', () => {
        const sent = since.get(peer);
        if (sent === undefined) return;
        since.delete(peer);
        waited.push(performance.now() - sent);
      });
    }
    const began = performance.now();
    const all = peers.length * seconds;
    let leftOut = 0;
    for (let sent = 0; sent < all; await delay(1)) {
      const due = Math.min(all, Math.floor(((performance.now() - began) / 1000) * peers.length));
      for (; sent < due; sent++) {
        const peer = peers[sent % peers.length]!;
        if (since.has(peer)) {
          leftOut++;
          continue;
        }
        since.set(peer, performance.now());
        peer.write(ECHO);
      }
    }
    for (const late = performance.now() + MOST_WAIT_MS; since.size > 0 && performance.now() < late;) await delay(10);
    const [p50, p99] = [50, 99].map((share) => percentile(waited, share));
    return { p50: p50!, p99: p99!, count: waited.length, leftOut, unanswered: since.size };
  },

  /** Writes on the first connection: after how many milliseconds the server has ended it. */
  async timeToEnd(hex: string): Promise<number> {
    const peer = peers[0]!;
    const ended = once(peer, 'end');
    const began = performance.now();
    peer.write(Buffer.from(hex, 'hex'));
    await ended;
    return performance.now() - began;
  },

  /** Writes on the first connection and waits for an answer, or its end. */
  async answered(hex: string): Promise<void> {
    const peer = peers[0]!;
    const answer = Promise.race([once(peer, 'data'), once(peer, 'close')]);
    peer.write(Buffer.from(hex, 'hex'));
    await answer;
  },

  /** Resets all; gives when that was, in milliseconds since the epoch. */
  reset(): number {
    const now = performance.timeOrigin + performance.now();
    for (const peer of peers.splice(0)) peer.resetAndDestroy();
    return now;
  },

  async close(): Promise<void> {
    const closed = peers.filter((peer) => !peer.closed).map((peer) => once(peer, 'close'));
    for (const peer of peers.splice(0)) peer.destroy();
    await Promise.all(closed);
  },
};
