// Law: lib and its tests say what is so in plain words, in lines that fit.
import { describe, expect, it } from '@jest/globals';
import { lineViolations, wordViolations } from './plain-words.js';
import { readLib, readProject } from '../support/project.js';

const path = 'lib/wire/frame.ts';
/** All that is written here, but for the list of the words itself, and a test that reads one of them from a schema. */
const own = readProject().filter(
  (file) =>
    /^(lib|test|sample|docs|\.ci)\/(?!.*\/gen).*\.(ts|mjs)$/.test(file.path) &&
    !/^test\/(laws\/plain-words|unit\/protobuf\/protobuf-codec)/.test(file.path),
);

describe('the words', () => {
  it.each([
    ['a comment', '// Nobody waits.', 'Nobody'],
    ['a message', "throw new Error('the peer has lied');", 'lied'],
    ['a name', 'const heardAt = 1;', 'heard'],
    ['the end of a name', 'const isDeaf = false;', 'Deaf'],
  ])('are refused in %s', (_, text, word) => {
    expect(wordViolations({ path, text })).toEqual([expect.stringContaining(`${path}:1: "${word}"`)]);
  });

  it('may have others inside', () => {
    const text = '// Relies on ClientCall; applies to believers: the earlier, the clearer. Shears and heart.';
    expect(wordViolations({ path, text })).toEqual([]);
  });

  it('are those of lib, and of the tests', () => {
    expect(own.length).toBeGreaterThan(readLib().length + 200);
    expect(own.flatMap(wordViolations)).toEqual([]);
  });
});

describe('a line of a comment', () => {
  it.each([
    ['a line', `// ${'x'.repeat(118)}`],
    ['a line that is indented', `    // ${'x'.repeat(114)}`],
    ['a block', `/** ${'x'.repeat(114)} */`],
    ['a line of a block', ` * ${'x'.repeat(118)}`],
  ])('is refused with 121 columns: %s', (_, text) => {
    expect(text.length).toBe(121);
    expect(lineViolations({ path, text })).toHaveLength(1);
    expect(lineViolations({ path, text: text.replace('x', '') })).toEqual([]);
  });

  it('fits in lib, and in the tests', () => {
    expect(own.flatMap(lineViolations)).toEqual([]);
  });
});
