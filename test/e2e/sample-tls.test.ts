// The sample 06-tls does what it says, where there is an openssl to make its certificates.
import { spawnSync } from 'node:child_process';
import { expect, it } from '@jest/globals';
import { guardLeaks } from '../support/leak-guard.js';
import { printedOutput, shownOutput } from '../support/sample.js';
import { describeUnless } from '../support/unless.js';

const own = guardLeaks();
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describeUnless(hasOpenssl ? undefined : 'openssl is not installed', 'sample 06-tls', () => {
  it('prints what its README says, and ends', async () => {
    expect(await printedOutput(own, '06-tls')).toBe(shownOutput('06-tls'));
  });
});
