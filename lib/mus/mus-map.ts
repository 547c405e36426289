// Maps: a number of entries, then key, value, key, value. Of equal keys the later one counts.
import { isMap } from 'node:util/types';
import { peerText } from '../errors.js';
import type { ByteReader } from '../wire/byte-reader.js';
import type { PayloadReader, PayloadWriter } from '../wire/payload.js';
import { LengthRule, type MusLengthOptions } from './length-rule.js';
import { cutBy, misfit, musError } from './mus-error.js';
import { mustSerialize, MusSerializer, type Shell } from './mus-serializer.js';
import type { Drawable } from './schema-layouts.js';

interface Progress<K, V> {
  readonly count: number;
  readonly map: Map<K, V>;
  /** Entries that are read. */
  readonly done: number;
  /** The key of the next one, if it is read. */
  readonly key: { readonly value: K } | undefined;
}

/**
 * A Map, written in its order. Keys are equal if they are to a Map: objects only if they are the same one.
 *
 * @publicApi
 */
export class MusMap<K, V, KI, VI> extends MusSerializer<Map<K, V>, ReadonlyMap<KI, VI>> {
  readonly minBytes: number;
  readonly #key: MusSerializer<K, KI>;
  readonly #value: MusSerializer<V, VI>;
  readonly #length: LengthRule;

  /** @throws {CmdStreamError} INVALID_OPTION, INVALID_CONTRACT */
  constructor(key: MusSerializer<K, KI>, value: MusSerializer<V, VI>, options?: MusLengthOptions) {
    super();
    mustSerialize('mus.map', key, value);
    this.#key = key;
    this.#value = value;
    this.#length = new LengthRule('mus.map', options);
    this.minBytes = this.#length.minBytes;
  }

  /** @internal */
  override describe(draw: (part: Drawable) => string): string {
    return `map(${this.#length.layout},${draw(this.#key)},${draw(this.#value)})`;
  }

  encode(map: ReadonlyMap<KI, VI>, writer: PayloadWriter): void {
    if (!isMap(map)) throw misfit('a Map', map);
    const { size } = map;
    this.#length.write(size, writer);
    let done = 0;
    let segment = '';
    try {
      for (const [key, value] of map as Map<KI, VI>) {
        segment = `[key ${done}]`;
        this.#key.encode(key, writer);
        segment = '';
        this.#value.encode(value, writer);
        done++;
      }
    } catch (error) {
      throw musError(error, 'ENCODE_FAILED').inside(segment || entryText([...map.keys()][done], done), '');
    }
    // A getter may have changed the map while it was written.
    if (done !== size) throw misfit(`a Map of ${size} entries`, map);
  }

  decode(reader: PayloadReader): Map<K, V> {
    return this.fill(reader as ByteReader, new Map());
  }

  /** @internal */
  override get shell(): Shell<Map<K, V>> {
    return this;
  }

  /** @internal */
  create(): Map<K, V> {
    return new Map();
  }

  /** @internal */
  fill(reader: ByteReader, empty: Map<K, V>): Map<K, V> {
    const start = reader.consumed;
    const kept = reader.resume(this) as Progress<K, V> | undefined;
    const map = kept === undefined ? empty : kept.map;
    const count = kept === undefined ? this.#readCount(reader) : kept.count;
    let done = kept === undefined ? 0 : kept.done;
    let key = kept?.key;
    let position = reader.consumed;
    try {
      for (; done < count; done++) {
        if (key === undefined) {
          key = { value: this.#key.decode(reader) };
          position = reader.consumed;
        }
        map.set(key.value, this.#value.decode(reader));
        key = undefined;
        position = reader.consumed;
      }
    } catch (error) {
      throw cutBy(error, reader, () => ({
        owner: this,
        start,
        position,
        progress: { count, map, done, key } satisfies Progress<K, V>,
        rest: (count - done - 1) * this.#entryBytes + (key === undefined ? this.#value.minBytes : 0),
        segment: key === undefined ? `[key ${done}]` : entryText(key.value, done),
        name: '',
      }));
    }
    return map;
  }

  get #entryBytes(): number {
    return this.#key.minBytes + this.#value.minBytes;
  }

  #readCount(reader: PayloadReader): number {
    reader.countValue();
    const count = this.#length.read(reader);
    reader.allow(count, this.#entryBytes);
    return count;
  }
}

function entryText(key: unknown, index: number): string {
  if (typeof key === 'string') return `[${peerText(JSON.stringify(key))}]`;
  return typeof key === 'object' ? `[entry ${index}]` : `[${String(key)}]`;
}
