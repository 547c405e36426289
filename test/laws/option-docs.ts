// Whether the defaults that are documented, beside the option and in the tables of the documents, are those of the code.
import { constantIn } from './constant.js';
import {
  defaultsNameFor,
  isOptionsFile,
  readOptions,
  type OptionDefaults,
  type OptionMember,
  type OptionsInterface,
  type OptionsModel,
} from './options-model.js';
import { readTables, type OptionsTable } from './options-table.js';
import type { Source } from '../support/project.js';

export function defaultTagViolations(sources: readonly Source[]): readonly string[] {
  const model = readOptions(sources);
  const paths = sources.map(({ path }) => path).filter(isOptionsFile);
  return [...model.defaults.values()].flatMap(constantFaults).concat(paths.flatMap((path) => fileFaults(path, model)));
}

export function optionTableViolations(documents: readonly Source[], sources: readonly Source[]): readonly string[] {
  const model = readOptions(sources);
  return documents.flatMap(readTables).flatMap((table) => tableFaults(table, model));
}

function constantFaults({ name, path, place, frozen }: OptionDefaults): readonly string[] {
  const faults: string[] = [];
  if (name !== defaultsNameFor(path)) faults.push(`${place}: ${name} should be ${defaultsNameFor(path)}`);
  if (!frozen) faults.push(`${place}: ${name} is no frozen object`);
  return faults;
}

function fileFaults(path: string, model: OptionsModel): readonly string[] {
  const interfaces = [...model.interfaces.values()].filter((options) => options.path === path);
  if (interfaces.length === 0) return [`${path}: declares no options`];
  const defaults = model.defaults.get(defaultsNameFor(path));
  const strangers = [...(defaults?.values.keys() ?? [])].filter(
    (name) => !interfaces.some(({ members }) => members.has(name)),
  );
  return [
    ...strangers.map((name) => `${defaults?.place}: ${name} has a default but is no option`),
    ...interfaces.flatMap((options) =>
      [...options.members.values()].flatMap((member) => memberFaults(member, options, model)),
    ),
  ];
}

function memberFaults(member: OptionMember, options: OptionsInterface, model: OptionsModel): readonly string[] {
  if (member.required) return [];
  if (member.documented === undefined) return [`${member.place}: ${member.name} has no @default`];
  const faults = differs(member.documented, valueOf(member.name, options, model));
  return faults.map((fault) => `${member.place}: ${member.name} ${fault}, for ${options.name}`);
}

function tableFaults(table: OptionsTable, model: OptionsModel): readonly string[] {
  const named = [...model.interfaces.values()].filter(({ name }) => table.caption.includes(`\`${name}\``));
  const candidates = named.length > 0 ? named : [...model.interfaces.values()];
  const rows = table.rows.flatMap((row) => {
    const owners = candidates.filter(({ members }) => members.has(row.option));
    if (owners.length === 0) return [`${row.place}: ${row.option} is no option`];
    const faults = owners.map((owner) => differs(row.default, valueOf(row.option, owner, model)));
    const told = named.length > 0 ? faults.flat() : faults.some((fault) => fault.length === 0) ? [] : faults.flat();
    return [...new Set(told)].map((fault) => `${row.place}: ${row.option} ${fault}`);
  });
  return [...rows, ...named.flatMap((options) => missingRows(table, options))];
}

/** A table that names an interface is about all that the interface adds to its parents. */
function missingRows(table: OptionsTable, options: OptionsInterface): readonly string[] {
  const absent = options.own.filter((name) => !table.rows.some(({ option }) => option === name));
  return absent.map((name) => `${table.place}: ${options.name} has ${name}, the table has not`);
}

/** An interface without defaults of its own has those of its parents. */
function valueOf(option: string, options: OptionsInterface, model: OptionsModel): string | undefined {
  const own = model.defaults.get(defaultsNameFor(options.path));
  if (own) return own.values.get(option);
  return options.parents.map((parent) => valueOf(option, parent, model)).find((value) => value !== undefined);
}

/** Prose may stand only where code has no constant: `none: plain TCP`, `jsonCodec()`. */
function differs(documented: string, actual: string | undefined): readonly string[] {
  const text = documented.replace(/`/g, '').trim();
  const constant = constantIn(text) ?? constantIn(text.replace(/\s+\(.*\)$/, ''));
  if (actual === undefined && (constant === undefined || constant === 'undefined')) return [];
  if (actual !== undefined && (constant ?? text) === actual) return [];
  return [`is documented as ${text || 'nothing'}, the code says ${actual ?? 'nothing'}`];
}
