// Law: what the documents say is so.
import { describe, expect, it } from '@jest/globals';
import { CmdStreamError, errorMeanings, grpcStatusOf, httpStatusOf, type CmdStreamErrorCode } from 'nestjs-cmd-stream';
import { codeComments } from '../support/code-comments.js';
import { readPackage, readProject, type Source } from '../support/project.js';
import { commands, excerptFaults, linkFaults } from './document-laws.js';
import { codeBlocks, tableRows } from './markdown.js';
import { typeFaults } from './type-check.js';

const project = readProject();
const files = new Map(project.map(({ path, text }) => [path, text]));
const documents = project.filter(({ path }) => path.endsWith('.md'));
const pageOf = (path: string): Source => ({ path, text: files.get(path) ?? '' });

/**
 * What the tarball has, the built library left out: npm adds the README and the licence to the `files` of the package.
 */
const packed = (() => {
  const { files: listed } = JSON.parse(readPackage()) as { files: readonly string[] };
  const roots = ['README.md', 'LICENSE', 'package.json', ...listed];
  const inside = project.filter(({ path }) => roots.some((root) => path === root || path.startsWith(`${root}/`)));
  return {
    files: new Map(inside.map(({ path, text }) => [path, text])),
    documents: inside.filter(({ path }) => path.endsWith('.md')),
  };
})();

function markdown(...lines: readonly string[]): Source {
  return { path: 'docs/page.md', text: lines.join('\n') };
}

describe('an excerpt', () => {
  const code = new Map([['lib/frame.ts', 'class Frame {\n  size = 1;\n\n  read() {\n    return 2;\n  }\n}\n']]);
  const faults = (...lines: readonly string[]) =>
    excerptFaults(codeBlocks(markdown('[frame.ts](../lib/frame.ts)', '', '```ts', ...lines, '```')), code);

  it.each([
    ['is the whole', 'class Frame {', '  size = 1;', '', '  read() {', '    return 2;', '  }', '}'],
    ['is a part, moved to the left', 'read() {', '  return 2;', '}'],
  ])('passes when it %s of its file', (_, ...lines) => {
    expect(faults(...lines)).toEqual([]);
  });

  it.each([
    ['differs', 'size = 2;'],
    ['leaves out a line', 'size = 1;', 'read() {'],
    ['is indented otherwise', 'read() {', 'return 2;', '}'],
    ['is empty'],
  ])('is refused when it %s', (_, ...lines) => {
    expect(faults(...lines)).toEqual(['docs/page.md:3: this is not in lib/frame.ts']);
  });

  it('may name its file by its path alone', () => {
    const page = markdown('`lib/frame.ts`', '', '```ts', 'size = 2;', '```');
    expect(excerptFaults(codeBlocks(page), code)).toEqual(['docs/page.md:3: this is not in lib/frame.ts']);
  });

  it('is refused when its file is not there', () => {
    const page = markdown('[page.ts](page.ts)', '```ts', '```');
    expect(excerptFaults(codeBlocks(page), code)).toEqual(['docs/page.md:2: there is no docs/page.ts']);
  });

  it('is the truth in every document', () => {
    const all = documents.flatMap(codeBlocks);
    expect(all.filter(({ file }) => file !== undefined).length).toBeGreaterThan(5);
    expect(excerptFaults(all, files)).toEqual([]);
  });
});

describe('the quick start', () => {
  const blocks = codeBlocks(pageOf('docs/quick-start.md'));
  const quickStart = blocks.filter(({ section, language }) => section === 'The calculator' && language !== 'sh');

  it('is made of contract, controller, server and client of the sample', () => {
    const shown = new Set(quickStart.map(({ file }) => file));
    const names = ['calc.contract.ts', 'calc.controller.ts', 'server.ts', 'client.ts'];
    expect([...shown]).toEqual(names.map((name) => `sample/01-calc/${name}`));
  });

  it('has at most 30 lines of code', () => {
    expect(quickStart.flatMap(({ lines }) => lines).length).toBeLessThanOrEqual(30);
  });
});

