// The frame reader of both sides, plain and extended, with the control frames it hands on: what it makes of any bytes,
// however they are cut, is what the oracle says.
import { readFileSync } from 'node:fs';
import { TaggedCodec, type BodyCodec } from '../../lib/codec/tagged-codec.js';
import { clientDirection, serverDirection } from '../../lib/connection/codec-direction.js';
import { FrameReader, type FrameReaderListener } from '../../lib/connection/frame-reader.js';
import { tablesOf } from '../../lib/contract/contract.js';
import { CmdStreamError, Command, defineContract, reserved, Result } from '../../lib/core.js';
import type { ByteReader } from '../../lib/wire/byte-reader.js';
import type { MessageHead, Meta } from '../../lib/wire/control-frame.js';
import * as control from '../../lib/wire/control-reader.js';
import type { Seq } from '../../lib/wire/frame.js';
import { wireVectors } from '../unit/wire/wire-vectors.js';
import { expectedEvents, hexOf, mapText, REFUSED_BODY, type Reading } from './oracle.js';
import { codeIn, Finding, mustEqual, piecesOf, type Target } from './target.js';

const file = new URL('../fixtures/extension-vectors.json', import.meta.url);
const extensionVectors = JSON.parse(readFileSync(file, 'utf8')) as { readonly hex: string }[];

class OneCmd extends Command {}
class TwoCmd extends Command {}
class OneResult extends Result {}

const contract = tablesOf(defineContract({ commands: [OneCmd, reserved, TwoCmd], results: [OneResult] }));
const TYPES = { server: [0, 2], client: [0] };
const LIMIT = 300;
/** What a reader may hold beside what has arrived: room for as much again, 1 KiB at least. */
const LEAST_ROOM = 1_024;

const bodies: BodyCodec = {
  encodeBody() {},
  decodeBody(index, reader) {
    const body = reader.readBytes(reader.remaining);
    if (body[0] === REFUSED_BODY) throw new CmdStreamError('BAD_PAYLOAD', 'refused');
    return `${index} ${hexOf(body)}`;
  },
};
const codec = new TaggedCodec('bytes', contract, bodies, bodies);
const limits = { maxCommandBytes: LIMIT, maxResultBytes: LIMIT };
const directions = { client: clientDirection(codec, limits), server: serverDirection(codec, limits) };

/** Writes down what it is notified of, as the oracle does. */
class Journal implements FrameReaderListener {
  readonly #events: string[] = [];
  readonly #extension: boolean;
  readonly #reader: FrameReader;
  #pings = 0;
  #arrived = 0;

  constructor({ side, extension }: Reading) {
    this.#extension = extension;
    const onInvalid = (error: unknown): void => {
      this.#tell(`invalid ${codeIn(error, faults)}`);
      this.#reader.stop();
    };
    const config = { side, direction: directions[side], ticker: { now: 1 } };
    this.#reader = new FrameReader(config, this, { onInvalid, onHeld() {} });
  }

  receive(piece: Uint8Array): void {
    this.#arrived += piece.length;
    this.#reader.receive(piece);
    const { heldBytes } = this.#reader;
    if (heldBytes > LEAST_ROOM + 2 * this.#arrived)
      throw new Finding(`${heldBytes} bytes are held of ${this.#arrived} that have arrived`);
  }

  end(): string {
    this.#flush();
    return this.#events.join('\n');
  }

  #tell(event: string): void {
    this.#flush();
    this.#events.push(event);
  }

  #flush(): void {
    if (this.#pings > 0) this.#events.push(`${this.#pings} pings`);
    this.#pings = 0;
  }

