// How many connections a server takes: of all addresses together, never more than the process has descriptors for, and
// of each one.
import { closeSync, openSync, readFileSync } from 'node:fs';
import { CmdStreamError, codeOf } from '../errors.js';

export interface ConnectionLimitConfig {
  /** Infinity: no limit. */
  readonly maxConnections: number;
  /** Of one address; Infinity: no limit. */
  readonly maxConnectionsPerAddress: number;
}

/** Descriptors that are left to the rest of the process, half of them where there are few. */
const RESERVED_DESCRIPTORS = 64;

export class ConnectionLimit {
  /** Most connections at a time; Infinity: no limit. */
  readonly most: number;
  readonly #config: ConnectionLimitConfig;
  readonly #descriptors: number;
  /** How many connections a host has, where that is limited. */
  readonly #byHost = new Map<string, number>();

  /** `descriptors`: how many the process may have, Infinity where that is not known. */
  constructor(config: ConnectionLimitConfig, descriptors = descriptorLimit()) {
    this.#config = config;
    this.#descriptors = descriptors;
    const available = Math.max(descriptors - RESERVED_DESCRIPTORS, Math.floor(descriptors / 2), 1);
    this.most = Math.min(config.maxConnections, available);
  }

  /** Says at the start that there are fewer connections than the options promise. */
  warn(): void {
    const { maxConnections } = this.#config;
    if (maxConnections === Infinity || this.most === maxConnections) return;
    const text = `the server takes ${this.#text}; raise the limit (ulimit -n), or lower maxConnections`;
    process.emitWarning(text, { type: 'Warning', code: 'CMD_STREAM_DESCRIPTORS' });
  }

  get #text(): string {
    const { maxConnections } = this.#config;
    if (this.most === maxConnections) return `maxConnections (${maxConnections}) connections`;
    const why = `the process may open ${this.#descriptors} files`;
    return `${this.most} connections and not maxConnections (${maxConnections}), as ${why}`;
  }

  /** Why no more connections are taken. */
  full(): CmdStreamError {
    return new CmdStreamError('MAX_CONNECTIONS', `the server has ${this.#text}`);
  }

  /** A connection of this address; gives why it is not taken. */
  add(address: string | undefined): CmdStreamError | undefined {
    const { maxConnectionsPerAddress } = this.#config;
    if (maxConnectionsPerAddress === Infinity || address === undefined) return undefined;
    const host = hostOf(address);
    const count = this.#byHost.get(host) ?? 0;
    if (count >= maxConnectionsPerAddress) {
      const limit = `maxConnectionsPerAddress (${maxConnectionsPerAddress})`;
      return new CmdStreamError('MAX_CONNECTIONS', `${host} has ${limit} connections`);
    }
    this.#byHost.set(host, count + 1);
    return undefined;
  }

  /** A connection that was taken is closed. */
  delete(address: string | undefined): void {
    const host = address && hostOf(address);
    const count = host && this.#byHost.get(host);
    if (!host || !count) return;
    if (count > 1) this.#byHost.set(host, count - 1);
    else this.#byHost.delete(host);
  }
}

/** A host of IPv6 has at least all addresses that begin with the same four groups: they count as one. */
function hostOf(address: string): string {
  // With dots: one of IPv4, perhaps written as one of IPv6.
  if (!address.includes(':') || address.includes('.')) return address;
  const [front = '', back] = address.split('%', 1)[0]!.split('::');
  const groups = front === '' ? [] : front.split(':');
  const zeros = back === undefined ? 0 : 8 - groups.length - (back === '' ? 0 : back.split(':').length);
  const all = [...groups, ...Array<string>(zeros).fill('0'), ...(back ? back.split(':') : [])];
  return `${all.slice(0, 4).join(':')}::/64`;
}

/**
 * Why the system gives no connection now; undefined: it does. Node does not say so: where no descriptor is left, it
 * closes what is accepted without a word.
 */
export function acceptFailure(): CmdStreamError | undefined {
  try {
    closeSync(openSync('/dev/null', 'r'));
    return undefined;
  } catch (cause) {
    if (codeOf(cause) !== 'EMFILE' && codeOf(cause) !== 'ENFILE') return undefined;
    const text = 'no connection can be accepted: the process has no descriptors left (ulimit -n)';
    return new CmdStreamError('ACCEPT_FAILED', text, { cause });
  }
}

/** Of Linux, the limit in force; other systems do not tell a process of Node. */
function descriptorLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))!;
    return Number(soft);
  } catch {
    return Infinity;
  }
}
