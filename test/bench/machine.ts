// Where and with what a run was made: figures mean nothing without it.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { cpus, release, totalmem, type as system } from 'node:os';

export interface Machine {
  readonly date: string;
  readonly command: string;
  readonly processor: string;
  readonly cores: number;
  readonly memory: string;
  readonly system: string;
  /** Of Node, of the packages and of the programs that take part. */
  readonly versions: Readonly<Record<string, string>>;
}

const PACKAGES = ['@nestjs/core', '@grpc/grpc-js', 'fastify', 'express', 'undici', 'ioredis', '@nats-io/nats-core'];
const PROGRAMS = { go: 'version', 'nats-server': '--version', 'redis-server': '--version' };

export function describeMachine(args: readonly string[]): Machine {
  const versions: Record<string, string> = { node: process.version.slice(1) };
  for (const name of PACKAGES) add(versions, name, packageVersion(name));
  for (const [name, flag] of Object.entries(PROGRAMS)) add(versions, name, programVersion(name, flag));
  return {
    date: new Date().toISOString().slice(0, 10),
    command: commandOf(args),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${system()} ${release()}`,
    versions,
  };
}

export function machineLines({ date, command, processor, cores, memory, system: os, versions }: Machine): string {
  const listed = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [`${command}   (${date})`, `${processor}, ${cores} cores, ${memory}, ${os}`, listed.join(', ')].join('\n');
}

/** What repeats the run; which files it writes does not matter. */
export function commandOf(args: readonly string[]): string {
  const writes = ['--json', '--svg', '--markdown'];
  const isFile = (arg: string, at: number): boolean =>
    writes.some((flag) => arg === flag || arg.startsWith(`${flag}=`)) || writes.includes(args[at - 1] ?? '');
  const others = args.filter((arg, at) => !isFile(arg, at));
  return ['npm run bench', ...(others.length > 0 ? ['--', ...others] : [])].join(' ');
}

function add(versions: Record<string, string>, name: string, version: string | undefined): void {
  if (version !== undefined) versions[name] = version;
}

function packageVersion(name: string): string | undefined {
  const require = createRequire(import.meta.url);
  // Not every package exports its package.json: look for the file where Node would look for the package.
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return (require(`${folder}/${name}/package.json`) as { version: string }).version;
    } catch {
      // Further out.
    }
  }
  return undefined;
}

function programVersion(name: string, flag: string): string | undefined {
  const { stdout } = spawnSync(name, [flag], { encoding: 'utf8' });
  return /\d+\.\d+(\.\d+)?/.exec(stdout ?? '')?.[0];
}
