// The protocols once more, as docs/wire-protocol.md and docs/protocol-extension.md have them: slow, small, whole bytes
// only, every number a BigInt. It shares no code with lib, and says what lib must make of a stream of frames.

/** The bytes end before the value does. */
export const SHORT = Symbol('short');

/** What the bytes are refused for, by the code of the error. */
export class Fault {
  constructor(readonly code: string) {}
}

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });
const SAFE = 2n ** 53n - 1n;
const MAX_TEXT = 65_536n;

/** Reads one frame of at most `limit` bytes, counted from `start`. */
export class Cursor {
  at: number;
  /** Where the payload ends, once that is known. */
  end: number | undefined;

  constructor(
    readonly bytes: Uint8Array,
    readonly start: number,
    readonly limit: number,
  ) {
    this.at = start;
  }

  get consumed(): number {
    return this.at - this.start;
  }

  get remaining(): bigint {
    return BigInt(this.end! - this.at);
  }

  need(count: bigint): void {
    const last = BigInt(this.at) + count;
    if (this.end !== undefined && last > BigInt(this.end)) throw new Fault('BAD_PAYLOAD');
    if (last - BigInt(this.start) > BigInt(this.limit)) throw new Fault('FRAME_TOO_LARGE');
    if (last > BigInt(this.bytes.length)) throw SHORT;
  }

  byte(): bigint {
    this.need(1n);
    return BigInt(this.bytes[this.at++]!);
  }

  /** `bits` wide; the last byte it may have must not go beyond them. */
  varint(bits = 64n): bigint {
    const most = (bits + 6n) / 7n;
    let value = 0n;
    for (let index = 0n; ; index++) {
      const byte = this.byte();
      const shift = 7n * index;
      if (index === most - 1n && byte >= 1n << (bits - shift)) throw new Fault('VARINT_OVERFLOW');
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) return value;
    }
  }

  /** Two's complement as a varint. */
  positive(): bigint {
    return BigInt.asIntN(64, this.varint());
  }

  length(): bigint {
    const length = this.positive();
    if (length < 0n) throw new Fault('NEGATIVE_LENGTH');
    if (BigInt(this.consumed) + length > BigInt(this.limit)) throw new Fault('FRAME_TOO_LARGE');
    return length;
  }

  /** A number of a control frame. */
  number(): bigint {
    const value = this.varint();
    if (value > SAFE) throw new Fault('PROTOCOL_ERROR');
    return value;
  }

  take(count: bigint): Uint8Array {
    this.need(count);
    return this.bytes.subarray(this.at, (this.at += Number(count)));
  }

  rest(): string {
    return UTF8.decode(this.take(this.remaining));
  }

  text(most = MAX_TEXT): string {
    const length = this.number();
    if (length > most || length > this.remaining) throw new Fault('PROTOCOL_ERROR');
    return UTF8.decode(this.take(length));
  }

  map(): string {
    const count = this.number();
    if (count > 1_024n) throw new Fault('PROTOCOL_ERROR');
    const entries = new Map<string, string>();
    for (let index = 0n; index < count; index++) entries.set(this.text(), this.text());
    return mapText(entries);
  }

  hashes(): string {
    const count = this.number();
    if (count * 4n > this.remaining) throw new Fault('PROTOCOL_ERROR');
    return Array.from({ length: Number(count) }, () => Buffer.from(this.take(4n)).toString('hex')).join();
  }
}

