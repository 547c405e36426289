// Fuzzes what reads bytes, with coverage as the guide, and whole sessions: `npm run fuzz -- --help` says how. What it
// finds it writes down, makes small, and ends with a failure.
import { register } from 'node:module';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { appendCorpus, readCorpus } from './corpus.js';
import { EdgeCounts } from './edges.js';
import { GuidedFuzzer } from './guided.js';
import type { SessionReport } from './session-runner.js';
import type { Target } from './target.js';

declare global {
  var fuzzEdges: Uint8Array;
  var fuzzEdgeCount: number;
}

interface TargetReport {
  readonly inputs: number;
  readonly seconds: number;
  readonly inputsPerSecond: number;
  readonly edges: number;
  readonly kept: number;
  readonly findings: readonly string[];
}

const usage = `npm run fuzz -- [--target NAME] [--inputs 1000000] [--seconds N] [--seed N] [--json FILE] [--keep]
Targets: decoders (all that read bytes, which share the inputs), sessions (of server and client, which share them), or
one of these by its name. --seconds: for each target, instead of --inputs. --keep adds what takes branches that the
corpus does not take to test/fuzz/corpus.`;
const BATCH = 500;
const PROGRESS_MS = 5_000;
const HANGS_AFTER_MS = 20_000;
const MOST_BYTES = 4_096;

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: 'decoders' },
    inputs: { type: 'string', default: '1000000' },
    seconds: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    json: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);

if (values.help) console.log(usage);
else await main();

