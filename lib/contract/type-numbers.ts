// The two forms of a list of a contract: an array, whose positions are the type numbers, or an object whose keys are.
// Owns `reserved`, which stands at the number of a type that is gone.
import { CmdStreamError } from '../errors.js';

const RESERVED: unique symbol = Symbol.for('nestjs-cmd-stream.reserved') as never;

/**
 * What {@link reserved} is.
 *
 * @publicApi
 */
export interface Reserved {
  readonly [RESERVED]: true;
}

/**
 * Stands in a contract at a number that no type may have: the type that had it is gone, and peers of an older version
 * may still send it. Both sides refuse such a number as UNKNOWN_TYPE.
 *
 * @publicApi
 */
export const reserved: Reserved = Object.freeze({ [RESERVED]: true } as const);

export function isReserved(type: unknown): type is Reserved {
  return typeof type === 'object' && type !== null && (type as Partial<Reserved>)[RESERVED] === true;
}

/** The highest number a key may be: each number up to it costs four bytes when a connection opens. */
const HIGHEST_NUMBER = 9_999;

/**
 * What a list of a contract has at which number, in their order. `mayHaveGaps`: what was put together of several parts.
 *
 * @throws {CmdStreamError} INVALID_CONTRACT when it is neither an array nor an object with numbers for keys, holds no
 * type, or leaves a number out
 */
export function numbersOf(list: string, given: unknown, mayHaveGaps: boolean): ReadonlyMap<number, unknown> {
  // A hole in an array is no type; only a copy makes it seen.
  const numbers = new Map(Array.isArray(given) ? Array.from(given).entries() : entriesOf(list, given));
  const types = [...numbers.values()];
  if (types.every(isReserved)) {
    const form = 'an array of at least one class, or an object of at least one by type numbers';
    const remedy = list === 'results' ? '; without Results of its own a contract leaves `results` out' : '';
    throw new CmdStreamError('INVALID_CONTRACT', `\`${list}\` must be ${form}${remedy}`);
  }
  if (!mayHaveGaps) checkGaps(list, [...numbers.keys()]);
  return numbers;
}

function entriesOf(list: string, given: unknown): [number, unknown][] {
  if (!isPlainRecord(given)) return [];
  return Object.entries(given).map(([key, type]) => {
    const number = Number(key);
    if (/^\d+$/.test(key) && String(number) === key && number <= HIGHEST_NUMBER) return [number, type];
    const rule = `the keys of a numbered list are whole numbers from 0 to ${HIGHEST_NUMBER}`;
    throw new CmdStreamError('INVALID_CONTRACT', `\`${list}\`: "${key}" is no type number: ${rule}`);
  });
}

function isPlainRecord(given: unknown): given is Record<string, unknown> {
  if (typeof given !== 'object' || given === null) return false;
  const prototype: unknown = Object.getPrototypeOf(given);
  return prototype === null || prototype === Object.prototype;
}

/** The keys of an object are in the order of their numbers. What stands below the first belongs to other contracts. */
function checkGaps(list: string, numbers: readonly number[]): void {
  const at = numbers.findIndex((number, index) => index > 0 && number !== numbers[index - 1]! + 1);
  if (at < 0) return;
  const [missing, next] = [numbers[at - 1]! + 1, numbers[at]!];
  const which = missing === next - 1 ? `number ${missing}` : `the numbers ${missing} to ${next - 1}`;
  const gone = `write \`${missing}: reserved\` where a type was, so that its number is never used again`;
  const shared = 'if another contract has a type there, list it here, too';
  throw new CmdStreamError('INVALID_CONTRACT', `\`${list}\` leaves out ${which}: ${gone}; ${shared}`);
}
