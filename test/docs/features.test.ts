// Holds the page that compares transports to its word: each of our cells links tests that are there.
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { projectRoot } from '../laws/source.js';
import { localLinks, tableRows } from './markdown.js';

const path = 'docs/features.md';
const page = { path, text: readFileSync(join(projectRoot, path), 'utf8') };
const features = tableRows(page, 'Feature', 'Here', 'Nest TCP', 'Nest gRPC', 'cmd-stream-go');
const tests = tableRows(page, 'Feature', 'Tests');

describe('the page that compares transports', () => {
  it('names tests for every feature, in the same order', () => {
    expect(features.length).toBeGreaterThan(0);
    expect(tests.map(([feature]) => feature)).toEqual(features.map(([feature]) => feature));
  });

  it.each(tests.map(([feature = '', links = '']) => [feature, links]))('links tests that exist: %s', (_, cell) => {
    const links = localLinks({ path, text: cell });
    expect(links).not.toEqual([]);
    for (const link of links) {
      expect(basename(link.path)).toMatch(/\.test\.ts$/);
      expect(readFileSync(join(projectRoot, link.path), 'utf8')).toMatch(/\b(it|test)(\.each)?\(/);
    }
  });

  it('links tests in no cell but those', () => {
    expect(localLinks(page)).toHaveLength(tests.flatMap(([, cell = '']) => localLinks({ path, text: cell })).length);
  });
});
