// Whether the defaults that are documented, beside the option and in the tables of the documents, are those of the
// code.
import { constantIn } from './constant.js';
import {
  isNamedAfter,
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
  const interfaces = [...model.interfaces.values()];
  return [
    ...model.defaults.flatMap((defaults) => constantFaults(defaults, interfaces)),
    ...interfaces
      .filter(hasDefaults)
      .flatMap((options) => [...options.members.values()].flatMap((member) => memberFaults(member, options))),
  ];
}

export function optionTableViolations(documents: readonly Source[], sources: readonly Source[]): readonly string[] {
  const model = readOptions(sources);
  return documents.flatMap(readTables).flatMap((table) => tableFaults(table, model));
}

/**
 * Options by name only, such as those of a call, are not read from an object of defaults, and say in words what they
 * mean.
 */
function hasDefaults({ path, defaults, parents }: OptionsInterface): boolean {
  return path.endsWith('-options.ts') || defaults !== undefined || parents.some(hasDefaults);
}

function constantFaults(defaults: OptionDefaults, interfaces: readonly OptionsInterface[]): readonly string[] {
  const { name, place, frozen, values } = defaults;
  const owners = interfaces.filter((options) => options.defaults === defaults);
  if (!owners.some((options) => isNamedAfter(options.name, name))) {
    return [`${place}: ${name} stands beside no interface of its name`];
  }
  const strangers = [...values.keys()].filter((option) => !owners.some(({ members }) => members.has(option)));
  const faults = strangers.map((option) => `${place}: ${option} has a default but is no option`);
  return frozen ? faults : [...faults, `${place}: ${name} is no frozen object`];
}

function memberFaults(member: OptionMember, options: OptionsInterface): readonly string[] {
  if (member.required) return [];
  if (member.documented === undefined) return [`${member.place}: ${member.name} has no @default`];
  const faults = differs(member.documented, valueOf(member.name, options));
  return faults.map((fault) => `${member.place}: ${member.name} ${fault}, for ${options.name}`);
}

function tableFaults(table: OptionsTable, model: OptionsModel): readonly string[] {
  const named = [...model.interfaces.values()].filter(({ name }) => table.caption.includes(`\`${name}\``));
  const candidates = named.length > 0 ? named : [...model.interfaces.values()];
  const rows = table.rows.flatMap((row) => {
    const owners = candidates.filter(({ members }) => members.has(row.option));
    if (owners.length === 0) return [`${row.place}: ${row.option} is no option`];
    const faults = owners.map((owner) => differs(row.default, valueOf(row.option, owner)));
    const found = named.length > 0 ? faults.flat() : faults.some((fault) => fault.length === 0) ? [] : faults.flat();
    return [...new Set(found)].map((fault) => `${row.place}: ${row.option} ${fault}`);
  });
  return [...rows, ...named.flatMap((options) => missingRows(table, options))];
}

/** A table that names an interface is about all that the interface adds to its parents. */
function missingRows(table: OptionsTable, options: OptionsInterface): readonly string[] {
  const absent = options.own.filter((name) => !table.rows.some(({ option }) => option === name));
  return absent.map((name) => `${table.place}: ${options.name} has ${name}, the table has not`);
}

/** An interface without defaults of its own has those of its parents. */
function valueOf(option: string, { defaults, parents }: OptionsInterface): string | undefined {
  if (defaults) return defaults.values.get(option);
  return parents.map((parent) => valueOf(option, parent)).find((value) => value !== undefined);
}

/** Prose may stand only where code has no constant: `none: plain TCP`, `jsonCodec()`. */
function differs(documented: string, actual: string | undefined): readonly string[] {
  const text = documented.replace(/`/g, '').trim();
  const constant = constantIn(text) ?? constantIn(text.replace(/\s+\(.*\)$/, ''));
  if (actual === undefined && (constant === undefined || constant === 'undefined')) return [];
  if (actual !== undefined && (constant ?? text) === actual) return [];
  return [`is documented as ${text || 'nothing'}, the code says ${actual ?? 'nothing'}`];
}
