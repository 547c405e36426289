// The wire vectors, which the reference implementation produced, as the tests read them.
import { readFileSync } from 'node:fs';

export interface WireVector {
  readonly name: string;
  readonly kind: string;
  readonly dir: 'roundtrip' | 'decode' | 'encode' | 'reject' | 'rejectEncode';
  readonly value?: unknown;
  readonly hex: string;
  /** Bytes the reference reads. */
  readonly read?: number;
  /** The reference's text. */
  readonly error?: string;
  readonly note?: string;
  readonly extra?: { readonly serverToClient?: string };
}

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8'));

export const wireVectors = (fixture('wire-vectors.json') as { cases: readonly WireVector[] }).cases;

/** Where we differ from the reference on purpose: name of the vector to the reason. */
export const deviations = fixture('deviations.json') as Readonly<Record<string, string>>;

/** What ours calls an error of the reference; `INCOMPLETE` where the bytes simply end. */
export function expectedFailure({ name, error = '' }: WireVector): string {
  const found = failures.find(([pattern]) => pattern.test(error));
  if (found === undefined) throw new Error(`${name}: no code for "${error}"`);
  return found[1];
}

const failures: readonly (readonly [RegExp, string])[] = [
  [/EOF$/, 'INCOMPLETE'],
  [/mus: overflow$/, 'VARINT_OVERFLOW'],
  [/negative length$/, 'NEGATIVE_LENGTH'],
  [/too large server info/, 'SERVER_INFO_TOO_LARGE'],
  [/makeslice|codecproto: .* too large length$/, 'FRAME_TOO_LARGE'],
  [/unrecognized DTM/, 'UNKNOWN_TYPE'],
  [/unrecognized type/, 'COMMAND_NOT_IN_CONTRACT'],
  [/failed to unmarshal value/, 'BAD_PAYLOAD'],
  [/failed to marshal/, 'ENCODE_FAILED'],
];

/** JSON with integers of 16 digits or more as bigints: what the text says, to the last digit. */
export function exactJson(text: string): unknown {
  const marked = text.replace(/(?<=^|[:[,])-?\d{16,}(?=$|[,}\]])/g, '{"bigint":"$&"}');
  return JSON.parse(marked, (_, value: { bigint?: string } | null) => {
    if (typeof value?.bigint !== 'string') return value;
    const exact = BigInt(value.bigint);
    return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
  });
}
