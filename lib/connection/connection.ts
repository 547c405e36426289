// One socket from open to its single end, the same class on both sides: owns the two halves of the connection, which
// cut bytes into frames and send frames, and ends it when one of their time limits is over. What frames mean is the
// session's.
//
//   open --(end: flush, FIN)--> ending --> closed
//     └─────(destroy, peer gone)────────────^
import type { Duplex } from 'node:stream';
import type { AsyncScope } from '../async-scope.js';
import type { DataLimits } from '../codec/json/json-codec-options.js';
import type { ConnectionAddresses } from '../contract/command.js';
import { CmdStreamError, decodeError } from '../errors.js';
import type { SpareBlocks } from '../wire/byte-writer.js';
import { writePaddedPing } from '../wire/control-frame.js';
import type { CodecDirection } from './codec-direction.js';
import { connectionDefaults, type ResolvedConnectionOptions } from './connection-options.js';
import { ConnectionSocket, type ConnectionSocketListener } from './connection-socket.js';
import { FrameReader, type FrameReaderListener, type FrameReaderOwner } from './frame-reader.js';
import { FrameWriter, type FrameWriterOwner } from './frame-writer.js';
import { MOST_FRAMES, nextShare, type ReadingTurns, type TurnTaker } from './reading-turns.js';
import type { Ticker, Ticking } from './ticker.js';

/** What happens on a connection. No method may throw, but for those of {@link FrameReaderListener} that say so. */
export interface ConnectionListener extends FrameReaderListener {
  /** The socket took what was handed to it: less is waiting than before. */
  onFlushed(): void;
  /** So many bytes of memory more are held for the peer, or less; none once the connection is closed. */
  onHeld?(change: number): void;
  /** Exactly once. */
  onEnd(cause: CmdStreamError): void;
  /** After that: the socket is closed, too. */
  onClosed?(): void;
}

export interface ConnectionConfig {
  readonly side: 'client' | 'server';
  readonly direction: CodecDirection;
  readonly options: ResolvedConnectionOptions;
  readonly ticker: Ticker;
  readonly readingTurns: ReadingTurns;
  /** Counts what all connections have sent and received. */
  readonly traffic?: { sent: number; received: number } | undefined;
  readonly spareBlocks: SpareBlocks;
  /** What connections run in: not the scope of the call that sends, or whose end makes room. */
  readonly scope: AsyncScope;
}

type State = 'open' | 'ending' | 'closed';

/**
 * How long an ended connection waits for the peer's FIN: closing with unread bytes would reset it and lose what was
 * sent.
 */
const LINGER_MS = 1000;
/** As much is read while the connection is paused. */
const READ_AHEAD_BYTES = 64 * 1024;
/** As much Node reads at once, of TLS in pieces. */
const MOST_READ_BYTES = 64 * 1024;

/** Its fields are read only to others. */
export class Connection implements Ticking, ConnectionSocketListener, FrameReaderOwner, FrameWriterOwner, TurnTaker {
  /** The outgoing half. */
  readonly writer: FrameWriter;
  readonly addresses: ConnectionAddresses;
  /** What data that belongs to no type of the contract may be. */
  readonly dataLimits: DataLimits;
  isOpen = true;
  /** When the bytes being decoded arrived, by the clock on the wall (milliseconds since the epoch): for users. */
  receivedAt = 0;
  /** The same in monotonic milliseconds, by which deadlines are kept. */
  arrivedAt = 0;
  readonly #socket: ConnectionSocket;
  readonly #config: ConnectionConfig;
  readonly #listener: ConnectionListener;
  readonly #reader: FrameReader;
  /** Frames it may hand on in one share while there are other connections. */
  #share = MOST_FRAMES;
  /** The turn of the event loop that this share is for, where it is not alone, and when it began. */
  #turn = -1;
  #shareSince = 0;
  /** Bytes that have arrived since it last waited for its turn. */
  #readBytes = 0;
  /** Does what has arrived wait for its turn? */
  #waitsForTurn = false;
  #state: State = 'open';
  #endedAt = 0;
  #lingerDeadline = 0;
  /** Bytes of memory that the listener knows of. */
  #held = 0;

