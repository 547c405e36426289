// The sample 07-go-interop does what it says; where Go is missing it says that.
import { describe, expect, it } from '@jest/globals';
import { reasonWithoutGo } from '../../sample/07-go-interop/go.js';
import { guardLeaks } from '../support/leak-guard.js';
import { printedOutput, shownOutput } from '../support/sample.js';
import { itUnless } from '../support/unless.js';

const own = guardLeaks();
/** `go run` builds the programs first. */
const BUILD_TIMEOUT_MS = 300_000;

describe('sample 07-go-interop', () => {
  itUnless(
    reasonWithoutGo(),
    'prints what its README says, and ends',
    async () => {
      expect(await printedOutput(own, '07-go-interop')).toBe(shownOutput('07-go-interop'));
    },
    BUILD_TIMEOUT_MS,
  );

  it('says where Go is missing', async () => {
    const printed = await printedOutput(own, '07-go-interop', { PATH: '' });
    expect(printed).toBe('Go is left out, and so is all of this sample: Go is not installed');
  });
});
