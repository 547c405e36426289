// Time limits are monotonic: the clock on the wall is read in one place, for what applications are given.
import { expect, it } from '@jest/globals';
import { readLib } from '../support/project.js';

it('the clock on the wall is read where bytes arrive, for a context of tests, and against the dates of a certificate', () => {
  const readers = readLib().filter(({ text }) => /\bDate\.now\b|new Date\(\)/.test(text));
  expect(readers.map(({ path }) => path).toSorted()).toEqual([
    'lib/connection/connection.ts',
    'lib/connection/socket-error.ts',
    'lib/connection/tls-sessions.ts',
    'lib/testing/command-context.ts',
  ]);
});
