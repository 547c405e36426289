// What the fuzzed peer of a session does beside what its side of the protocol has, and how its bytes are damaged and
// cut.
import * as fc from 'fast-check';

/** Steps of both sides. */
export type PeerStep =
  | { readonly do: 'turns'; readonly count: number }
  | { readonly do: 'garbage'; readonly bytes: Uint8Array }
  /** Damages the next frame. */
  | { readonly do: 'damage'; readonly place: number; readonly removed: number; readonly inserted: Uint8Array }
  /** Takes no bytes until the next one of these. */
  | { readonly do: 'mute' };

const few = fc.uint8Array({ minLength: 1, maxLength: 6 });

export const turnSteps: fc.Arbitrary<PeerStep> = fc.record({ do: fc.constant('turns' as const), count: fc.nat(4) });
export const muteSteps: fc.Arbitrary<PeerStep> = fc.record({ do: fc.constant('mute' as const) });
export const garbageSteps: fc.Arbitrary<PeerStep> = fc.oneof(
  fc.record({ do: fc.constant('garbage' as const), bytes: few }),
  fc.record({
    do: fc.constant('damage' as const),
    place: fc.nat(60),
    removed: fc.nat(3),
    inserted: fc.uint8Array({ maxLength: 3 }),
  }),
);

/** How the peer ends the session: FIN, a reset, or not at all before the other side does. */
export const endings = fc.constantFrom('fin' as const, 'fin' as const, 'reset' as const);

/** The bytes of a peer, in the pieces in which they arrive. */
export class PeerBytes {
  readonly #parts: Buffer[] = [];
  readonly #random: () => number;
  #damage: Extract<PeerStep, { do: 'damage' }> | undefined;

  constructor(random: () => number) {
    this.#random = random;
  }

  add(hex: string): void {
    const bytes = Buffer.from(hex, 'hex');
    const damage = this.#damage;
    this.#damage = undefined;
    if (damage === undefined) return void this.#parts.push(bytes);
    const at = damage.place % (bytes.length + 1);
    this.#parts.push(Buffer.concat([bytes.subarray(0, at), damage.inserted, bytes.subarray(at + damage.removed)]));
  }

  addStep(step: Extract<PeerStep, { do: 'garbage' | 'damage' }>): void {
    if (step.do === 'damage') this.#damage = step;
    else this.#parts.push(Buffer.from(step.bytes));
  }

  /** Takes all of them; some come at once, some byte by byte, most in a few pieces. */
  take(): readonly Buffer[] {
    const bytes = Buffer.concat(this.#parts.splice(0));
    const pieces: Buffer[] = [];
    const most = [1, 4, 40, 1_000, 100_000][Math.floor(this.#random() * 5)]!;
    for (let from = 0; from < bytes.length;) {
      const length = 1 + Math.floor(this.#random() * most);
      // A copy: each piece of a socket has memory of its own.
      pieces.push(Buffer.from(bytes.subarray(from, from + length)));
      from += length;
    }
    return pieces;
  }
}
