// What a caller may say about a call, checked before anything is sent.
import { PatternMessage } from '../../codec/pattern-message.js';
import { timeLimit } from '../../connection/connection-options.js';
import { resultCountOf } from '../../contract/command.js';
import { CmdStreamError } from '../../errors.js';
import { similarName } from '../../similar-names.js';
import { NO_METADATA, type Metadata } from '../../wire/control-frame.js';
import { requireFunction } from '../../callbacks.js';
import type { CallOptions, ClientCall, CommandSink } from './client-call.js';

const timeRule = timeLimit();
const HALF_PAIR = /\p{Surrogate}/u;
const optionsOfCalls: readonly string[] = ['timeoutMs', 'signal', 'metadata', 'idempotent'];

/**
 * `known`: the options that this kind of call has.
 *
 * @throws {CmdStreamError} INVALID_OPTION
 */
export function checkCallOptions(options: CallOptions, known = optionsOfCalls): void {
  if (typeof options !== 'object' || options === null)
    throw invalid(`the options of a call must be an object with ${known.join(', ')}, got ${shown(options)}`);
  for (const name of Object.keys(options)) {
    if (known.includes(name) || options[name as keyof CallOptions] === undefined) continue;
    const meant = similarName(name, known);
    const remedy = meant === undefined ? '; known here:' : `: did you mean "${meant}"? Known here:`;
    throw invalid(`unknown call option "${name}"${remedy} ${known.join(', ')}`);
  }
  const { timeoutMs, signal, idempotent } = options;
  if (timeoutMs !== undefined && !timeRule.accepts(timeoutMs))
    throw invalid(`call option "timeoutMs" must be ${timeRule.expected}, got ${shown(timeoutMs)}`);
  if (signal !== undefined && !(signal !== null && isSignal(signal)))
    throw invalid(`call option "signal" must be an AbortSignal, got ${shown(signal)}`);
  if (idempotent !== undefined && typeof idempotent !== 'boolean')
    throw invalid(`call option "idempotent" must be true or false, got ${shown(idempotent)}`);
}

/** Is it more than a plain server can do: has it metadata or a pattern, or no Result that would end it? */
export function needsExtension({ command, metadata, until }: ClientCall): boolean {
  if (metadata !== undefined || command instanceof PatternMessage) return true;
  return until === 'answered' && resultCountOf(command) === 'no Result';
}

/** @throws {CmdStreamError} INVALID_OPTION */
export function checkSink(sink: CommandSink): void {
  for (const name of ['next', 'complete', 'error'] as const)
    requireFunction(`dispatch: "${name}" of the sink`, (sink as Partial<CommandSink> | null | undefined)?.[name]);
}

/**
 * A copy, which stays as it was given. What would be lost on the way is refused: `whose` says whose metadata it is.
 *
 * @throws {CmdStreamError} INVALID_OPTION; what a getter of it throws
 */
export function ownMetadata(whose: string, given: Metadata): Metadata {
  if (!isPlainObject(given)) throw invalid(`${whose} must be a plain object of strings, got ${shown(given)}`);
  const own: Metadata = { ...given };
  const [symbol] = Object.getOwnPropertySymbols(own);
  if (symbol !== undefined) throw invalid(`${whose} must have strings for keys, got ${String(symbol)}`);
  for (const key of Object.keys(own)) {
    const value: unknown = own[key];
    if (typeof value !== 'string') throw invalid(`${whose}: "${key}" must be a string, got ${shown(value)}`);
    if (HALF_PAIR.test(key) || HALF_PAIR.test(value))
      throw invalid(`${whose}: "${key}" has half of a surrogate pair, which UTF-8 cannot carry`);
  }
  return own;
}

/** By what is asked of it, not by its class: it may come from another realm. */
function isSignal({ aborted, addEventListener, removeEventListener }: Partial<AbortSignal> = {}): boolean {
  const listens = typeof addEventListener === 'function' && typeof removeEventListener === 'function';
  return listens && typeof aborted === 'boolean';
}

/** What a hook gives beside what the caller says. @throws {CmdStreamError} INVALID_OPTION */
export function ambientMetadata(hook: string, given: Metadata | undefined): Metadata {
  return given === undefined ? NO_METADATA : ownMetadata(`the metadata of ${hook}`, given);
}

/** By its prototype's prototype, not by its class: it may come from another realm. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  if (Object.getPrototypeOf(prototype) !== null) return false;
  return Object.hasOwn(prototype as object, 'hasOwnProperty') || isNothing(prototype as object);
}

/** What the metadata inherits that a handler was given, and may hand on. */
function isNothing(prototype: object): boolean {
  return Object.isFrozen(prototype) && Reflect.ownKeys(prototype).length === 0;
}

function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? 'a string' : String(value);
  const { constructor } = (Object.getPrototypeOf(value) ?? {}) as { constructor?: { name?: unknown } };
  const name = typeof constructor?.name === 'string' ? constructor.name : '';
  return name === '' || name === 'Object' ? 'an object' : `an instance of ${name}`;
}

function invalid(text: string): CmdStreamError {
  return new CmdStreamError('INVALID_OPTION', text);
}