async function main(): Promise<void> {
  const edges = new EdgeCounts();
  globalThis.fuzzEdges = edges.counts;
  // Sessions are not guided, and are faster without.
  const isSessions = values.target.endsWith('sessions');
  if (!isSessions) register('./edges-loader.ts', import.meta.url);
  const reports = isSessions ? await sessionReports() : await decoderReports(edges);
  const maxRssMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  const sum = Object.values(reports).reduce((total, { inputs }) => total + inputs, 0);
  console.log(`${sum} inputs, seed ${seed}, at most ${maxRssMiB} MiB`);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ seed, inputs: sum, maxRssMiB, targets: reports }, null, 2)}\n`);
  if (Object.values(reports).some(({ findings }) => findings.length > 0)) process.exitCode = 1;
}

function shareOf(targets: readonly unknown[]): number {
  if (values.seconds !== undefined) return Infinity;
  return Math.ceil(Number(values.inputs) / targets.length);
}

function untilTime(): number {
  return values.seconds === undefined ? Infinity : performance.now() + 1000 * Number(values.seconds);
}

async function sessionReports(): Promise<Record<string, SessionReport>> {
  const { sessionRunners } = await import('./session-runner.js');
  const chosen = sessionRunners.filter(({ name }) => values.target === 'sessions' || values.target === name);
  if (chosen.length === 0) throw new Error(`There is no target "${values.target}".\n${usage}`);
  const reports: Record<string, SessionReport> = {};
  for (const runner of chosen) {
    const progress = progressOf(runner.name);
    const report = await runner.run({ sessions: shareOf(chosen), until: untilTime(), seed, progress });
    reports[runner.name] = report;
    progress(report.inputs, `${report.inputsPerSecond}/s in all, ${report.findings.length} findings`, true);
    for (const finding of report.findings) console.log(finding);
  }
  return reports;
}

async function decoderReports(edges: EdgeCounts): Promise<Record<string, TargetReport>> {
  const { targets } = await import('./targets.js');
  edges.use(globalThis.fuzzEdgeCount);
  const chosen = targets.filter(({ name }) => values.target === 'decoders' || values.target === name);
  if (chosen.length === 0) throw new Error(`There is no target "${values.target}".\n${usage}`);
  const watch = watchForHangs();
  Error.stackTraceLimit = 0;
  const reports: Record<string, TargetReport> = {};
  for (const target of chosen) {
    watch.begin(target);
    reports[target.name] = fuzz(target, shareOf(chosen), edges, watch.onInput);
  }
  await watch.end();
  return reports;
}

function fuzz(target: Target, inputs: number, edges: EdgeCounts, onInput: (bytes: Uint8Array) => void): TargetReport {
  const began = performance.now();
  const until = untilTime();
  edges.forget();
  const fuzzer = new GuidedFuzzer(target, edges, seed, onInput);
  const corpus = readCorpus(target.name);
  fuzzer.begin([...corpus, ...target.seeds]);
  const progress = progressOf(target.name);
  const state = (): string => `${edges.taken} branches, ${fuzzer.kept.length} kept, ${fuzzer.found.size} findings`;
  while (fuzzer.inputs < inputs && performance.now() < until && !fuzzer.isOver) {
    fuzzer.run(Math.min(BATCH, inputs - fuzzer.inputs));
    progress(fuzzer.inputs, state());
  }
  const seconds = (performance.now() - began) / 1000;
  progress(fuzzer.inputs, state(), true);
  const findings = [...fuzzer.found.values()].map(({ bytes, error }) => save(target, bytes, error));
  if (values.keep && findings.length === 0) appendCorpus(target.name, fuzzer.newToCorpus(corpus));
  return {
    inputs: fuzzer.inputs,
    seconds: Math.round(seconds),
    inputsPerSecond: Math.round(fuzzer.inputs / seconds),
    edges: edges.taken,
    kept: fuzzer.kept.length,
    findings,
  };
}

function save({ name }: Target, bytes: Uint8Array, error: unknown): string {
  const hex = Buffer.from(bytes).toString('hex');
  const file = `fuzz-${name}-${hex.slice(0, 16)}.hex`;
  writeFileSync(file, `${hex}\n`);
  console.log(
    `\n${name}: ${hex}\n`,
    error,
    `\nwritten to ${file}; as a line of test/fuzz/corpus/${name}.hex it is a test`,
  );
  return hex;
}

function progressOf(name: string): (inputs: number, state: string, isEnd?: boolean) => void {
  const began = performance.now();
  let saidAt = began;
  return (inputs, state, isEnd = false) => {
    const now = performance.now();
    if (!isEnd && now - saidAt < PROGRESS_MS) return;
    saidAt = now;
    const rate = Math.round((1000 * inputs) / (now - began));
    const memory = Math.round(process.memoryUsage.rss() / 2 ** 20);
    console.log(`${name.padEnd(16)} ${String(inputs).padStart(9)} inputs, ${rate}/s, ${state}, ${memory} MiB`);
  };
}

/** An input that never comes to its end is seen by another thread, which says which one it is and ends the process. */
function watchForHangs() {
  const shared = new SharedArrayBuffer(8 + MOST_BYTES);
  const [head, body] = [new Int32Array(shared, 0, 2), new Uint8Array(shared, 8)];
  const code = `
    const { workerData, parentPort } = require('node:worker_threads');
    const head = new Int32Array(workerData, 0, 2), body = new Uint8Array(workerData, 8);
    let last = -1;
    setInterval(() => {
      const count = Atomics.load(head, 0);
      if (count === last) {
        require('node:fs').writeSync(2, 'an input does not come to its end: ' + Buffer.from(body.subarray(0, head[1])).toString('hex') + '\\n');
        process.kill(process.pid, 'SIGKILL');
      }
      last = count;
    }, ${HANGS_AFTER_MS});`;
  const worker = new Worker(code, { eval: true, workerData: shared, execArgv: [] });
  return {
    begin({ name }: Target): void {
      Atomics.add(head, 0, 1);
      console.log(`${name}: seed ${seed}`);
    },
    onInput(bytes: Uint8Array): void {
      head[1] = Math.min(bytes.length, MOST_BYTES);
      body.set(bytes.length > MOST_BYTES ? bytes.subarray(0, MOST_BYTES) : bytes);
      Atomics.add(head, 0, 1);
    },
    end: () => worker.terminate(),
  };
}
