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
    ['asks where it stands', `const require = createRequire(import.meta.url);`],
    ['asks in a function where it stands', `function find() { return import.meta.dirname; }`],
    ['has a variable', `let count = 0;`],
    ['exports a variable', `export let count = 0;`],
    ['has an old variable', `var count = 0;`],
    ['has a collection', `const links = new Map<string, GroupConnection>();`],
    ['has a list', `const links: GroupConnection[] = [];`],
    ['has an object to fill', `const links = {} as Record<string, GroupConnection>;`],
    ['has an object with members', `const delivery: { drained?: Promise<void> } = { drained: undefined };`],
    ['has a list with entries', `const delays = [100, 500];`],
    ['has a collection with entries', `const names = new Map([[1, 'one']]);`],
    ['has an object of a class', `const journal = new Journal(1);`],
    ['has an object of a type that can change', `interface Box { item: number }\nconst box: Box = { item: 1 };`],
    ['has an empty collection that is only called read-only', `const links: ReadonlySet<GroupConnection> = new Set();`],
    ['has a static that can change', `class GroupConnection { static count = 0; }`],
    ['has a hidden static', `class GroupConnection { static #count = 0; }`],
    ['has a static object', `class GroupConnection { static readonly first = { count: 0 }; }`],
    ['has a static collection', `class GroupConnection { static readonly all = new Set<GroupConnection>(); }`],
  ])('is refused when it %s', (_, text) => {
    expect(violations(text)).toHaveLength(1);
  });

  it.each([
    ['awaits in a function', `async function open() { let count = 0; await wait(count); }`],
    [
      'awaits in a method',
      `class GroupConnection { async open() { await wait(); } readonly later = async () => { await wait(); }; }`,
    ],
    ['has a constant table', `const names: ReadonlyMap<number, string> = new Map([[1, 'one']]);`],
    [
      'has constant lists',
      `const a = Object.freeze(['a']); const b: readonly string[] = ['b']; const c = ['c'] as const;`,
    ],
    ['has an object that is read-only', `interface Box { readonly item: number }\nconst box: Box = { item: 1 };`],
    ['declares a type of a key', `export declare const KEY: unique symbol; declare let outside: number;`],
    [
      'has a static constant',
      `class GroupConnection { static readonly limit = 3; static readonly all: readonly number[] = [1]; count = 0; static open() { return []; } }`,
    ],
  ])('passes when it %s', (_, text) => {
    expect(violations(text)).toEqual([]);
  });

  it('may be an exception, as long as it is one', () => {
    const source = { path: 'lib/wire/frame.ts', text: 'const frames = { sent: 0 };' };
    expect(moduleStateViolations([source], ['lib/wire/frame.ts: frames'])).toEqual([]);
    expect(moduleStateViolations([source], ['lib/wire/frame.ts: frames', 'lib/wire/frame.ts: rest'])).toEqual([
      'lib/wire/frame.ts: rest: an exception that is not needed',
    ]);
  });

  it('of lib passes', () => {
    const exceptions = [
      // Nest's own filter, which keeps nothing.
      'lib/nest/server/handler-failure.ts: nestRule',
    ];
    expect(moduleStateViolations(readLib(), exceptions)).toEqual([]);
  });
});
