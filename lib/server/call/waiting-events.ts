// Events that wait for their turn, as the bytes they came in: what a value takes in memory is many times that, and is
// the peer's choice. They were decoded once when they came, to be refused there if they must; each is decoded again in
// its turn.
//
//   record = length of head, head, frame         head = when it came, its number, metadata of a Command
import { PatternMessage } from '../../codec/pattern-message.js';
import type { CodecDirection } from '../../connection/codec-direction.js';
import { ByteReader } from '../../wire/byte-reader.js';
import { NO_METADATA, writeMap } from '../../wire/control-frame.js';
import { readEvent, readMap } from '../../wire/control-reader.js';
import { PackedFrames } from '../../wire/packed-frames.js';
import type { ArrivedCommand } from './server-call.js';

/** An event as it has arrived. */
export interface ArrivedEvent extends ArrivedCommand {
  readonly seq: number;
  /** A copy of its bytes; undefined where it is sure that it need not wait. */
  readonly frame?: Buffer | undefined;
}

export class WaitingEvents {
  readonly #direction: CodecDirection;
  readonly #records = new PackedFrames();

  constructor(direction: CodecDirection) {
    this.#direction = direction;
  }

  get length(): number {
    return this.#records.length;
  }

  /** Bytes of memory that are held. */
  get cost(): number {
    return this.#records.cost;
  }

  push(event: ArrivedEvent, frame: Uint8Array): void {
    this.#records.append((writer) => {
      writer.writeSized((head) => {
        head.writeFloat64(event.receivedAt);
        head.writeUvarint(event.seq);
        // An event by pattern has its metadata in its frame.
        writeMap(head, event.seq === 0 ? NO_METADATA : event.metadata);
      });
      writer.writeBytes(frame);
    }, false);
  }

  /** Takes the first. There must be one. */
  shift(): Buffer {
    return this.#records.shift();
  }

  clear(): void {
    this.#records.clear();
  }

  /** @throws what the codec throws */
  decode(record: Buffer): ArrivedEvent {
    const { bytes, option } = this.#direction.receive;
    const reader = new ByteReader();
    reader.append(record);
    reader.beginFrame(record.length, option);
    reader.delimit(reader.readLength());
    const receivedAt = reader.readFloat64();
    const seq = Number(reader.readUvarint());
    const metadata = readMap(reader);
    reader.endFrame();
    reader.beginFrame(bytes, option);
    const came = { seq, receivedAt, bytesRead: reader.unread };
    reader.readPositive();
    return seq === 0
      ? { ...came, ...this.#patternIn(reader) }
      : { ...came, metadata, command: this.#direction.decode(reader) };
  }

  #patternIn(reader: ByteReader): Pick<ArrivedEvent, 'command' | 'metadata'> {
    reader.readUvarint();
    reader.delimit(reader.readLength());
    const { route, packet, metadata } = readEvent(reader);
    const data = this.#direction.dataCodec.read(route, reader);
    return { metadata, command: new PatternMessage('event', route, data, packet) };
  }
}
