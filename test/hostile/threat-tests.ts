// Runs the tests that hold the threats of threats.ts, and says of each threat what became of them.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { projectRoot } from '../support/project.js';
import { threats, type Threat } from './threats.js';

interface TestResult {
  readonly file: string;
  readonly name: string;
  readonly status: string;
}

export interface Outcome {
  readonly threat: string;
  readonly passed: number;
  readonly failed: number;
  readonly without?: string;
}

const FOLDER = 'test/hostile';
const elsewhere = threats.flatMap((threat) => threat.elsewhere ?? []);

/** By the number of the threat. */
export function runThreatTests(): Readonly<Record<string, Outcome>> {
  const results = run();
  return Object.fromEntries(threats.map((threat) => [threat.id, outcomeOf(threat, results)]));
}

function run(): readonly TestResult[] {
  const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
  const output = join(folder, 'results.json');
  const files = new Set([FOLDER, ...elsewhere.map(([file]) => file)]);
  const names = elsewhere.map(([, name]) => name.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  const pattern = [String.raw`^[SC]\d+ `, ...names].join('|');
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
  const args = [...jest, ...files, '--testNamePattern', pattern, '--json', '--outputFile', output];
  try {
    spawnSync(process.execPath, args, { cwd: projectRoot, stdio: ['ignore', 'ignore', 'inherit'] });
    return resultsOf(readFileSync(output, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function resultsOf(json: string): readonly TestResult[] {
  const { testResults } = JSON.parse(json) as {
    testResults: { name: string; assertionResults: { fullName: string; status: string }[] }[];
  };
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ fullName, status }) => ({ file: relative(projectRoot, name), name: fullName, status })),
  );
}

function outcomeOf({ id, what, elsewhere: others = [], without }: Threat, results: readonly TestResult[]): Outcome {
  const own = results.filter(
    ({ file, name }) =>
      (file.startsWith(FOLDER) && name.startsWith(`${id} `)) ||
      others.some(([other, part]) => file === other && name.includes(part)),
  );
  const passed = own.filter(({ status }) => status === 'passed').length;
  const failed = own.filter(({ status }) => status === 'failed').length;
  return { threat: what, passed, failed, ...(without !== undefined && { without }) };
}

export function isHeld({ passed, failed, without }: Outcome): boolean {
  return failed === 0 && (passed > 0 || without !== undefined);
}

export function verdict({ passed, failed, without }: Outcome): string {
  if (without !== undefined) return `no test: ${without}`;
  return failed > 0 || passed === 0 ? `FAILED: ${failed} of ${passed + failed} tests` : `held by ${passed} tests`;
}
