// From the options of a client to what its connections need: what several options say together is checked here.
import type { Duplex } from 'node:stream';
import type { AsyncScope } from '../async-scope.js';
import { tablesOf, type ContractTables } from '../contract/contract.js';
import { codecFor } from '../codec/codec-rules.js';
import { Fingerprint } from '../codec/fingerprint.js';
import { dial, resolverOf, type ServerAddress } from '../connection/dial.js';
import { keepaliveDefaults, keepaliveRules, oldKeepaliveNames } from '../connection/keepalive.js';
import { ReadingTurns } from '../connection/reading-turns.js';
import { Ticker } from '../connection/ticker.js';
import { clientDirection } from '../connection/codec-direction.js';
import { CmdStreamError, isCmdStreamError, MAX_REASON_BYTES, messageOf, peerText } from '../errors.js';
import { objectWith, resolveOptions, type Complete, type OldOptionNames, type OptionRules } from '../options.js';
import { SpareBlocks } from '../wire/byte-writer.js';
import { serverInfoBytes } from '../wire/server-info.js';
import { CallBytes } from './call/call-bytes.js';
import { clientDefaults, clientRules, oldClientNames, type CommandClientOptions } from './client-options.js';
import { oldReconnectNames, reconnectDefaults, reconnectRules } from './group/backoff.js';
import { leastPending, roundRobin, type DispatchStrategy } from './group/connection-picker.js';
import { queueDefaults, queueRules, retryDefaults, retryRules } from './group/waiting-room.js';
import { ownClientMetadata } from './client-metadata.js';
import { ClientTls } from './client-tls.js';
import { addressesOf } from './server-addresses.js';
import type { GroupConfig } from './group/group.js';
import type { GroupConnectionConfig } from './group/group-connection.js';

/** Calls that may wait for an answer on one connection, and pings that may: what waits takes memory. */
export const MOST_PENDING = 65_536;

type CheckedOptions = ReturnType<typeof checkedOptions>;
export type ResolvedClientOptions = ReturnType<typeof completeClientOptions>;

/** @throws {CmdStreamError} INVALID_OPTION */
export function resolveClientOptions(options: CommandClientOptions): ResolvedClientOptions {
  return completeClientOptions('CommandClient', options, checkedOptions(options));
}

function checkedOptions(options: CommandClientOptions) {
  return resolveOptions('CommandClient', options, clientDefaults, clientRules, oldClientNames);
}

/**
 * Options that were checked one by one, with defaults; `given`: without. `client`: the class that errors name.
 *
 * @throws {CmdStreamError} INVALID_OPTION
 */
export function completeClientOptions(client: string, given: AddressOptions, resolved: CheckedOptions) {
  exclude(client, given, 'servers', 'host', 'port', 'path');
  exclude(client, given, 'path', 'host', 'port');
  exclude(client, given, 'connect', 'tls', 'tlsFiles', 'lookup', 'resolveIntervalMs');
  const servers =
    resolved.servers === undefined ? [serverOf(resolved)] : addressesOf(resolved.servers, clientDefaults.port)!;
  return {
    ...resolved,
    contract: tablesOf(resolved.contract),
    servers,
    tls: tlsOf(client, given.tls, resolved),
    reconnect: switched(
      `${client}: option "reconnect"`,
      resolved.reconnect,
      reconnectDefaults,
      reconnectRules,
      oldReconnectNames,
    ),
    keepalive: switched(
      `${client}: option "keepalive"`,
      resolved.keepalive,
      keepaliveDefaults,
      keepaliveRules,
      oldKeepaliveNames,
    ),
    metadata: ownClientMetadata(client, resolved.metadata),
    queue: switched(`${client}: option "queue"`, resolved.queue, queueDefaults, queueRules),
    retry: switched(`${client}: option "retry"`, resolved.retry, retryDefaults, retryRules),
  };
}

function tlsOf(client: string, given: AddressOptions['tls'], { tls, tlsFiles }: CheckedOptions): ClientTls | undefined {
  if (tlsFiles === undefined)
    return tls === false ? undefined : new ClientTls(client, tls === true ? {} : tls, undefined);
  if (given === false)
    throw new CmdStreamError(
      'INVALID_OPTION',
      `${client}: option "tls": false and option "tlsFiles" exclude each other`,
    );
  return new ClientTls(client, typeof tls === 'boolean' ? {} : tls, tlsFiles);
}

