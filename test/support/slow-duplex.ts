// A Duplex whose writes are taken when a test says so, as a proxy, a tunnel or a compressor does it: what was written
// is kept, not copied, until then.
import { Duplex } from 'node:stream';

interface Write {
  readonly bytes: Buffer;
  done(error?: Error | null): void;
}

export class SlowDuplex extends Duplex {
  /** Everything that was written, in order, by the memory it was written from. */
  readonly writes: Buffer[] = [];
  /** Has the other side sent FIN to it? */
  isFinished = false;
  #waiting: Write[] = [];

  constructor() {
    super({ autoDestroy: false });
  }

  /** Writes that are not taken yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** All bytes that were written, as they look now. */
  get written(): Buffer {
    return Buffer.concat(this.writes);
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: Write['done']): void {
    this.writes.push(bytes);
    this.#waiting.push({ bytes, done });
  }

  override _final(done: () => void): void {
    this.isFinished = true;
    done();
  }

  /** Takes the oldest write that waits, or fails it. */
  takeWrite(error?: Error): void {
    const write = this.#waiting.shift();
    if (write === undefined) throw new Error('no write waits');
    write.done(error);
  }
}
