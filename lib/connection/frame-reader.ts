// The incoming half of one connection: cuts what the socket delivers into frames and hands them on, in order.
//
//   client:  server-info --> (probe) probe-answer --> frames          server:  first-frame --> frames
import { CmdStreamError, decodeError, isCmdStreamError } from '../errors.js';
import { ByteReader } from '../wire/byte-reader.js';
import { PADDED } from '../wire/control-frame.js';
import { PING_SEQ, type Seq } from '../wire/frame.js';
import { INCOMPLETE } from '../wire/decode-progress.js';
import { readServerInfo } from '../wire/server-info.js';
import { travelMs, type ResolvedConnectionOptions } from './connection-options.js';
import type { Clock } from './ticker.js';
import { GREETING_LIMIT, type FrameLimit, type CodecDirection } from './codec-direction.js';

/** What comes in. No method may throw, but for `onServerInfo`, `onPing` and `onControl`. */
export interface FrameReaderListener {
  /** At the client. @throws {CmdStreamError} when the server is the wrong one */
  onServerInfo?(info: Buffer): void;
  /** At the server: the client probed, so it can use the extension. True if this side can, too. */
  onProbe?(): boolean;
  /** At the client: the answer to its probe. */
  onProbeAnswer?(extended: boolean): void;
  /** That many pings, or pongs, one behind the other. @throws {CmdStreamError} where none may come */
  onPing(count: number): void;
  /** `frame`: a copy of its bytes, where that was asked for. */
  onValue(seq: Seq, value: unknown, bytesRead: number, frame?: Buffer): void;
  /** A control frame, its payload delimited. @throws {CmdStreamError} what is wrong with it */
  onControl(kind: number, reader: ByteReader): void;
  /** On an extended connection: a body was refused, the frames behind it are unharmed. */
  onRefused(seq: Seq, error: CmdStreamError): void;
  /** All that has arrived was handed on, as far as it goes. */
  onReadEnd?(): void;
  /** A value cannot be read, and the connection ends with it. */
  onUnreadable?(seq: Seq, error: CmdStreamError): void;
}

/** The connection whose bytes a reader cuts. */
export interface FrameReaderOwner {
  /** The bytes make no sense, nothing behind them can be read. */
  onInvalid(error: unknown): void;
  /** It holds less memory. */
  onHeld(): void;
}

/** A frame of so many bytes took memory of its own, which is gone with it, before what it said is at work. */
const OWN_MEMORY_BYTES = 16 * 1024;
/** A frame counts once more in its share for every 2 KiB (2 to the power of this), as it takes so much longer. */
const LARGE_FRAME_BITS = 11;

type Expected = 'server-info' | 'probe-answer' | 'first-frame' | 'frames';

export interface FrameReaderConfig {
  readonly side: 'client' | 'server';
  readonly direction: CodecDirection;
  readonly ticker: Clock;
}

/** Its fields are read only to others, but for `copiesNext`. */
export class FrameReader {
  /** When the last bytes arrived, by the clock. */
  lastReadAt: number;
  /** Since when a frame has been begun and not ended, by the clock; 0 if none is. */
  frameSince = 0;
  /** True once both sides have agreed on the extension. */
  isExtended = false;
  /** What the peer has begun with a whole frame and must go on with; undefined: nothing. */
  #due: string | undefined;
  /** Since when it must, by the clock. */
  #dueSince = 0;
  /** Nothing is handed on until {@link resume}. */
  isPaused = false;
  /** The next value comes with a copy of its frame. */
  copiesNext = false;
  /** Frames that may still be handed on; when none may, the rest waits for {@link readOn}. */
  share = Infinity;
  readonly #clock: Clock;
  readonly #direction: CodecDirection;
  readonly #listener: FrameReaderListener;
  readonly #owner: FrameReaderOwner;
  readonly #bytes = new ByteReader();
  #expected: Expected;
  /** Of the frame that comes next. */
  #limit: FrameLimit;
  #stopped = false;
  #decoding = false;
  /** What arrived while a frame was being handed on: not to be mixed with it. */
  #early: Uint8Array[] | undefined;

