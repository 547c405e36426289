// The TLS options of a client for as long as it lives, with its sessions: both are replaced together, so that no
// session is taken up by which a server would know the certificate from before.
import type { ConnectionOptions } from 'node:tls';
import { TlsSessions } from '../connection/tls-sessions.js';
import { checkUsable, reloadRules, replacedTls, type ClientTlsReloadOptions } from '../connection/tls-options.js';
import { resolveOptions } from '../options.js';

export class ClientTls {
  /** For the next connection, as its sessions. */
  options: ConnectionOptions;
  /** None: each connection has a session of its own. */
  sessions: TlsSessions | undefined;

  constructor(options: ConnectionOptions) {
    this.options = options;
    this.sessions = newSessions(options);
  }

  /**
   * For connections from now on.
   *
   * @throws {CmdStreamError} INVALID_OPTION, TLS_ERROR; then nothing has changed
   */
  reload(given: ClientTlsReloadOptions): void {
    const replacing = resolveOptions('reloadTls', given, {}, reloadRules);
    const options = replacedTls(this.options, replacing);
    // It holds what came before, and Node would prefer it.
    delete options.secureContext;
    checkUsable(options, replacing);
    this.options = options;
    this.sessions = newSessions(options);
  }
}

function newSessions(options: ConnectionOptions): TlsSessions | undefined {
  return TlsSessions.serve(options) ? new TlsSessions() : undefined;
}
