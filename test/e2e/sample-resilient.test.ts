// The sample 08-resilient does what it says.
import { describe, expect, it } from '@jest/globals';
import { guardLeaks } from '../support/leak-guard.js';
import { printedOutput, shownOutput } from '../support/sample.js';

const own = guardLeaks();

describe('sample 08-resilient', () => {
  it('prints what its README says, and ends', async () => {
    expect(await printedOutput(own, '08-resilient')).toBe(shownOutput('08-resilient'));
  });
});
