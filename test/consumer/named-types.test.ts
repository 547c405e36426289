// What looks for types that cannot be imported finds them, and no others.
import { describe, expect, it } from '@jest/globals';
import { unnameable } from './named-types.js';
import { strictMembers } from './optional-members.js';
import { programOf } from './virtual-program.js';

describe('a type that cannot be imported', () => {
  const call = 'export interface Call { seq: Seq } export type Seq = number;';
  const faultsOf = (door: string, other = 'export {};'): readonly string[] => {
    const program = programOf({ 'call.d.ts': `${call} export {};`, 'door.d.ts': door, 'other.d.ts': other });
    return unnameable({ program, isOwn: (path) => path.startsWith('/') }, '/door.d.ts', '/other.d.ts');
  };

  it.each([
    ['in a signature', `export { Call } from './call.js';`],
    ['behind a name of its own', `export { Call as Other } from './call.js';`],
    ['behind extends', `import { Seq } from './call.js'; export interface Numbered extends Array<Seq> {}`],
    ['in an import', `export declare const seq: import('./call.js').Seq;`],
    ['in a class', `import { Seq } from './call.js'; export declare class Numbered { protected next(): Seq }`],
  ])('is found %s', (_, door) => {
    expect(faultsOf(door)).toEqual([expect.stringMatching(/ names Seq$/)]);
  });

  it('is none that the door, or another one, exports', () => {
    expect(faultsOf(`export { Call, Seq } from './call.js';`)).toEqual([]);
    expect(faultsOf(`export { Call } from './call.js';`, `export { Seq } from './call.js';`)).toEqual([]);
  });

  it('is found behind an alias of one file, which is none itself', () => {
    expect(
      faultsOf(`type Helper<T> = T | Hidden; interface Hidden {} export {}; export declare const a: Helper<1>;`),
    ).toEqual(['a names Hidden']);
  });
});

describe('a member that may be left out and must not be undefined', () => {
  it.each([
    ['a property', 'timeoutMs?: number', ['CallOptions.timeoutMs']],
    ['a property of a property', 'inner: { timeoutMs?: number }', ['CallOptions.timeoutMs']],
    ['a method', 'onEnd?(): void', ['CallOptions.onEnd']],
    ['one of several kinds', 'timeoutMs?: number | string', ['CallOptions.timeoutMs']],
    ['but none that takes undefined', 'timeoutMs?: number | undefined; onEnd?: (() => void) | undefined', []],
    ['nor one that takes anything', 'data?: unknown', []],
    ['nor one that is required', 'contract: object', []],
  ])('is found: %s', (_, member, faults) => {
    const program = programOf({ 'door.d.ts': `export interface CallOptions { ${member} }` });
    expect(strictMembers({ program, isOwn: (path) => path.startsWith('/') }, '/door.d.ts')).toEqual(faults);
  });
});
