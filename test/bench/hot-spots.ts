// Reads a CPU profile and says which functions, and which of their lines, the time went to. Usage:
// node dist/test/bench/hot-spots.js <file.cpuprofile> [how many] [part of a path]
import { readFileSync } from 'node:fs';

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const IDLE = new Set(['(idle)', '(root)']);
const [file = '', most = '40', only = ''] = process.argv.slice(2);
const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile;

const timeOf = new Map<number, number>();
samples.forEach((id, at) => timeOf.set(id, (timeOf.get(id) ?? 0) + (timeDeltas[at] ?? 0)));

let busy = 0;
const spots = new Map<string, { time: number; readonly lines: Map<number, number> }>();
for (const { id, callFrame, positionTicks = [] } of nodes) {
  if (IDLE.has(callFrame.functionName)) continue;
  const time = timeOf.get(id) ?? 0;
  busy += time;
  const place = callFrame.url.replace(/^.*\/(dist|node_modules)\//, '');
  if (!place.includes(only)) continue;
  const key = `${callFrame.functionName || '(anonymous)'}  ${place}:${callFrame.lineNumber + 1}`;
  const spot = spots.get(key) ?? { time: 0, lines: new Map<number, number>() };
  spot.time += time;
  for (const { line, ticks } of positionTicks) spot.lines.set(line, (spot.lines.get(line) ?? 0) + ticks);
  spots.set(key, spot);
}

const hottest = [...spots].toSorted(([, a], [, b]) => b.time - a.time).slice(0, Number(most));
for (const [key, { time, lines }] of hottest) {
  const byTicks = [...lines].toSorted(([, a], [, b]) => b - a).slice(0, 4);
  const where = byTicks.map(([line, ticks]) => `${line}×${ticks}`).join(' ');
  process.stdout.write(`${((time / busy) * 100).toFixed(1).padStart(5)} %  ${key}  [${where}]\n`);
}
