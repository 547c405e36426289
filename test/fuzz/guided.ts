// The guided fuzzer: changes inputs at random and goes on with those that take a branch of lib which no input has taken
// before, or take one more often.
import { seededRandom } from '../support/seeded-random.js';
import type { EdgeCounts } from './edges.js';
import { Mutator, put } from './mutate.js';
import type { Target } from './target.js';

export interface Found {
  readonly bytes: Uint8Array;
  readonly error: unknown;
}

const MOST_KEPT = 5_000;
/** A target that has found so much needs mending first. */
const MOST_FOUND = 10;
const STACK_LINES = 10;

export class GuidedFuzzer {
  inputs = 0;
  /** Inputs that have shown something new. */
  readonly kept: Uint8Array[] = [];
  /** One for each text of an error. */
  readonly found = new Map<string, Found>();
  readonly #target: Target;
  readonly #edges: EdgeCounts;
  readonly #mutator: Mutator;
  readonly #onInput: (bytes: Uint8Array) => void;

  /** `onInput` is called before each input is tried: behind it may be no return. */
  constructor(target: Target, edges: EdgeCounts, seed: number, onInput: (bytes: Uint8Array) => void = () => {}) {
    this.#target = target;
    this.#edges = edges;
    this.#mutator = new Mutator(seededRandom(seed));
    this.#onInput = onInput;
  }

  /** Tries the inputs as they are. */
  begin(inputs: readonly Uint8Array[]): void {
    for (const bytes of inputs) this.#try(bytes);
    if (this.kept.length === 0) this.kept.push(new Uint8Array());
  }

  get isOver(): boolean {
    return this.found.size >= MOST_FOUND;
  }

  /** Tries so many more. */
  run(inputs: number): void {
    for (let count = 0; count < inputs && !this.isOver; count++) {
      this.#try(this.#mutator.mutate(this.#parent(), this.kept[this.#mutator.below(this.kept.length)]!));
    }
  }

  /** Half of the time one of the latest: they lead on. */
  #parent(): Uint8Array {
    const { length } = this.kept;
    const latest = Math.min(length, 64);
    return this.kept[
      this.#mutator.below(2) === 0 ? length - 1 - this.#mutator.below(latest) : this.#mutator.below(length)
    ]!;
  }

  #try(bytes: Uint8Array): void {
    this.inputs++;
    this.#onInput(bytes);
    this.#edges.clear();
    try {
      this.#target.run(bytes);
    } catch {
      return this.#keep(bytes);
    }
    if (!this.#edges.learn()) return;
    if (this.kept.length < MOST_KEPT) this.kept.push(bytes);
    else this.kept[this.#mutator.below(MOST_KEPT)] = bytes;
  }

  #keep(bytes: Uint8Array): void {
    const error = this.#errorOf(bytes);
    const text = textOf(error);
    if (!this.found.has(text)) this.found.set(text, { bytes: this.#smaller(bytes, text), error });
  }

  /** Without all that is not needed to find the same. */
  #smaller(bytes: Uint8Array, text: string): Uint8Array {
    let smallest = bytes;
    for (let length = bytes.length >> 1; length >= 1; length >>= 1) {
      for (let at = 0; at + length <= smallest.length;) {
        const candidate = put(smallest, at, at + length, new Uint8Array());
        if (textOf(this.#errorOf(candidate)) === text) smallest = candidate;
        else at += length;
      }
    }
    return smallest;
  }

  /** Errors have a stack here alone: most of the time of a target would be theirs. */
  #errorOf(bytes: Uint8Array): unknown {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = STACK_LINES;
    try {
      this.#target.run(bytes);
      return undefined;
    } catch (error) {
      return error;
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  }

  /** Of what was kept the fewest and shortest that take, together, all branches that those in `corpus` do not. */
  newToCorpus(corpus: readonly Uint8Array[]): readonly Uint8Array[] {
    const taken = new Set<number>();
    const isNew = (bytes: Uint8Array): boolean => {
      this.#edges.clear();
      this.#errorOf(bytes);
      const before = taken.size;
      for (const edge of this.#edges.takenNow()) taken.add(edge);
      return taken.size > before;
    };
    corpus.forEach(isNew);
    return this.kept.toSorted((a, b) => a.length - b.length).filter(isNew);
  }
}

/** Numbers and quotations differ from input to input. */
function textOf(error: unknown): string {
  if (error === undefined) return 'nothing, when it was tried again';
  const { name, message, stack = '' } = error as Error;
  const [place = ''] = /\n\s+at .*/.exec(stack) ?? [];
  return `${name}: ${message.replace(/"(?:[^"\\]|\\.)*"|\d+/g, '…').slice(0, 80)}${place}`;
}
