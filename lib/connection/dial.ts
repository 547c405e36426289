// Opens the socket of a client: TCP, TLS or a Unix domain socket. It knows no frames.
import { lookup as lookupByDns, type LookupAddress, type LookupOptions } from 'node:dns';
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { CmdStreamError, codeOf, messageOf, stackOf } from '../errors.js';
import { fromSocketError, ownCertificate, refusedCertificate } from './socket-error.js';
import { withLowestVersion } from './tls-options.js';
import type { TlsSessions } from './tls-sessions.js';

/** Where a server listens: a host and a port, or the path of a Unix domain socket. @publicApi */
export type ServerAddress = { readonly host: string; readonly port: number } | { readonly path: string };

export interface DialTarget {
  readonly address: ServerAddress;
  readonly tls?: ConnectionOptions | undefined;
  /** None: each connection has a session of its own. */
  readonly sessions?: TlsSessions | undefined;
  /** Resolves the host instead of {@link resolverOf}. */
  readonly lookup?: LookupFunction | undefined;
  /** Of several addresses of one kind, the one to begin with: this number, counted round. */
  readonly turn: number;
  /** Called when the next stage begins. */
  readonly onStage?: ((stage: DialStage) => void) | undefined;
}

/**
 * What an attempt waits for: that the host is resolved, that its server takes the connection, that TLS is agreed on.
 */
export type DialStage = 'lookup' | 'connect' | 'tls';

/** How long one of several addresses is waited for before the next one is tried as well, in milliseconds. */
const NEXT_ADDRESS_MS = 1000;

export function addressText(address: ServerAddress): string {
  if ('path' in address) return address.path;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/**
 * Resolves with a socket that is connected and, with TLS, secured. A host is resolved anew each time; all its addresses
 * are tried.
 *
 * @throws {CmdStreamError} CONNECT_FAILED, TLS_ERROR, or the signal's reason when it aborts first
 */
export function dial(target: DialTarget, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const socket = tryOpen(target);
    /** Has the server taken part in the handshake? Only before Node's own listener does the socket still know. */
    let hasAnswered = false;
    const onEnd = (): void => void (hasAnswered = (socket as TLSSocket).getPeerX509Certificate() !== undefined);
    if (target.tls) socket.prependListener('end', onEnd);
    const settle = (): void => {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError).off('close', onClose).off('end', onEnd);
    };
    watchStages(socket, target);
    const fail = (error: unknown): void => {
      target.sessions?.forget(addressText(target.address));
      settle();
      socket.on('error', () => {}).destroy();
      reject(error);
    };
    const onAbort = (): void => {
      settle();
      // The promise settles when the socket is gone: what follows may count on that.
      socket
        .on('error', () => {})
        .once('close', () => reject(signal.reason))
        .destroy();
    };
    const onError = (error: unknown): void => fail(connectError(target, error, hasAnswered));
    const onClose = (): void => onError(new Error('the socket was closed'));
    signal.addEventListener('abort', onAbort);
    socket.on('error', onError).on('close', onClose);
    socket.once(target.tls ? 'secureConnect' : 'connect', () => {
      settle();
      target.sessions?.keepOf(addressText(target.address), socket as TLSSocket);
      resolve(socket);
    });
  });
}

function watchStages(socket: Socket, { address, tls, onStage }: DialTarget): void {
  if (onStage === undefined) return;
  onStage('host' in address && isIP(address.host) === 0 ? 'lookup' : 'connect');
  socket.once('lookup', () => onStage('connect'));
  if (tls) socket.once('connect', () => onStage('tls'));
}

/** Node throws at once when a key or certificate cannot be read, and so may the resolver of a user. */
function tryOpen(target: DialTarget): Socket {
  try {
    return open(target);
  } catch (error) {
    throw connectError(target, error);
  }
}

function open(target: DialTarget): Socket {
  const { address, tls, sessions } = target;
  const where = 'path' in address ? address : { ...address, ...resolving(target) };
  if (!tls) return connectTcp(where);
  const servername = 'host' in address && isIP(address.host) === 0 ? { servername: address.host } : {};
  const session = sessions && { session: sessions.find(addressText(address)) };
  return connectTls({ ...servername, ...withLowestVersion(tls), ...session, ...guarded(tls), ...where });
}

/**
 * Callbacks that Node expects to answer at once. What they throw, or reject with, refuses the server; without this a
 * promise of theirs that rejects would end the process.
 */
function guarded({ checkServerIdentity, pskCallback }: ConnectionOptions): ConnectionOptions {
  return {
    ...(checkServerIdentity && {
      checkServerIdentity: (host, certificate) => {
        try {
          return mustNotWait('checkServerIdentity', checkServerIdentity(host, certificate));
        } catch (error) {
          return refusedIdentity(error);
        }
      },
    }),
    ...(pskCallback && { pskCallback: (hint) => mustNotWait('pskCallback', pskCallback(hint)) }),
  };
}

