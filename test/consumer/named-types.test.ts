// What looks for types that cannot be imported finds them, and no others.
import { describe, expect, it } from '@jest/globals';
import { unnameable } from './named-types.js';
import { programOf } from './virtual-program.js';

describe('a type that cannot be imported', () => {
  const call = 'export interface Call { seq: Seq } export type Seq = number;';
  const faultsOf = (door: string, other = 'export {};'): readonly string[] => {
    const program = programOf({ 'call.d.ts': `${call} export {};`, 'door.d.ts': door, 'other.d.ts': other });
    return unnameable(
      { program, isOwn: (path) => path.startsWith('/'), helpers: ['Helper'] },
      '/door.d.ts',
      '/other.d.ts',
    );
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

  it('is found behind a helper, which is none itself', () => {
    expect(
      faultsOf(`type Helper<T> = T | Hidden; interface Hidden {} export {}; export declare const a: Helper<1>;`),
    ).toEqual(['a names Hidden']);
  });
});
