// Characters for properties about any text. fast-check's own unit `binary` takes a second to prepare, in every file
// that asks.
import * as fc from 'fast-check';

const FIRST_SURROGATE = 0xd800;
const SURROGATES = 0x800;

/** Any code point but half a surrogate pair, which no UTF-8 has. */
export const anyCharacter: fc.Arbitrary<string> = fc
  .integer({ min: 0, max: 0x10ffff - SURROGATES })
  .map((point) => String.fromCodePoint(point < FIRST_SURROGATE ? point : point + SURROGATES));
