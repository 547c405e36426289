// The incoming half of one connection: cuts what the socket delivers into frames and hands them on, in order.
//
//   client:  server-info --> (probe) probe-answer --> frames          server:  first-frame --> frames
import { CmdStreamError, decodeError, isCmdStreamError } from '../errors.js';
import { ByteReader } from '../wire/byte-reader.js';
import { PADDED } from '../wire/control-frame.js';
import { PING_SEQ, type Seq } from '../wire/frame.js';
import { INCOMPLETE } from '../wire/decode-progress.js';
import { readServerInfo } from '../wire/server-info.js';
import type { Clock } from './ticker.js';
import { GREETING_LIMIT, type FrameLimit, type CodecDirection } from './codec-direction.js';

/** What an inbox hands on. No method may throw, but for `onServerInfo`, `onPing` and `onControl`. */
export interface FrameReaderListener {
  /** @throws {CmdStreamError} when the server is the wrong one */
  onServerInfo(info: Buffer): void;
  /** The peer probed: it can speak the extension. True if this side can, too. */
  onProbe(): boolean;
  /** The answer to our probe. */
  onProbeAnswer(extended: boolean): void;
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

type Expected = 'server-info' | 'probe-answer' | 'first-frame' | 'frames';

export class FrameReader {
  /** Milliseconds since the epoch at which the bytes being decoded arrived. */
  receivedAt = 0;
  /** When, in monotonic milliseconds, which time limits are measured from. */
  arrivedAt = 0;
  /** When the last bytes arrived, by the clock. */
  heardAt: number;
  /** Since when a frame has been begun and not ended, by the clock; 0 if none is. */
  frameSince = 0;
  /** True once both sides have agreed on the extension. */
  isExtended = false;
  /** Nothing is handed on until {@link resume}; read only to others. */
  isPaused = false;
  /** The next value comes with a copy of its frame. */
  copiesNext = false;
  readonly #clock: Clock;
  readonly #direction: CodecDirection;
  readonly #owner: FrameReaderListener;
  readonly #onGarbage: (error: unknown) => void;
  readonly #reader = new ByteReader();
  #expected: Expected;
  /** Of the frame that comes next. */
  #limit: FrameLimit;
  #stopped = false;
  #decoding = false;
  /** What arrived while a frame was being handed on: not to be mixed with it. */
  #early: Uint8Array[] = [];

  /** `onGarbage`: the bytes make no sense, nothing behind them can be read. */
  constructor(
    side: 'client' | 'server',
    direction: CodecDirection,
    owner: FrameReaderListener,
    onGarbage: (error: unknown) => void,
    clock: Clock,
  ) {
    this.#clock = clock;
    this.heardAt = clock.now;
    this.#direction = direction;
    this.#owner = owner;
    this.#onGarbage = onGarbage;
    this.#expected = side === 'client' ? 'server-info' : 'first-frame';
    this.#limit = side === 'client' ? GREETING_LIMIT : direction.receive;
  }

  /** Bytes that arrived and were not handed on. */
  get unread(): number {
    return this.#reader.unread;
  }

  /** Bytes the frame that has begun has at least. */
  get needed(): number {
    return this.#reader.needed;
  }

  /** The next thing to come is the answer to a probe. */
  expectProbeAnswer(): void {
    this.#expected = 'probe-answer';
  }

