// A set that is held together by links does what a Set does.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { LinkedSet } from '../../../lib/linked-set.js';

describe('a linked set', () => {
  it('does what a Set does', () => {
    const step = fc.tuple(fc.constantFrom('add', 'delete', 'shift'), fc.nat(12));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const linked = new LinkedSet<number>();
        const model = new Set<number>();
        for (const [what, item] of steps) {
          const meant = what === 'shift' ? [...model][0]! : item;
          const changes =
            what === 'add' ? [linked.add(item), model.add(item).size] : [linked.delete(meant), model.delete(meant)];
          expect(what === 'add' || changes[0] === changes[1]).toBe(true);
          expect([linked.size, linked.first]).toEqual([model.size, [...model][0]]);
        }
        expect(linked.takeAll()).toEqual([...model]);
        expect([linked.size, linked.first, linked.takeAll()]).toEqual([0, undefined, []]);
        linked.add(1);
        expect([linked.size, linked.first]).toEqual([1, 1]);
      }),
    );
  });
});
