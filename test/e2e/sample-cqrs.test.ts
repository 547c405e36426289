// The sample 13-cqrs does what it says.
import { describe, expect, it } from '@jest/globals';
import { guardLeaks } from '../support/leak-guard.js';
import { printedOutput, shownOutput } from '../support/sample.js';

const own = guardLeaks();

describe('sample 13-cqrs', () => {
  it('prints what its README says, and ends', async () => {
    expect(await printedOutput(own, '13-cqrs')).toBe(shownOutput('13-cqrs'));
  });
});
