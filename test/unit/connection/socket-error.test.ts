// What a socket reports, as an error of this package.
import { describe, expect, it } from '@jest/globals';
import { fromSocketError, ownCertificate, refusalOf } from '../../../lib/connection/socket-error.js';
import { CmdStreamError } from '../../../lib/errors.js';
import { CertificateAuthority } from '../../support/certificates.js';

describe('an error of a socket', () => {
  const socketError = (code: string) => Object.assign(new Error(`read ${code}`), { code });

  it.each([
    ['ECONNRESET', 'PEER_RESET'],
    ['EPIPE', 'PEER_RESET'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS_ERROR'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'TLS_ERROR'],
    ['ERR_OSSL_EVP_UNSUPPORTED', 'TLS_ERROR'],
    ['CERT_HAS_EXPIRED', 'TLS_ERROR'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TLS_ERROR'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'TLS_ERROR'],
    ['EPROTO', 'TLS_ERROR'],
    ['EHOSTUNREACH', 'PEER_RESET'],
    ['MY_CERT_', 'CONNECT_FAILED'],
    ['ECONNREFUSED', 'CONNECT_FAILED'],
    ['ENOTFOUND', 'CONNECT_FAILED'],
  ])('%s becomes %s with the cause kept', (from, to) => {
    const cause = socketError(from);
    const error = fromSocketError(cause);
    expect(error).toMatchObject({ code: to, cause });
    expect(error.message).toContain(from);
  });

  it('keeps the text of its peer to one line of at most 1024 bytes', () => {
    for (const code of ['CERT_HAS_EXPIRED', 'ECONNRESET', 'ENOTFOUND']) {
      const long = Object.assign(new Error(`a\n${'x'.repeat(5_000)}`), { code });
      const { message } = fromSocketError(long);
      expect(message).toMatch(/a\\u\{a\}x+…\)?$/);
      expect(Buffer.byteLength(message.slice(message.indexOf('a\\u')).replace(')', ''))).toBe(1024);
    }
  });

  it('that is already ours stays as it is', () => {
    const error = new CmdStreamError('CLOSED', 'closed');
    expect(fromSocketError(error)).toBe(error);
  });
});

describe('an error of TLS', () => {
  const authority = new CertificateAuthority('the CA');

  it('has the words of OpenSSL, without the files that Node was built from', () => {
    const alert = Object.assign(
      new Error('80CC:error:0A00045C:SSL routines:f:tlsv1 alert unknown ca:../deps/x.c:7:\n'),
      {
        library: 'SSL routines',
        reason: 'tlsv1 alert unknown ca',
        code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
      },
    );
    expect(fromSocketError(alert).message).toBe(
      'TLS failed: the peer refuses the certificate of this side: it does not trust its CA (tlsv1 alert unknown ca)',
    );
  });

  it('asks for the passphrase of a private key that is encrypted', () => {
    const encrypted = Object.assign(new Error('bad decrypt'), { code: 'ERR_OSSL_BAD_DECRYPT' });
    expect(fromSocketError(encrypted).message).toBe(
      'TLS failed: the private key is encrypted: is `passphrase` given, and the right one? (bad decrypt)',
    );
  });

  it.each([
    ['CERT_HAS_EXPIRED', 'the certificate of the peer has expired: it needs a new one (CERT_HAS_EXPIRED)'],
    ['INVALID_CA', 'the certificate of the peer is refused (INVALID_CA)'],
    ['ANYTHING', 'the certificate of the peer is refused (ANYTHING)'],
    ['toString', 'the certificate of the peer is refused (toString)'],
  ])('says why a certificate was refused: %s', (code, text) => {
    expect(refusalOf(code)).toBe(text);
  });

  it('has nothing to do with the certificate of this side when there is none', () => {
    expect(ownCertificate({})).toBeUndefined();
  });

  it.each([
    ['that has expired', authority.issue({ name: 'x', since: 3, days: -1 }).cert, true],
    ['that is not valid yet', authority.issue({ name: 'x', since: -1, days: 3 }).cert, true],
    ['that is good', authority.issue({ name: 'x' }).cert, false],
    ['that cannot be read', 'no certificate', false],
  ])('is certainly about a certificate by its dates only: one %s', (_what, cert, isCertain) => {
    expect(ownCertificate({ cert })).toMatchObject({ isCertain });
    expect(ownCertificate({ cert: [cert] })).toMatchObject({ isCertain });
  });

  it('may be about a certificate in PKCS#12', () => {
    expect(ownCertificate({ pfx: 'bytes' })).toMatchObject({ isCertain: false });
  });
});
