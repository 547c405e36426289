// The sample 04-streaming does what it says.
import { describe, expect, it } from '@jest/globals';
import { guardLeaks } from '../support/leak-guard.js';
import { printedOutput, shownOutput } from '../support/sample.js';

const own = guardLeaks();

describe('sample 04-streaming', () => {
  it('prints what its README says, and ends', async () => {
    expect(await printedOutput(own, '04-streaming')).toBe(shownOutput('04-streaming'));
  });
});
