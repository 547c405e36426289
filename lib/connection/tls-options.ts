// What holds for the TLS options of both sides, which are Node's own: the lowest version, and how a certificate is
// replaced by another one.
import { createSecureContext, DEFAULT_MIN_VERSION, type SecureContextOptions } from 'node:tls';
import { CmdStreamError, isCmdStreamError } from '../errors.js';
import type { OptionRule, OptionRules } from '../options.js';
import { tlsReason } from './socket-error.js';

/** TLS 1.2, whatever the flags of Node say; a higher one stays, and so does one that is named in the options. */
export function withLowestVersion<T extends SecureContextOptions>(tls: T): T {
  const isNamed = tls.minVersion !== undefined || tls.secureProtocol !== undefined;
  return isNamed || DEFAULT_MIN_VERSION === 'TLSv1.3' ? tls : { ...tls, minVersion: 'TLSv1.2' };
}

/** What `reloadTls()` of a client can replace. @publicApi */
export type ClientTlsReloadOptions = Pick<SecureContextOptions, 'key' | 'cert' | 'ca' | 'crl' | 'pfx' | 'passphrase'>;

export const nodesOwn: OptionRule = {
  expected: "what Node's option of that name may be",
  accepts: (value) => value !== null,
};

export const reloadRules: OptionRules<ClientTlsReloadOptions> = Object.freeze({
  key: nodesOwn,
  cert: nodesOwn,
  ca: nodesOwn,
  crl: nodesOwn,
  pfx: nodesOwn,
  passphrase: nodesOwn,
});

/** A certificate comes in one of two forms: what is given takes the place of the other one, too. */
export function replacedTls<T extends SecureContextOptions>(options: T, given: Partial<T>): T {
  const replaced = { ...options, ...given };
  if (given.pfx !== undefined) for (const name of ['key', 'cert'] as const) delete replaced[name];
  else if (given.cert !== undefined) delete replaced.pfx;
  return replaced;
}

/**
 * `given`: what of the options is new.
 *
 * @throws {CmdStreamError} TLS_ERROR when the certificate, or the key, is of no use
 */
export function checkUsable(options: SecureContextOptions, given: SecureContextOptions): void {
  try {
    checkNotEmpty(given);
    createSecureContext(options);
  } catch (error) {
    throw notReloaded(error);
  }
}

/**
 * Node takes what is empty for not given, and a CA that is no PEM for none: a server would have no key, and a client
 * trust any public CA. A file that is being written is empty for a moment.
 */
function checkNotEmpty(given: SecureContextOptions): void {
  for (const name of ['key', 'cert', 'pfx', 'ca'] as const) {
    if (given[name] === undefined) continue;
    const parts: readonly (string | Buffer)[] = [given[name]].flat().map(bytesOf);
    if (parts.length === 0 || parts.some(({ length }) => length === 0)) throw new Error(`\`${name}\` is empty`);
    if (name === 'ca' && !parts.every(holdsCertificate)) throw new Error('`ca` holds no certificate');
  }
}

/** A key, or an archive, may come with its passphrase. */
function bytesOf(part: unknown): string | Buffer {
  const { pem, buf } = part as { readonly pem?: string | Buffer; readonly buf?: string | Buffer };
  return pem ?? buf ?? (part as string | Buffer);
}

/** In PEM. */
export function holdsCertificate(text: unknown): boolean {
  return /-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/.test(String(text));
}

export function notReloaded(error: unknown): CmdStreamError {
  if (isCmdStreamError(error)) return error;
  return new CmdStreamError('TLS_ERROR', `the certificate cannot be used: ${tlsReason(error)}`, { cause: error });
}