  onServerInfo(info: Buffer): void {
    this.#tell(`info ${info.toString('hex')}`);
    if (this.#extension) this.#reader.expectProbeAnswer();
  }

  onProbe(): boolean {
    if (this.#extension) this.#tell('probe');
    return this.#extension;
  }

  onProbeAnswer(extended: boolean): void {
    this.#tell(`extended: ${extended}`);
  }

  onPing(count: number): void {
    this.#pings += count;
  }

  onValue(seq: Seq, value: unknown, bytesRead: number): void {
    this.#tell(`value ${exact(seq)} ${String(value)} of ${bytesRead}`);
  }

  onRefused(seq: Seq, error: CmdStreamError): void {
    this.#tell(`refused ${exact(seq)} ${codeIn(error, refusals)}`);
  }

  onControl(kind: number, reader: ByteReader): void {
    const say = payloads[kind];
    this.#tell(`control ${kind} ${say ? say(reader) : ''}`);
  }
}

const refusals = ['BAD_PAYLOAD', 'UNKNOWN_TYPE'] as const;
const faults = [
  ...refusals,
  'FRAME_TOO_LARGE',
  'VARINT_OVERFLOW',
  'NEGATIVE_LENGTH',
  'SERVER_INFO_TOO_LARGE',
  'PROTOCOL_ERROR',
] as const;

/** A number where that is safe, a bigint elsewhere. */
function exact(seq: Seq): string {
  if (typeof seq === 'number' ? !Number.isSafeInteger(seq) : Number.isSafeInteger(Number(seq)))
    throw new Finding(`the ${typeof seq} ${seq}`);
  return String(seq);
}

function metaText({ remainingMs, credit, metadata, noAnswer = false }: Meta): string {
  return `${remainingMs ?? '-'} ${credit} ${mapText(Object.entries(metadata))} ${noAnswer}`;
}

/** Data is the rest of its frame. */
function dataIn(reader: ByteReader): string {
  return reader.readUtf8(reader.remaining);
}

function saidText({ route }: MessageHead, reader: ByteReader): string {
  const data = dataIn(reader);
  return JSON.stringify([route, data]);
}

function hashText(hashes: readonly number[]): string {
  return hashes.map((hash) => Buffer.from(Uint32Array.of(hash).buffer).toString('hex')).join();
}

const payloads: Readonly<Record<number, (reader: ByteReader) => string>> = {
  1(reader) {
    const hello = control.readHello(reader);
    const numbers = [hello.version, hello.features, hello.maxFrameBytes, hello.maxInFlight, hello.timeoutMs];
    return `${numbers.join()} ${JSON.stringify(hello.codec)} ${hashText(hello.commands)} ${hashText(hello.results)}`;
  },
  2(reader) {
    const meta = control.readMeta(reader);
    return `${exact(meta.seq)} ${metaText(meta)}`;
  },
  3(reader) {
    const message = control.readMessage(reader);
    return `${exact(message.seq)} ${metaText(message)} ${message.packet} ${saidText(message, reader)}`;
  },
  4(reader) {
    const event = control.readEvent(reader);
    return `${event.packet} ${mapText(Object.entries(event.metadata))} ${saidText(event, reader)}`;
  },
  5: (reader) => exact(reader.readPositive()),
  6(reader) {
    const { seq, last, packet } = control.readValue(reader);
    return `${exact(seq)} ${last} ${packet} ${JSON.stringify(dataIn(reader))}`;
  },
  7: (reader) => exact(reader.readPositive()),
  8(reader) {
    const { seq, code, data } = control.readError(reader);
    return `${exact(seq)} ${JSON.stringify([code, data])}`;
  },
  9(reader) {
    const { seq, code } = control.readCancel(reader);
    return `${exact(seq)} ${JSON.stringify(code)}`;
  },
  10(reader) {
    const { seq, credit } = control.readCredit(reader);
    return `${exact(seq)} ${credit}`;
  },
  11: (reader) => JSON.stringify(control.readGoaway(reader)),
};

function frameTarget(side: Reading['side'], extension: boolean): Target {
  const reading = { side, extension, limit: LIMIT, types: TYPES[side] };
  return {
    name: `${side}-${extension ? 'extended' : 'plain'}`,
    seeds: seedsFor(side, extension),
    run(bytes) {
      const expected = expectedEvents(bytes, reading).join('\n');
      const whole = new Journal(reading);
      whole.receive(bytes.slice());
      mustEqual('whole', whole.end(), expected);
      const cut = new Journal(reading);
      for (const piece of piecesOf(bytes)) cut.receive(piece);
      mustEqual('cut', cut.end(), expected);
    },
  };
}

const GREETING = '0764656661756c74';

/** The frames of the vectors one by one, and all control frames of a kind together. */
function seedsFor(side: Reading['side'], extension: boolean): readonly Uint8Array[] {
  const start = { server: extension ? '8000' : '', client: GREETING + (extension ? '' : '00') }[side];
  const controls = extension ? extensionVectors.map(({ hex }) => hex) : [];
  const frames = wireVectors.filter(({ kind }) => /frame|seq|ping|info/i.test(kind)).map(({ hex }) => hex);
  const own = ['000000', '8000', '01000161', '0102026162', '02020161', '01000300ff00', '010001ff', '05010100'];
  const texts = [...own, ...frames, ...controls];
  return [...texts.map((hex) => start + hex), start + own.join(''), start + controls.slice(0, 12).join('')].map((hex) =>
    Buffer.from(hex, 'hex'),
  );
}

export const frameTargets: readonly Target[] = [
  frameTarget('server', false),
  frameTarget('server', true),
  frameTarget('client', false),
  frameTarget('client', true),
];
