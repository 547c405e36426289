// The command line of the stress test: what was asked for, or what is wrong with it.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { settingNames, settingOf, settings, settingsIn, settingsWith, type Settings } from './settings.js';

export interface Arguments {
  readonly help: boolean;
  /** `all`: the whole storm; `kill9`: kill -9 alone, again and again, under 64 callers. */
  readonly only: 'all' | 'kill9';
  readonly kills: number;
  /** How soon after a kill all that was under way must be settled. */
  readonly settleMs: number;
  readonly withGo: boolean;
  readonly settings: Settings;
  /** Files to write. */
  readonly json: string | undefined;
  readonly svg: string | undefined;
  readonly report: string | undefined;
}

const MOST = 100_000;

export const usage = `npm run stress -- [options]

Clients and servers, each in a process of its own, under load, while servers are killed, restarted and frozen, and the
network between them fails in every way it can. Every answer is compared. It ends with 1, and the seed that repeats it,
if an answer is wrong, missing, doubled or out of order, if a call hangs, if a call fails or a connection is lost for no
reason that was given to it, or if memory grows. Progress and a report go to stdout.

  --only kill9         kill -9 alone, again and again, under 64 callers: when are the calls that were under way settled?
  --kills COUNT        how often; default 100
  --settle-ms MS       within so many milliseconds they must be; default 50
  --config FILE        settings, one "name: number" a line (YAML), as keepalive_interval_ms: 1000; flags win
  --no-go              without the peers written in Go, which are there if Go is
  --json FILE          writes all figures
  --svg FILE           writes a chart of throughput, errors and memory over time
  --report FILE        writes the report to a file as well
  --help               this

Settings, with their defaults:

${settingNames.map((name) => `  ${`--${name} ${settings[name].value}`.padEnd(36)} ${settings[name].meaning}`).join('\n')}

Examples:
  npm run stress -- --minutes 60 --seed 7 --json stress.json --svg stress.svg
  npm run stress -- --only kill9
`;

/** @throws {TypeError} for an option that there is not, {@link RangeError} for a value that it cannot have */
export function parseArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries(settingNames.map((name) => [name, { type: 'string' as const }])),
      only: { type: 'string', default: 'all' },
      kills: { type: 'string', default: '100' },
      'settle-ms': { type: 'string', default: '50' },
      config: { type: 'string' },
      'no-go': { type: 'boolean', default: false },
      json: { type: 'string' },
      svg: { type: 'string' },
      report: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { only, config } = values;
  if (only !== 'all' && only !== 'kill9') throw new RangeError(`--only must be kill9, not ${only}`);
  const flags = settingNames.flatMap((name) => {
    const text = (values as Readonly<Record<string, unknown>>)[name];
    return typeof text === 'string' ? [settingOf(name, text)] : [];
  });
  const seed = Math.floor(Math.random() * 2 ** 31);
  const file = config === undefined ? {} : settingsIn(readFileSync(config, 'utf8'));
  return {
    help: values.help,
    only,
    kills: wholeFrom(1, 'kills', values.kills),
    settleMs: wholeFrom(0, 'settle-ms', values['settle-ms']),
    withGo: !values['no-go'],
    settings: settingsWith({ seed, ...file, ...Object.fromEntries(flags) }),
    json: values.json,
    svg: values.svg,
    report: values.report,
  };
}

function wholeFrom(least: number, flag: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isInteger(value) && value >= least && value <= MOST) return value;
  throw new RangeError(`--${flag} must be a whole number from ${least} to ${MOST}, not "${text}"`);
}