/** @throws {Error} when it is a promise */
function mustNotWait<T>(name: string, returned: T): T {
  if (typeof (returned as { then?: unknown } | null | undefined)?.then !== 'function') return returned;
  Promise.resolve(returned).catch(() => {});
  throw new Error(`option "tls": ${name}() must answer at once, and gave a promise`);
}

/** By its code it is found to be no failure that waiting cures. */
function refusedIdentity(error: unknown): Error {
  return Object.assign(new Error(messageOf(error), { cause: error }), { code: 'ERR_TLS_SERVER_IDENTITY' });
}

/** What a client resolves its hosts by. */
export function resolverOf(given: LookupFunction | undefined, tls: ConnectionOptions | undefined): LookupFunction {
  return given ?? tls?.lookup ?? (lookupByDns as LookupFunction);
}

function resolving({ lookup: given, tls, turn }: DialTarget) {
  const lookup = resolverOf(given, tls);
  const trying = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS };
  return { lookup: turnedLookup(lookup, turn), ...trying };
}

/** `hasAnswered`: the server has hung up in the middle of the handshake. */
function connectError({ address, tls }: DialTarget, error: unknown, hasAnswered = false): CmdStreamError {
  const translated = fromSocketError(error);
  const own = tls && hasAnswered && translated.code !== 'TLS_ERROR' ? ownCertificate(tls) : undefined;
  if (own !== undefined) return refusedCertificate(addressText(address), translated, own);
  const code = translated.code === 'TLS_ERROR' ? 'TLS_ERROR' : 'CONNECT_FAILED';
  // Where a name has several addresses, the error of Node that sums up has a code and no text.
  const reason = (translated.message || codeOf(error) || 'no reason given').trimEnd();
  return new CmdStreamError(code, `cannot connect to ${addressText(address)}: ${reason}`, { cause: error });
}

// Resolves a host for one connection: all its addresses, beginning with another one each time. What a resolver of the
// user throws, now or by a promise, or gives that is no address, is a name that cannot be resolved; its first word
// counts.

/** `turn`: of several addresses of one kind, the one to begin with, counted round. */
export function turnedLookup(lookup: LookupFunction, turn: number): LookupFunction {
  return (hostname, options, callback) =>
    findAddresses(lookup, hostname, options, (error, found) => {
      const [first, ...others] = turnedBy(found, turn);
      if (first === undefined) callback(error, []);
      else if (options.all) callback(null, [first, ...others]);
      else callback(null, first.address, first.family);
    });
}

/** Asks for all addresses of a host; answers once and later, with at least one of them or an error. */
export function findAddresses(
  lookup: LookupFunction,
  hostname: string,
  options: LookupOptions,
  callback: (error: Error | null, found: readonly LookupAddress[]) => void,
): void {
  let hasAnswered = false;
  const answer: typeof callback = (...given) => {
    if (hasAnswered) return;
    hasAnswered = true;
    // At once would be before the socket has listeners.
    process.nextTick(callback, ...given);
  };
  const fail = (error: unknown): void => answer(asError(error), []);
  const resolved: Parameters<LookupFunction>[2] = (error, found) => {
    if (error) return fail(error);
    const addresses = addressesIn(found);
    if (addresses.length > 0) answer(null, addresses);
    else fail(new Error(`the resolver has no address for ${hostname}`));
  };
  // A resolver may be an async function, whatever its type says.
  new Promise((settled) => settled(lookup(hostname, { ...options, all: true }, resolved))).catch(fail);
}

/** What is no Error, or throws when it is asked as Node does, would not be understood by it. */
function asError(error: unknown): Error {
  if (error === undefined || error === null) return new Error('the resolver failed');
  if (typeof error === 'object' && stackOf(error) !== undefined) return error as Error;
  const code = codeOf(error);
  return Object.assign(new Error(messageOf(error), { cause: error }), code === undefined ? {} : { code });
}

/** What throws when it is looked at is no address. */
function addressesIn(found: unknown): LookupAddress[] {
  try {
    const entries: unknown[] = Array.isArray(found) ? [...found] : [{ address: found }];
    return entries.flatMap(addressIn);
  } catch {
    return [];
  }
}

function addressIn(entry: unknown): LookupAddress[] {
  try {
    const address = String((entry as { address?: unknown }).address);
    const family = isIP(address);
    return family === 0 ? [] : [{ address, family }];
  } catch {
    return [];
  }
}

/** Addresses of one kind change places among themselves: which kind comes first is the resolver's say. */
function turnedBy(addresses: readonly LookupAddress[], turn: number): LookupAddress[] {
  const families = [...new Set(addresses.map(({ family }) => family))];
  return families.flatMap((family) => {
    const ofFamily = addresses.filter((address) => address.family === family);
    const from = turn % ofFamily.length;
    return [...ofFamily.slice(from), ...ofFamily.slice(0, from)];
  });
}
