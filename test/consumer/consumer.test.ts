// The package as an application sees it: its declarations, as they are published.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { doorsOf } from '../laws/doors.js';
import { readPackage } from '../support/project.js';
import { installInto } from './built-package.js';
import { unnameable, type Doors } from './named-types.js';

/** What the decorator of a handler asks of a method, and what MUS makes of a schema: computed, never written. */
const ofHandlers = ['ClassHandler', 'Fitting', 'MessageHandler', 'Misfits'];
/** What is asked of the lists of a contract, and what they are made into. */
const ofContracts = ['Answerable', 'AnswerOf', 'Unlisted', 'SpelledResults', 'Spelled', 'Misspelt', 'Placed', 'Slips'];
const ofLists = ['TypesIn', 'Statics', 'CommandTypesOf', 'ResultTypesOf'];
const helpers = [...ofHandlers, ...ofContracts, ...ofLists];
const doors = doorsOf(readPackage()).map((path) => basename(path, '.ts'));

let folder: string;
let declarations: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'consumer-'));
  declarations = installInto(folder);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a type that a door names', () => {
  const pathOf = (door: string): string => join(declarations, `${door}.d.ts`).replaceAll('\\', '/');
  let published: Doors;

  beforeAll(() => {
    const options = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, types: ['node'], strict: true };
    const program = ts.createProgram(doors.map(pathOf), options);
    const own = declarations.replaceAll('\\', '/');
    published = { program, helpers, isOwn: (path) => path.startsWith(own) };
  }, 60_000);

  it.each(['index', 'core'])('is exported by it: %s', (door) => {
    expect(unnameable(published, pathOf(door))).toEqual([]);
  });

  it.each(doors.filter((door) => door !== 'index' && door !== 'core'))(
    'is exported by it, or by one of the doors that it is used with: %s',
    (door) => {
      expect(unnameable(published, pathOf(door), pathOf('core'), pathOf('index'))).toEqual([]);
    },
  );
});
