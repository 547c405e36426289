// What the commands that call a server have in common: how they reach it, what they send to it, and which Result of it
// is the last.
import { readFileSync } from 'node:fs';
import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls';
import { CommandClient } from '../client/command-client.js';
import type { CommandClientOptions } from '../client/client-options.js';
import { PatternMessage, WholePacket } from '../codec/pattern-message.js';
import type { Codec } from '../codec/codec.js';
import type { ContractTables } from '../contract/contract.js';
import { isClass } from '../contract/type-table.js';
import { isCmdStreamError, messageOf } from '../errors.js';
import { similarName } from '../similar-names.js';
import { addressIn, addressText, checkJson, UsageError, type Arguments, type Flags } from './arguments.js';
import { loadContract } from './contract-file.js';
import type { Terminal } from './terminal.js';
import {
  lastRuleOf,
  listOf,
  numberOfType,
  oneLine,
  textCodec,
  TextCommand,
  textContract,
  TextResult,
  type LastRule,
} from './text-codec.js';

const MOST_BYTES = 67_108_864;

export const addressNote =
  '<address> is host:port, a host (port 3000), [::1]:port, a port of this machine, or the path of a Unix domain socket.';

/** How a server is reached. */
export const connectionFlags: Flags = {
  tls: { text: 'TLS, with the CAs of Node; each of the next five means TLS as well' },
  ca: { value: '<file>', text: 'trust the CA in this PEM file' },
  cert: { value: '<file>', text: 'certificate of this side, PEM; with --key' },
  key: { value: '<file>', text: 'private key of this side, PEM' },
  servername: { value: '<name>', text: 'name that the certificate of the server must have' },
  insecure: { text: 'TLS without a look at the certificate of the server' },
  plain: { text: 'plain cmd-stream: do not ask for the extension' },
  'server-info': { value: '<text>', text: 'greeting that the server must have (default: default)' },
};

/** What is sent, and what ends it. */
export const callFlags: Flags = {
  contract: {
    value: '<file>',
    text: 'contract, so that <type> may be the name of a class; .js, .mjs, .cjs, or .ts where Node runs it',
  },
  export: { value: '<name>', text: 'which export of that file, if there are several contracts' },
  pattern: { value: '<text>', text: 'a message by Nest pattern instead of a Command: sum or \'{"cmd":"sum"}\'' },
  metadata: { short: 'm', value: '<k=v>', isList: true, text: 'metadata to send along; may be given again' },
};

export const endFlags: Flags = {
  results: {
    value: '<n|all>',
    text: 'Results to wait for, where nothing says which is the last; all: until the server ends the stream, or --timeout',
  },
  last: { value: '<field>', text: 'the last Result is the one whose field is true' },
};

export const helpFlags: Flags = { help: { short: 'h', text: 'this text' } };

/** @throws {UsageError} */
export function fileIn(args: Arguments, flag: string): Buffer | undefined {
  const file = args.text(flag);
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError(`--${flag} ${file} cannot be read: ${messageOf(error)}`);
  }
}

/** The options of a client that the arguments stand for; `address`: where to. */
export function connectionOptions(args: Arguments, address: string): Partial<CommandClientOptions> {
  const where = addressIn(address);
  const [ca, cert, key] = [fileIn(args, 'ca'), fileIn(args, 'cert'), fileIn(args, 'key')];
  if ((cert === undefined) !== (key === undefined)) throw new UsageError('--cert and --key belong together');
  const servername = args.text('servername');
  const isSecure = ['tls', 'ca', 'cert', 'servername', 'insecure'].some((flag) => args.has(flag));
  const tls: TlsConnectionOptions = {
    ...(ca && { ca }),
    ...(cert && key && { cert, key }),
    ...(servername !== undefined && { servername }),
    ...(args.has('insecure') && { rejectUnauthorized: false }),
  };
  return {
    ...where,
    ...(isSecure && { tls }),
    extension: !args.has('plain'),
    serverInfo: args.text('server-info'),
    reconnect: false,
    queue: false,
    retry: false,
    timeoutMs: 0,
    gracePeriodMs: 1_000,
    maxCommandBytes: MOST_BYTES,
    maxResultBytes: MOST_BYTES,
  };
}

export function serverText(address: string): string {
  return addressText(addressIn(address));
}

/** What is called, as often as one likes. */
export interface CallPlan {
  readonly contract: ContractTables;
  readonly codec: Codec;
  readonly command: TextCommand | PatternMessage;
  /** The name of what is sent. */
  readonly name: string;
  /** Results after which the call is ended here; undefined: it ends by itself. */
  readonly count: number | undefined;
  /** Is the first Result taken for the last one, though nothing says so? */
  readonly isGuess: boolean;
  /** Does the time limit end it well? */
  readonly endsInTime: boolean;
  readonly metadata: Readonly<Record<string, string>> | undefined;
}

