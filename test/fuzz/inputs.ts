// Inputs at random for a target, by fast-check, which makes a finding smaller: seeds that are damaged, put together,
// and filled up with numbers and garbage.
import * as fc from 'fast-check';
import type { Target } from './target.js';

const MOST_BYTES = 12;

interface Damage {
  readonly place: number;
  readonly removed: number;
  readonly inserted: Uint8Array;
}

const interesting = fc.constantFrom(
  ...['00', '8000', '7f', 'ff7f', 'ffffffff0f', 'ffffffffffffff0f', '8080808080808010', 'ffffffffffffffffff01'].map(
    (hex) => Uint8Array.from(Buffer.from(hex, 'hex')),
  ),
);
const garbage = fc.oneof(fc.uint8Array({ maxLength: MOST_BYTES }), interesting);
const damage: fc.Arbitrary<Damage> = fc.record({ place: fc.nat(), removed: fc.nat(4), inserted: garbage });

function damaged(bytes: Uint8Array, all: readonly Damage[]): Uint8Array {
  return all.reduce((before, { place, removed, inserted }) => {
    const at = place % (before.length + 1);
    return Buffer.concat([before.subarray(0, at), inserted, before.subarray(at + removed)]);
  }, bytes);
}

export function inputsFor({ seeds }: Target): fc.Arbitrary<Uint8Array> {
  const seed = fc.constantFrom(...seeds);
  const begin = fc.tuple(seed, fc.array(damage, { maxLength: 4 })).map(([bytes, all]) => damaged(bytes, all));
  const more = fc.array(fc.oneof(seed, garbage), { maxLength: 2 });
  const parts = fc.tuple(begin, more).map(([first, others]) => Buffer.concat([first, ...others]));
  return fc.oneof({ weight: 6, arbitrary: parts }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) });
}
