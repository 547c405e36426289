// The command line of the benchmarks: what was asked for, or what is wrong with it.
import { parseArgs } from 'node:util';
import { boundKeys, contests } from './contests.js';
import { keyList } from './report.js';
import type { RunOptions } from './runner.js';

export interface Arguments {
  readonly help: boolean;
  readonly keys: readonly string[];
  readonly run: RunOptions;
  /** Files to write. */
  readonly json: string | undefined;
  readonly svg: string | undefined;
  readonly markdown: string | undefined;
}

const full = { rounds: '9', seconds: '1', warmUp: '4' };
const quick = { rounds: '3', seconds: '0.3', warmUp: '1.2' };

export const usage = `npm run bench -- [options]

Measures this package beside what else there is, each client and each server in a process of its own, and prints a
table for each contest and one of all keys. A key is one ratio: the median of the ratios of the rounds, in which all
that is compared takes turns. Compare numbers of one run only. Progress goes to stderr, the tables to stdout. It fails
if an answer is wrong, not if a bound is missed.

  --quick              a first look, in two minutes: ${quick.rounds} rounds of ${quick.seconds} s
  --only KEY,KEY       these keys, instead of all that have a bound
  --all                all keys, those without a bound too
  --json FILE          writes { ratios: { KEY: number }, raw: … }
  --svg FILE           writes a chart of the first contest
  --markdown FILE      writes the keys as a table
  --rounds COUNT       turns of every contestant; default ${full.rounds}
  --seconds S          time of one turn; default ${full.seconds}
  --warm-up S          processor time of client and server before anything counts; default ${full.warmUp}
  --profile FOLDER     writes a CPU profile of every Node process there, which dist/test/bench/hot-spots.js reads
  --help               this

Examples:
  npm run bench -- --only vs-ceiling,vs-nest-tcp-string --rounds 5
  npm run bench -- --only vs-ceiling --profile profiles
  node dist/test/bench/hot-spots.js profiles/echo-execute-client.cpuprofile

Contestants whose program is not there (go, nats-server, redis-server) are skipped, and said to be.

Keys, and what they should be:
${keyList()}
`;

const known = contests.flatMap(({ keys }) => keys.map(({ name }) => name));

/** @throws {TypeError} for an option that there is not, {@link RangeError} for a value that it cannot have */
export function parseArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      all: { type: 'boolean', default: false },
      json: { type: 'string' },
      svg: { type: 'string' },
      markdown: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      'warm-up': { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const defaults = values.quick ? quick : full;
  return {
    help: values.help,
    keys: keysOf(values.only, values.all),
    run: {
      rounds: Math.ceil(positive('rounds', values.rounds ?? defaults.rounds)),
      seconds: positive('seconds', values.seconds ?? defaults.seconds),
      warmUpSeconds: positive('warm-up', values['warm-up'] ?? defaults.warmUp),
      profile: values.profile,
    },
    json: values.json,
    svg: values.svg,
    markdown: values.markdown,
  };
}

function keysOf(only: readonly string[] | undefined, all: boolean): readonly string[] {
  if (only === undefined) return all ? known : boundKeys;
  const names = only.flatMap((list) => list.split(',')).filter((name) => name !== '');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new RangeError(`no key "${unknown}"; there are ${known.join(', ')}`);
  if (names.length === 0) throw new RangeError('--only must name a key');
  return names;
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value < Number.POSITIVE_INFINITY) return value;
  throw new RangeError(`--${flag} must be a number above 0, not ${text}`);
}