export function mapText(entries: Iterable<readonly [string, string]>): string {
  return JSON.stringify([...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** What a frame may be, at whom. */
export interface Reading {
  readonly side: 'client' | 'server';
  /** Does this side speak the extension? */
  readonly extension: boolean;
  /** Largest frame, in bytes. */
  readonly limit: number;
  /** Type numbers that are known. */
  readonly types: readonly number[];
}

const HELLO_LIMIT = 262_144;
/** A body that begins with it is refused, by the codec of the targets. */
export const REFUSED_BODY = 0xff;

/** All that a side is notified of when these bytes have come, one line for each event; pings are counted together. */
export function expectedEvents(bytes: Uint8Array, reading: Reading): readonly string[] {
  return new Expectation(bytes, reading).events;
}

class Expectation {
  readonly events: string[] = [];
  readonly #bytes: Uint8Array;
  readonly #reading: Reading;
  #at = 0;
  #limit: number;
  #isExtended = false;
  #pings = 0;

  constructor(bytes: Uint8Array, reading: Reading) {
    this.#bytes = bytes;
    this.#reading = reading;
    this.#limit = reading.side === 'client' ? HELLO_LIMIT : reading.limit;
    try {
      if (reading.side === 'client') this.#greeting();
      else this.#first();
      while (this.#at < bytes.length) this.#frame();
    } catch (fault) {
      if (fault === SHORT) this.#flush();
      else if (fault instanceof Fault) this.#tell(`invalid ${fault.code}`);
      else throw fault;
    }
    this.#flush();
  }

  #begin(): Cursor {
    return new Cursor(this.#bytes, this.#at, this.#limit);
  }

  #tell(event: string): void {
    this.#flush();
    this.events.push(event);
  }

  #flush(): void {
    if (this.#pings > 0) this.events.push(`${this.#pings} pings`);
    this.#pings = 0;
  }

  #greeting(): void {
    const cursor = this.#begin();
    const length = cursor.positive();
    if (length < 0n) throw new Fault('NEGATIVE_LENGTH');
    if (length > 1_024n) throw new Fault('SERVER_INFO_TOO_LARGE');
    this.#tell(`info ${hexOf(cursor.take(length))}`);
    this.#at = cursor.at;
    this.#limit = this.#reading.limit;
    if (this.#reading.extension && this.#at < this.#bytes.length) this.#probeAnswer();
  }

  #probeAnswer(): void {
    const cursor = this.#begin();
    const first = cursor.byte();
    if (first === 0x80n && cursor.byte() === 0n) {
      this.#isExtended = true;
      this.#limit = HELLO_LIMIT;
    } else if (first === 0n) this.#at++;
    else throw new Fault('PROTOCOL_ERROR');
    this.#tell(`extended: ${this.#isExtended}`);
  }

  #first(): void {
    if (this.#bytes[0] !== 0x80) return;
    const cursor = this.#begin();
    cursor.need(2n);
    if (this.#bytes[1] !== 0) return;
    this.#at = 2;
    if (!this.#reading.extension) this.#pings++;
    else {
      this.#tell('probe');
      this.#isExtended = true;
      this.#limit = HELLO_LIMIT;
    }
  }

  #frame(): void {
    const cursor = this.#begin();
    const seq = cursor.positive();
    if (seq !== 0n) this.#value(cursor, seq);
    else if (this.#isExtended && cursor.consumed === 2) this.#control(cursor);
    else this.#pings++;
    this.#at = cursor.at;
  }

  #value(cursor: Cursor, seq: bigint): void {
    const type = cursor.positive();
    const length = cursor.length();
    const isKnown = type >= 0n && this.#reading.types.includes(Number(type));
    if (!isKnown && !this.#isExtended) throw new Fault('UNKNOWN_TYPE');
    const body = cursor.take(length);
    const fault = isKnown ? body[0] === REFUSED_BODY && 'BAD_PAYLOAD' : 'UNKNOWN_TYPE';
    if (fault && !this.#isExtended) throw new Fault(fault);
    this.#tell(fault ? `refused ${seq} ${fault}` : `value ${seq} ${type} ${hexOf(body)} of ${cursor.consumed}`);
  }

  #control(cursor: Cursor): void {
    const kind = cursor.varint();
    const length = cursor.length();
    cursor.need(length);
    const end = cursor.at + Number(length);
    cursor.end = end;
    const say = payloads[Number(kind)];
    this.#tell(`control ${Number(kind)} ${say ? say(cursor) : ''}`);
    cursor.at = end;
    this.#limit = this.#reading.limit;
  }
}

const seqAnd = (read: (cursor: Cursor) => unknown) => (cursor: Cursor) => `${cursor.positive()} ${read(cursor)}`;
const seqAlone = (cursor: Cursor): string => String(cursor.positive());

function metaFlags(cursor: Cursor): { flags: bigint; text: string } {
  const flags = cursor.number();
  const remaining = cursor.number();
  const credit = cursor.number();
  const ms = flags & 1n ? remaining : '-';
  return { flags, text: `${ms} ${credit} ${cursor.map()} ${(flags & 4n) > 0n}` };
}

const payloads: Readonly<Record<number, (cursor: Cursor) => string>> = {
  1(cursor) {
    const numbers = [0, 0, 0, 0, 0].map(() => cursor.number());
    if (numbers[2]! < 64n) throw new Fault('PROTOCOL_ERROR');
    return `${numbers.join()} ${JSON.stringify(cursor.text())} ${cursor.hashes()} ${cursor.hashes()}`;
  },
  2: seqAnd((cursor) => metaFlags(cursor).text),
  3: seqAnd((cursor) => {
    const { flags, text } = metaFlags(cursor);
    return `${text} ${(flags & 2n) > 0n} ${JSON.stringify([cursor.text(SAFE), cursor.rest()])}`;
  }),
  4(cursor) {
    const flags = cursor.number();
    return `${(flags & 2n) > 0n} ${cursor.map()} ${JSON.stringify([cursor.text(SAFE), cursor.rest()])}`;
  },
  5: seqAlone,
  6: seqAnd((cursor) => {
    const flags = cursor.number();
    return `${(flags & 1n) > 0n} ${(flags & 2n) > 0n} ${JSON.stringify(cursor.rest())}`;
  }),
  7: seqAlone,
  8: seqAnd((cursor) => JSON.stringify([cursor.text(), cursor.rest()])),
  9: seqAnd((cursor) => JSON.stringify(cursor.text())),
  10: seqAnd((cursor) => cursor.number()),
  11: (cursor) => JSON.stringify(cursor.text()),
};

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
