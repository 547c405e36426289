// What is public says what it is for, and its examples compile as they stand.
import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { programOf as virtualProgram } from '../consumer/virtual-program.js';
import { doorsOf } from '../laws/doors.js';
import { parse } from '../laws/source.js';
import { projectRoot, readLib, readPackage } from '../support/project.js';
import { exampleBlocks, silentExports } from './tsdoc.js';
import { programOf, typeFaults } from './type-check.js';

const lib = join(projectRoot, 'lib').replaceAll('\\', '/');
const doors = doorsOf(readPackage()).map((path) => join(projectRoot, path));

const contracts = [
  'Command',
  'StreamCommand',
  'VoidCommand',
  'Result',
  'defineContract',
  'commandType',
  'expectAppendOnly',
];
const clients = ['CommandClient', 'CmdStreamClient'];
const calls = clients.flatMap((client) => [client, `${client}.execute`, `${client}.iterate`]);
const codecs = ['jsonCodec', 'musCodec', 'protobufCodec', 'CodecFactory'];
const servers = ['CommandServer', 'CmdStreamServer', 'CommandHandler', 'Invoker', 'enableGracefulShutdown'];
const nest = ['CmdStreamClient.send', 'CmdStreamModule.register', 'CmdStreamRecord', 'CmdStreamRecordBuilder'];
const others = ['serviceOf', 'isRemoteError', 'cockatielBreaker'];
const needed = [...contracts, ...calls, ...codecs, ...servers, ...nest, ...others];

describe('what says nothing', () => {
  function silent(text: string): readonly string[] {
    // A comment belongs to what follows if it begins a line.
    const program = virtualProgram({
      'call.ts': text.replaceAll('/**', '\n/**'),
      'door.ts': `export * from './call.js';`,
    });
    const isOwn = (path: string): boolean => path.startsWith('/');
    return silentExports({ program, isOwn }, '/door.ts').map((place) => place.replace(/^.*: /, ''));
  }

  it.each([
    ['an export', 'export const a = 1;', 'a'],
    ['one that has tags only', '/** @publicApi */ export interface Call {}', 'Call'],
    ['one with a word that is no sentence', '/** Call */ export interface Call {}', 'Call'],
    ['a member of an interface', '/** A. */ export interface Call { seq: number }', 'Call.seq'],
    ['a member of an object', '/** A. */ export const all = { seq: 1 };', 'all.seq'],
    ['a member of what a class extends', 'class A { b = 1 } /** A. */ export class Call extends A {}', 'Call.b'],
    ['what a class has itself', '/** A. */ export class Call { static none() {} }', 'Call.none'],
    ['a parameter that is a property', '/** A. */ export class Call { constructor(readonly seq = 1) {} }', 'Call.seq'],
    [
      'an overload',
      '/** A. */ export function a(b: 1): void; export function a(b: 2): void; export function a(b: number) {}',
      'a',
    ],
  ])('is found: %s', (_, text, name) => {
    expect(silent(text)).toEqual([name]);
  });

  it.each([
    ['is private', '/** A. */ export class Call { #seq = 1; private answered = false; }'],
    ['is internal', '/** A. */ export class Call { /** @internal */ seq = 1; }'],
    [
      'has a key that no application has',
      'declare const KEY: unique symbol; /** A. */ export interface A { [KEY]: 1 }',
    ],
    [
      'has the words of what it implements',
      'interface A { /** B. */ b: 1 } /** A. */ export class C implements A { b = 1 as const }',
    ],
  ])('is none that %s', (_, text) => {
    expect(silent(text)).toEqual([]);
  });
});

it('what is public says what it is for', () => {
  const published = { program: programOf(doors), isOwn: (path: string): boolean => path.startsWith(lib) };
  const places = doors.flatMap((door) => silentExports(published, door)).map((place) => place.replace(lib, 'lib'));
  expect([...new Set(places)].toSorted()).toEqual([]);
});

describe('the examples', () => {
  const blocks = readLib().flatMap((source) => exampleBlocks(parse(source), source.path));

  it('are found in comments, up to the next tag', () => {
    const text =
      '/**\n * A.\n *\n * @example\n * call({\n *   seq: 1,\n * });\n *\n * @publicApi\n */\nexport const a = 1;';
    expect(exampleBlocks(parse({ path: 'a.ts', text }), 'a.ts')).toEqual([
      { place: 'a.ts:4', language: 'ts', section: 'a', file: undefined, lines: ['call({', '  seq: 1,', '});', ''] },
    ]);
  });

  it('are there for what most applications use', () => {
    const names = new Set(blocks.map(({ section }) => section));
    expect(needed.filter((name) => !names.has(name))).toEqual([]);
  });

  it('compile as they stand, beside the contract of the sample that they import', () => {
    const [protobuf, plain] = [true, false].map((is) =>
      blocks.filter(({ place }) => place.includes('/protobuf/') === is),
    );
    expect(typeFaults(plain!)).toEqual([]);
    expect(typeFaults(protobuf!, '02-protobuf')).toEqual([]);
  });
});
