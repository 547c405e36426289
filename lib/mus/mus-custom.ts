// A serializer that a user wrote: whatever it throws becomes an error of MUS.
import { requireSync } from '../callbacks.js';
import { isClass, type TypeClass } from '../contract/type-table.js';
import { CmdStreamError } from '../errors.js';
import { INCOMPLETE } from '../wire/decode-progress.js';
import type { ByteReader } from '../wire/byte-reader.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import type { PayloadReader, PayloadWriter } from '../wire/payload.js';
import { musError } from './mus-error.js';
import { MusSerializer } from './mus-serializer.js';

/**
 * A layout of your own, for `mus.custom()`: two functions that write and read the same bytes.
 *
 * @publicApi
 */
export interface MusCustom<T, I = T> {
  /** Writes one value; what it throws fails the call with ENCODE_FAILED. */
  encode(value: I, writer: PayloadWriter): void;
  /** Reads exactly one value. What the reader throws must pass. */
  decode(reader: PayloadReader): T;
  /** Fewest bytes a value takes. Default: none is known. */
  readonly minBytes?: number | undefined;
  /**
   * Names the layout, for the check of the contract when two peers connect: give it another one when the bytes change.
   * Default: none; a change goes unnoticed.
   */
  readonly layout?: string | undefined;
  /** The class of the values, for a contract or an interface. Default: none. */
  readonly type?: TypeClass<T> | undefined;
}

export class CustomSerializer<T, I> extends MusSerializer<T, I> {
  readonly minBytes: number;
  readonly #custom: MusCustom<T, I>;
  readonly #types: readonly TypeClass[];

  /** @throws {CmdStreamError} INVALID_CONTRACT */
  constructor(custom: MusCustom<T, I>) {
    super();
    const fault = faultOf(custom);
    if (fault) throw new CmdStreamError('INVALID_CONTRACT', `mus.custom needs ${fault}`);
    this.#custom = custom;
    this.minBytes = custom.minBytes ?? 0;
    this.#types = custom.type === undefined ? [] : [custom.type];
  }

  override get types(): readonly TypeClass[] {
    return this.#types;
  }

  override describe(): string {
    return `custom(${JSON.stringify(this.#custom.layout ?? '')})`;
  }

  encode(value: I, writer: ByteWriter): void {
    try {
      requireSync('ENCODE_FAILED', 'encode() of mus.custom', this.#custom.encode(value, writer));
    } catch (error) {
      throw musError(error, 'ENCODE_FAILED');
    }
  }

  decode(reader: ByteReader): T {
    try {
      return requireSync('BAD_PAYLOAD', 'decode() of mus.custom', this.#custom.decode(reader));
    } catch (error) {
      throw error === INCOMPLETE ? error : musError(error, 'BAD_PAYLOAD');
    }
  }
}

function faultOf(custom: unknown): string | undefined {
  const { encode, decode, minBytes = 0, layout, type } = (custom ?? {}) as Record<string, unknown>;
  if (typeof encode !== 'function' || typeof decode !== 'function') return 'the methods `encode` and `decode`';
  if (!Number.isSafeInteger(minBytes) || (minBytes as number) < 0) return 'a whole number from 0 as `minBytes`';
  if (layout !== undefined && typeof layout !== 'string') return 'a text as `layout`';
  return type === undefined || isClass(type) ? undefined : 'a class as `type`';
}
