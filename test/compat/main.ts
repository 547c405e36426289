// Tries what works with what, and writes it into docs/interop-go.md: each release of cmd-stream-go with the newest
// Nest, and the release that the interop tests have with each Nest and each Node at hand, in both directions and all
// three codecs. The package is the packed one, in projects of its own; packages and modules come from their registries.
//
//   npm run build && npm run test:compat -- [--go RELEASE]… [--node FILE]… [--nest RANGE]… [--dry]
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs, promisify } from 'node:util';
import ts from 'typescript';
import { GoPeers, jsonLines, ownRelease, releases, type DriverCase } from '../interop/go-peer.js';
import { projectRoot, readPackage } from '../support/project.js';
import { notBuilt, resultOf, tableText, together, withTable, type Row, type TriedCase } from './table.js';

const run = promisify(execFile);
const PAGE = join(projectRoot, 'docs/interop-go.md');
const MAX_MS = 600_000;

/** What the Go client is let run against a server of each codec; JSON without types takes any body. */
const COMMON = 'unary,multi,interleaved,large,non-ascii,concurrent,fail,ping,info-mismatch,reconnect,unknown-dtm';
const codecs: Readonly<Record<string, string>> = {
  json: COMMON,
  mus: `${COMMON},extremes,bad-body`,
  protobuf: `${COMMON},extremes,bad-body`,
};

const { values } = parseArgs({
  options: {
    go: { type: 'string', multiple: true, default: [] },
    node: { type: 'string', multiple: true, default: [] },
    nest: { type: 'string', multiple: true, default: [] },
    dry: { type: 'boolean', default: false },
  },
});

/** The oldest and the newest of each major that package.json allows; 12.0.0 of @nestjs/core asks for Nest 11. */
const nests = values.nest.length > 0 ? values.nest : ['11.0.0', '11', '12.0.1', '12'];

/** A project with a Nest of its own, and the peer in it. */
interface Project {
  readonly nest: string;
  readonly peer: string;
}

interface Node {
  readonly file: string;
  readonly version: string;
}

/** The sources that the peer is made of, by their paths in the repository. */
function sourcesOf(path: string, found = new Map<string, string>()): ReadonlyMap<string, string> {
  if (found.has(path)) return found;
  const text = readFileSync(join(projectRoot, path), 'utf8').replace(
    /'(?:\.\.\/)+lib\/[^']+'/g,
    "'nestjs-cmd-stream/core'",
  );
  found.set(path, text);
  for (const [, imported = ''] of text.matchAll(/from '(\.{1,2}\/[^']+)\.js'/g)) {
    sourcesOf(`${posix.join(posix.dirname(path), imported)}.ts`, found);
  }
  return found;
}

/** As users of this Nest have it: CommonJS up to 11, ES modules from 12 on. */
async function install(root: string, range: string, tarball: string): Promise<Project> {
  const folder = join(root, `nest-${range}`);
  const isCommon = Number.parseInt(range, 10) < 12;
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: isCommon ? ts.ModuleKind.CommonJS : ts.ModuleKind.ESNext,
    esModuleInterop: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
  };
  for (const [path, text] of sourcesOf('test/compat/peer.ts')) {
    const file = join(folder, path.replace(/ts$/, 'js'));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, ts.transpileModule(text, { compilerOptions: options, fileName: path }).outputText);
  }
  const type = isCommon ? 'commonjs' : 'module';
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'compat', version: '1.0.0', private: true, type }),
  );
  const nest = ['common', 'core', 'microservices'].map((name) => `@nestjs/${name}@${range}`);
  const others = ['rxjs@7', 'reflect-metadata', 'class-transformer', 'class-validator', '@bufbuild/protobuf'];
  const words = ['install', '--no-audit', '--no-fund', ...nest, ...others, tarball];
  await run('npm', words, { cwd: folder, timeout: MAX_MS });
  const version = (name: string): string =>
    (JSON.parse(readFileSync(join(folder, `node_modules/@nestjs/${name}/package.json`), 'utf8')) as { version: string })
      .version;
  return { nest: `${version('core')}, ${version('microservices')}`, peer: join(folder, 'test/compat/peer.js') };
}

/** Runs cases, and once more those that have failed: some are about time, and the machine may be busy. */
async function twice(
  names: readonly string[],
  ask: (names: readonly string[]) => Promise<readonly DriverCase[]>,
): Promise<readonly TriedCase[]> {
  const ran = await ask(names);
  const failed = ran.filter(({ ok }) => !ok).map(({ case: name }) => name);
  const again = failed.length > 0 ? await ask(failed) : [];
  return ran.map((first) => {
    const second = again.find(({ case: name }) => name === first.case);
    return second?.ok ? { ...second, isSecondTry: true } : first;
  });
}

