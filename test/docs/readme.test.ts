// Holds the README to what it promises: short, with figures that were measured, and an example that runs as it stands.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { freePort } from '../support/free-port.js';
import { guardLeaks } from '../support/leak-guard.js';
import { outputOf } from '../support/program.js';
import { projectRoot, readProject, type Source } from '../support/project.js';
import { codeBlocks, localLinks, tableRows } from './markdown.js';
import { typeFaults } from './type-check.js';

const own = guardLeaks();
const pageOf = (path: string): Source => ({ path, text: readFileSync(join(projectRoot, path), 'utf8') });
const readme = pageOf('README.md');
const blocks = codeBlocks(readme);
const transports = ['Here', 'Nest TCP', 'Nest gRPC', 'Nest NATS', 'cmd-stream-go'];

describe('the README', () => {
  it('has at most 250 lines', () => {
    expect(readme.text.split('\n').length).toBeLessThanOrEqual(250);
  });

  it('shows a whole program, which compiles and prints what stands below it', async () => {
    const [, program] = blocks.filter(({ file }) => file === 'docs/examples/first.ts');
    expect(`${program!.lines.join('\n')}\n`).toBe(pageOf('docs/examples/first.ts').text);
    expect(typeFaults([program!])).toEqual([]);
    const output = blocks.find(({ language }) => language === 'text');
    const loader = ['--import', './test/support/typescript-loader.mjs', 'docs/examples/first.ts'];
    const env = { ...process.env, PORT: String(await freePort()) };
    const printed = await outputOf(own, process.execPath, loader, { cwd: projectRoot, env });
    expect(printed.trim()).toBe(output!.lines.join('\n'));
  }, 300_000);
});

describe('the table of transports', () => {
  const rows = tableRows(readme, 'Feature', ...transports);
  const features = tableRows(pageOf('docs/features.md'), 'Feature', ...transports);
  const measured = tableRows(pageOf('docs/performance.md'), 'Key', 'What', 'Measured', 'In the rounds', 'Aim');

  it('has the figures that were measured, as parts of ours', () => {
    const figureOf = (key: string) => {
      const row = measured.find(([cell]) => cell === `\`${key}\``);
      return `${Math.round(100 / Number(row?.[2]))} %`;
    };
    const [, ...cells] = rows.find(([feature]) => feature?.startsWith('Calls per second')) ?? [];
    const keys = ['vs-nest-tcp-string', 'vs-nest-grpc', 'vs-nest-nats', 'vs-go'];
    expect(cells).toEqual(['100 %', ...keys.map(figureOf)]);
  });

  it('says in short what the page on features says', () => {
    const lines = features.map(([feature = '', ...cells]) => ({ feature, cells }));
    expect(lines.length).toBeGreaterThan(5);
    for (const { feature, cells } of lines) {
      const [, ...short] = rows.find(([name]) => name === feature) ?? [];
      const begins = cells.map((cell, at) => [short[at], short[at] !== '' && cell.startsWith(short[at] ?? '?')]);
      expect([feature, ...begins]).toEqual([feature, ...short.map((cell) => [cell, true])]);
    }
    expect(rows.length).toBe(features.length + 1);
  });
});

describe('the index of the documentation', () => {
  it('has every page', () => {
    const index = pageOf('docs/README.md');
    const linked = new Set(localLinks(index).map(({ path }) => path));
    const pages = readProject().flatMap(({ path }) => (/^docs\/[^/]+\.md$/.test(path) ? [path] : []));
    expect(pages.length).toBeGreaterThan(20);
    expect(pages.filter((path) => path !== index.path && !linked.has(path))).toEqual([]);
  });
});
