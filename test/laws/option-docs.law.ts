// Law: every option has one documented default, and it is the one in the code.
import { describe, expect, it } from '@jest/globals';
import { defaultTagViolations, optionTableViolations } from './option-docs.js';
import { readOptions } from './options-model.js';
import { readTables } from './options-table.js';
import { readLib, readProject, type Source } from '../support/project.js';

const link: Source = {
  path: 'lib/connection/link-options.ts',
  text: `
    export interface LinkOptions {
      /** @default 'exact' */ fieldCase?: string;
      /** @default 10_000 (ten seconds) */ timeoutMs?: number;
      /** @default none: plain TCP */ tls?: object;
      /** Needed. */ contract: object;
    }
    export const linkDefaults = Object.freeze({ fieldCase: 'exact' as string, timeoutMs: 10 * 1000 });`,
};

function client(member: string, defaults: string): readonly string[] {
  const text = `export interface ClientOptions extends LinkOptions {\n${member}\n}\nexport const clientDefaults = ${defaults};`;
  return defaultTagViolations([link, { path: 'lib/client/client-options.ts', text }]);
}

function table(text: string): readonly string[] {
  return optionTableViolations([{ path: 'README.md', text }], [link]);
}

const head = '| Option | Default |\n| --- | --- |\n';

describe('the @default of an option', () => {
  it('passes when code says the same', () => {
    const member = '/** @default 3 */ port?: number;\n/** @default jsonCodec() */ codec?: object;';
    expect(client(member, 'Object.freeze({ ...linkDefaults, port: 3 })')).toEqual([]);
  });

  it.each([
    ['says another value', '/** @default 4 */ port?: number;', 'Object.freeze({ port: 3 })'],
    ['says another kind of value', `/** @default '3' */ port?: number;`, 'Object.freeze({ port: 3 })'],
    ['says prose', '/** @default three */ port?: number;', 'Object.freeze({ port: 3 })'],
    ['is missing', '/** The port. */ port?: number;', 'Object.freeze({ port: 3 })'],
    ['is missing, code has none', '/** The port. */ port?: number;', 'Object.freeze({})'],
    ['says a value, code has none', '/** @default 3 */ port?: number;', 'Object.freeze({})'],
    ['is overruled for an inherited option', '', 'Object.freeze({ ...linkDefaults, timeoutMs: 5 })'],
    ['belongs to no option', '', 'Object.freeze({ ...linkDefaults, prot: 3 })'],
    ['can be changed', '', '{ ...linkDefaults }'],
  ])('is refused when it %s', (_, member, defaults) => {
    const own = defaults.replace('({ p', '({ ...linkDefaults, p').replace('({})', '({ ...linkDefaults })');
    expect(client(member, own)).toHaveLength(1);
  });

  it('may come from the parent when there is nothing to add', () => {
    const text = `export interface PoolOptions extends LinkOptions {\n/** @default none */ name?: string;\n}`;
    const pool = { path: 'lib/client/pool-options.ts', text };
    expect(defaultTagViolations([link, pool])).toEqual([]);
    expect(defaultTagViolations([{ ...link, text: link.text.replace('10 *', '20 *') }, pool])).toHaveLength(2);
  });

  it('is found wherever the interface is, and the constant with it', () => {
    expect(defaultTagViolations([{ ...link, path: 'lib/connection/link.ts' }])).toEqual([]);
    const wrong = { path: 'lib/connection/link.ts', text: link.text.replace('10 *', '20 *') };
    expect(defaultTagViolations([wrong])).toHaveLength(1);
  });

  it('is read from the constant that has the whole name, where one file has several', () => {
    const text = `
      export interface DialOptions {
/** @default 1 */ port?: number }
      export const dialDefaults = Object.freeze({ port: 1 });
      export interface RedialOptions {
/** @default 2 */ port?: number }
      export const redialDefaults = Object.freeze({ port: 2 });
      export interface FarDialOptions {
/** @default 3 */ port?: number }
      export const farDialDefaults = Object.freeze({ port: 3 });`;
    expect(defaultTagViolations([{ path: 'lib/connection/dial.ts', text }])).toEqual([]);
  });

  it('is not asked of options that are read from no defaults', () => {
    const text = 'export interface CallOptions { signal?: AbortSignal }';
    expect(defaultTagViolations([{ path: 'lib/client/call.ts', text }])).toEqual([]);
    expect(defaultTagViolations([{ path: 'lib/client/call-options.ts', text }])).toHaveLength(1);
  });

  it.each([
    ['of another file', 'lib/connection/link.ts', 'linkDefaults'],
    ['of another name', 'lib/connection/x-options.ts', 'yDefaults'],
  ])('is refused when the constant stands beside an interface %s', (_, path, name) => {
    const [types, values = ''] = link.text.split('export const ');
    const own = { path, text: `export interface XOptions {}\nexport const ${values.replace('linkDefaults', name)}` };
    expect(defaultTagViolations([{ ...link, text: types! }, own])).toContain(
      `${path}:2: ${name} stands beside no interface of its name`,
    );
  });

  it('is the truth in lib', () => {
    const lib = readLib();
    expect(readOptions(lib).defaults.length).toBeGreaterThan(0);
    expect(defaultTagViolations(lib)).toEqual([]);
  });
});

describe('a table of options', () => {
  const rows = "| `fieldCase` | `'exact'` |\n| `timeoutMs` | `10_000` |\n| `tls` | none |\n| `contract` | required |\n";

  it('passes when code says the same', () => {
    expect(table(`## GroupConnection (\`LinkOptions\`)\n\n${head}${rows}\nMore text.`)).toEqual([]);
    expect(table(head + rows)).toEqual([]);
  });

  it.each([
    ['says another value', head + rows.replace('10_000', '1_000')],
    ['says no value', head + rows.replace('`10_000`', '')],
    ['says a value, code has none', head + rows.replace('none', '`{}`')],
    ['has an option that does not exist', `${head}${rows}| \`prot\` | \`3\` |`],
    ['leaves one out', `## \`LinkOptions\`\n\n${head}${rows.replace(/.*tls.*\n/, '')}`],
  ])('is refused when it %s', (_, text) => {
    expect(table(text)).toHaveLength(1);
  });

  it('is there for every interface of options that has defaults', () => {
    const tables = readProject().flatMap((source) => (source.path.startsWith('docs/') ? readTables(source) : []));
    const captions = tables.map(({ caption }) => caption).join('\n');
    const named = [...readOptions(readLib()).interfaces.values()].filter(({ defaults }) => defaults !== undefined);
    expect(named.length).toBeGreaterThan(15);
    expect(named.map(({ name }) => name).filter((name) => !captions.includes(`\`${name}\``))).toEqual([]);
  });

  it('is the truth in every document', () => {
    const documents = readProject().filter(({ path }) => path === 'README.md' || /^(docs|sample)\/.*\.md$/.test(path));
    expect(optionTableViolations(documents, readLib())).toEqual([]);
  });
});
