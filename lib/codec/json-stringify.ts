// From values to JSON text: JSON.stringify, but bigints are written as digits, and a number that JSON cannot express is
// an error instead of a silent null. The exact way, some times slower, is taken only when the fast one leaves a doubt.

/** @throws what a toJSON throws, or a TypeError that says what cannot be written */
export function stringifyJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value) as string | undefined;
  } catch {
    // A bigint, perhaps. Anything else is thrown again.
    return stringifyExactly(value);
  }
  if (text === undefined || text.includes('\\ud') || (text.includes('null') && mayHoldNonFinite(value))) {
    return stringifyExactly(value);
  }
  return text;
}

/** What a toJSON gives is not looked at: it may. */
function mayHoldNonFinite(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(mayHoldNonFinite);
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return true;
  for (const key in value) if (mayHoldNonFinite((value as Record<string, unknown>)[key])) return true;
  return false;
}

/** Marks a bigint: strings are written without lone surrogates, so no other value has it; a key may, but a colon follows it. */
const TAG = '\ud800';
const taggedBigint = /"\\ud800(-?\d+)"(?!:)/g;
const loneSurrogates = /\p{Surrogate}/gu;

function stringifyExactly(value: unknown): string {
  let bigints = 0;
  const text = JSON.stringify(value, (key, item: unknown) => {
    if (typeof item === 'string') return item.replace(loneSurrogates, '\ufffd');
    if (typeof item === 'number' && !Number.isFinite(item)) {
      throw new TypeError(`${key === '' ? 'it' : `"${key}"`} is ${item}, which JSON cannot express`);
    }
    if (typeof item !== 'bigint') return item;
    bigints++;
    return TAG + item;
  }) as string | undefined;
  if (text === undefined) throw new TypeError('its toJSON() gave nothing that JSON can express');
  return bigints === 0 ? text : text.replace(taggedBigint, '$1');
}
