// The tables of SECURITY.md name each threat once, as test/hostile/threats.ts has it, the tests that hold it, and the
// defaults of the code.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { clientDefaults } from '../../lib/client/client-options.js';
import { reconnectDefaults } from '../../lib/client/group/backoff.js';
import { queueDefaults, retryDefaults } from '../../lib/client/group/waiting-room.js';
import { jsonCodecDefaults } from '../../lib/codec/json/json-codec-options.js';
import { keepaliveDefaults } from '../../lib/connection/keepalive.js';
import { serverDefaults } from '../../lib/server/server-options.js';
import { threats, type Threat } from '../hostile/threats.js';
import { projectRoot } from '../support/project.js';
import { tableRows } from './markdown.js';

const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
const [servers = '', clients = ''] = read('SECURITY.md').split('A client by its servers');
const rowsOf = (text: string) =>
  tableRows({ path: 'SECURITY.md', text }, 'Threat', 'Defence', 'Default', 'Test').map((cells) => {
    const [threat = '', defence = '', defaults = '', tests = ''] = cells;
    return { threat, defence, defaults, tests };
  });
const rows = [...rowsOf(servers), ...rowsOf(clients)];

const folder = 'test/hostile';
const hostile = readdirSync(join(projectRoot, folder))
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => ({ path: `${folder}/${name}`, text: read(`${folder}/${name}`) }));

/** Files whose tests hold it, as the tables name them. */
function testsOf({ id, elsewhere = [] }: Threat): string[] {
  const own = hostile.filter(({ text }) => text.includes(`'${id} `)).map(({ path }) => path);
  const all = [...own, ...elsewhere.map(([path]) => path)];
  return [...new Set(all)].map((path) => path.replace(/^test\//, '').replace(/\.test\.ts$/, ''));
}

/** Options in an option stand behind its name and a dot. */
function nested(name: string, defaults: object): [string, unknown][] {
  return Object.entries(defaults).map(([option, value]) => [`${name}.${option}`, value]);
}

const defaults = new Map<string, unknown>([
  ...Object.entries({ ...jsonCodecDefaults, ...clientDefaults, ...serverDefaults }),
  ...nested('reconnect', reconnectDefaults),
  ...nested('keepalive', keepaliveDefaults),
  ...nested('queue', queueDefaults),
  ...nested('retry', retryDefaults),
]);

describe('the tables of SECURITY.md', () => {
  it('name each threat once, in its order, with a defence', () => {
    expect(rows.map(({ threat }) => threat)).toEqual(threats.map(({ id, what }) => `${id}: ${what}`));
    expect(rows.filter(({ defence }) => defence.length < 10)).toEqual([]);
    expect(rowsOf(servers).every(({ threat }) => threat.startsWith('S'))).toBe(true);
  });

  it.each(threats)('name the tests that hold $id', (threat) => {
    const row = rows.find((one) => one.threat.startsWith(`${threat.id}: `));
    const named = row!.tests.split(', ').map((name) => name.replaceAll('`', ''));
    expect(named.toSorted()).toEqual(testsOf(threat).toSorted());
  });

  it('name the defaults of the code', () => {
    const named = rows.flatMap(({ defaults: cell }) => [...cell.matchAll(/`([\w.]+): ([\d_]+)`/g)]);
    expect(named.length).toBeGreaterThan(25);
    const wrong = named.filter(([, option, value]) => defaults.get(option!) !== Number(value!.replaceAll('_', '')));
    expect(wrong.map(([text]) => text)).toEqual([]);
    const others = rows.filter(({ defaults: cell }) => !cell.includes('`')).map(({ defaults: cell }) => cell);
    expect(new Set(others)).toEqual(new Set(['none', 'a quarter of the heap limit']));
  });
});
