// A struct: its fields one after the other, in the order in which they are listed; nothing around or between them.
import type { TypeClass } from '../contract/type-table.js';
import { CmdStreamError, messageOf } from '../errors.js';
import type { ByteReader } from '../wire/byte-reader.js';
import type { PayloadReader, PayloadWriter } from '../wire/payload.js';
import { cutBy, misfit, musError } from './mus-error.js';
import {
  isAsync,
  isMusSerializer,
  MusSerializer,
  type AnyMusSerializer,
  type MUS_VALUE,
  type Shell,
} from './mus-serializer.js';
import type { Drawable } from './schema-layouts.js';

/** A serializer for a field of the type `V`. */
export interface MusField<V> extends AnyMusSerializer {
  readonly [MUS_VALUE]: (value: V) => V;
}

/** The fields of a class that travel, in their order. */
export type MusFields<T> = { readonly [K in keyof T]?: MusField<T[K]> };

type Fields = Record<string, unknown>;

interface Progress {
  readonly target: Fields;
  readonly next: number;
}

/**
 * The fields of a class. What is read is a `new Class()` with its fields assigned; what is written may be any object
 * that has them.
 *
 * @publicApi
 */
export class MusStruct<T extends object> extends MusSerializer<T> {
  readonly #type: new () => T;
  readonly #name: string;
  readonly #names: readonly string[];
  readonly #fields: readonly AnyMusSerializer[];
  #minBytes: number | undefined;

  /**
   * @throws {CmdStreamError} INVALID_CONTRACT when the class cannot be made without arguments, or a field cannot be one
   */
  constructor(type: new () => T, fields: MusFields<T>) {
    super();
    this.#type = type;
    this.#name = type.name || 'an anonymous class';
    this.#names = Object.keys(fields);
    this.#fields = Object.values(fields) as AnyMusSerializer[];
    checkFields(this.#name, sampleOf(type, this.#name), fields);
  }

  /** @internal */
  override get types(): readonly TypeClass[] {
    return [this.#type];
  }

  get minBytes(): number {
    if (this.#minBytes !== undefined) return this.#minBytes;
    // A struct that contains itself asks again while it counts.
    this.#minBytes = 0;
    return (this.#minBytes = this.#bytesFrom(0));
  }

  #bytesFrom(first: number): number {
    return this.#fields.slice(first).reduce((sum, field) => sum + field.minBytes, 0);
  }

  /** @internal */
  override describe(draw: (part: Drawable) => string): string {
    return `{${this.#fields.map((field, at) => `${this.#names[at]}:${draw(field)}`).join(',')}}`;
  }

  encode(value: T, writer: PayloadWriter): void {
    if (typeof value !== 'object' || value === null) throw misfit(`an object of ${this.#name}`, value);
    const names = this.#names;
    const fields = this.#fields;
    let at = 0;
    try {
      for (; at < names.length; at++) fields[at]!.encode((value as Fields)[names[at]!] as never, writer);
    } catch (error) {
      throw musError(error, 'ENCODE_FAILED').inside(`.${names[at]}`, this.#name);
    }
  }

  decode(reader: PayloadReader): T {
    return this.fill(reader as ByteReader);
  }

  /** @internal */
  override get shell(): Shell<T> {
    return this;
  }

  /** @internal */
  create(): T {
    try {
      return new this.#type();
    } catch (error) {
      throw musError(error, 'BAD_PAYLOAD').inside('', this.#name);
    }
  }

  /** @internal */
  fill(reader: ByteReader, empty?: T): T {
    const names = this.#names;
    const fields = this.#fields;
    const start = reader.consumed;
    const kept = reader.resume(this) as Progress | undefined;
    let at = kept === undefined ? 0 : kept.next;
    let target: Fields | undefined;
    let position = reader.consumed;
    try {
      if (kept === undefined) reader.countValue();
      target = kept === undefined ? ((empty ?? new this.#type()) as Fields) : kept.target;
      for (; at < names.length; at++) {
        position = reader.consumed;
        target[names[at]!] = fields[at]!.decode(reader);
      }
      return target as T;
    } catch (error) {
      throw cutBy(error, reader, () => ({
        owner: this,
        start,
        position,
        progress: { target: target!, next: at } satisfies Progress,
        rest: this.#bytesFrom(at + 1),
        segment: target === undefined ? '' : `.${names[at]}`,
        name: this.#name,
      }));
    }
  }
}

function sampleOf(type: new () => object, name: string): Fields {
  try {
    return new type() as Fields;
  } catch (error) {
    const fails = `new ${name}() fails, and decoding begins with it`;
    const reason = `${fails}: give its parameters defaults: ${messageOf(error)}`;
    throw new CmdStreamError('INVALID_CONTRACT', reason, { cause: error });
  }
}

function checkFields(name: string, sample: Fields, fields: object): void {
  for (const [key, field] of Object.entries(fields)) {
    const fault = faultOf(key, field, sample);
    if (fault) throw new CmdStreamError('INVALID_CONTRACT', `${name}.${key} ${fault}`);
  }
}

function faultOf(key: string, field: unknown, sample: Fields): string | undefined {
  if (!isMusSerializer(field)) return 'has no serializer';
  if (isAsync(field)) return 'has a serializer that is async: it must answer at once';
  if (/^\d+$/.test(key)) return 'is a number, and JavaScript moves those to the front';
  if (key === '__proto__' || typeof sample[key] === 'function') return 'is a method, which does not travel';
  return isReadOnly(sample, key) ? 'has a getter and no setter, so nothing can be read into it' : undefined;
}

function isReadOnly(sample: Fields, key: string): boolean {
  for (let at: unknown = sample; at; at = Object.getPrototypeOf(at)) {
    const found = Object.getOwnPropertyDescriptor(at, key);
    if (found) return found.get !== undefined && found.set === undefined;
  }
  return false;
}
