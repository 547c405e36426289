// Holds the table of kinds in docs/protocol-extension.md against the vectors.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { projectRoot } from '../support/project.js';
import { tableRows } from './markdown.js';

const text = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
const path = 'docs/protocol-extension.md';

describe('the page on the extension', () => {
  it('lists the kinds that the vectors have, under their numbers', () => {
    const vectors = JSON.parse(text('test/fixtures/extension-vectors.json')) as { kind: string; hex: string }[];
    const played = new Map(vectors.map(({ kind, hex }) => [Number.parseInt(hex.slice(4, 6), 16), kind]));
    const rows = tableRows({ path, text: text(path) }, 'Kind', 'Name', 'From', 'Payload');
    expect(rows.map(([number = '', name]) => [Number(number), name])).toEqual([...played]);
  });
});
