// What works with what, in docs/interop-go.md: the table is as the compatibility run has written it, and speaks of the
// versions that the package is for.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  notBuilt,
  resultOf,
  tableIn,
  tableText,
  together,
  withTable,
  worksBothWays,
  type Row,
} from '../compat/table.js';
import { ownRelease } from '../interop/go-peer.js';
import { projectRoot, readPackage } from '../support/project.js';

const page = readFileSync(join(projectRoot, 'docs/interop-go.md'), 'utf8');
const { engines, peerDependencies } = JSON.parse(readPackage()) as {
  engines: { node: string };
  peerDependencies: Record<string, string>;
};
const majorsOf = (range: string): string[] => Array.from(range.matchAll(/[\^=](\d+)\./g), ([, major = '']) => major);

const passed = { case: 'unary', ok: true, detail: 'as it should' };
const failed = { case: 'multi', ok: false, detail: 'two | of\nthree' };
const row: Row = {
  go: 'v1.0.0',
  nest: '12.0.0, 12.0.0',
  node: '20.0.0',
  goAsksNest: 'all 2 cases',
  nestAsksGo: 'all 2 cases',
};

describe('the table of what works with what', () => {
  const { text, run, rows } = tableIn(page);

  it('is as the compatibility run writes it', () => {
    expect(tableText(run, rows)).toBe(text);
    expect(run).toMatch(/^Run on \d{4}-\d\d-\d\d, nestjs-cmd-stream \d+\.\d+\.\d+\S*, Go \d+\.\d+\S*, \w+ \w+\.$/);
  });

  it('has the release of cmd-stream-go that the interop tests are built with, and nothing of it fails', () => {
    const own = rows.filter(({ go }) => go === ownRelease());
    expect(own.length).toBeGreaterThan(0);
    expect(own.filter((one) => !worksBothWays(one))).toEqual([]);
  });

  it.each(majorsOf(peerDependencies['@nestjs/core']!))('has Nest %s, the oldest and a newer one', (major) => {
    const versions = new Set(rows.filter(({ nest }) => nest.startsWith(`${major}.`)).map(({ nest }) => nest));
    expect(versions.size).toBeGreaterThan(1);
  });

  it.each(majorsOf(engines.node))('has Node %s', (major) => {
    expect(rows.filter(({ node }) => node.startsWith(`${major}.`))).not.toEqual([]);
  });
});

describe('what the compatibility run writes', () => {
  it('says how many cases have passed', () => {
    expect(
      resultOf([
        { codec: 'json', ran: [passed, passed] },
        { codec: 'mus', ran: [passed] },
      ]),
    ).toBe('all 3 cases');
  });

  it('names what has failed, in one cell', () => {
    expect(resultOf([{ codec: 'json', ran: [passed, failed] }])).toBe('**1 of 2 cases**; json multi: two \\| of three');
  });

  it('says how many have passed at the second try only', () => {
    const result = resultOf([{ codec: 'json', ran: [passed, { ...passed, isSecondTry: true }] }]);
    expect(result).toBe('all 2 cases, 1 at a second try');
    expect(worksBothWays({ ...row, nestAsksGo: result })).toBe(true);
  });

  it('does not call a run without cases a success', () => {
    expect(
      resultOf([
        { codec: 'json', ran: [passed] },
        { codec: 'mus', ran: [] },
      ]),
    ).toBe('**1 of 1 cases**; mus: no case has run');
  });

  it('takes a row for good only if both directions are', () => {
    expect(worksBothWays(row)).toBe(true);
    expect(worksBothWays({ ...row, nestAsksGo: resultOf([{ codec: 'json', ran: [failed] }]) })).toBe(false);
    expect(worksBothWays({ ...row, goAsksNest: resultOf([]) })).toBe(false);
    expect(worksBothWays(notBuilt('v0.1.0', 'another API'))).toBe(false);
  });

  it('puts releases together that cannot be built for one reason', () => {
    const old = ['v0.1.0', 'v0.2.0', 'v0.3.0'].map((release) => notBuilt(release, 'another API'));
    const broken = notBuilt('v0.4.0', 'it does not compile');
    const rows = together([...old, broken, row, row]);
    expect(rows).toEqual([notBuilt('v0.1.0 to v0.3.0', 'another API'), broken, row, row]);
  });

  it('can be read again', () => {
    const rows = [row, notBuilt('v0.1.0', 'a.go:1: undefined: x|y')];
    const written = withTable(page, tableText('Run on a day.', rows));
    expect(tableIn(written)).toMatchObject({ run: 'Run on a day.', rows });
    expect(withTable(written, tableText(tableIn(page).run, tableIn(page).rows))).toBe(page);
  });
});
