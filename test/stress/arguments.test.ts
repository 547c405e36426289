// The command line of the stress test, and the file it may read.
import { writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Folder } from '../support/folder.js';
import { parseArguments, usage } from './arguments.js';
import { settingNames, settings, settingsIn } from './settings.js';

describe('the command line of the stress test', () => {
  let folder: Folder | undefined;
  afterEach(() => {
    folder?.destroy();
    folder = undefined;
  });
  const fileWith = (text: string): string => {
    folder = new Folder();
    const path = folder.file('stress.yaml');
    writeFileSync(path, text);
    return path;
  };

  it('has the defaults, and a seed by chance', () => {
    const { seed, ...others } = parseArguments([]).settings;
    const { seed: _seed, ...defaults } = Object.fromEntries(settingNames.map((name) => [name, settings[name].value]));
    expect(others).toEqual(defaults);
    expect(seed).toBeGreaterThanOrEqual(0);
    const seeds = Array.from({ length: 5 }, () => parseArguments([]).settings.seed);
    expect(new Set(seeds).size).toBeGreaterThan(1);
  });

  it('takes settings as flags, and from a file behind them', () => {
    const config = fileWith('# slow\nminutes: 90\nfail_prob: 0.01   # many\n\nseed: 5\n');
    const { settings: given } = parseArguments(['--config', config, '--seed', '7', '--keepalive-interval-ms=500']);
    expect(given).toMatchObject({ minutes: 90, 'fail-prob': 0.01, seed: 7, 'keepalive-interval-ms': 500, rate: 3000 });
  });

  it('writes what it is asked to write, and nothing else', () => {
    expect(parseArguments([])).toMatchObject({ json: undefined, svg: undefined, report: undefined });
    const args = [
      '--json',
      'a.json',
      '--svg',
      'b.svg',
      '--report',
      'c.txt',
      '--no-go',
      '--only',
      'kill9',
      '--kills',
      '3',
    ];
    const given = { json: 'a.json', svg: 'b.svg', report: 'c.txt', withGo: false, only: 'kill9', kills: 3 };
    expect(parseArguments(args)).toMatchObject(given);
  });

  it.each([
    [['--minutes', '0'], 'minutes must be a number from 0.05 to 20160, not "0"'],
    [['--rate', ''], 'rate must be a number from 1 to 100000, not ""'],
    [['--fail-prob', '1.5'], 'fail-prob must be a number from 0 to 1'],
    [['--only', 'rain'], '--only must be kill9, not rain'],
    [['--kills', '1.5'], '--kills must be a whole number from 1'],
    [['--settle-ms=-1'], '--settle-ms must be a whole number from 0'],
    [['--storms', '3'], "Unknown option '--storms'"],
  ])('refuses %j', (args, message) => {
    expect(() => parseArguments(args)).toThrow(message);
  });

  it.each([
    ['rain: 3', 'there is no setting "rain"'],
    ['minutes: soon', 'minutes must be a number'],
    ['minutes 3', 'line 1 is not "name: number": minutes 3'],
    ['seed: 1\nservers: [a, b]', 'line 2 is not "name: number"'],
  ])('refuses the file %j', (text, message) => {
    expect(() => settingsIn(text)).toThrow(message);
  });

  it('tells of every setting and every option', () => {
    for (const name of settingNames) expect(usage).toContain(`--${name} `);
    for (const flag of ['only', 'kills', 'settle-ms', 'config', 'no-go', 'json', 'svg', 'report', 'help']) {
      expect(usage).toContain(`--${flag} `);
    }
  });
});
