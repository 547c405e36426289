// Holds the page that compares transports to its word: each of our cells names tests that are there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { projectRoot } from '../support/project.js';
import { tableRows } from './markdown.js';

const path = 'docs/features.md';
const page = { path, text: readFileSync(join(projectRoot, path), 'utf8') };
const features = tableRows(page, 'Feature', 'Here', 'Nest TCP', 'Nest gRPC', 'Nest NATS', 'cmd-stream-go');
const tests = tableRows(page, 'Feature', 'Tests');

describe('the page that compares transports', () => {
  it('names tests for every feature, in the same order', () => {
    expect(features.length).toBeGreaterThan(0);
    expect(tests.map(([feature]) => feature)).toEqual(features.map(([feature]) => feature));
  });

  it.each(tests.map(([feature = '', cell = '']) => [feature, cell]))('names tests that exist: %s', (_, cell) => {
    const files = [...cell.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file);
    expect(files).not.toEqual([]);
    for (const file of files) {
      expect(file).toMatch(/\.test\.ts$/);
      expect(readFileSync(join(projectRoot, file), 'utf8')).toMatch(/\b(it|test)(\.each)?\(/);
    }
  });
});