  constructor(socket: Duplex, config: ConnectionConfig, listener: ConnectionListener) {
    this.#config = config;
    this.dataLimits = config.direction.data;
    this.#listener = listener;
    this.#reader = new FrameReader(config, listener, this);
    this.#socket = new ConnectionSocket(socket, config.options, this);
    this.addresses = this.#socket.addresses;
    this.writer = config.scope.run(() => new FrameWriter(config, this.#socket, this));
    this.#socket.open();
    config.readingTurns.addConnection();
    config.ticker.add(this);
  }

  onData(chunk: Buffer): void {
    this.#config.scope.runPassing(this.#receive, this, chunk);
  }

  #receive(chunk: Buffer): void {
    this.receivedAt = Date.now();
    this.arrivedAt = performance.now();
    const { traffic } = this.#config;
    if (traffic) traffic.received += chunk.length;
    this.#renewShare();
    this.#readBytes += chunk.length;
    this.#reader.receive(chunk);
    this.#waitIfSpent(this.#shareSince);
    this.#regulate();
    this.onHeld();
  }

  /** All that arrives within one turn of the event loop is one share: one read of TLS may give hundreds of pieces. */
  #renewShare(): void {
    const { readingTurns } = this.#config;
    if (this.#waitsForTurn) return;
    if (readingTurns.isShared) {
      const { turn } = readingTurns;
      if (turn === this.#turn) return;
      this.#turn = turn;
      this.#shareSince = this.arrivedAt;
    }
    this.#reader.share = this.#nextShare;
  }

  /** Frames of the next share; one that is alone keeps no other waiting. */
  get #nextShare(): number {
    return this.#config.readingTurns.isShared ? this.#share : Infinity;
  }

  /** More than its share has arrived: the rest has its turn later, and others before it. */
  #waitIfSpent(since: number): void {
    if (this.#waitsForTurn) return;
    const { isSpent } = this.#reader;
    if (isSpent) this.#share = nextShare(this.#share, performance.now() - since);
    // A read that was full is followed by the next one in the same turn, as often as the system wants.
    if (!isSpent && this.#readBytes < MOST_READ_BYTES) return;
    this.#waitsForTurn = true;
    this.#config.readingTurns.wait(this);
  }

  takeTurn(): void {
    if (!this.#waitsForTurn) return;
    this.#waitsForTurn = false;
    this.#readBytes = 0;
    if (this.#state === 'open') this.#config.scope.runPassing(this.#readOn, this);
  }

  /** Its end must not overtake what has arrived. */
  #readRest(): void {
    if (!this.#waitsForTurn) return;
    this.#waitsForTurn = false;
    this.#config.scope.runPassing(this.#reader.readOn, this.#reader, Infinity);
  }

  #readOn(): void {
    const now = performance.now();
    this.#reader.readOn(this.#nextShare);
    this.#waitIfSpent(now);
    this.#regulate();
    this.onHeld();
  }

  onPeerEnd(): void {
    this.#readRest();
    const inside = this.isReceiving ? ' inside a frame' : '';
    this.destroy(new CmdStreamError('PEER_CLOSED', `the peer ended the connection${inside}`));
  }

  onGone(cause: CmdStreamError): void {
    this.#readRest();
    this.destroy(cause);
  }

  onClosed(): void {
    this.#listener.onClosed?.();
  }

  /** Resolves when the socket is closed. */
  closed(): Promise<void> {
    return this.#socket.closed();
  }

  /** The next value comes with a copy of its bytes. */
  copyNext(): void {
    this.#reader.copiesNext = true;
  }

  /** When there was last a sign of the peer, by the clock: bytes came, or some left that had had to wait. */
  get aliveAt(): number {
    return Math.max(this.#reader.lastReadAt, this.writer.movedAt);
  }

  /** True while a frame has begun and is not complete. */
  get isReceiving(): boolean {
    return this.#reader.unread > 0;
  }

  /** A padded ping: asks a server whether it can speak the extension; what comes next is the answer. */
  probe(): void {
    this.#reader.expectProbeAnswer();
    this.writer.post(writePaddedPing);
  }

  /**
   * What the peer must go on with within `frameTimeoutMs`, as the beginning of the error's text, such as
   * `no HELLO came`; undefined: it has.
   */
  expect(due: string | undefined): void {
    this.#reader.expect(due);
  }

  /** Stops decoding: nothing more is handed on until {@link resume}. */
  pause(): void {
    this.#reader.pause();
    this.#regulate();
  }

  resume(): void {
    if (!this.#reader.isPaused || this.#state !== 'open') return;
    this.#config.scope.runPassing(this.#resume, this);
  }

  #resume(): void {
    const now = performance.now();
    this.#reader.resume();
    this.#waitIfSpent(now);
    this.#regulate();
    this.onHeld();
  }

  /** What a read has brought and used up is never counted. */
  onHeld(): void {
    if (this.#listener.onHeld === undefined) return;
    const held = this.#state === 'closed' ? 0 : this.#reader.heldBytes + this.writer.heldBytes + this.#socket.keptBytes;
    const change = held - this.#held;
    if (change === 0) return;
    this.#held = held;
    this.#listener.onHeld(change);
  }

  /** What is not decoded yet is read ahead a little: behind it may be the end of the peer, which must be seen. */
  #regulate(): void {
    if (this.#state !== 'open') return;
    const isFull = this.#reader.isPaused && this.#reader.unread >= READ_AHEAD_BYTES;
    if (isFull || this.#waitsForTurn) this.#socket.pause();
    else this.#socket.resume();
  }

  /**
   * Ends in order, as soon as no value is being written: `onEnd` is called at once, what was sent is flushed, then FIN.
   */
  end(cause: CmdStreamError): void {
    if (this.writer.isEncoding) setImmediate(() => this.end(cause));
    else if (this.#state === 'open') this.#config.scope.runApart(this.#end, this, cause);
  }

  #end(cause: CmdStreamError): void {
    this.#state = 'ending';
    this.isOpen = false;
    this.#config.readingTurns.removeConnection();
    this.#endedAt = this.#config.ticker.now;
    this.#lingerDeadline = this.#endedAt + LINGER_MS;
    this.#reader.stop();
    this.writer.end(cause);
    this.#socket.resume();
    this.onHeld();
    this.#listener.onEnd(cause);
  }

  /** Ends at once; what waits to be sent is lost. */
  destroy(cause: CmdStreamError): void {
    if (this.#state !== 'closed') this.#config.scope.runApart(this.#destroy, this, cause);
  }

  #destroy(cause: CmdStreamError): void {
    const hasEnded = this.#state === 'ending';
    this.#state = 'closed';
    this.isOpen = false;
    if (!hasEnded) this.#config.readingTurns.removeConnection();
    this.#config.ticker.delete(this);
    this.#reader.stop();
    this.writer.abandon(cause);
    this.#socket.destroy();
    this.onHeld();
    if (!hasEnded) this.#listener.onEnd(cause);
  }

  /** Looks at the time limits; called by a Ticker. */
  tick(now: number): void {
    this.writer.tick(now);
    this.onHeld();
    const cause = this.#state === 'ending' ? this.#lingered(now) : this.#overdue(now);
    if (cause) this.destroy(cause);
  }

  #overdue(now: number): CmdStreamError | undefined {
    const { options } = this.#config;
    return this.#reader.overdue(options, now) ?? this.writer.overdue(options.writeStallTimeoutMs, now);
  }

  #lingered(now: number): CmdStreamError | undefined {
    if (this.writer.bufferedBytes > 0) {
      this.#lingerDeadline = now + LINGER_MS;
      const { writeStallTimeoutMs } = this.#config.options;
      // Without a limit nothing would end it, as the session has let go of it: the default holds from here on.
      return writeStallTimeoutMs > 0
        ? this.writer.overdue(writeStallTimeoutMs, now)
        : this.writer.overdue(connectionDefaults.writeStallTimeoutMs, now, this.#endedAt);
    }
    return now < this.#lingerDeadline ? undefined : new CmdStreamError('CLOSED', 'the peer did not end its side');
  }

  /**
   * What cannot be decoded ends the connection. A server sends what it has answered so far, however the bytes were cut.
   */
  onInvalid(error: unknown): void {
    const cause = decodeError(error);
    if (this.#config.side === 'server') this.end(cause);
    else this.destroy(cause);
  }

  onFlushed(): void {
    if (this.#state === 'open') this.#listener.onFlushed();
  }
}