/** `scope`: in which what serves all callers runs; `onReloadError`: files of `tlsFiles` have changed to no use. */
export function groupConfigOf(
  options: ResolvedClientOptions,
  scope: AsyncScope,
  onReloadError: (error: CmdStreamError) => void,
): GroupConfig {
  const codec = codecFor(options.contract, options.codec);
  const direction = clientDirection(codec, options);
  return {
    ...options,
    side: 'client',
    direction,
    isIdempotent: idempotence(options.contract),
    callBytes: new CallBytes({ maxQueuedBytes: options.maxQueuedBytes, direction }),
    options,
    ticker: new Ticker(scope),
    readingTurns: new ReadingTurns(scope),
    spareBlocks: new SpareBlocks(),
    scope,
    fingerprint: new Fingerprint(options.contract, codec),
    serverInfo: serverInfoBytes(options.serverInfo),
    queue: options.queue || queueDefaults,
    mayWait: options.queue !== false,
    mostPending: MOST_PENDING,
    losses: { lost: 0, unsent: 0 },
    dial: apart(scope, dialling(options, onReloadError)),
    resolver: options.connect ? undefined : resolverOf(options.lookup, options.tls?.options),
    dispatchStrategy: strategyOf(options.dispatchStrategy, scope),
    circuitBreaker: options.circuitBreaker,
  };
}

/** What a class says of itself may be code that fails: then nothing is repeated. */
function idempotence({ commands }: ContractTables): (command: unknown) => boolean {
  return (command) => {
    try {
      return commands.isIdempotent(command);
    } catch {
      return false;
    }
  };
}

function serverOf({
  host = '',
  port,
  path,
}: {
  host?: string;
  port?: number | string;
  path?: string | undefined;
}): ServerAddress {
  return path === undefined ? { host, port: Number(port) } : { path };
}

type AddressOptions = Pick<
  CommandClientOptions,
  'servers' | 'host' | 'port' | 'path' | 'connect' | 'tls' | 'tlsFiles' | 'lookup' | 'resolveIntervalMs'
>;

/** Options that contradict each other are a mistake, not a matter of precedence. */
function exclude(
  client: string,
  given: AddressOptions,
  one: keyof AddressOptions,
  ...others: (keyof AddressOptions)[]
): void {
  const isGiven = (name: keyof AddressOptions): boolean => given[name] !== undefined && given[name] !== false;
  if (!isGiven(one)) return;
  const other = others.find(isGiven);
  if (other === undefined) return;
  throw new CmdStreamError('INVALID_OPTION', `${client}: options "${one}" and "${other}" exclude each other`);
}

function switched<T extends object, D extends Complete<T>>(
  name: string,
  given: boolean | T,
  defaults: D,
  rules: OptionRules<T>,
  oldNames?: OldOptionNames,
): Readonly<D> | false {
  if (given === false) return false;
  if (given === true) return defaults;
  return resolveOptions(name, given, defaults, rules, oldNames) as Readonly<D>;
}

/** Code of the user that serves all callers and sees nothing of any. */
function apart<Args extends unknown[], R>(scope: AsyncScope, work: (...args: Args) => R): (...args: Args) => R {
  return (...args) => scope.runApart(work, undefined, ...args);
}

function strategyOf(strategy: ResolvedClientOptions['dispatchStrategy'], scope: AsyncScope): DispatchStrategy {
  if (strategy === 'round-robin') return roundRobin();
  if (strategy === 'least-pending') return leastPending();
  // A list of its own, with which a strategy of the user may do as it likes.
  return { pick: apart(scope, (choices, command) => strategy.pick([...choices], command)) };
}

function dialling(
  { connect, tls, lookup }: ResolvedClientOptions,
  onReloadError: (error: CmdStreamError) => void,
): GroupConnectionConfig['dial'] {
  if (connect === undefined) {
    return (route, signal, onStage) => {
      const { options, sessions } = tls?.open(onReloadError) ?? {};
      return dial({ tls: options, sessions, ...route, lookup: route.lookup ?? lookup, onStage }, signal);
    };
  }
  return async ({ address }, signal, onStage) => {
    let socket: Duplex;
    onStage('factory');
    try {
      socket = await connect(address, signal);
    } catch (error) {
      if (isCmdStreamError(error)) throw error;
      throw new CmdStreamError(
        'CONNECT_FAILED',
        `option "connect" failed: ${peerText(messageOf(error), MAX_REASON_BYTES)}`,
        { cause: error },
      );
    }
    if (duplexRule.accepts(socket) && !socket.destroyed) return socket;
    throw new CmdStreamError('CONNECT_FAILED', `option "connect" must give ${duplexRule.expected}`);
  };
}

const duplexRule = objectWith('an open Duplex, such as a socket', 'on', 'write', 'end', 'destroy', 'pause', 'resume');
