// The command line of the stress test: runs what was asked for, and prints and writes what came of it.
import { writeFileSync } from 'node:fs';
import { describeMachine } from '../bench/machine.js';
import { reasonToSkipGo } from '../interop/go-peer.js';
import { parseArguments, usage, type Arguments } from './arguments.js';
import { svgOf } from './chart.js';
import { killAgainAndAgain, killFailures, killReport } from './kill-nine.js';
import { progressLine, reportJson, reportText } from './report.js';
import { Storm } from './storm.js';
import { failuresOf } from './verdict.js';

async function runStorm({ settings, withGo, json, svg, report }: Arguments, heading: string): Promise<void> {
  const skipped = withGo ? reasonToSkipGo() : 'they were not asked for';
  if (skipped !== undefined) say(`without peers written in Go: ${skipped}`);
  say(`seed ${settings.seed}`);
  const storm = new Storm({
    settings,
    withGo: skipped === undefined,
    onProgress: (progress) => say(progressLine(progress)),
    onText: (text) => say(`! ${text}`),
  });
  const figures = await storm.run();
  const text = reportText(figures, heading);
  say(`\n${text}`);
  if (report !== undefined) writeFileSync(report, text);
  if (json !== undefined) writeFileSync(json, reportJson(figures, heading));
  if (svg !== undefined) writeFileSync(svg, svgOf(storm.moments, heading));
  if (failuresOf(figures).length > 0) process.exitCode = 1;
}

async function runKills({ kills, settleMs, json, report }: Arguments, heading: string): Promise<void> {
  const figures = await killAgainAndAgain(kills);
  const text = killReport(figures, settleMs, heading);
  say(text);
  if (report !== undefined) writeFileSync(report, text);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(figures, undefined, 2)}\n`);
  if (killFailures(figures, settleMs).length > 0) process.exitCode = 1;
}

/** The command that repeats the run, and where it was made. */
function headingOf(args: readonly string[], seed: number): string {
  const files = ['--json', '--svg', '--report'];
  const kept = args.filter((arg, at) => !files.some((file) => arg.startsWith(file) || args[at - 1] === file));
  const all = [...kept, ...(kept.some((arg) => arg.startsWith('--seed')) ? [] : ['--seed', String(seed)])];
  const { date, processor, cores, memory, system, versions } = describeMachine([]);
  const named = ['node', '@nestjs/core', 'go'].flatMap((name) => (versions[name] ? [`${name} ${versions[name]}`] : []));
  return [
    `npm run stress -- ${all.join(' ')}   (${date})`,
    [processor, `${cores} cores`, memory, system, ...named].join(', '),
  ].join('\n');
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function asked(): Arguments | undefined {
  try {
    return parseArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 2;
    return undefined;
  }
}

const given = asked();
if (given?.help) {
  say(usage);
} else if (given) {
  const heading = headingOf(process.argv.slice(2), given.settings.seed);
  await (given.only === 'kill9' ? runKills : runStorm)(given, heading);
}
