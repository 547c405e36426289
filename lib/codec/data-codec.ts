// The bytes of data by pattern, which belongs to no contract. Flat data, as most is, goes the way of json-flat.ts, one
// shape for each pattern; any other is a text of JSON, as pattern-message.ts makes and reads it.
import { types } from 'node:util';
import type { ByteReader } from '../wire/byte-reader.js';
import { ByteWriter } from '../wire/byte-writer.js';
import type { DataLimits } from './json/json-codec-options.js';
import { FlatReader, FlatWriter } from './json/json-flat.js';
import { dataOf, dataText } from './pattern-message.js';

/** Patterns whose shapes are remembered; all others, and long ones, which may be a peer's, have one together. */
const MOST_PATTERNS = 256;
const MOST_LETTERS = 256;
const OTHERS = '';
/** Larger memory is not kept for the next data. */
const MOST_SPARE_BYTES = 64 * 1024;

/** What all connections of one client or server know of the data that they write and read. */
export class DataCodec {
  readonly #limits: DataLimits;
  readonly #writers = new Map<string, FlatWriter>();
  readonly #readers = new Map<string, FlatReader>();
  /** For flat data; undefined while some is written, whose getters may write other data. */
  #spare: ByteWriter | undefined;

  constructor(limits: DataLimits) {
    this.#limits = limits;
  }

  /**
   * The JSON of data for the pattern, nothing for undefined: as text, or as bytes that are there until the next are
   * asked for.
   *
   * @throws {CmdStreamError} ENCODE_FAILED, JSON_LIMIT
   */
  write(route: string, data: unknown): string | ByteWriter {
    if (typeof data !== 'object' || data === null) return dataText(data, this.#limits);
    const flat = this.#writerOf(route);
    if (!flat.mayTry) return dataText(data, this.#limits);
    const bytes = this.#spare ?? new ByteWriter();
    this.#spare = undefined;
    bytes.truncate(0);
    const isWritten = flat.write(data, bytes);
    if (bytes.capacity <= MOST_SPARE_BYTES) this.#spare = bytes;
    if (isWritten) return bytes;
    const text = dataText(data, this.#limits);
    // For these JSON has a form of its own, whatever their fields.
    flat.learn(data, !Array.isArray(data) && !types.isBoxedPrimitive(data));
    return text;
  }

  /** The data that is the rest of the frame. @throws {CmdStreamError} BAD_PAYLOAD, JSON_LIMIT */
  read(route: string, reader: ByteReader): unknown {
    const flat = this.#readerOf(route);
    const isTried = flat.mayTry(reader);
    const read = isTried ? flat.read(reader) : undefined;
    if (read !== undefined) return read;
    const data = dataOf(reader.readUtf8(reader.remaining), this.#limits);
    if (isTried) flat.learn(typeof data !== 'object' || Array.isArray(data) ? null : data);
    return data;
  }

  #writerOf(route: string): FlatWriter {
    return this.#writers.get(route) ?? add(this.#writers, route, () => new FlatWriter(this.#limits));
  }

  #readerOf(route: string): FlatReader {
    const { maxComplexity = Number.POSITIVE_INFINITY } = this.#limits;
    const make = (): FlatReader => new FlatReader(Object, this.#limits, maxComplexity);
    return this.#readers.get(route) ?? add(this.#readers, route, make);
  }
}

function add<Flat>(all: Map<string, Flat>, route: string, make: () => Flat): Flat {
  const key = all.size < MOST_PATTERNS && route.length <= MOST_LETTERS ? route : OTHERS;
  const flat = all.get(key) ?? make();
  all.set(key, flat);
  return flat;
}