describe('a block of TypeScript', () => {
  const faults = (...lines: readonly string[]) =>
    typeFaults([{ place: 'README.md:1', language: 'ts', section: '', file: undefined, lines }]);

  it('is refused when it does not compile', () => {
    expect(
      faults(
        `import { AddCmd } from './calc.contract.js';`,
        `export const command: AddCmd = new AddCmd('2');`,
        `export const sum = command.sum;`,
      ),
    ).toEqual([
      expect.stringMatching(/README.md:1: Argument of type 'string'/),
      expect.stringMatching(/README.md:1: Property 'sum'/),
    ]);
  });

  it('is refused when it is cut off', () => {
    expect(faults('export class Half {')).toEqual([`README.md:1: '}' expected.`]);
  });

  it('compiles in every document that is packed, unless it is an excerpt', () => {
    const all = packed.documents.flatMap(codeBlocks);
    const own = all.filter(({ language, file }) => language === 'ts' && file === undefined);
    expect(own.length).toBeGreaterThan(0);
    expect(typeFaults(own)).toEqual([]);
  });
});

/** As gRPC has them, by number. */
const grpcNames: Readonly<Record<number, string>> = {
  1: 'CANCELLED',
  2: 'UNKNOWN',
  4: 'DEADLINE_EXCEEDED',
  8: 'RESOURCE_EXHAUSTED',
  12: 'UNIMPLEMENTED',
  13: 'INTERNAL',
  14: 'UNAVAILABLE',
};

describe('the table of errors', () => {
  it('is that of the code', () => {
    const codes = codeComments().map(({ code, serversOnly }) => {
      const error = new CmdStreamError(code as CmdStreamErrorCode, 'x');
      const meaning = errorMeanings[error.code] + (serversOnly ? ' (servers only)' : '');
      const { [grpcStatusOf(error)]: status } = grpcNames;
      return [`\`${code}\``, `\`${error.kind}\``, String(httpStatusOf(error)), `\`${status}\``, meaning];
    });
    expect(tableRows(pageOf('docs/error-codes.md'), 'Code', 'Kind', 'HTTP', 'gRPC', 'Meaning')).toEqual(codes);
  });
});

describe('the page on troubleshooting', () => {
  it('has every code once, with those of its kind', () => {
    let kind = '';
    const rows = pageOf('docs/troubleshooting.md')
      .text.split('\n')
      .flatMap((line) => {
        kind = /^## .*`(\w+)`$/.exec(line)?.[1] ?? kind;
        const code = /^\| `([A-Z_]+)`/.exec(line)?.[1];
        return code === undefined ? [] : [[code, kind]];
      });
    const codes = codeComments().map(({ code }) => [code, new CmdStreamError(code as CmdStreamErrorCode, 'x').kind]);
    expect(rows).toEqual(codes);
  });
});

