// The table of docs/interop-go.md that says what works with what: as the compatibility run writes it, and as its test
// reads it.
import type { DriverCase } from '../interop/go-peer.js';

/** A combination, and what came of it: each way. */
export interface Row {
  /** The release of cmd-stream-go. */
  readonly go: string;
  /** The versions of `@nestjs/core` and `@nestjs/microservices`; a dash where the peers could not be built. */
  readonly nest: string;
  readonly node: string;
  readonly goAsksNest: string;
  readonly nestAsksGo: string;
}

const BEGIN = '<!-- What npm run test:compat has written; nothing of it is written by hand. -->';
const END = '<!-- The end of it. -->';
const HEAD = [
  'cmd-stream-go',
  'NestJS (core, microservices)',
  'Node',
  'Go client → Nest server',
  'Nest client → Go server',
];

/** A case, and whether it has passed at the second try only. */
export type TriedCase = DriverCase & { readonly isSecondTry?: boolean | undefined };

/** What a run of named cases in several codecs comes to. */
export function resultOf(outcomes: readonly { readonly codec: string; readonly ran: readonly TriedCase[] }[]): string {
  const all = outcomes.flatMap(({ codec, ran }) => ran.map((one) => ({ codec, ...one })));
  const bad = all.filter(({ ok }) => !ok).map(({ codec, case: name, detail }) => `${codec} ${name}: ${detail}`);
  const silent = outcomes.filter(({ ran }) => ran.length === 0).map(({ codec }) => `${codec}: no case has run`);
  const failures = [...silent, ...bad];
  const second = all.filter(({ isSecondTry }) => isSecondTry).length;
  if (failures.length === 0) return `all ${all.length} cases${second > 0 ? `, ${second} at a second try` : ''}`;
  return `**${all.length - bad.length} of ${all.length} cases**; ${failures.map(inCell).join('; ')}`;
}

/** Where there is nothing to run. */
export function notBuilt(go: string, reason: string): Row {
  return { go, nest: '–', node: '–', goAsksNest: `not run: ${inCell(reason)}`, nestAsksGo: '–' };
}

/** One row for releases in a row that cannot be built for one reason. */
export function together(rows: readonly Row[]): readonly Row[] {
  const all: Row[] = [];
  for (const row of rows) {
    const before = all.at(-1);
    if (before !== undefined && isNotBuilt(row) && isNotBuilt(before) && before.goAsksNest === row.goAsksNest) {
      all[all.length - 1] = { ...row, go: `${before.go.split(' ')[0]} to ${row.go}` };
    } else all.push(row);
  }
  return all;
}

function isNotBuilt({ nest }: Row): boolean {
  return nest === '–';
}

export function worksBothWays({ goAsksNest, nestAsksGo }: Row): boolean {
  return [goAsksNest, nestAsksGo].every((result) => /^all [1-9]\d* cases(, \d+ at a second try)?$/.test(result));
}

/** `run`: when, and with what, in one sentence. */
export function tableText(run: string, rows: readonly Row[]): string {
  const cells = rows.map(({ go, nest, node, goAsksNest, nestAsksGo }) => [go, nest, node, goAsksNest, nestAsksGo]);
  const widths = HEAD.map((head, at) => Math.max(head.length, ...cells.map((row) => row[at]!.length)));
  const line = (row: readonly string[]): string => `| ${row.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [BEGIN, '', run, '', line(HEAD), rule, ...cells.map(line), '', END].join('\n');
}

/** The page with this table instead of the one that it has. */
export function withTable(page: string, text: string): string {
  const [from, to] = placeIn(page);
  return page.slice(0, from) + text + page.slice(to);
}

/** The table of the page, and its parts. */
export function tableIn(page: string): { readonly text: string; readonly run: string; readonly rows: readonly Row[] } {
  const text = page.slice(...placeIn(page));
  const lines = text.split('\n');
  const rows = lines
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => line.slice(1, -1).split(' | '))
    .map((row) => row.map((cell) => cell.trim()))
    .map(([go = '', nest = '', node = '', goAsksNest = '', nestAsksGo = '']): Row => {
      return { go, nest, node, goAsksNest, nestAsksGo };
    });
  return { text, run: lines[2] ?? '', rows };
}

function placeIn(page: string): [number, number] {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error('the page has no place for the table');
  return [from, to + END.length];
}

/** Neither the end of a cell nor of a line, and no longer than one has room for. */
function inCell(text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll('|', '\\|').slice(0, 160);
}
