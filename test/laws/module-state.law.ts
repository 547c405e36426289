// Law: to load a module waits for nothing, and leaves nothing behind that could change.
import { describe, expect, it } from '@jest/globals';
import { moduleStateViolations } from './module-state.js';
import { readLib } from '../support/project.js';

function violations(text: string): readonly string[] {
  return moduleStateViolations([{ path: 'lib/wire/frame.ts', text }]);
}

describe('a module', () => {
  it.each([
    ['awaits', `const socket = await open();`],
    ['awaits in a block', `if (fast) { await open(); }`],
    ['loops over what it awaits', `for await (const chunk of socket) read(chunk);`],
    ['has a variable', `let count = 0;`],
    ['exports a variable', `export let count = 0;`],
    ['has an old variable', `var count = 0;`],
    ['has a collection', `const links = new Map<string, Link>();`],
    ['has a list', `const links: Link[] = [];`],
    ['has an object to fill', `const links = {} as Record<string, Link>;`],
    ['has a static that can change', `class Link { static count = 0; }`],
    ['has a hidden static', `class Link { static #count = 0; }`],
    ['has a static collection', `class Link { static readonly all = new Set<Link>(); }`],
  ])('is refused when it %s', (_, text) => {
    expect(violations(text)).toHaveLength(1);
  });

  it.each([
    ['awaits in a function', `async function open() { let count = 0; await wait(count); }`],
    [
      'awaits in a method',
      `class Link { async open() { await wait(); } readonly later = async () => { await wait(); }; }`,
    ],
    ['has a constant table', `const names = new Map([[1, 'one']]); const list = Object.freeze(['a']);`],
    ['declares a type of a key', `export declare const KEY: unique symbol; declare let outside: number;`],
    ['has a static constant', `class Link { static readonly limit = 3; count = 0; static open() { return []; } }`],
  ])('passes when it %s', (_, text) => {
    expect(violations(text)).toEqual([]);
  });

  it('of lib passes', () => {
    expect(moduleStateViolations(readLib())).toEqual([]);
  });
});
