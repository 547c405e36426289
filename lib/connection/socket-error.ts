// What a socket reports, as an error of this package: the one place that knows the codes of Node and of OpenSSL. Of TLS
// it says what is wrong, and what to do about it.
import { X509Certificate } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { CmdStreamError, codeOf, isCmdStreamError, MAX_REASON_BYTES, messageOf, peerText } from '../errors.js';

const resetCodes: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'ETIMEDOUT',
  'ENETRESET',
  'EHOSTUNREACH',
]);

const NOT_TRUSTED =
  'the certificate of the peer is of a CA that is not trusted here: if it should be, give that of the CA as `tls.ca`; ' +
  'if it is, the peer does not send what stands between the two';
const NO_TLS = 'the peer speaks no TLS: is the option `tls` given on both sides?';
const NO_VERSION = 'the two sides have no version of TLS in common: below 1.2 only with `tls.minVersion`';
const REFUSED = 'the peer refuses the certificate of this side';

/** Of a certificate that this side refuses, by OpenSSL's codes for it; some have nothing to add to its own words. */
const verdicts: Readonly<Record<string, string>> = Object.freeze({
  CERT_HAS_EXPIRED: 'the certificate of the peer has expired: it needs a new one',
  CERT_NOT_YET_VALID: 'the certificate of the peer is not valid yet: are the clocks of both sides right?',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'the certificate of the peer is signed by itself and not trusted here: if it should be, give it as `tls.ca`',
  SELF_SIGNED_CERT_IN_CHAIN: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_TRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_TRUSTED,
  CERT_SIGNATURE_FAILURE:
    'the certificate of the peer is not of the CA whose name it carries: that of `tls.ca` has the same name and ' +
    'another key',
  CERT_REVOKED: 'the certificate of the peer was revoked: it needs a new one',
  INVALID_PURPOSE: 'the certificate of the peer is for another purpose: see its extended key usage',
  HOSTNAME_MISMATCH: '',
  UNABLE_TO_GET_CRL: '',
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: '',
  UNABLE_TO_DECRYPT_CRL_SIGNATURE: '',
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: '',
  CRL_SIGNATURE_FAILURE: '',
  CRL_NOT_YET_VALID: '',
  CRL_HAS_EXPIRED: '',
  ERROR_IN_CERT_NOT_BEFORE_FIELD: '',
  ERROR_IN_CERT_NOT_AFTER_FIELD: '',
  ERROR_IN_CRL_LAST_UPDATE_FIELD: '',
  ERROR_IN_CRL_NEXT_UPDATE_FIELD: '',
  INVALID_CA: '',
  PATH_LENGTH_EXCEEDED: '',
  UNSPECIFIED: '',
});

/** Of what fails in the handshake. An alert, which is the peer's word, is known by the end of its code. */
const failures: readonly (readonly [RegExp, string])[] = [
  [
    /^ERR_TLS_CERT_ALTNAME/,
    'the certificate of the server is for another name: connect to a name that it has, or give that as ' +
      '`tls.servername`',
  ],
  [/PEER_DID_NOT_RETURN_A_CERTIFICATE$/, 'the client has no certificate, and `tls.requestCert` asks for one'],
  [/WRONG_VERSION_NUMBER$|HTTP_REQUEST$|PACKET_LENGTH_TOO_LONG$/, NO_TLS],
  [/UNSUPPORTED_PROTOCOL$|ALERT_PROTOCOL_VERSION$/, NO_VERSION],
  [
    /ALERT_CERTIFICATE_REQUIRED$/,
    'the server asks for a certificate, and this client has none: give `tls.cert` and `tls.key`',
  ],
  [/ALERT_CERTIFICATE_EXPIRED$/, `${REFUSED}: it has expired there`],
  [/ALERT_UNKNOWN_CA$/, `${REFUSED}: it does not trust its CA`],
  [/ALERT_(BAD_CERTIFICATE|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)$/, REFUSED],
  [/ALERT_HANDSHAKE_FAILURE$/, 'the peer refuses the handshake: it may ask for a certificate, or for other ciphers'],
  [/ALERT_UNRECOGNIZED_NAME$/, 'the server does not know the name it is asked for: see `tls.servername`'],
  [/X509_KEY_VALUES_MISMATCH$/, 'the private key is not that of the certificate: `key` and `cert` are of two pairs'],
  [
    /PEM_NO_START_LINE$|^ERR_OSSL_UNSUPPORTED$/,
    'a certificate or key cannot be read: it must be what is in its file, as PEM, and not the name of the file',
  ],
  [/OSSL_BAD_DECRYPT$/, 'the private key is encrypted: is `passphrase` given, and the right one?'],
];