/** The Go client's cases against a Nest server, in each codec. */
async function goAsksNest(go: GoPeers, { peer }: Project, { file }: Node): Promise<string> {
  const outcomes = [];
  for (const [codec, cases] of Object.entries(codecs)) {
    const child = spawn(file, [peer, 'serve', codec], { stdio: ['pipe', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    const line = once(createInterface({ input: child.stdout }), 'line');
    const port = Number((await Promise.race([line, exited.then(() => [])]))[0]);
    const ask = (names: readonly string[]): Promise<readonly DriverCase[]> =>
      go.drive(port, names, '-codec', codec, '-timeout', '30s');
    const ran = Number.isNaN(port) ? [] : await twice(cases.split(','), ask);
    child.stdin.end();
    await exited;
    outcomes.push({ codec, ran });
  }
  return resultOf(outcomes);
}

/** The Nest client's cases against a Go server, in each codec. */
async function nestAsksGo(go: GoPeers, { peer }: Project, { file }: Node): Promise<string> {
  const outcomes = [];
  for (const codec of Object.keys(codecs)) {
    const server = await go.serve('-codec', codec);
    const ran = await twice([], async (names) => {
      const words = [peer, 'ask', codec, String(server.port), ...names];
      const { stdout } = await run(file, words, { timeout: MAX_MS }).catch(
        (error: { stdout?: string; stderr?: string }) => {
          console.error(error.stderr);
          return { stdout: error.stdout ?? '' };
        },
      );
      return jsonLines<DriverCase>(stdout);
    });
    await server.stop();
    outcomes.push({ codec, ran });
  }
  return resultOf(outcomes);
}

async function attempt(release: string, go: GoPeers, project: Project, node: Node): Promise<Row> {
  const row = {
    go: release,
    nest: project.nest,
    node: node.version,
    goAsksNest: await goAsksNest(go, project, node),
    nestAsksGo: await nestAsksGo(go, project, node),
  };
  console.log(Object.values(row).join(' | '));
  return row;
}

/** Builds the peers with the release; where they cannot be, that is what is said of it. */
async function withRelease(release: string, use: (go: GoPeers) => Promise<readonly Row[]>): Promise<readonly Row[]> {
  const go = new GoPeers();
  try {
    try {
      go.buildWith(release);
    } catch (error) {
      const row = notBuilt(release, (error as Error).message);
      console.log(Object.values(row).join(' | '));
      return [row];
    }
    return await use(go);
  } finally {
    go.dispose();
  }
}

async function nodesAtHand(): Promise<readonly Node[]> {
  const found: Node[] = [];
  for (const file of [process.execPath, ...values.node]) {
    const { stdout } = await run(file, ['--version']);
    found.push({ file, version: stdout.trim().replace('v', '') });
  }
  return found.toSorted((a, b) => Number.parseInt(a.version, 10) - Number.parseInt(b.version, 10));
}

async function tryAll(root: string): Promise<readonly Row[]> {
  const { stdout: packed } = await run('npm', ['pack', '--silent', '--pack-destination', root], { cwd: projectRoot });
  const projects: Project[] = [];
  for (const range of nests) projects.push(await install(root, range, join(root, packed.trim())));
  const nodes = await nodesAtHand();
  const own = ownRelease();
  const newest = { project: projects.at(-1)!, node: nodes.find(({ file }) => file === process.execPath)! };
  const rows: Row[] = [];
  for (const release of values.go.length > 0 ? values.go : releases()) {
    const others = await withRelease(release, async (go) => {
      if (release !== own) return [await attempt(release, go, newest.project, newest.node)];
      const each: Row[] = [];
      for (const project of projects) for (const node of nodes) each.push(await attempt(release, go, project, node));
      return each;
    });
    rows.push(...others);
  }
  return rows;
}

const root = mkdtempSync(join(tmpdir(), 'compat-'));
try {
  const rows = await tryAll(root);
  const { name, version } = JSON.parse(readPackage()) as { name: string; version: string };
  const { stdout: go } = await run('go', ['env', 'GOVERSION']);
  const date = new Date().toISOString().slice(0, 10);
  const what = `${date}, ${name} ${version}, Go ${go.trim().replace('go', '')}, ${process.platform} ${process.arch}.`;
  const text = tableText(`Run on ${what}`, together(rows));
  if (values.dry) console.log(text);
  else writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), text));
} finally {
  rmSync(root, { recursive: true });
}
