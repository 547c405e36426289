// The contract in a file of the user: a module of either kind, whose default export it is, or the only one, or one by
// name.
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Contract } from '../contract/contract.js';
import { codeOf, messageOf } from '../errors.js';
import { UsageError } from './arguments.js';

type Exports = Readonly<Record<string, unknown>>;

/** @throws {UsageError} when there is none, or several and no name */
export async function loadContract(file: string, name: string | undefined): Promise<Contract> {
  const exports = await load(file);
  if (name !== undefined) {
    const value = exports[name];
    if (isContract(value)) return value;
    const what = name in exports ? 'is no contract' : `is not exported: it has ${namesOf(exports)}`;
    throw new UsageError(`--export ${name}: of ${file} that ${what}`);
  }
  if (isContract(exports['default'])) return exports['default'];
  const found = new Map(Object.entries(exports).flatMap(([key, value]) => (isContract(value) ? [[value, key]] : [])));
  const [first, ...others] = found.keys();
  if (first === undefined) {
    const form = 'export what defineContract() returned, as default or by a name';
    throw new UsageError(`--contract ${file}: it exports no contract (it has ${namesOf(exports)}); ${form}`);
  }
  if (others.length === 0) return first;
  throw new UsageError(
    `--contract ${file}: it exports several: ${[...found.values()].join(', ')}; say which by --export`,
  );
}

async function load(file: string): Promise<Exports> {
  const path = resolve(file);
  if (!existsSync(path) || !statSync(path).isFile()) throw new UsageError(`--contract ${file}: there is no such file`);
  let module: Exports;
  try {
    module = (await import(pathToFileURL(path).href)) as Exports;
  } catch (error) {
    throw new UsageError(`--contract ${file} cannot be loaded: ${reasonOf(error)}`);
  }
  // Of CommonJS `default` is all that the file exports.
  const { default: all } = module;
  const isWhole = typeof all === 'object' && all !== null && !isContract(all);
  return isWhole ? { ...(all as Exports), ...module } : module;
}

function reasonOf(error: unknown): string {
  const text = messageOf(error).split('\n', 1)[0] ?? '';
  switch (codeOf(error)) {
    case 'ERR_UNKNOWN_FILE_EXTENSION':
      return `Node ${process.versions.node} runs no TypeScript: build it and give the .js file, or use a loader (${LOADER})`;
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
    case 'ERR_INVALID_TYPESCRIPT_SYNTAX':
      return `Node only removes types, and it has more (${text}): build it and give the .js file, or use a loader (${LOADER})`;
    case 'ERR_MODULE_NOT_FOUND':
    case 'MODULE_NOT_FOUND':
      return `${text}; packages are looked for beside that file`;
    default:
      return text;
  }
}

const LOADER = "NODE_OPTIONS='--import tsx'";

/** By what it has, not by its class: the file may have loaded another copy of this package. */
function isContract(value: unknown): value is Contract {
  const { commands, results } = (value ?? {}) as Partial<Contract>;
  return Array.isArray(commands?.types) && Array.isArray(results?.types);
}

function namesOf(exports: Exports): string {
  const names = Object.keys(exports).filter((key) => key !== 'module.exports' && key !== '__esModule');
  return names.length === 0 ? 'no export at all' : names.join(', ');
}
