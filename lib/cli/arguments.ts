// The arguments of the command line: what a command takes, what was given, and what is wrong with that.
import { parseArgs } from 'node:util';
import { codeOf, messageOf } from '../errors.js';
import { similarName } from '../similar-names.js';

/** A mistake in the arguments: the program ends with 2. */
export class UsageError extends Error {}

/** One option. */
export interface Flag {
  readonly short?: string;
  /** What stands behind it, for the help; an option without one is a switch. */
  readonly value?: string;
  /** May it be given more than once? */
  readonly isList?: boolean;
  readonly text: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** What one command takes, and says of itself. */
export interface Usage {
  readonly name: string;
  /** What follows the name: `<address> <type> [json]`. */
  readonly operands: string;
  /** How many of them there must be, and may be. */
  readonly fewest: number;
  readonly most: number;
  /** In a few words, for the list of all commands. */
  readonly summary: string;
  /** Paragraphs. */
  readonly about: readonly string[];
  readonly flags: Flags;
  /** Lines of a shell, each with what it does. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** What the exit codes mean. */
  readonly exit: string;
}

type Given = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** What was given to a command. */
export class Arguments {
  readonly operands: readonly string[];
  readonly #values: Given;

  constructor(values: Given, operands: readonly string[]) {
    this.#values = values;
    this.operands = operands;
  }

  has(flag: string): boolean {
    return this.#values[flag] !== undefined && this.#values[flag] !== false;
  }

  text(flag: string): string | undefined {
    return this.#values[flag] as string | undefined;
  }

  texts(flag: string): readonly string[] {
    return (this.#values[flag] as readonly string[] | undefined) ?? [];
  }

  /** A time in milliseconds. */
  timeMs(flag: string, standard: number, least = 0): number {
    const given = this.text(flag);
    if (given === undefined) return standard;
    const [, digits, unit = 's'] = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h)?$/.exec(given) ?? [];
    const ms = Math.round(Number(digits) * unitsMs[unit]!);
    if (digits !== undefined && ms >= least && ms <= MOST_MS) return ms;
    const range = least === 0 ? 'at most 24 days' : `from ${least} ms to 24 days`;
    throw new UsageError(
      `--${flag} is a time such as 200ms, 5s or 2m, ${range}; a number alone is seconds, not "${given}"`,
    );
  }

  /** A whole number, or, with `fraction`, any. */
  number(flag: string, standard: number, least: number, most: number): number {
    const given = this.text(flag);
    if (given === undefined) return standard;
    const number = /^\d+$/.test(given) ? Number(given) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new UsageError(`--${flag} is a whole number from ${least} to ${most}, not "${given}"`);
  }
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** The longest that a timer of Node waits. */
const MOST_MS = 2_147_483_647;

/** @throws {UsageError} */
export function parseArguments(usage: Usage, args: readonly string[]): Arguments {
  const options = Object.fromEntries(
    Object.entries(usage.flags).map(([name, { short, value, isList }]) => [
      name,
      {
        type: value === undefined ? ('boolean' as const) : ('string' as const),
        multiple: isList === true,
        ...(short !== undefined && { short }),
      },
    ]),
  );
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(faultOf(error, usage.flags));
  }
  const { values, positionals } = parsed;
  const { operands, fewest, most } = usage;
  if (values['help'] !== true && (positionals.length < fewest || positionals.length > most)) {
    const names = operands.split(' ');
    const tooMany = `"${positionals[most]}" is one too many: it takes ${operands}; quote what has spaces`;
    throw new UsageError(positionals.length > most ? tooMany : `${names[positionals.length]} is missing`);
  }
  return new Arguments(values as Given, positionals);
}

/** What Node says, in fewer words, and with what was probably meant. */
function faultOf(error: unknown, flags: Flags): string {
  const text = messageOf(error);
  const [, dashes, name] = /'(--?)([\w-]+)/.exec(text) ?? [];
  const flag = name === undefined ? undefined : flags[name];
  switch (codeOf(error)) {
    case 'ERR_PARSE_ARGS_UNKNOWN_OPTION': {
      const meant = name !== undefined && dashes === '--' ? similarName(name, Object.keys(flags)) : undefined;
      const hint =
        meant === undefined ? '; a text that begins with "-" stands behind "--"' : `: did you mean --${meant}?`;
      return `there is no option ${dashes ?? '--'}${name ?? ''}${hint}`;
    }
    case 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE': {
      const [, long = name] = /--([\w-]+)/.exec(text) ?? [];
      const value = flags[long ?? '']?.value ?? flag?.value;
      return value === undefined ? `--${long} takes no value` : `--${long} needs ${value} behind it`;
    }
    default:
      return text.split('\n', 1)[0] ?? '';
  }
}

/** Where a server is, or is to be. */
export type Address = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * `host:port`, `host`, `[::1]:port`, a port alone, or the path of a Unix domain socket. @throws {UsageError}
 */
export function addressIn(given: string, leastPort = 1): Address {
  if (given.startsWith('unix:')) return { path: given.slice('unix:'.length) };
  if (/[/\\]/.test(given)) return { path: given };
  const [, ipv6, name, digits = '3000'] =
    /^(?:\[([^\]\s]+)\]|([^\s,:@[\]]*))(?::(\d+))?$/.exec(/^\d+$/.test(given) ? `:${given}` : given) ?? [];
  const port = Number(digits);
  if ((ipv6 ?? name) !== undefined && given !== '' && port >= leastPort && port <= 65_535) {
    return { host: ipv6 || name || 'localhost', port };
  }
  const forms = 'host:port, host (port 3000), [::1]:port, a port of this machine, or the path of a Unix domain socket';
  throw new UsageError(`"${given}" is no address: it is ${forms}`);
}

export function addressText(address: Address): string {
  if ('path' in address) return address.path;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** @throws {UsageError} when it is no JSON */
export function checkJson(text: string, what: string): string {
  try {
    JSON.parse(text);
    return text.trim();
  } catch (error) {
    throw new UsageError(`${what} is no JSON: ${messageOf(error)}`);
  }
}
