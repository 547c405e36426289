// Tries the packed package as users have it: the same small application in projects of all kinds, each in a folder of
// its own, with packages from the registry. Prints a row for each step, and fails if one has failed.
//
//   npm run build && npm run test:smoke -- [--only TEXT] [--node FILE]… [--keep]
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { projectRoot } from '../support/project.js';
import { projects, type Project, type Step } from './projects.js';

const run = promisify(execFile);
const app = join(import.meta.dirname, 'app');
/** As `expected` of the application. */
const result = JSON.stringify({
  sum: 5,
  counted: [1, 2, 3],
  receipt: 'tea for 3, cake for 4 in 2024',
  empty: 'REMOTE lines should not be empty',
  negative: 'REMOTE negative',
  greeting: 'hello you',
});
const MAX_MS = 600_000;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    node: { type: 'string', multiple: true, default: [] },
    keep: { type: 'boolean', default: false },
  },
});

const compilerOptions = {
  target: 'es2023',
  module: 'nodenext',
  strict: true,
  types: ['node'],
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  rootDir: 'src',
  outDir: 'dist',
  skipLibCheck: true,
  esModuleInterop: true,
};

/** The application, whose imports have no extension where the runner of a CommonJS project would not find them. */
function write(project: Project, folder: string): void {
  const { type, manifest = {}, files = {} } = project;
  mkdirSync(join(folder, 'src'), { recursive: true });
  for (const name of readdirSync(app)) {
    if (name.endsWith('.mjs')) cpSync(join(app, name), join(folder, name));
    else {
      const text = readFileSync(join(app, name), 'utf8');
      const own = type === 'commonjs' ? text.replace(/from '(\.\/[\w.]+)\.js'/g, "from '$1'") : text;
      writeFileSync(join(folder, 'src', name), own);
    }
  }
  const packageJson = { name: 'smoke', version: '1.0.0', private: true, type, ...manifest };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(packageJson));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

interface Row {
  readonly project: string;
  readonly step: string;
  readonly by: string;
  readonly failure: string | undefined;
}

async function execute(folder: string, words: readonly string[]): Promise<string> {
  const [command = '', ...args] = words;
  const options = { cwd: folder, timeout: MAX_MS, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, CI: 'true' } };
  const { stdout } = await run(command, args, options);
  return stdout;
}

async function attempt(project: Project, folder: string, step: Step, node: string, by: string): Promise<Row> {
  const words = step.command[0] === 'node' ? [node, ...step.command.slice(1)] : step.command;
  const row = { project: project.name, step: step.name, by };
  try {
    const printed = await execute(folder, words);
    const isRight = step.prints !== 'result' || printed.trim().endsWith(result);
    return { ...row, failure: isRight ? undefined : `printed ${printed}` };
  } catch (error) {
    const { stdout = '', stderr = '', message = '' } = error as { stdout?: string; stderr?: string; message?: string };
    return { ...row, failure: `${stdout}\n${stderr}`.trim() || message };
  }
}

async function tryProject(
  project: Project,
  folder: string,
  tarball: string,
  nodes: Map<string, string>,
): Promise<Row[]> {
  const [own = ''] = nodes.keys();
  write(project, folder);
  const install: Step = { name: 'installs', command: [...project.install, ...project.packages, tarball] };
  const rows: Row[] = [];
  const add = (row: Row): void => {
    rows.push(row);
    say(row);
  };
  add(await attempt(project, folder, install, own, 'this machine'));
  if (rows[0]?.failure !== undefined) return rows;
  for (const step of project.steps) {
    for (const [node, version] of step.isForEachNode ? nodes : [...nodes].slice(0, 1)) {
      add(await attempt(project, folder, step, node, `Node ${version}`));
    }
  }
  return rows;
}

function say({ project, step, by, failure }: Row): void {
  console.log(
    `| ${project.padEnd(24)} | ${step.padEnd(62)} | ${by.padEnd(14)} | ${failure === undefined ? 'ok' : 'FAILED'} |`,
  );
  if (failure !== undefined) console.log(failure.split('\n').slice(0, 40).join('\n'));
}

const root = mkdtempSync(join(tmpdir(), 'smoke-'));
const nodes = new Map<string, string>();
for (const node of [process.execPath, ...values.node]) {
  nodes.set(node, (await execute(root, [node, '--version'])).trim().replace('v', ''));
}
const packed = await execute(projectRoot, ['npm', 'pack', '--silent', '--pack-destination', root]);
let failed = 0;
for (const project of projects.filter(({ name }) => name.includes(values.only))) {
  const folder = join(root, project.name.replaceAll(/\W+/g, '-'));
  const rows = await tryProject(project, folder, join(root, packed.trim()), nodes);
  failed += rows.filter(({ failure }) => failure !== undefined).length;
}
if (values.keep) console.log(root);
else rmSync(root, { recursive: true });
console.log(failed === 0 ? 'all passed' : `${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