describe('a command', () => {
  const { name, peerDependencies, peerDependenciesMeta } = JSON.parse(readPackage()) as {
    name: string;
    peerDependencies: object;
    peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>;
  };
  const peers = Object.keys(peerDependencies);
  const isOptional = (peer: string) => peerDependenciesMeta[peer]?.optional === true;
  const needed = peers.filter((peer) => !isOptional(peer));
  const installs = [needed.join(' '), name, ...peers.filter(isOptional)].map((packages) => `npm i ${packages}`);
  /** Who runs it otherwise, and with which words. */
  const runs: Readonly<Record<string, readonly [file: string, words: string]>> = {
    'npm ci': ['.ci/run', '\nif ! npm ci; then'],
    'npm test': ['.ci/run', '\n  npm test -- '],
    'npm start': ['test/docs/sample.test.ts', `'npm start'`],
    '.ci/run': ['.github/workflows/ci.yml', '- run: .ci/run'],
  };

  /** From an empty folder to the answers of the sample. */
  const fromEmpty = [
    'npm init -y',
    'npm pkg set type=module',
    ...installs.slice(0, 2),
    'npm i -D typescript @types/node@20',
    'mkdir -p src',
    `cp -r node_modules/${name}/sample/01-calc src`,
    'npx tsc',
    'node dist/01-calc/main.js',
  ];

  const { scripts } = JSON.parse(readPackage()) as { scripts: Readonly<Record<string, string>> };
  const pages = documents.filter(({ path }) => path === 'README.md' || path.startsWith('docs/'));
  const shown = pages.flatMap((page) => commands(codeBlocks(page)).map((command) => ({ path: page.path, command })));

  it('of the quick start leads from an empty folder to what the sample prints', () => {
    const way = codeBlocks(pageOf('docs/quick-start.md'));
    expect(commands(way)).toEqual(fromEmpty);
    expect(packed.files.has('sample/01-calc/main.ts')).toBe(true);
    const config = way.find(({ language }) => language === 'json')?.lines.join('\n') ?? '';
    expect(JSON.parse(config)).toMatchObject({ compilerOptions: { rootDir: 'src', outDir: 'dist' }, include: ['src'] });
  });

  /** Whose tests run what they name. */
  const elsewhere: Readonly<Record<string, readonly string[]>> = {
    'README.md': ['npx tsc', 'node dist/first.js'],
    'docs/command-line.md': ['npx cmd-stream ping -c 5 localhost:3000'],
    'docs/performance.md': ['node dist/test/bench/hot-spots.js profiles/echo-execute-server.cpuprofile'],
    'docs/protobuf.md': ['npm i -D @bufbuild/buf @bufbuild/protoc-gen-es', 'npx buf generate'],
  };

  it('installs the package and its peers, leads to a sample, is a script, or is run by CI or a test', () => {
    const known = new Set([...installs, ...Object.keys(runs)]);
    const isScript = (command: string) => Object.hasOwn(scripts, /^npm run ([\w:]+)/.exec(command)?.[1] ?? '');
    const unknown = shown.filter(({ path, command }) => {
      const own = path === 'docs/quick-start.md' ? fromEmpty : (elsewhere[path] ?? []);
      return !known.has(command) && !own.includes(command) && !isScript(command);
    });
    expect(unknown).toEqual([]);
    expect(shown.map(({ command }) => command)).toEqual(expect.arrayContaining(installs));
  });

  it.each(Object.entries(runs))('is run as it stands: %s', (_, [file, words]) => {
    expect(files.get(file)).toContain(words);
  });
});

describe('a link', () => {
  const example = new Map([
    ['docs/page.md', '# Page'],
    ['docs/other.md', '## The `other`, of two'],
    ['lib/wire/frame.ts', ''],
  ]);
  const faults = (...lines: readonly string[]) => linkFaults([markdown(...lines)], example);

  it.each([
    '[a](other.md)',
    '[a](../lib/wire/frame.ts)',
    '[a](../lib/wire)',
    '[a](other.md#the-other-of-two)',
    '## An end\n[a](#an-end)',
    '[a](https://example.com/none.md)',
    '`[a](none.md)`',
    '```\n[a](none.md)\n```',
  ])('passes when it is %j', (text) => {
    expect(faults(text)).toEqual([]);
  });

  it.each(['[a](none.md)', '[a](other.md#none)', '[a](#none)', '```\n# none\n```\n[a](#none)', '[a](../README.md)'])(
    'is refused when it is %j',
    (text) => {
      expect(faults(text)).toHaveLength(1);
    },
  );

  it('leads somewhere in every document', () => {
    expect(documents.map(({ path }) => path)).toContain('README.md');
    expect(linkFaults(documents, files)).toEqual([]);
  });

  it('of a document that is packed leads to what is packed', () => {
    expect(packed.documents.map(({ path }) => path)).toEqual(expect.arrayContaining(['README.md', 'docs/features.md']));
    expect(linkFaults(packed.documents, packed.files)).toEqual([]);
  });
});
