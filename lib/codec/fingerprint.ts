// The fingerprint of a contract: one hash per type, so that two peers that list different types find out when they
// connect, and not by misreading each other. A list that is a prefix of the other's fits: appending a type is no break.
import { CmdStreamError } from '../errors.js';
import type { Contract } from './contract.js';
import type { TypeTable } from './type-table.js';

export interface Fingerprint {
  readonly codec: string;
  readonly commands: readonly number[];
  readonly results: readonly number[];
}

export function fingerprintOf(contract: Contract, codec: string): Fingerprint {
  return { codec, commands: hashes(contract.commands), results: hashes(contract.results) };
}

/** @throws {CmdStreamError} CONTRACT_MISMATCH naming the first position that differs */
export function checkFingerprint(contract: Contract, ours: Fingerprint, theirs: Fingerprint): void {
  if (ours.commands.length > 0 && theirs.commands.length > 0 && ours.codec !== theirs.codec) {
    throw mismatch(`this side uses the codec ${ours.codec}, the peer ${JSON.stringify(theirs.codec.slice(0, 64))}`);
  }
  for (const list of ['commands', 'results'] as const) {
    const common = Math.min(ours[list].length, theirs[list].length);
    for (let index = 0; index < common; index++) {
      if (ours[list][index] !== theirs[list][index]) {
        throw mismatch(
          `\`${list}[${index}]\` is ${contract[list].wireNameAt(index)} here and another type at the peer`,
        );
      }
    }
  }
}

function hashes(table: TypeTable): number[] {
  return table.types.map((_, index) => fnv1a(table.wireNameAt(index)));
}

/** FNV-1a, 32 bits, of the UTF-8 bytes. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function mismatch(what: string): CmdStreamError {
  return new CmdStreamError('CONTRACT_MISMATCH', `the contracts differ: ${what}`);
}
