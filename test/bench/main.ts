// The command line of the benchmarks. Numbers are only compared within one run, and none is a pass or a fail.
import { writeFileSync } from 'node:fs';
import { type Arguments, parseArguments, usage } from './arguments.js';
import { svgChart } from './chart.js';
import { contestsFor } from './contests.js';
import { runtimeOf, titleOf } from './lineup.js';
import { describeMachine, machineLines, type Machine } from './machine.js';
import { medianSample, type Outcome, outcomeOf } from './ratios.js';
import { asJson, contestTable, type Finished, keyMarkdown, keyTable } from './report.js';
import { run } from './runner.js';

const started = performance.now();

function progress(line: string): void {
  const seconds = Math.floor((performance.now() - started) / 1000);
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  process.stderr.write(`${time.padStart(6)}  ${line}\n`);
}

async function bench({ keys, run: options, json, svg, markdown }: Arguments, machine: Machine): Promise<void> {
  process.stdout.write(`${machineLines(machine)}\n\n`);
  const finished: Finished[] = [];
  const outcomes: Outcome[] = [];
  for (const contest of contestsFor(keys)) {
    const samples = await run(contest, options, progress);
    finished.push({ contest, samples });
    process.stdout.write(`${contestTable({ contest, samples })}\n\n`);
    for (const key of contest.keys) {
      const outcome = outcomeOf(key, samples);
      if (outcome) outcomes.push(outcome);
      else progress(`skipped: the key ${key.name}`);
    }
  }
  process.stdout.write(`${keyTable(outcomes)}\n`);
  if (json !== undefined)
    writeFileSync(json, `${JSON.stringify(asJson(machine, options, finished, outcomes), undefined, 2)}\n`);
  if (markdown !== undefined) writeFileSync(markdown, `${keyMarkdown(outcomes)}\n`);
  if (svg !== undefined && finished[0]) writeFileSync(svg, chartOf(finished[0], machine));
}

function chartOf({ contest, samples }: Finished, machine: Machine): string {
  const bars = contest.entries.flatMap(({ name, contestant }) => {
    const measured = samples[name];
    if (measured === undefined) return [];
    const title = titleOf(contestant);
    const isOurs = title.startsWith('nestjs-cmd-stream') && runtimeOf(contestant, 'client') === 'node';
    return [{ label: title, value: medianSample(measured).unitsPerSecond, isOurs }];
  });
  const title = `${contest.unit === 'calls' ? 'Calls' : contest.unit} per second`;
  return svgChart({ title, subtitle: contest.title, notes: machineLines(machine).split('\n'), bars });
}

const args = process.argv.slice(2);
const parsed = parseArguments(args);
if (parsed.help) process.stdout.write(usage);
else await bench(parsed, describeMachine(args));
