// Which servers a client is given: objects, or text such as `a:9000,b:9000`, which environment variables give.
import { isIPv6 } from 'node:net';
import { socketPath } from '../connection/connection-options.js';
import type { ServerAddress } from '../connection/dial.js';
import { port, text, type OptionRule } from '../options.js';

/**
 * A server as it is given: the port may be a string of digits, and is 3000 without one; text is `host:port`, `host` or
 * `[::1]:port`.
 *
 * @publicApi
 */
export type GivenAddress =
  string | ServerAddress | { readonly host: string; readonly port?: number | string | undefined };

const portRule = port(1);
/** In square brackets an IPv6 address, which has colons of its own. */
const HOST_AND_PORT = /^(?:\[([^\]\s]+)\]|([^\s,:/@[\]]+))(?::(\d+))?$/;

export const serversRule: OptionRule = {
  expected:
    'a list of at least one server, as an array or as text with commas, each "host:port", "host", "[::1]:port", ' +
    '{ host, port } with a port from 1 to 65535, or { path }',
  accepts: (value) => (typeof value === 'string' || Array.isArray(value)) && addressesOf(value, 1) !== undefined,
};

/** `defaultPort`: of those without one. Undefined where they are no servers. */
export function addressesOf(
  given: string | readonly unknown[],
  defaultPort: number,
): readonly ServerAddress[] | undefined {
  const entries = typeof given === 'string' ? given.split(',') : given;
  const addresses = Array.from(entries, (entry) => addressOf(entry, defaultPort));
  return addresses.length > 0 && addresses.every((address) => address !== undefined) ? addresses : undefined;
}

function addressOf(given: unknown, defaultPort: number): ServerAddress | undefined {
  if (typeof given === 'string') return addressIn(given.trim(), defaultPort);
  if (typeof given !== 'object' || given === null) return undefined;
  const keys = Object.keys(given).toSorted().join();
  const { host, port: at, path } = { port: defaultPort, ...given } as { host?: unknown; port: unknown; path?: unknown };
  if (keys === 'path') return socketPath.accepts(path) ? { path: path as string } : undefined;
  const isAddress = (keys === 'host,port' || keys === 'host') && text.accepts(host) && portRule.accepts(at);
  return isAddress ? { host: host as string, port: Number(at) } : undefined;
}

function addressIn(given: string, defaultPort: number): ServerAddress | undefined {
  const [, ipv6, name, digits = String(defaultPort)] = HOST_AND_PORT.exec(given) ?? [];
  const host = ipv6 ?? name;
  if (host === undefined || (ipv6 !== undefined && !isIPv6(ipv6)) || !portRule.accepts(digits)) return undefined;
  return { host, port: Number(digits) };
}
