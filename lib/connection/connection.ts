// One socket from open to its single end, the same class on both sides: owns the halves of the connection and their
// time limits. What frames mean is its owner's.
//
//   open --(end: flush, FIN)--> ending --> closed
//     └─────(destroy, peer gone)────────────^
import type { AsyncResource } from 'node:async_hooks';
import type { Duplex } from 'node:stream';
import type { AsyncScope } from '../async-scope.js';
import type { DataLimits } from '../codec/json/json-codec-options.js';
import { CmdStreamError, decodeError, encodeError } from '../errors.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { writePaddedPing } from '../wire/control-frame.js';
import type { Seq } from '../wire/frame.js';
import { connectionDefaults, type ResolvedConnectionOptions } from './connection-options.js';
import { FrameReader, type FrameReaderListener } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import { ConnectionSocket, type ConnectionSocketListener } from './connection-socket.js';
import type { Ticker, Ticking } from './ticker.js';
import { frameOverdue, writeStalled } from './time-limits.js';
import { checkFrameLength, type FrameLimit, type CodecDirection } from './codec-direction.js';

/** What a connection tells its owner. No method may throw, but for those of an inbox that say so. */
export interface ConnectionListener extends FrameReaderListener {
  /** The socket took what was handed to it: less is waiting than before. */
  onFlushed(): void;
  /** Exactly once. */
  onEnd(cause: CmdStreamError): void;
}

export interface ConnectionConfig {
  readonly side: 'client' | 'server';
  readonly direction: CodecDirection;
  readonly options: ResolvedConnectionOptions;
  readonly ticker: Ticker;
  /** Where connections are at home: none runs in the scope of somebody who sends, or whose end makes room. */
  readonly scope: AsyncScope;
}

type State = 'open' | 'ending' | 'closed';

/** How long an ended connection waits for the peer's FIN: closing with unread bytes would reset it and lose what was sent. */
const LINGER_MS = 1000;
/** As much is read although the owner takes nothing. */
const READ_AHEAD_BYTES = 64 * 1024;

export class Connection implements Ticking, ConnectionSocketListener {
  readonly #socket: ConnectionSocket;
  readonly #config: ConnectionConfig;
  readonly #owner: ConnectionListener;
  readonly #scope: AsyncResource;
  readonly #inbox: FrameReader;
  readonly #outbox: FrameWriter;
  #state: State = 'open';
  #isEncoding = false;
  #sendLimit: FrameLimit;
  #endedAt = 0;
  #lingerDeadline = 0;

  constructor(socket: Duplex, config: ConnectionConfig, owner: ConnectionListener) {
    this.#config = config;
    this.#sendLimit = config.direction.send;
    this.#owner = owner;
    this.#scope = config.scope.branch();
    this.#inbox = new FrameReader(config.side, config.direction, owner, (error) => this.#refuse(error), config.ticker);
    this.#socket = new ConnectionSocket(socket, config.options, this);
    this.#outbox = this.#scope.runInAsyncScope(
      () => new FrameWriter(this.#socket, config.ticker, () => this.#flushed()),
    );
    this.#socket.open();
    config.ticker.add(this);
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress;
  }

  get localAddress(): string {
    return this.#socket.localAddress;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  onData(chunk: Buffer): void {
    this.#config.scope.runPassing(this.#receive, this, chunk);
  }

