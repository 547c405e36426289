// What a fuzzer runs: a target takes any bytes and throws when lib has done with them what it must not do.
import { CmdStreamError, type CmdStreamErrorCode } from '../../lib/core.js';

export interface Target {
  readonly name: string;
  /** Bytes to begin with. */
  readonly seeds: readonly Uint8Array[];
  /** @throws {Finding} or whatever lib throws and must not */
  run(bytes: Uint8Array): void;
}

/** What was found: lib and the oracle, or two ways of lib, do not agree. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

const MAX_SHOWN = 300;

export function mustEqual(what: string, actual: string, expected: string): void {
  if (actual === expected) return;
  let at = 0;
  while (actual[at] === expected[at]) at++;
  const show = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - 40), at + MAX_SHOWN));
  throw new Finding(`${what}: ${show(actual)}, expected: ${show(expected)}`);
}

/** The code of an error that may come of bytes; any other error goes on. */
export function codeIn(error: unknown, allowed: readonly CmdStreamErrorCode[]): CmdStreamErrorCode {
  if (!(error instanceof CmdStreamError)) throw error;
  if (!allowed.includes(error.code)) throw new Finding(`${error.code}: ${error.message}`, { cause: error });
  if (/\p{Cc}/u.test(error.message)) throw new Finding(`a message with control characters: ${error.message}`);
  return error.code;
}

/** A place to cut, and more; the same for the same bytes, so that a finding is found again. */
export function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let state = 0x811c9dc5 ^ bytes.length;
  for (let at = 0; at < bytes.length; at++) state = Math.imul(state ^ bytes[at]!, 0x01000193);
  for (let from = 0; from < bytes.length;) {
    state = Math.imul(state ^ (state >>> 15), 0x735a2d97) + 0x9e3779b9;
    // Most pieces are small, some are not.
    const length = 1 + ((state >>> 8) & (state & 0x40 ? 0x3f : 0x03));
    pieces.push(bytes.slice(from, from + length));
    from += length;
  }
  return pieces;
}

/** Nothing that a peer sends may reach the prototype of all objects. */
export function checkPrototypes(): void {
  // oxlint-disable-next-line guard-for-in -- what it would find is inherited
  for (const key in {}) throw new Finding(`Object.prototype has the key ${key}`);
}
