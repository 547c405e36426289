// What holds for the TLS options of both sides, which are Node's own: the lowest version.
import { DEFAULT_MIN_VERSION, type SecureContextOptions } from 'node:tls';

/** TLS 1.2, whatever the flags of Node say; a higher one stays, and so does one that is named in the options. */
export function withLowestVersion<T extends SecureContextOptions>(tls: T): T {
  const isNamed = tls.minVersion !== undefined || tls.secureProtocol !== undefined;
  return isNamed || DEFAULT_MIN_VERSION === 'TLSv1.3' ? tls : { ...tls, minVersion: 'TLSv1.2' };
}
