// A serializer that is made later: what a recursive type refers to itself by. Owns the bound on the depth, which only
// recursion can exceed.
import type { TypeClass } from '../contract/type-table.js';
import { resolveOptions, integer, type OptionRules } from '../options.js';
import type { PayloadReader, PayloadWriter } from '../wire/payload.js';
import { MusError, type MusDirection } from './mus-error.js';
import { mustSerialize, MusSerializer, type Shell } from './mus-serializer.js';

/**
 * How deep a recursive type may be that `mus.lazy()` refers to.
 *
 * @publicApi
 */
export interface MusLazyOptions {
  /**
   * How often a value may contain itself, read or written: 1 to 250.
   * @default 64
   */
  maxDepth?: number | undefined;
}

export const musLazyDefaults = Object.freeze({ maxDepth: 64 });

export const musLazyRules: OptionRules<MusLazyOptions> = Object.freeze({ maxDepth: integer(1, 250, 'levels') });

/**
 * Stands for the serializer that `make` gives, asked for when it is first needed.
 *
 * @publicApi
 */
export class MusLazy<T, I> extends MusSerializer<T, I> {
  readonly #make: () => MusSerializer<T, I>;
  readonly #maxDepth: number;
  #made: MusSerializer<T, I> | undefined;
  #depth = 0;

  /** @throws {CmdStreamError} INVALID_OPTION */
  constructor(make: () => MusSerializer<T, I>, options?: MusLazyOptions) {
    super();
    this.#make = make;
    this.#maxDepth = resolveOptions<MusLazyOptions, typeof musLazyDefaults>(
      'mus.lazy',
      options,
      musLazyDefaults,
      musLazyRules,
    ).maxDepth;
  }

  /** @internal */
  override get target(): MusSerializer<T, I> {
    return (this.#made ??= this.#ask()).target;
  }

  #ask(): MusSerializer<T, I> {
    const made = this.#make();
    mustSerialize('mus.lazy', made);
    return made;
  }

  /** @internal */
  override get drawn(): MusSerializer<unknown, never> {
    return this.target.drawn;
  }

  get minBytes(): number {
    return this.target.minBytes;
  }

  /** @internal */
  override get types(): readonly TypeClass[] {
    return this.target.types;
  }

  /** @internal */
  override get shell(): Shell<T> | undefined {
    const { shell } = this.target;
    return (
      shell && {
        create: () => shell.create(),
        fill: (reader, empty) => this.#deeper('BAD_PAYLOAD', () => shell.fill(reader, empty)),
      }
    );
  }

  encode(value: I, writer: PayloadWriter): void {
    this.#deeper('ENCODE_FAILED', () => this.target.encode(value, writer));
  }

  decode(reader: PayloadReader): T {
    return this.#deeper('BAD_PAYLOAD', () => this.target.decode(reader));
  }

  #deeper<R>(code: MusDirection, work: () => R): R {
    if (this.#depth >= this.#maxDepth)
      throw new MusError(code, `the value is nested deeper than maxDepth (${this.#maxDepth})`);
    this.#depth++;
    try {
      return work();
    } finally {
      this.#depth--;
    }
  }
}
