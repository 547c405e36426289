// Puts faults into lib, one at a time, and counts those that the tests notice: `npm run test:mutation -- --rung
// client`. StrykerJS makes the faults and shows the survivors as a diff; here is only what is tried, and with which
// tests.
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import jestConfig from '../../jest.config.js';
import { excludedMutations, filesOf, placesOf, sample, type Place } from './places.js';

/** A rung of lib, and the tests that are asked about it. The docs, the laws and Go have nothing to say here. */
const testsOf: Readonly<Record<string, readonly string[]>> = {
  wire: ['unit'],
  contract: ['unit', 'integration'],
  codec: ['unit', 'integration'],
  mus: ['unit', 'property'],
  protobuf: ['unit', 'integration', 'e2e'],
  connection: ['unit', 'integration'],
  client: ['unit', 'integration', 'e2e'],
  server: ['unit', 'integration', 'e2e'],
  nest: ['unit', 'e2e'],
  'circuit-breaker': ['unit', 'property', 'integration'],
};

const usage = `npm run test:mutation -- [--rung ${Object.keys(testsOf).join('|')}] [--sample 30] [--seed 1] [--concurrency 1]
Without --rung all rungs are tried, one after the other; without --sample every place.`;

const { values } = parseArgs({
  options: {
    rung: { type: 'string' },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    concurrency: { type: 'string', default: String(Math.max(1, cpus().length - 1)) },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(usage);
else await tryRungs(values.rung === undefined ? Object.keys(testsOf) : [values.rung]);

async function tryRungs(rungs: readonly string[]): Promise<void> {
  const lines: string[] = [];
  for (const rung of rungs) lines.push(await tryRung(rung));
  console.log(lines.join('\n'));
}

async function tryRung(rung: string): Promise<string> {
  const folders = testsOf[rung];
  if (folders === undefined) throw new Error(`There is no rung "${rung}".\n${usage}`);
  const mutants = values.sample === undefined ? Infinity : wholeNumber('sample', values.sample);
  const seed = wholeNumber('seed', values.seed);
  const all = await Promise.all(filesOf(rung).map((file) => placesOf(file)));
  const places = sample(all.flat(), mutants, seed);
  const results = await new Stryker(strykerOptions(rung, folders, places)).runMutationTest();
  const valid = results.filter(({ status }) => status !== 'Ignored' && status !== 'CompileError');
  const noticed = valid.filter(
    ({ status }) => status === 'Killed' || status === 'Timeout' || status === 'RuntimeError',
  );
  const percent = ((100 * noticed.length) / valid.length).toFixed(1);
  return `${rung}: ${noticed.length} of ${valid.length} faults noticed (${percent} %), seed ${seed}`;
}

function strykerOptions(rung: string, folders: readonly string[], places: readonly Place[]) {
  return {
    mutate: places.map(({ file, range }) => `${file}:${range}`),
    mutator: { plugins: null, excludedMutations },
    testRunner: 'jest',
    testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
    jest: {
      projectType: 'custom' as const,
      config: { ...jestConfig, testMatch: folders.map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`) },
      enableFindRelatedTests: true,
    },
    coverageAnalysis: 'perTest' as const,
    disableTypeChecks: false,
    concurrency: wholeNumber('concurrency', values.concurrency),
    timeoutMS: 20_000,
    dryRunTimeoutMinutes: 30,
    incremental: true,
    incrementalFile: `reports/mutation/${rung}.json`,
    reporters: ['clear-text', 'progress-append-only'],
    clearTextReporter: { logTests: false, allowColor: false, reportTests: false },
    allowEmpty: false,
    tempDirName: '.stryker-tmp',
    ignorePatterns: ['dist', 'coverage', 'reports', 'docs', 'sample/**/dist', '.github', '.ci'],
  };
}

function wholeNumber(name: string, text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new Error(`--${name} is a whole number, not "${text}".\n${usage}`);
  return Number(text);
}
