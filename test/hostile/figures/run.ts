// Builds what the processes of the measurements run, as it is published, and measures; says on the way what it sees.
import { execFileSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../support/project.js';
import { rounded, type Figures } from './figure.js';
import { measurements } from './measure.js';

/** What these measurements give, in their order; no number for one that fails. */
export async function measureAll(names: readonly string[]): Promise<Figures> {
  build();
  const figures: Figures = {};
  for (const name of names) {
    say(`${name}: the load of the machine is ${rounded(loadavg()[0]!)}`);
    Object.assign(figures, await measured(name));
  }
  return figures;
}

async function measured(name: string): Promise<Figures> {
  const { figures, measure } = measurements[name]!;
  try {
    return await measure(say);
  } catch (error) {
    say(`${name} failed: ${String((error as Error).stack)}`);
    return Object.fromEntries(figures.map((figure) => [figure, { value: Number.NaN, of: {} }]));
  }
}

function build(): void {
  say('building');
  const compiler = join(projectRoot, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', 'test/hostile/figures'], { cwd: projectRoot, stdio: 'inherit' });
}

function say(text: string): void {
  process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${text}\n`);
}
