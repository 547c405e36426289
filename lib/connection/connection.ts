// One socket from open to its single end, the same class on both sides: decodes frames in place, collects what is
// to be sent into one write per turn of the event loop, watches its time limits. What frames mean is its owner's.
//
//   greeting --(ServerInfo read)--> open --(end: flush, FIN)--> ending --> closed
//       └──────────────(destroy, peer gone, bad bytes)──────────────────────^
import type { Duplex } from 'node:stream';
import { CmdStreamError, fromSocketError, messageOf } from '../errors.js';
import { ByteReader } from '../wire/byte-reader.js';
import { readSeq, writePing, writeSeq, PING_SEQ, type Seq } from '../wire/frame.js';
import { INCOMPLETE } from '../wire/incomplete.js';
import { readServerInfo, writeServerInfo } from '../wire/server-info.js';
import type { ResolvedConnectionOptions } from './connection-options.js';
import { Outbox } from './outbox.js';
import type { Ticker, Ticking } from './ticker.js';
import type { ValueFlow } from './value-flow.js';

/** What a connection tells its owner. No method may throw. */
export interface ConnectionOwner {
  /** A client only: the server has introduced itself; the connection is open. */
  onServerInfo?(info: Buffer): void;
  /** A ping or pong arrived. */
  onPing(): void;
  onValue(seq: Seq, value: unknown, bytesRead: number): void;
  /** The socket took what was handed to it: less is waiting than before. */
  onFlushed(): void;
  /** Exactly once. */
  onEnd(cause: CmdStreamError): void;
}

export interface ConnectionConfig {
  readonly side: 'client' | 'server';
  readonly flow: ValueFlow;
  readonly options: ResolvedConnectionOptions;
  readonly ticker: Ticker;
}

type State = 'greeting' | 'open' | 'ending' | 'closed';

const RATE_BYTES_PER_MS = 131_072 / 1000;
/** How long an ended connection waits for the peer's FIN: closing with unread bytes would reset it and lose what was sent. */
const LINGER_MS = 1000;

export class Connection implements Ticking {
  /** Milliseconds since the epoch at which the bytes being decoded arrived. */
  receivedAt = 0;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly #socket: Duplex;
  readonly #side: ConnectionConfig['side'];
  readonly #flow: ValueFlow;
  readonly #owner: ConnectionOwner;
  readonly #options: ResolvedConnectionOptions;
  readonly #ticker: Ticker;
  readonly #reader = new ByteReader();
  readonly #outbox: Outbox;
  #state: State;
  #paused = false;
  #decoding = false;
  /** Since when a frame has been begun and not ended (monotonic milliseconds), 0 if none is. */
  #frameSince = 0;
  #lingerDeadline = 0;

