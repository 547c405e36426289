// The sample 06-tls does what it says, where there is an openssl to make its certificates.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { guardLeaks } from '../support/leak-guard.js';
import { printedOutput, shownOutput } from '../support/sample.js';

guardLeaks();
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) console.warn('sample 06-tls is not tested: openssl is not installed');
const describeWithOpenssl = hasOpenssl ? describe : describe.skip;

describeWithOpenssl('sample 06-tls', () => {
  it('prints what its README says, and ends', async () => {
    expect(await printedOutput('06-tls')).toBe(shownOutput('06-tls'));
  });
});
