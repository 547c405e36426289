// The command line: which threats are held by tests, and the figures of a server under attack.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { FigureName, Figures } from './figures/figure.js';
import { isKept, line } from './figures/figure.js';
import { measurementsFor } from './figures/measure.js';
import { measureAll } from './figures/run.js';
import { isHeld, runThreatTests, verdict, type Outcome } from './threat-tests.js';

const usage = `npm run test:hostile -- [options]
Prints which threats are held by tests; with one of these options also how a server stands attacks, in figures:
  --figures       measure them; about ten minutes, in which the machine should have nothing else to do
  --json <file>   measure them, and write both there: each figure by its name, how it came about below "measured"
  --only <name>   this figure, or this measurement, and no threats; may be repeated: ${measurementsFor([]).join(', ')}
`;

const { values } = parseArgs({
  options: {
    figures: { type: 'boolean', default: false },
    json: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', default: false },
  },
});

function printThreats(threats: Readonly<Record<string, Outcome>>): void {
  for (const [id, outcome] of Object.entries(threats))
    console.log(`${id.padEnd(4)} ${outcome.threat.padEnd(52)} ${verdict(outcome)}`);
}

function printFigures(figures: Figures): void {
  for (const [name, figure] of Object.entries(figures)) console.log(line(name as FigureName, figure));
}

async function run(): Promise<void> {
  const chosen = measurementsFor(values.only);
  const threats = values.only.length > 0 ? {} : runThreatTests();
  printThreats(threats);
  const isMeasured = values.figures || values.json !== undefined || values.only.length > 0;
  const figures = isMeasured ? await measureAll(chosen) : {};
  printFigures(figures);
  if (values.json !== undefined) writeFileSync(values.json, jsonOf(threats, figures));
  const areHeld = Object.values(threats).every(isHeld);
  const areKept = Object.entries(figures).every(([name, figure]) => isKept(name as FigureName, figure));
  process.exitCode = areHeld && areKept ? 0 : 1;
}

function jsonOf(threats: Readonly<Record<string, Outcome>>, measured: Figures): string {
  const figures = Object.fromEntries(Object.entries(measured).map(([name, { value }]) => [name, value]));
  return `${JSON.stringify({ ...figures, threats, measured }, null, 2)}\n`;
}

if (values.help) process.stdout.write(usage);
else await run();
