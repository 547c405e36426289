// The fingerprint of a contract: one hash per type, so that two peers that list different types find out when they
// connect, and not by misreading each other. A list that is a prefix of the other's fits: appending a type is no break.
// Nor is it one to reserve the number of a type that is gone, which is why a number without a type fits every other.
import { CmdStreamError, peerText } from '../errors.js';
import type { Codec } from './codec.js';
import type { ContractTables } from '../contract/contract.js';
import type { TypeTable } from '../contract/type-table.js';

/** What travels of it. */
export interface FingerprintFields {
  readonly codec: string;
  readonly commands: readonly number[];
  readonly results: readonly number[];
}

/** Stands in for the hash at a number without a type. */
const NO_TYPE = 0;

export class Fingerprint implements FingerprintFields {
  readonly codec: string;
  readonly commands: readonly number[];
  readonly results: readonly number[];
  readonly #contract: ContractTables;
  readonly #hasLayouts: boolean;

  constructor(contract: ContractTables, { name, layouts }: Codec) {
    this.codec = name;
    this.commands = hashes(contract.commands, layouts?.commands);
    this.results = hashes(contract.results, layouts?.results);
    this.#contract = contract;
    this.#hasLayouts = layouts !== undefined;
  }

  /**
   * A peer that says nothing of its types fits.
   *
   * @throws {CmdStreamError} CONTRACT_MISMATCH naming the first position that differs
   */
  check(theirs: FingerprintFields): void {
    if (this.commands.length > 0 && theirs.commands.length > 0 && this.codec !== theirs.codec) {
      throw mismatch(`this side uses the codec ${this.codec}, the peer "${peerText(theirs.codec)}"`);
    }
    for (const list of ['commands', 'results'] as const) {
      const common = Math.min(this[list].length, theirs[list].length);
      for (let index = 0; index < common; index++) {
        const [mine, other] = [this[list][index], theirs[list][index]];
        if (mine !== other && mine !== NO_TYPE && other !== NO_TYPE) throw this.#otherType(list, index);
      }
    }
  }

  #otherType(list: 'commands' | 'results', index: number): CmdStreamError {
    const table = this.#contract[list];
    const name = table.wireNameAt(index);
    const other = this.#hasLayouts ? 'another type, or has other fields or serializers,' : 'another type';
    const hint = table.hasWireName(index)
      ? ''
      : '; or was one renamed or minified? Then give it a name that stays, at both sides: ' +
        `\`${list === 'commands' ? 'commandType' : 'resultType'}(${name}, { name: '${name}' })\``;
    const where = `\`${list}[${index}]\` is ${name} here and ${other} at the peer`;
    return mismatch(`${where}: ${LIKELY}${hint}`);
  }
}

function hashes(table: TypeTable, layouts: readonly string[] = []): number[] {
  return table.types.map((_, index) => {
    if (!table.has(index)) return NO_TYPE;
    const [name, layout] = [table.wireNameAt(index), layouts[index]];
    return fnv1a(layout === undefined ? name : `${name}\n${layout}`);
  });
}

/** FNV-1a, 32 bits, of the UTF-8 bytes. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

const LIKELY =
  'the lists differ in order or version (an older build, types in another order), or this is the wrong server';

function mismatch(what: string): CmdStreamError {
  return new CmdStreamError('CONTRACT_MISMATCH', `the contracts differ: ${what}`);
}