/** Translates what a socket reports into a CmdStreamError. */
export function fromSocketError(error: unknown): CmdStreamError {
  if (isCmdStreamError(error)) return error;
  const code = codeOf(error) ?? '';
  if (isTlsCode(code)) return new CmdStreamError('TLS_ERROR', `TLS failed: ${tlsReason(error)}`, { cause: error });
  // It may quote the peer.
  const text = peerText(messageOf(error), MAX_REASON_BYTES);
  if (resetCodes.has(code)) return new CmdStreamError('PEER_RESET', `connection reset: ${text}`, { cause: error });
  return new CmdStreamError('CONNECT_FAILED', text, { cause: error });
}

function isTlsCode(code: string): boolean {
  return /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_)/.test(code) || code === 'EPROTO' || Object.hasOwn(verdicts, code);
}

/** What is wrong in TLS, with what to do where that is known, and in the words of Node or OpenSSL. */
export function tlsReason(error: unknown): string {
  const advice = adviceFor(codeOf(error) ?? '');
  const text = peerText(reasonOf(error) ?? messageOf(error), MAX_REASON_BYTES);
  return advice ? `${advice} (${text})` : text;
}

/** Why a certificate that a peer showed was refused, by OpenSSL's code. */
export function refusalOf(code: string): string {
  return `${adviceFor(code) || 'the certificate of the peer is refused'} (${code})`;
}

function adviceFor(code: string): string | undefined {
  if (Object.hasOwn(verdicts, code)) return verdicts[code];
  return failures.find(([codes]) => codes.test(code))?.[1];
}

/** The message of an error of OpenSSL names the source files that Node was built from; this is the word in it. */
function reasonOf(error: unknown): string | undefined {
  try {
    const { library, reason } = error as { readonly library?: unknown; readonly reason?: unknown };
    return library !== undefined && typeof reason === 'string' ? reason : undefined;
  } catch {
    return undefined;
  }
}

/** Why a server that hangs up in the handshake, or right after it, may have refused this side's own certificate. */
export interface OwnCertificate {
  readonly text: string;
  /** It is so: by its dates no server takes it. */
  readonly isCertain: boolean;
}

/**
 * Many servers refuse a certificate without a word. Undefined if this side has none to be refused.
 */
export function ownCertificate({ cert, pfx }: SecureContextOptions): OwnCertificate | undefined {
  if (cert === undefined && pfx === undefined) return undefined;
  const dates = datesOf(Array.isArray(cert) ? cert[0] : cert);
  const says = (text: string, isCertain: boolean): OwnCertificate => ({ text: `${REFUSED}, ${text}`, isCertain });
  const now = Date.now();
  if (dates && Date.parse(dates.validTo) < now)
    return says(`which has expired: it was valid to ${dates.validTo}`, true);
  if (dates && Date.parse(dates.validFrom) > now)
    return says(`which is not valid yet, only from ${dates.validFrom} on`, true);
  return says('as it seems: is it of a CA that the server trusts?', false);
}

/** A server may also have had another reason: only where it is certain does no call wait for a better attempt. */
export function refusedCertificate(server: string, cause: CmdStreamError, own: OwnCertificate): CmdStreamError {
  const text = `cannot connect to ${server}: ${cause.message}: ${own.text}`;
  return new CmdStreamError('TLS_ERROR', text, { cause: own.isCertain ? cause.cause : cause });
}

function datesOf(cert: string | Buffer | undefined): X509Certificate | undefined {
  try {
    return cert === undefined ? undefined : new X509Certificate(cert);
  } catch {
    return undefined;
  }
}
