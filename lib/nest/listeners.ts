// Who is called for which event of a Nest server or client: events have fixed names, listeners are functions, and each
// is ended by itself.
import { requireFunction } from '../callbacks.js';
import { CmdStreamError } from '../errors.js';
import type { OldOptionNames } from '../options.js';

export type Listener = (...args: unknown[]) => unknown;

export interface EventNames {
  /** For errors. */
  readonly owner: string;
  readonly known: readonly string[];
  /** Names that were used before, or are used elsewhere, and what to say of each. */
  readonly old: OldOptionNames;
}

export class Listeners {
  readonly #names: EventNames;
  readonly #listeners = new Map<string, readonly { readonly call: Listener }[]>();

  constructor(names: EventNames) {
    this.#names = names;
  }

  /**
   * Returns what ends it; the same callback may be given twice.
   *
   * @throws {CmdStreamError} INVALID_OPTION
   */
  on(event: string, callback: unknown): () => void {
    const { owner, known, old } = this.#names;
    if (!known.includes(event)) {
      const remedy = Object.hasOwn(old, event) ? `: ${old[event]}` : `; known are ${known.join(', ')}`;
      throw new CmdStreamError('INVALID_OPTION', `${owner}: unknown event "${String(event)}"${remedy}`);
    }
    requireFunction(`${owner}: the callback of "${event}"`, callback);
    const entry = { call: callback as Listener };
    this.#listeners.set(event, [...this.of(event), entry]);
    return () => {
      const others = this.of(event).filter((other) => other !== entry);
      this.#listeners.set(event, others);
    };
  }

  /** Those that are called for an event that happens now. */
  of(event: string): readonly { readonly call: Listener }[] {
    return this.#listeners.get(event) ?? [];
  }
}
