// Where code runs that serves all callers: in the scope its owner was made in, whatever set it going, and what is
// entered there does not stay.
import { AsyncResource, executionAsyncId } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { AsyncScope } from '../../lib/async-scope.js';
import { enter, seen, user } from '../support/scope-probe.js';

function ownersScope(): AsyncScope {
  return user.run('owner', () => new AsyncScope());
}

/** Who is seen, with what it was given and on what. */
function witness(this: unknown, ...args: unknown[]): unknown[] {
  return [seen(), this, ...args];
}

describe('the scope of an owner', () => {
  it.each(['run', 'runPassing', 'runApart'] as const)('is what %s() shows, whatever calls', (way) => {
    const scope = ownersScope();
    const self = {};
    user.run('caller', () => {
      expect(scope[way](witness, self, 1, 'two')).toEqual(['owner', self, 1, 'two']);
      expect(scope[way](witness)).toEqual(['owner', undefined]);
      expect(seen()).toBe('caller');
    });
  });

  it.each(['runPassing', 'runApart'] as const)('does not keep what was entered in %s()', (way) => {
    const scope = ownersScope();
    scope[way](() => enter('intruder'));
    for (const again of ['run', 'runPassing', 'runApart'] as const) expect(scope[again](seen)).toBe('owner');
    expect(scope.branch().runInAsyncScope(seen)).toBe('owner');
  });

  it('lets what fails in it fail', () => {
    const scope = ownersScope();
    const raise = (): never => {
      throw new Error('a mistake');
    };
    for (const way of ['run', 'runPassing', 'runApart'] as const) expect(() => scope[way](raise)).toThrow('a mistake');
  });
});

describe('a branch', () => {
  it('begins with what its owner sees, at home and away, and keeps what is entered in it to itself', () => {
    const scope = ownersScope();
    const branches = user.run('caller', () => [scope.branch(), scope.run(() => scope.branch())]);
    for (const branch of branches) {
      expect(branch).toBeInstanceOf(AsyncResource);
      // Whether the next run of the same branch sees it depends on the version of Node; no other scope ever does.
      expect(branch.runInAsyncScope(() => (enter('guest'), seen()))).toBe('guest');
      expect([scope.run(seen), scope.branch().runInAsyncScope(seen)]).toEqual(['owner', 'owner']);
    }
    const ids = branches.map((branch) => branch.asyncId());
    expect(new Set([...ids, scope.run(executionAsyncId)]).size).toBe(3);
  });

  it('of a branch of another begins with what the owner sees', () => {
    const [mine, other] = [ownersScope(), user.run('other', () => new AsyncScope())];
    expect(other.run(() => mine.branch()).runInAsyncScope(seen)).toBe('owner');
  });
});