  constructor({ side, direction, ticker }: FrameReaderConfig, listener: FrameReaderListener, owner: FrameReaderOwner) {
    this.#clock = ticker;
    this.lastReadAt = ticker.now;
    this.#direction = direction;
    this.#listener = listener;
    this.#owner = owner;
    this.#expected = side === 'client' ? 'server-info' : 'first-frame';
    this.#limit = side === 'client' ? GREETING_LIMIT : direction.receive;
  }

  /** Bytes that arrived and were not handed on. */
  get unread(): number {
    return this.#bytes.unread;
  }

  /** Bytes of memory they take. */
  get heldBytes(): number {
    return this.#bytes.capacity;
  }

  /** Could more be handed on, but for its share? */
  get isSpent(): boolean {
    return this.share <= 0 && this.#isComplete && !this.isPaused;
  }

  /** The error of a frame that has begun and is not complete in time; large ones have more. */
  overdue({ frameTimeoutMs }: ResolvedConnectionOptions, now: number): CmdStreamError | undefined {
    if (frameTimeoutMs === 0) return undefined;
    if (this.#due !== undefined && !this.isPaused && !this.isSpent) {
      const limitMs = frameTimeoutMs + travelMs(this.#bytes.needed);
      if (now - this.#dueSince >= limitMs)
        return new CmdStreamError('FRAME_TIMEOUT', `${this.#due} within frameTimeoutMs (${frameTimeoutMs})`);
    }
    if (this.frameSince === 0) return undefined;
    if (now - this.frameSince < frameTimeoutMs + travelMs(this.#bytes.needed)) return undefined;
    const text = `frame not complete after ${this.unread} bytes: frameTimeoutMs (${frameTimeoutMs}) is over`;
    return new CmdStreamError('FRAME_TIMEOUT', text);
  }

  /** What must follow now, as the beginning of the error's text, such as `no HELLO came`; undefined: nothing. */
  expect(due: string | undefined): void {
    this.#due = due;
    if (due !== undefined) this.#dueSince = this.lastReadAt;
  }

  /** The next thing to come is the answer to a probe. */
  expectProbeAnswer(): void {
    this.#expected = 'probe-answer';
  }

  receive(chunk: Uint8Array): void {
    if (this.#stopped) return;
    this.lastReadAt = this.#clock.now;
    if (this.#decoding) return void (this.#early ??= []).push(chunk);
    this.#bytes.append(chunk);
    this.#decode();
  }

  pause(): void {
    this.isPaused = true;
    this.frameSince = 0;
  }

  resume(): void {
    this.isPaused = false;
    this.#dueSince = this.#clock.now;
    this.#decode();
  }

  /** Hands on what waits, as far as the new share goes. */
  readOn(share: number): void {
    this.share = share;
    this.#decode();
  }

  /** Hands nothing on any more and drops what arrived. */
  stop(): void {
    this.#stopped = true;
    this.frameSince = 0;
    this.#early = undefined;
    this.#bytes.clear();
  }

  #decode(): void {
    if (this.#decoding) return;
    this.#decoding = true;
    let progress = false;
    try {
      while (this.#isReady()) {
        const { unread } = this.#bytes;
        this.#read();
        this.share -= 1 + ((unread - this.#bytes.unread) >> LARGE_FRAME_BITS);
        progress = true;
      }
    } catch (error) {
      if (error !== INCOMPLETE) {
        this.#listener.onReadEnd?.();
        this.#owner.onInvalid(error);
      }
    } finally {
      this.#decoding = false;
    }
    this.#listener.onReadEnd?.();
    this.#watchFrame(progress);
    if (this.#early !== undefined) this.#decodeEarly(this.#early);
  }

  #decodeEarly(chunks: readonly Uint8Array[]): void {
    this.#early = undefined;
    for (const chunk of chunks) this.#bytes.append(chunk);
    this.#decode();
  }

  #isReady(): boolean {
    return !this.isPaused && this.share > 0 && this.#isComplete;
  }

  /** May there be a whole frame? */
  get #isComplete(): boolean {
    const { unread, needed } = this.#bytes;
    return !this.#stopped && unread > 0 && unread >= needed;
  }

  /** A frame that is cut has its time limit from its first byte on: later bytes do not extend it. */
  #watchFrame(progress: boolean): void {
    if (this.#stopped || this.isPaused || this.share <= 0 || this.#expected === 'server-info' || this.unread === 0)
      this.frameSince = 0;
    else if (progress || this.frameSince === 0) this.frameSince = this.#clock.now;
  }

  #read(): void {
    this.#bytes.beginFrame(this.#limit.bytes, this.#limit.option);
    switch (this.#expected) {
      case 'frames':
        return this.#readFrame();
      case 'server-info':
        return this.#readGreeting();
      case 'first-frame':
        return this.#readFirstFrame();
      case 'probe-answer':
        return this.#readProbeAnswer();
    }
  }

  #readGreeting(): void {
    const info = readServerInfo(this.#bytes);
    this.#bytes.endFrame();
    this.#limit = this.#direction.receive;
    this.#expected = 'frames';
    this.#listener.onServerInfo?.(info);
  }

  /** A probe is exactly `80 00`, and only as the first frame; anywhere else that is a ping. */
  #readFirstFrame(): void {
    if (this.#startsPadded()) {
      this.#bytes.readBytes(2);
      this.#bytes.endFrame();
      this.#expected = 'frames';
      if (this.#listener.onProbe?.()) this.#extend();
      else this.#listener.onPing(1);
      return;
    }
    this.#readFrame();
    this.#expected = 'frames';
  }

  #readProbeAnswer(): void {
    if (this.#startsPadded()) this.#extend();
    else if (this.#bytes.readByte() !== 0)
      throw new CmdStreamError('PROTOCOL_ERROR', 'the server answered the probe with neither a pong nor HELLO');
    else this.#bytes.endFrame();
    this.#expected = 'frames';
    this.#listener.onProbeAnswer?.(this.isExtended);
  }

  /** What comes next is HELLO. */
  #extend(): void {
    this.isExtended = true;
    this.#limit = GREETING_LIMIT;
  }

  #startsPadded(): boolean {
    if (this.#bytes.peek(0) !== PADDED) return false;
    this.#bytes.require(2);
    return this.#bytes.peek(1) === 0;
  }

  #readFrame(): void {
    const bytes = this.#bytes;
    bytes.skipsRefused = this.isExtended;
    const seq = bytes.readPositive();
    if (seq === PING_SEQ) return this.#readZero();
    let value: unknown;
    try {
      value = this.#direction.decode(bytes);
    } catch (error) {
      if (error === INCOMPLETE) throw error;
      if (!this.isExtended || !isCmdStreamError(error) || !bytes.skipFrame()) {
        this.#listener.onUnreadable?.(seq, decodeError(error));
        throw error;
      }
      bytes.endFrame();
      this.copiesNext = false;
      return this.#listener.onRefused(seq, error);
    }
    if (this.copiesNext) {
      this.copiesNext = false;
      const frame = bytes.copyFrame();
      return this.#listener.onValue(seq, value, this.#endFrame(), frame);
    }
    this.#listener.onValue(seq, value, this.#endFrame());
  }

  #endFrame(): number {
    const length = this.#bytes.endFrame();
    if (length >= OWN_MEMORY_BYTES) this.#owner.onHeld();
    return length;
  }

  /** Pings come in runs; what is longer than one byte is padded, and in two bytes the mark of a control frame. */
  #readZero(): void {
    const bytes = this.#bytes;
    const length = bytes.consumed;
    if (this.isExtended && length === 2) return this.#readControl();
    const count = length === 1 ? 1 + bytes.readZeros() : 1;
    bytes.endFrame();
    this.#listener.onPing(count);
  }

  #readControl(): void {
    const bytes = this.#bytes;
    const kind = bytes.readUvarint();
    bytes.delimit(bytes.readLength());
    this.#listener.onControl(Number(kind), bytes);
    // The first was HELLO.
    this.#limit = this.#direction.receive;
    if (this.#stopped) return;
    bytes.skipFrame();
    this.#endFrame();
  }
}
