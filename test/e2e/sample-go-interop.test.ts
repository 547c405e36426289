// The sample 07-go-interop does what it says; where Go is missing it says that.
import { describe, expect, it } from '@jest/globals';
import { outputOfSample } from '../docs/sample-output.js';
import { guardLeaks } from '../support/leak-guard.js';
import { printedOutput } from '../support/sample.js';

guardLeaks();
/** `go run` builds the programs first. */
const BUILD_TIMEOUT_MS = 300_000;

describe('sample 07-go-interop', () => {
  it(
    'prints what its README says, and ends',
    async () => {
      expect(await printedOutput('07-go-interop')).toBe(outputOfSample('07-go-interop'));
    },
    BUILD_TIMEOUT_MS,
  );
});