  #receive(chunk: Buffer): void {
    this.#inbox.receive(chunk);
    this.#regulate();
  }

  onPeerEnd(): void {
    const inside = this.isReceiving ? ' inside a frame' : '';
    this.destroy(new CmdStreamError('PEER_CLOSED', `the peer ended the connection${inside}`));
  }

  onGone(cause: CmdStreamError): void {
    this.destroy(cause);
  }

  /** Resolves when the socket is closed. */
  closed(): Promise<void> {
    return this.#socket.closed();
  }

  /** True once both sides have agreed on the extension. */
  get isExtended(): boolean {
    return this.#inbox.isExtended;
  }

  /** Milliseconds since the epoch at which the bytes being decoded arrived. */
  get receivedAt(): number {
    return this.#inbox.receivedAt;
  }

  /** The same, in monotonic milliseconds. */
  get arrivedAt(): number {
    return this.#inbox.arrivedAt;
  }

  /** The next value comes with a copy of its bytes. */
  copyNext(): void {
    this.#inbox.copiesNext = true;
  }

  /** What data that belongs to no type of the contract may be. */
  get dataLimits(): DataLimits {
    return this.#config.direction.data;
  }

  /** Bytes that wait for the peer to read. */
  get bufferedBytes(): number {
    return this.#outbox.bufferedBytes;
  }

  /** Since when the system has taken nothing of what waits (time of the Ticker), 0 if nothing waits. */
  get stalledSince(): number {
    return this.#outbox.stalledSince;
  }

  /** When there was last a sign that the peer is there: bytes came, or some left that had had to wait. */
  get aliveAt(): number {
    return Math.max(this.#inbox.heardAt, this.#outbox.movedAt);
  }

  /** Bytes sent so far, with those that wait. */
  get sentBytes(): number {
    return this.#outbox.sentBytes;
  }

  /** Bytes that the peer may have to read before it reads what was sent behind the first `sent`; `confirmed`: what it has read. */
  bytesAhead(sent: number, confirmed: number): number {
    // Of what still waits here we see each step that the peer makes.
    if (this.#outbox.takenBytes <= sent) return this.#outbox.stepBytes;
    return Math.max(0, sent - confirmed);
  }

  /** True while a frame has begun and is not complete. */
  get isReceiving(): boolean {
    return this.#inbox.unread > 0;
  }

  /** That many pings, or pongs. */
  sendPings(count: number): void {
    this.post((writer) => writer.writeZeros(count));
  }

  /** A padded ping: asks a server whether it can speak the extension; what comes next is the answer. */
  probe(): void {
    this.#inbox.expectProbeAnswer();
    this.post(writePaddedPing);
  }

  /** Writes what fits into any frame, as soon as no value is being written; nothing once the connection has ended. */
  post(write: (writer: ByteWriter) => void): void {
    if (this.#state !== 'open') return;
    if (this.#isEncoding) {
      setImmediate(() => this.post(write));
      return;
    }
    write(this.#outbox.writer);
    this.#outbox.schedule();
  }

  /**
   * Encodes one frame into the outgoing buffer and returns its length in bytes. `before` writes control frames that
   * belong to it. Nothing is left of a unit that fails.
   *
   * @throws {CmdStreamError} CLOSED when the connection is not open; FRAME_TOO_LARGE; ENCODE_FAILED or what the codec says
   */
  send(seq: Seq, value: unknown, before?: (writer: ByteWriter) => void): number {
    const { writer } = this.#outbox;
    const mark = this.#begin();
    let start = mark;
    this.#isEncoding = true;
    try {
      if (before) {
        before(writer);
        start = writer.length;
        this.#checkLength(start - mark);
      }
      this.writeFrame(writer, seq, value);
      return this.#commit(start);
    } catch (error) {
      throw this.#rolledBack(mark, error);
    } finally {
      this.#isEncoding = false;
    }
  }

  /** Writes one control frame under the same rules as {@link send}; `limit`: of its bytes, if it is another. */
  sendControl(write: (writer: ByteWriter) => void, limit = this.#sendLimit): number {
    const mark = this.#begin();
    this.#isEncoding = true;
    try {
      write(this.#outbox.writer);
      return this.#commit(mark, limit);
    } catch (error) {
      throw this.#rolledBack(mark, error);
    } finally {
      this.#isEncoding = false;
    }
  }

  /** Writes what {@link send} would send to `writer`, without its rules: see {@link encode}. */
  writeFrame(writer: ByteWriter, seq: Seq, value: unknown): void {
    writer.writeUvarint(seq);
    this.#config.direction.encode(value, writer);
  }

  /**
   * Encodes one frame that must wait into `writer`, under the same rules as {@link send}, and returns its length in bytes.
   * Nothing is sent, and nothing is left in `writer` of a frame that fails.
   */
  encode(writer: ByteWriter, write: (writer: ByteWriter) => void): number {
    const mark = writer.length;
    try {
      write(writer);
      this.#checkLength(writer.length - mark);
    } catch (error) {
      writer.truncate(mark);
      throw encodeError(error);
    }
    return writer.length - mark;
  }

  #begin(): number {
    if (this.#state !== 'open') throw new CmdStreamError('CLOSED', 'the connection is not open');
    if (this.#isEncoding)
      throw new CmdStreamError('ENCODE_FAILED', 'nothing can be sent while a value is being written');
    return this.#outbox.writer.length;
  }

  #rolledBack(mark: number, error: unknown): CmdStreamError {
    this.#outbox.writer.truncate(mark);
    return encodeError(error);
  }

  #commit(start: number, limit = this.#sendLimit): number {
    const length = this.#outbox.writer.length - start;
    checkFrameLength(length, limit);
    this.#outbox.schedule();
    return length;
  }

  /** Keeps to what the peer says it takes. */
  limitSending(bytes: number): void {
    const isClient = this.#config.side === 'client';
    const option = isClient ? 'maxCommandBytes of the server' : 'maxResultBytes of the client';
    if (bytes > 0 && bytes < this.#sendLimit.bytes) this.#sendLimit = { bytes, option };
  }

  #checkLength(length: number): void {
    checkFrameLength(length, this.#sendLimit);
  }

  /** Resolves when everything sent so far was taken by the socket; rejects if the connection ends before. */
  flushed(): Promise<void> {
    return this.#outbox.flushed();
  }

  /** Stops decoding: nothing more is handed to the owner until {@link resume}. */
  pause(): void {
    this.#inbox.pause();
    this.#regulate();
  }

  resume(): void {
    if (!this.#inbox.isPaused || this.#state !== 'open') return;
    this.#config.scope.runPassing(this.#resume, this);
  }

  #resume(): void {
    this.#inbox.resume();
    this.#regulate();
  }

  /** What is not decoded yet is read ahead a little: behind it may be the end of the peer, which must be seen. */
  #regulate(): void {
    if (this.#state !== 'open') return;
    const isFull = this.#inbox.isPaused && this.#inbox.unread >= READ_AHEAD_BYTES;
    if (isFull) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Ends in order, as soon as no value is being written: what was sent is flushed, then FIN. The owner is notify at once. */
  end(cause: CmdStreamError): void {
    if (this.#isEncoding) setImmediate(() => this.end(cause));
    else if (this.#state === 'open') this.#scope.runInAsyncScope(this.#end, this, cause);
  }

  #end(cause: CmdStreamError): void {
    this.#state = 'ending';
    this.#endedAt = this.#config.ticker.now;
    this.#lingerDeadline = this.#endedAt + LINGER_MS;
    this.#inbox.stop();
    this.#outbox.end(cause);
    this.#socket.resume();
    this.#owner.onEnd(cause);
  }

  /** Ends at once; what waits to be sent is lost. */
  destroy(cause: CmdStreamError): void {
    if (this.#state !== 'closed') this.#scope.runInAsyncScope(this.#destroy, this, cause);
  }

  #destroy(cause: CmdStreamError): void {
    const notify = this.#state === 'ending';
    this.#state = 'closed';
    this.#config.ticker.delete(this);
    this.#inbox.stop();
    this.#outbox.abandon(cause);
    this.#socket.destroy();
    if (!notify) this.#owner.onEnd(cause);
  }

  /** Looks at the time limits; called by a Ticker. */
  tick(now: number): void {
    const { options } = this.#config;
    this.#outbox.look(now);
    const cause =
      this.#state === 'ending'
        ? this.#lingered(now)
        : (frameOverdue(this.#inbox, options, now) ?? writeStalled(this.#outbox, options, now));
    if (cause) this.destroy(cause);
  }

  #lingered(now: number): CmdStreamError | undefined {
    if (this.bufferedBytes > 0) {
      this.#lingerDeadline = now + LINGER_MS;
      return this.#endStalled(now);
    }
    return now < this.#lingerDeadline ? undefined : new CmdStreamError('CLOSED', 'the peer did not end its side');
  }

  #endStalled(now: number): CmdStreamError | undefined {
    const { options } = this.#config;
    if (options.writeStallTimeoutMs > 0) return writeStalled(this.#outbox, options, now);
    // Nobody is left who could give it up.
    const { stepBytes, stalledSince } = this.#outbox;
    const sending = { stepBytes, stalledSince: stalledSince && Math.max(stalledSince, this.#endedAt) };
    return writeStalled(sending, connectionDefaults, now);
  }

  /** What cannot be decoded ends the connection. A server sends what it has answered so far, however the bytes were cut. */
  #refuse(error: unknown): void {
    const cause = decodeError(error);
    if (this.#config.side === 'server') this.end(cause);
    else this.destroy(cause);
  }

  #flushed(): void {
    if (this.#state === 'open') this.#owner.onFlushed();
  }
}
