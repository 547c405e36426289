// What has run, said by the servers themselves: each appends the number of a Command to a file before it runs it, at
// once, so that not even SIGKILL takes it back. Who reads the files knows what ran twice, and where.
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';

const RECORD_BYTES = 4;
/** Beside the number: it was sent as one that may run twice. */
const MAY_REPEAT = 0x8000_0000;
export const MAX_ID = 0x7fff_ffff;

export class JournalWriter {
  readonly #file: number;
  readonly #record = Buffer.alloc(RECORD_BYTES);

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  note(id: number, mayRepeat: boolean): void {
    this.#record.writeUInt32LE(mayRepeat ? (id | MAY_REPEAT) >>> 0 : id);
    writeSync(this.#file, this.#record);
  }
}

/** Reads the journal of one process while it is written. */
export class JournalReader {
  /** All numbers it has had so far. */
  readonly ids = new Set<number>();
  readonly #path: string;
  readonly #file: number;
  readonly #ledger: Ledger;
  readonly #keepsIds: boolean;
  readonly #chunk = Buffer.alloc(64 * 1024);
  #at = 0;

  /** `keepsIds`: false for a process whose numbers are not asked for, so that it may live for long. */
  constructor(path: string, ledger: Ledger, keepsIds: boolean) {
    this.#path = path;
    this.#ledger = ledger;
    this.#keepsIds = keepsIds;
    this.#file = openSync(path, 'a+');
  }

  read(): void {
    for (;;) {
      const length = readSync(this.#file, this.#chunk, 0, this.#chunk.length, this.#at);
      const whole = length - (length % RECORD_BYTES);
      if (whole === 0) return;
      for (let at = 0; at < whole; at += RECORD_BYTES) this.#take(this.#chunk.readUInt32LE(at));
      this.#at += whole;
    }
  }

  /** When the process has ended. */
  close(): void {
    this.read();
    closeSync(this.#file);
    rmSync(this.#path);
  }

  #take(record: number): void {
    const id = record & MAX_ID;
    if (this.#keepsIds) this.ids.add(id);
    this.#ledger.ran(id, (record & MAY_REPEAT) !== 0);
  }
}

const SEVEN = 7;

/** What ran at all servers together, one bit for each number. */
export class Ledger {
  /** Numbers of Commands that ran oftener than they may. */
  readonly duplicates: number[] = [];
  count = 0;
  #bits = new Uint8Array(1 << 20);

  ran(id: number, mayRepeat: boolean): void {
    this.count++;
    const hasRun = this.hasRun(id);
    if (hasRun && !mayRepeat) this.duplicates.push(id);
    if (!hasRun) this.#set(id);
  }

  hasRun(id: number): boolean {
    return ((this.#bits[id >>> 3] ?? 0) & (1 << (id & SEVEN))) !== 0;
  }

  #set(id: number): void {
    const byte = id >>> 3;
    if (byte >= this.#bits.length) {
      const more = new Uint8Array(Math.max(byte + 1, this.#bits.length * 2));
      more.set(this.#bits);
      this.#bits = more;
    }
    this.#bits[byte]! |= 1 << (id & SEVEN);
  }
}