  receive(chunk: Uint8Array): void {
    if (this.#stopped) return;
    this.receivedAt = Date.now();
    this.arrivedAt = performance.now();
    this.heardAt = this.#clock.now;
    if (this.#decoding) return void this.#early.push(chunk);
    this.#reader.append(chunk);
    this.#decode();
  }

  pause(): void {
    this.isPaused = true;
    this.frameSince = 0;
  }

  resume(): void {
    this.isPaused = false;
    this.#decode();
  }

  /** Hands nothing on any more and forgets what arrived. */
  stop(): void {
    this.#stopped = true;
    this.frameSince = 0;
    this.#early = [];
    this.#reader.clear();
  }

  #decode(): void {
    if (this.#decoding) return;
    this.#decoding = true;
    let progress = false;
    try {
      while (this.#isReady()) {
        this.#read();
        progress = true;
      }
    } catch (error) {
      if (error !== INCOMPLETE) {
        this.#owner.onReadEnd?.();
        this.#onGarbage(error);
      }
    } finally {
      this.#decoding = false;
    }
    this.#owner.onReadEnd?.();
    this.#watchFrame(progress);
    if (this.#early.length > 0) this.#decodeEarly();
  }

  #decodeEarly(): void {
    for (const chunk of this.#early.splice(0)) this.#reader.append(chunk);
    this.#decode();
  }

  #isReady(): boolean {
    const { unread, needed } = this.#reader;
    return !this.isPaused && !this.#stopped && unread > 0 && unread >= needed;
  }

  /** A frame that is cut has its time limit from its first byte on: later bytes do not extend it. */
  #watchFrame(progress: boolean): void {
    if (this.#stopped || this.isPaused || this.#expected === 'server-info' || this.#reader.unread === 0)
      this.frameSince = 0;
    else if (progress || this.frameSince === 0) this.frameSince = this.#clock.now;
  }

  #read(): void {
    this.#reader.beginFrame(this.#limit.bytes, this.#limit.option);
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
    const info = readServerInfo(this.#reader);
    this.#reader.endFrame();
    this.#limit = this.#direction.receive;
    this.#expected = 'frames';
    this.#owner.onServerInfo(info);
  }

  /** A probe is exactly `80 00`, and only as the first frame; anywhere else that is a ping. */
  #readFirstFrame(): void {
    if (this.#startsPadded()) {
      this.#reader.readBytes(2);
      this.#reader.endFrame();
      this.#expected = 'frames';
      this.isExtended = this.#owner.onProbe();
      if (this.isExtended) this.#limit = GREETING_LIMIT;
      if (!this.isExtended) this.#owner.onPing(1);
      return;
    }
    this.#readFrame();
    this.#expected = 'frames';
  }

  #readProbeAnswer(): void {
    if (this.#startsPadded()) {
      this.isExtended = true;
      this.#limit = GREETING_LIMIT;
    } else if (this.#reader.readByte() !== 0)
      throw new CmdStreamError('PROTOCOL_ERROR', 'the server answered the probe with neither a pong nor HELLO');
    else this.#reader.endFrame();
    this.#expected = 'frames';
    this.#owner.onProbeAnswer(this.isExtended);
  }

  #startsPadded(): boolean {
    if (this.#reader.peek(0) !== PADDED) return false;
    this.#reader.require(2);
    return this.#reader.peek(1) === 0;
  }

  #readFrame(): void {
    const reader = this.#reader;
    reader.skipsRefused = this.isExtended;
    const seq = reader.readPositive();
    if (seq === PING_SEQ) return this.#readZero();
    let value: unknown;
    try {
      value = this.#direction.decode(reader);
    } catch (error) {
      if (error === INCOMPLETE) throw error;
      if (!this.isExtended || !isCmdStreamError(error) || !reader.skipFrame()) {
        this.#owner.onUnreadable?.(seq, decodeError(error));
        throw error;
      }
      reader.endFrame();
      this.copiesNext = false;
      return this.#owner.onRefused(seq, error);
    }
    if (this.copiesNext) {
      this.copiesNext = false;
      const frame = reader.copyFrame();
      return this.#owner.onValue(seq, value, reader.endFrame(), frame);
    }
    this.#owner.onValue(seq, value, reader.endFrame());
  }

  /** Pings come in runs; what is longer than one byte is padded, and in two bytes the mark of a control frame. */
  #readZero(): void {
    const reader = this.#reader;
    const length = reader.consumed;
    if (this.isExtended && length === 2) return this.#readControl();
    const count = length === 1 ? 1 + reader.readZeros() : 1;
    reader.endFrame();
    this.#owner.onPing(count);
  }

  #readControl(): void {
    const reader = this.#reader;
    const kind = reader.readUvarint();
    reader.delimit(reader.readLength());
    this.#owner.onControl(Number(kind), reader);
    // The first was HELLO.
    this.#limit = this.#direction.receive;
    if (this.#stopped) return;
    reader.skipFrame();
    reader.endFrame();
  }
}