  constructor(socket: Duplex, { side, flow, options, ticker }: ConnectionConfig, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#side = side;
    this.#flow = flow;
    this.#options = options;
    this.#ticker = ticker;
    this.#owner = owner;
    this.#state = side === 'client' ? 'greeting' : 'open';
    ticker.add(this);
    this.remoteAddress = addressOf(socket, 'remote');
    this.localAddress = addressOf(socket, 'local');
    this.#outbox = new Outbox(socket, () => this.#flushed());
    tune(socket, options);
    socket.on('error', (error) => this.destroy(fromSocketError(error)));
    socket.on('close', () => this.destroy(new CmdStreamError('PEER_CLOSED', 'the connection was closed')));
    socket.on('end', () => this.#peerEnded());
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Bytes that wait for the peer to read. */
  get bufferedBytes(): number {
    return this.#outbox.bufferedBytes;
  }

  /** True while a frame has begun and is not complete. */
  get isReceiving(): boolean {
    return this.#reader.unread > 0;
  }

  sendServerInfo(info: Uint8Array): void {
    writeServerInfo(this.#outbox.writer, info);
    this.#outbox.schedule();
  }

  sendPing(): void {
    if (this.#state !== 'open') return;
    writePing(this.#outbox.writer);
    this.#outbox.schedule();
  }

  /**
   * Encodes one frame into the outgoing buffer and returns its length in bytes. Nothing is left of a frame that fails.
   *
   * @throws {CmdStreamError} CLOSED when the connection is not open; FRAME_TOO_LARGE; ENCODE_FAILED or what the codec says
   */
  send(seq: Seq, value: unknown): number {
    if (this.#state !== 'open') throw new CmdStreamError('CLOSED', 'the connection is not open');
    const { writer } = this.#outbox;
    const mark = writer.length;
    try {
      writeSeq(writer, seq);
      this.#flow.encode(value, writer);
    } catch (error) {
      writer.truncate(mark);
      if (error instanceof CmdStreamError) throw error;
      throw new CmdStreamError('ENCODE_FAILED', `the codec failed: ${messageOf(error)}`, { cause: error });
    }
    const length = writer.length - mark;
    const limit = this.#flow.send;
    if (length > limit.bytes) {
      writer.truncate(mark);
      throw new CmdStreamError('FRAME_TOO_LARGE', `frame of ${length} bytes exceeds ${limit.option} (${limit.bytes})`);
    }
    this.#outbox.schedule();
    return length;
  }

  /** Resolves when everything sent so far was taken by the socket; rejects if the connection ends before. */
  flushed(): Promise<void> {
    return this.#outbox.flushed();
  }

  /** Stops decoding: nothing more is handed to the owner until {@link resume}. */
  pause(): void {
    if (this.#paused || this.#state !== 'open') return;
    this.#paused = true;
    this.#frameSince = 0;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused || this.#state !== 'open') return;
    this.#paused = false;
    this.#decode();
    if (!this.#paused) this.#socket.resume();
  }

  /** Ends in order: what was sent is flushed, then FIN. The owner is told at once. */
  end(cause: CmdStreamError): void {
    if (this.#state === 'ending' || this.#state === 'closed') return;
    this.#state = 'ending';
    this.#lingerDeadline = performance.now() + LINGER_MS;
    this.#reader.clear();
    this.#outbox.end(cause);
    this.#socket.resume();
    this.#owner.onEnd(cause);
  }

  /** Ends at once; what waits to be sent is lost. */
  destroy(cause: CmdStreamError): void {
    if (this.#state === 'closed') return;
    const told = this.#state === 'ending';
    this.#state = 'closed';
    this.#ticker.delete(this);
    this.#reader.clear();
    this.#outbox.abandon(cause);
    this.#socket.destroy();
    if (!told) this.#owner.onEnd(cause);
  }

  /** Looks at the time limits; called by a Ticker. */
  tick(now: number): void {
    const { frameTimeoutMs, writeStallTimeoutMs } = this.#options;
    if (this.#state === 'ending' && this.bufferedBytes === 0 && now >= this.#lingerDeadline) {
      this.destroy(new CmdStreamError('CLOSED', 'the peer did not end its side'));
    } else if (
      this.#frameSince > 0 &&
      now - this.#frameSince >= frameTimeoutMs + this.#reader.needed / RATE_BYTES_PER_MS
    ) {
      const missing = `frame not complete after ${this.#reader.unread} bytes`;
      this.destroy(new CmdStreamError('FRAME_TIMEOUT', `${missing}: frameTimeoutMs (${frameTimeoutMs}) is over`));
    } else if (
      writeStallTimeoutMs > 0 &&
      this.#outbox.stalledSince > 0 &&
      now - this.#outbox.stalledSince >= writeStallTimeoutMs
    ) {
      this.destroy(
        new CmdStreamError(
          'WRITE_STALLED',
          `the peer took no byte within writeStallTimeoutMs (${writeStallTimeoutMs})`,
        ),
      );
    }
  }

  #receive(chunk: Buffer): void {
    if (this.#state === 'closed' || this.#state === 'ending') return;
    this.receivedAt = Date.now();
    this.#reader.append(chunk);
    this.#decode();
  }

  #decode(): void {
    if (this.#decoding) return;
    this.#decoding = true;
    const reader = this.#reader;
    let frames = 0;
    try {
      if (this.#state === 'greeting' && reader.unread >= reader.needed) this.#readGreeting();
      while (this.#state === 'open' && !this.#paused && reader.unread > 0 && reader.unread >= reader.needed) {
        this.#readFrame();
        frames++;
      }
    } catch (error) {
      if (error !== INCOMPLETE) this.#refuse(error);
    } finally {
      this.#decoding = false;
    }
    this.#watchFrame(frames > 0);
  }

  #readGreeting(): void {
    this.#reader.beginFrame(Number.MAX_SAFE_INTEGER, '');
    const info = readServerInfo(this.#reader);
    this.#reader.endFrame();
    this.#state = 'open';
    this.#owner.onServerInfo?.(info);
  }

  #readFrame(): void {
    const reader = this.#reader;
    reader.beginFrame(this.#flow.receive.bytes, this.#flow.receive.option);
    const seq = readSeq(reader);
    if (seq === PING_SEQ) {
      reader.endFrame();
      this.#owner.onPing();
      return;
    }
    const value = this.#flow.decode(reader);
    this.#owner.onValue(seq, value, reader.endFrame());
  }

  /** A frame that is cut has its time limit from its first byte on: later bytes do not extend it. */
  #watchFrame(progress: boolean): void {
    const watched =
      this.#options.frameTimeoutMs > 0 && this.#state === 'open' && !this.#paused && this.#reader.unread > 0;
    if (!watched) this.#frameSince = 0;
    else if (progress || this.#frameSince === 0) this.#frameSince = performance.now();
  }

  /** What cannot be decoded ends the connection. A server sends what it has answered so far, however the bytes were cut. */
  #refuse(error: unknown): void {
    const cause =
      error instanceof CmdStreamError
        ? error
        : new CmdStreamError('BAD_PAYLOAD', `the codec failed: ${messageOf(error)}`, { cause: error });
    if (this.#side === 'server') this.end(cause);
    else this.destroy(cause);
  }

  #peerEnded(): void {
    const inside = this.#reader.unread > 0 ? ' inside a frame' : '';
    this.destroy(new CmdStreamError('PEER_CLOSED', `the peer ended the connection${inside}`));
  }

  #flushed(): void {
    if (this.#state === 'open') this.#owner.onFlushed();
  }
}

function addressOf(socket: Duplex, which: 'remote' | 'local'): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket as Partial<import('node:net').Socket>;
  const [address, port] = which === 'remote' ? [remoteAddress, remotePort] : [localAddress, localPort];
  if (address === undefined) return 'local socket';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function tune(socket: Duplex, { noDelay, tcpKeepAliveMs }: ResolvedConnectionOptions): void {
  const { setNoDelay, setKeepAlive } = socket as Partial<import('node:net').Socket>;
  setNoDelay?.call(socket, noDelay);
  setKeepAlive?.call(socket, tcpKeepAliveMs > 0, tcpKeepAliveMs);
}
