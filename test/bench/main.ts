// The command line of the benchmarks. Numbers are only compared within one run, and none is a pass or a fail.
import { parseArgs } from 'node:util';
import { report, table } from './report.js';
import { run } from './runner.js';
import { scenarioNamed, scenarios } from './scenarios.js';

const usage = `npm run bench -- [options]
  --scenario <name>     one of ${scenarios.map(({ name }) => name).join(', ')}; default: all; may be repeated
  --rounds <count>      turns of every variant; default 5
  --seconds <s>         time of one turn; default 2
  --warm-up <s>         time of a turn before that is not counted; default 3
  --in-flight <count>   calls a client keeps in flight; default: the scenario's
  --profile <folder>    write a CPU profile of every process there; hot-spots.js reads them
  --json                JSON instead of a table
`;

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', multiple: true, default: scenarios.map(({ name }) => name) },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    'warm-up': { type: 'string', default: '3' },
    'in-flight': { type: 'string' },
    profile: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value < Number.POSITIVE_INFINITY) return value;
  throw new RangeError(`--${flag} must be a number above 0, not ${text}`);
}

const count = (flag: string, text: string): number => Math.ceil(positive(flag, text));

if (values.help) {
  process.stdout.write(usage);
} else {
  const chosen = values.scenario.map(scenarioNamed);
  const options = {
    rounds: count('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    warmUpSeconds: positive('warm-up', values['warm-up']),
    inFlight: values['in-flight'] === undefined ? undefined : count('in-flight', values['in-flight']),
    profile: values.profile,
  };
  const results: Record<string, ReturnType<typeof report>> = {};
  for (const scenario of chosen) {
    const rows = report(await run(scenario, options));
    results[scenario.name] = rows;
    if (!values.json) process.stdout.write(`${table(scenario, rows)}\n`);
  }
  if (values.json)
    process.stdout.write(`${JSON.stringify({ node: process.version, options, results }, undefined, 2)}\n`);
}
