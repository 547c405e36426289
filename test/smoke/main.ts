// Tries the packed package as users have it: in projects of all kinds, each in a folder of its own, with packages from
// the registry, under each Node that is asked for. Prints a row for each step, and fails if one has failed.
//
//   npm run build && npm run test:smoke -- [--only TEXT]… [--node VERSION]… [--keep]
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { projectRoot } from '../support/project.js';
import { projects, type Project, type Step } from './projects.js';

const run = promisify(execFile);
const app = join(import.meta.dirname, 'app');
const MAX_MS = 600_000;

const { values } = parseArgs({
  options: {
    /** Those whose names have it in them. */
    only: { type: 'string', multiple: true, default: [''] },
    /** The oldest of each line that is supported, and the newest line. The one that runs this is always there. */
    node: { type: 'string', multiple: true, default: ['20.19.0', '22.12.0', '24'] },
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
function writeApp(type: Project['type'], folder: string): void {
  mkdirSync(join(folder, 'src'), { recursive: true });
  for (const name of readdirSync(app)) {
    if (name.endsWith('.mjs')) cpSync(join(app, name), join(folder, name));
    else {
      const text = readFileSync(join(app, name), 'utf8');
      const own = type === 'commonjs' ? text.replace(/from '(\.\/[\w.]+)\.js'/g, "from '$1'") : text;
      writeFileSync(join(folder, 'src', name), own);
    }
  }
}

async function write(project: Project, folder: string): Promise<void> {
  const { type, create, program, manifest = {}, files = {} } = project;
  mkdirSync(folder);
  if (create) await execute(folder, create);
  else {
    const packageJson = { name: 'smoke', version: '1.0.0', private: true, type, ...manifest };
    writeFileSync(join(folder, 'package.json'), JSON.stringify(packageJson));
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  }
  if (program === undefined) writeApp(type, folder);
  else cpSync(join(projectRoot, program), join(folder, 'src', basename(program)));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

interface Row {
  readonly project: string;
  readonly step: string;
  readonly by: string;
  readonly failure: string | undefined;
}

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

async function execute(folder: string, words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Printed> {
  const [command = '', ...args] = words;
  const options = { cwd: folder, timeout: MAX_MS, maxBuffer: 64 * 1024 * 1024 };
  return run(command, args, { ...options, env: { ...process.env, CI: 'true', ...env } });
}

/** What is wrong with what a step has printed. */
function complaintOf({ prints, mustNotSay }: Step, { stdout, stderr }: Printed): string | undefined {
  if (prints !== undefined && !stdout.trim().endsWith(prints)) return `printed ${stdout}`;
  const said = `${stdout}\n${stderr}`.split('\n').filter((line) => mustNotSay?.test(line));
  return said.length === 0 ? undefined : said.join('\n');
}

async function attempt(project: Project, folder: string, step: Step, node: string, by: string): Promise<Row> {
  const words = step.command[0] === 'node' ? [node, ...step.command.slice(1)] : step.command;
  const row = { project: project.name, step: step.name, by };
  try {
    return { ...row, failure: complaintOf(step, await execute(folder, words, project.env)) };
  } catch (error) {
    const { stdout = '', stderr = '', message = '' } = error as { stdout?: string; stderr?: string; message?: string };
    return { ...row, failure: `${stdout}\n${stderr}`.trim() || message };
  }
}

async function tryProject(
  project: Project,
  folder: string,
  tarball: string,
  nodes: ReadonlyMap<string, string>,
): Promise<readonly Row[]> {
  const [own = ''] = nodes.values();
  const rows: Row[] = [];
  const add = (row: Row): void => {
    rows.push(row);
    say(row);
  };
  const name = 'installs, and no peer is complained about';
  const command = [...project.install, ...project.packages, `nestjs-cmd-stream@file:${tarball}`];
  const install: Step = { name, command, mustNotSay: /peer dep|ERESOLVE|YN00(02|60|86)/i };
  try {
    await write(project, folder);
  } catch (error) {
    add({ project: project.name, step: 'is made', by: '', failure: String(error) });
    return rows;
  }
  add(await attempt(project, folder, install, own, ''));
  if (rows[0]?.failure !== undefined) return rows;
  for (const step of project.steps) {
    for (const [version, node] of step.isForEachNode ? nodes : [...nodes].slice(0, 1)) {
      add(await attempt(project, folder, step, node, `Node ${version}`));
    }
  }
  return rows;
}

function say({ project, step, by, failure }: Row): void {
  console.log(
    `| ${project.padEnd(28)} | ${step.padEnd(62)} | ${by.padEnd(13)} | ${failure === undefined ? 'ok' : 'FAILED'} |`,
  );
  if (failure !== undefined) console.log(failure.split('\n').slice(0, 40).join('\n'));
}

/** A Node of the registry: the package for this system, as the package `node` of npm would install it by a script. */
async function installNode(folder: string, version: string): Promise<string> {
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${system}-${process.arch}`;
  await execute(root, ['npm', 'install', '--prefix', folder, '--no-audit', '--no-fund', `${name}@${version}`]);
  return join(folder, 'node_modules', name, 'bin', system === 'win' ? 'node.exe' : 'node');
}

/** Each Node by its version, the one that runs this first. */
async function findNodes(): Promise<Map<string, string>> {
  const nodes = new Map([[process.version.slice(1), process.execPath]]);
  for (const wanted of values.node) {
    const node = await installNode(join(root, `node-${wanted}`), wanted);
    const { stdout } = await execute(root, [node, '--version']);
    nodes.set(stdout.trim().slice(1), node);
  }
  return nodes;
}

const started = performance.now();
const root = mkdtempSync(join(tmpdir(), 'smoke-'));
let [passed, failed] = [0, 0];
try {
  const nodes = await findNodes();
  const { stdout } = await execute(projectRoot, ['npm', 'pack', '--silent', '--pack-destination', root]);
  const tarball = join(root, stdout.trim());
  for (const project of projects.filter(({ name }) => values.only.some((part) => name.includes(part)))) {
    const folder = join(root, project.name.replaceAll(/\W+/g, '-'));
    const rows = await tryProject(project, folder, tarball, nodes);
    passed += rows.filter(({ failure }) => failure === undefined).length;
    failed += rows.filter(({ failure }) => failure !== undefined).length;
    // A project has some hundred megabytes of packages.
    if (!values.keep) rmSync(folder, { recursive: true, force: true });
  }
} finally {
  if (values.keep) console.log(root);
  else rmSync(root, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed, in ${Math.round((performance.now() - started) / 60_000)} minutes`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