/** What `<address> <type> [json]` and the options say. @throws {UsageError} */
export async function planOf(args: Arguments, terminal: Terminal): Promise<CallPlan> {
  const { count, isAll, field } = endOf(args);
  const route = args.text('pattern');
  const metadata = metadataIn(args.texts('metadata'));
  const common = { endsInTime: isAll, count, metadata };
  if (route !== undefined) {
    const [, json, more] = args.operands;
    if (more !== undefined) throw new UsageError('a pattern has no <type>: it is <address> [json] with --pattern');
    if (args.has('contract') || field !== undefined)
      throw new UsageError('--pattern goes without --contract and --last');
    const data: unknown = JSON.parse(await payload(json, 'null', terminal));
    const kind = args.has('event') ? 'event' : 'message';
    const contract = textContract('client');
    const command = new PatternMessage(kind, routeOf(route), data);
    return { ...common, contract, codec: textCodec(contract, () => true), command, name: route, isGuess: false };
  }
  const [, type, json] = args.operands;
  if (type === undefined) throw new UsageError('<type> is missing: a type number, or with --contract a class');
  const file = args.text('contract');
  if (file === undefined && args.has('export')) throw new UsageError('--export goes with --contract');
  const given = file === undefined ? undefined : await loadContract(file, args.text('export'));
  const contract = textContract('client', given);
  const number = numberOfType(type, contract.commands);
  if (number === undefined) throw unknownType(type, contract, file);
  const text = checkJson(await payload(json, '{}', terminal), 'the payload');
  if (given !== undefined) noteUnknownFields(contract, number, text, terminal);
  const byField: LastRule = (_, body) => (JSON.parse(body) as Record<string, unknown> | null)?.[field!] === true;
  const byWord: LastRule | undefined =
    field !== undefined ? byField : count !== undefined || isAll ? () => false : undefined;
  // Asked in any case: it refuses types that have no JSON.
  const byClass = given === undefined ? () => true : lastRule(contract, file!);
  const name = contract.commands.nameAt(number);
  return {
    ...common,
    contract,
    codec: textCodec(contract, byWord ?? byClass),
    command: new TextCommand(number, text, name),
    name,
    isGuess: byWord === undefined && given === undefined,
  };
}

function lastRule(contract: Parameters<typeof lastRuleOf>[0], file: string): LastRule {
  try {
    return lastRuleOf(contract);
  } catch (error) {
    throw new UsageError(`--contract ${file}: ${messageOf(error)}`);
  }
}

function unknownType(type: string, { commands }: ContractTables, file: string | undefined): UsageError {
  if (file === undefined) return new UsageError(`<type> is a type number unless --contract is given, not "${type}"`);
  const meant = similarName(
    type,
    Array.from(commands.types.keys(), (number) => commands.nameAt(number)),
  );
  const hint = meant === undefined ? '.' : `; did you mean ${meant}?`;
  return new UsageError(`the contract has no Command "${type}"${hint} It has ${listOf(commands)}`);
}

/** A slip in a name is easily made, and no error: a class may have fields that a new instance does not show. */
function noteUnknownFields({ commands }: ContractTables, number: number, text: string, terminal: Terminal): void {
  const type = commands.types[number];
  const body: unknown = JSON.parse(text);
  if (!isClass(type) || typeof body !== 'object' || body === null) return;
  const fields = Object.keys(new (type as new () => object)());
  const unknown = fields.length === 0 ? undefined : Object.keys(body).find((key) => !fields.includes(key));
  if (unknown === undefined) return;
  const name = commands.nameAt(number);
  terminal.note(`cmd-stream: a new ${name} has no field "${unknown}" (it has ${fields.join(', ')}); sent all the same`);
}

async function payload(given: string | undefined, standard: string, terminal: Terminal): Promise<string> {
  const text = given === '-' ? await terminal.input() : (given ?? standard);
  return checkJson(text, given === '-' ? 'stdin' : 'the payload');
}

function endOf(args: Arguments): { count: number | undefined; isAll: boolean; field: string | undefined } {
  const [results, field] = [args.text('results'), args.text('last')];
  if (results !== undefined && field !== undefined) throw new UsageError('--results and --last are two ways: give one');
  const isAll = results === 'all';
  const count = results === undefined || isAll ? undefined : args.number('results', 1, 1, Number.MAX_SAFE_INTEGER);
  return { count, isAll, field };
}

function metadataIn(pairs: readonly string[]): Readonly<Record<string, string>> | undefined {
  if (pairs.length === 0) return undefined;
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new UsageError(`--metadata is key=value, not "${pair}"`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** What Nest makes of a pattern that is an object: its keys in order. A text stands for itself. */
export function routeOf(pattern: string): string {
  if (!/^\s*\{/.test(pattern)) return pattern;
  try {
    return routeOfPart(JSON.parse(pattern));
  } catch (error) {
    throw new UsageError(`--pattern begins like an object and is no JSON: ${messageOf(error)}`);
  }
}

function routeOfPart(part: unknown): string {
  if (typeof part !== 'object' || part === null) return String(part);
  const keys = Object.keys(part).toSorted((one, other) => one.localeCompare(other));
  const parts = keys.map((key) => {
    const value = (part as Record<string, unknown>)[key];
    return `"${key}":${typeof value === 'string' ? `"${value}"` : routeOfPart(value)}`;
  });
  return `{${parts.join(',')}}`;
}

/** A Result, or a value, as one line of JSON. */
export function resultText(result: unknown): string {
  if (result instanceof TextResult) return oneLine(result.text);
  const value = result instanceof WholePacket ? result.packet : result;
  const text = JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? rawNumber(part) : part));
  return oneLine(text ?? 'null');
}

function rawNumber(value: bigint): string {
  return String(value);
}

export function clientOf(args: Arguments, plan: CallPlan, more: Partial<CommandClientOptions> = {}): CommandClient {
  const options = { ...connectionOptions(args, args.operands[0]!), ...more };
  try {
    return new CommandClient({ ...options, contract: plan.contract, codec: plan.codec });
  } catch (error) {
    throw isCmdStreamError(error) && error.kind === 'setup' ? new UsageError(error.message) : error;
  }
}

/** Did Results come behind the one that was taken for the last? Asked with a ping, which comes behind them. */
export async function cameMore(client: CommandClient): Promise<boolean> {
  await client.ping({ timeoutMs: 2_000 }).catch(() => {});
  return client.unexpectedResults + client.lateFrames > 0;
}

export const MORE_CAME =
  'cmd-stream: more Results came behind the first: say how many there are by --results, which field marks the last by ' +
  '--last, or give the --contract';
