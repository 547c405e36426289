// Holds docs/architecture.md against the code: its rooms, doors, files, words and laws are those that are there.
import { posix } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readLib, readPackage, readProject } from '../support/project.js';
import { house } from '../laws/rungs.js';
import { tableRows } from './markdown.js';

const project = readProject();
const page = project.find(({ path }) => path === 'docs/architecture.md') ?? { path: '', text: '' };
const lib = readLib();
const paths = project.map(({ path }) => path);

const unquoted = (cell: string): string => cell.replaceAll('`', '');
const quoted = (cell: string): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);

/** `exports` of the package: what is imported, and the door in lib. */
function doors(): readonly (readonly [string, string])[] {
  const { name, exports } = JSON.parse(readPackage()) as {
    name: string;
    exports: Record<string, string | { import: { types: string } }>;
  };
  return Object.entries(exports).flatMap(([at, target]) =>
    typeof target === 'string'
      ? []
      : [[posix.join(name, at), posix.basename(target.import.types).replace('.d.ts', '.ts')]],
  );
}

describe('the page on the architecture', () => {
  const rooms = tableRows(page, 'Room', 'What it owns').map(([room = '']) => unquoted(room));

  it('has every room and every folder of lib, and no others', () => {
    const folders = lib.map(({ path }) => posix.dirname(path).slice('lib/'.length)).filter((folder) => folder !== '');
    expect(rooms.toSorted()).toEqual([...new Set([...Object.keys(house), ...folders])].toSorted());
  });

  it('lists rooms from the bottom to the top', () => {
    for (const [room, { rooms: below }] of Object.entries(house))
      for (const other of below)
        expect([other, room, rooms.indexOf(other) < rooms.indexOf(room)]).toEqual([other, room, true]);
  });

  it('has every room and every door in its drawing of the rungs', () => {
    const [, drawing = ''] = /## Rungs[^]*?```\n([^]*?)```/.exec(page.text) ?? [];
    const words = new Set(drawing.match(/[a-z][a-z-]*/g));
    const names = [...Object.keys(house), ...doors().map(([, file]) => file.replace('.ts', ''))];
    expect(names.filter((name) => !words.has(name))).toEqual([]);
  });

  it('has the doors of the package', () => {
    const rows = tableRows(page, 'Import', 'File', 'For').map(([at = '', file = '']) => [unquoted(at), unquoted(file)]);
    expect(rows.toSorted()).toEqual(doors().toSorted());
  });

  it('names files that are there, by names that only one file has', () => {
    const names = new Set(page.text.match(/(?<![\w/.-])[a-z][a-z0-9.-]*\.ts\b/g));
    expect(names.size).toBeGreaterThan(50);
    const found = [...names].map((name) => [
      name,
      paths.filter((path) => /^(lib|test\/laws)\//.test(path) && posix.basename(path) === name).length,
    ]);
    expect(found.filter(([, count]) => count !== 1)).toEqual([]);
  });

  it('names paths that are there', () => {
    const named = new Set(page.text.match(/(?<![\w/.-])(lib|test|docs)\/[a-z0-9./-]*[a-z0-9/]/g));
    expect(named.size).toBeGreaterThan(10);
    const missing = [...named].filter(
      (name) => !paths.some((path) => path === name || path.startsWith(`${name.replace(/\/$/, '')}/`)),
    );
    expect(missing).toEqual([]);
  });

  it('has classes, interfaces and types that are there, for its words and its lifetimes', () => {
    const words = tableRows(page, 'Word', 'Meaning', 'In code').flatMap(([, , cell = '']) => quoted(cell));
    const things = tableRows(page, 'Lives as long as', 'Thing', 'Ends by').flatMap(([, cell = '']) => quoted(cell));
    expect(words.length).toBeGreaterThan(10);
    expect(things.length).toBeGreaterThan(5);
    const isDeclared = (name: string): boolean =>
      lib.some(({ text }) => new RegExp(`^export (abstract )?(class|interface|type|const) ${name}\\b`, 'm').test(text));
    expect([...words, ...things].filter((name) => !isDeclared(name))).toEqual([]);
  });

  it('has each word once', () => {
    const words = tableRows(page, 'Word', 'Meaning', 'In code').flatMap(([cell = '']) => cell.split(', '));
    expect(words).toEqual([...new Set(words)]);
  });

  it('has every law', () => {
    const laws = tableRows(page, 'Law', 'Why', 'Test').flatMap(([, , cell = '']) => quoted(cell));
    const files = paths.filter((path) => path.endsWith('.law.ts')).map((path) => posix.basename(path));
    expect(laws.toSorted()).toEqual(files.toSorted());
  });

  it('has every folder of the tests', () => {
    const named = tableRows(page, 'Folder', 'What it holds').map(([folder = '']) => unquoted(folder));
    const folders = paths.flatMap((path) => /^test\/[^/]+\//.exec(path)?.[0] ?? []);
    expect(named.toSorted()).toEqual([...new Set(folders)].toSorted());
  });
});
