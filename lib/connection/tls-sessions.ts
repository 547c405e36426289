// The last session of TLS with each server of a client: by it the next connection is agreed on sooner, as neither side
// sends its certificate again. Nor does OpenSSL look at the dates of the certificate again: that is done here, on both
// sides.
import type { X509Certificate } from 'node:crypto';
import type { ConnectionOptions, TLSSocket } from 'node:tls';

/** Has it expired by now? */
function hasExpired(certificate: X509Certificate | undefined): boolean {
  return certificate !== undefined && Date.parse(certificate.validTo) < Date.now();
}

/** Was a session taken up whose client has a certificate that has expired since? */
export function hasOutlivedCertificate(socket: TLSSocket): boolean {
  return socket.isSessionReused() && hasExpired(socket.getPeerX509Certificate());
}

export class TlsSessions {
  readonly #sessions = new Map<
    string,
    { readonly session: Buffer; readonly certificate: X509Certificate | undefined }
  >();

  /** Are the sessions of these options kept here? `checkServerIdentity` would not be asked when one is taken up. */
  static serve({ session, checkServerIdentity, pskCallback }: ConnectionOptions): boolean {
    return session === undefined && checkServerIdentity === undefined && pskCallback === undefined;
  }

  find(server: string): Buffer | undefined {
    const kept = this.#sessions.get(server);
    return hasExpired(kept?.certificate) ? undefined : kept?.session;
  }

  /** Only of a socket whose server was found to be the right one: with a session it is not checked again. */
  keepOf(server: string, socket: TLSSocket): void {
    const certificate = socket.getPeerX509Certificate();
    const keep = (session: Buffer | undefined): void =>
      void (session && this.#sessions.set(server, { session, certificate }));
    // Before TLS 1.3 it is there with the handshake, later it comes behind that, and perhaps more than once.
    if (socket.getProtocol() === 'TLSv1.3') socket.on('session', keep);
    else keep(socket.getSession());
  }

  /** One with which no connection could be made. */
  forget(server: string): void {
    this.#sessions.delete(server);
  }
}
