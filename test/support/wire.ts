// The client's end of a connection without a network: a test says what the server sends, and sees what it has got.
import { Duplex } from 'node:stream';
import { turns } from './deadline.js';

export class Wire extends Duplex {
  /** Has the client sent FIN? */
  isFinished = false;
  readonly #written: Buffer[] = [];

  /** All that the client has written. */
  get hex(): string {
    return Buffer.concat(this.#written).toString('hex');
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // Its memory may be used for the next write.
    this.#written.push(Buffer.from(bytes));
    done();
  }

  override _final(done: () => void): void {
    this.isFinished = true;
    done();
  }

  /** The server sends these bytes. */
  async brings(hex: string): Promise<void> {
    this.push(Buffer.from(hex, 'hex'));
    await turns();
  }

  /** The server sends FIN. */
  async ends(): Promise<void> {
    this.push(null);
    await turns();
  }

  async isReset(): Promise<void> {
    this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    await turns();
  }
}
