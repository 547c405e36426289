// Resolves a host for one connection: all its addresses, beginning with another one each time. What a resolver of the
// user throws, now or by a promise, or gives that is no address, is a name that cannot be resolved; its first word counts.
import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { codeOf, messageOf, stackOf } from '../errors.js';

/** `turn`: of several addresses of one kind, the one to begin with, counted round. */
export function turnedLookup(lookup: LookupFunction, turn: number): LookupFunction {
  return (hostname, options, callback) => {
    let hasAnswered = false;
    const answer: typeof callback = (...given) => {
      if (hasAnswered) return;
      hasAnswered = true;
      // At once would be before anybody listens to the socket.
      process.nextTick(callback, ...given);
    };
    const fail = (error: unknown): void => answer(asError(error), []);
    const resolved: typeof callback = (error, found) => {
      if (error) return fail(error);
      const [first, ...others] = turnedBy(addressesIn(found), turn);
      if (first === undefined) return fail(new Error(`the resolver has no address for ${hostname}`));
      if (options.all) answer(null, [first, ...others]);
      else answer(null, first.address, first.family);
    };
    // A resolver may be an async function, whatever its type says.
    new Promise((settled) => settled(lookup(hostname, { ...options, all: true }, resolved))).catch(fail);
  };
}

/** What is no Error, or throws when it is asked as Node does, would not be understood by it. */
function asError(error: unknown): Error {
  if (error === undefined || error === null) return new Error('the resolver failed');
  if (typeof error === 'object' && stackOf(error) !== undefined) return error as Error;
  const code = codeOf(error);
  return Object.assign(new Error(messageOf(error), { cause: error }), code === undefined ? {} : { code });
}

/** What throws when it is looked at is no address. */
function addressesIn(found: unknown): LookupAddress[] {
  try {
    const entries: unknown[] = Array.isArray(found) ? [...found] : [{ address: found }];
    return entries.flatMap(addressIn);
  } catch {
    return [];
  }
}

function addressIn(entry: unknown): LookupAddress[] {
  try {
    const address = String((entry as { address?: unknown }).address);
    const family = isIP(address);
    return family === 0 ? [] : [{ address, family }];
  } catch {
    return [];
  }
}

/** Addresses of one kind change places among themselves: which kind comes first is the resolver's say. */
function turnedBy(addresses: readonly LookupAddress[], turn: number): LookupAddress[] {
  const families = [...new Set(addresses.map(({ family }) => family))];
  return families.flatMap((family) => {
    const ofFamily = addresses.filter((address) => address.family === family);
    const from = turn % ofFamily.length;
    return [...ofFamily.slice(from), ...ofFamily.slice(0, from)];
  });
}
