// The TLS options of a client for as long as it lives, with its sessions: both are replaced together, so that no
// session is taken up by which a server would know the certificate from before.
import type { ConnectionOptions } from 'node:tls';
import {
  clientTlsFilesDefaults,
  clientTlsFilesRules,
  saidTwice,
  TlsFiles,
  type ClientTlsFilesOptions,
} from '../connection/tls-files.js';
import { checkUsable, reloadRules, replacedTls, type ClientTlsReloadOptions } from '../connection/tls-options.js';
import { TlsSessions } from '../connection/tls-sessions.js';
import { CmdStreamError } from '../errors.js';
import { resolveOptions } from '../options.js';

export class ClientTls {
  /** For the next connection, as its sessions. */
  options: ConnectionOptions;
  /** None: each connection has a session of its own. */
  sessions: TlsSessions | undefined;
  readonly #files: TlsFiles | undefined;
  /** Ends the watch of the files; undefined while the client is closed, or was not used yet. */
  #stopWatching: (() => void) | undefined;

  /** @throws {CmdStreamError} INVALID_OPTION */
  constructor(client: string, tls: ConnectionOptions, files: ClientTlsFilesOptions | undefined) {
    this.#files = files && filesOf(client, tls, files);
    this.options = tls;
    this.sessions = newSessions(tls);
  }

  /**
   * A connection is about to be opened. The first time the files are read, and watched from then on until the client is
   * closed; `onError` gets changes that are of no use.
   *
   * @throws {CmdStreamError} CONNECT_FAILED when a file cannot be read; TLS_ERROR when it holds nothing of use
   */
  open(onError: (error: CmdStreamError) => void): this {
    if (this.#files === undefined || this.#stopWatching !== undefined) return this;
    this.#replace(this.#files.load('CONNECT_FAILED'));
    this.#stopWatching = this.#files.watch((contents) => this.#replace(contents), onError);
    return this;
  }

  /** The client is closed. When it is opened anew, the files are read as they are then. */
  rest(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  /**
   * With other values, or with the files as they are now; for connections from now on.
   *
   * @throws {CmdStreamError} INVALID_OPTION, TLS_ERROR; then nothing has changed
   */
  reload(given: ClientTlsReloadOptions | undefined): void {
    if (given !== undefined) return this.#replace(resolveOptions('reloadTls', given, {}, reloadRules));
    if (this.#files === undefined)
      throw new CmdStreamError('INVALID_OPTION', 'reloadTls() needs options where there are no `tlsFiles`');
    this.#replace(this.#files.reload());
  }

  #replace(given: ClientTlsReloadOptions): void {
    const options = replacedTls(this.options, given);
    // It holds what came before, and Node would prefer it.
    delete options.secureContext;
    checkUsable(options, given);
    this.options = options;
    this.sessions = newSessions(options);
  }
}

function newSessions(options: ConnectionOptions): TlsSessions | undefined {
  return TlsSessions.serve(options) ? new TlsSessions() : undefined;
}

function filesOf(client: string, tls: ConnectionOptions, files: ClientTlsFilesOptions): TlsFiles {
  const name = `${client}: option "tlsFiles"`;
  const resolved = resolveOptions(name, files, clientTlsFilesDefaults, clientTlsFilesRules);
  const refuse = (reason: string): never => {
    throw new CmdStreamError('INVALID_OPTION', reason);
  };
  const { cert, key, ca } = files;
  if ((cert === undefined) !== (key === undefined)) refuse(`${name}: \`cert\` and \`key\` go together`);
  if (cert === undefined && ca === undefined) refuse(`${name} needs \`cert\` and \`key\`, or \`ca\`, or all three`);
  const both = tls.secureContext === undefined ? saidTwice(tls, files) : 'secureContext';
  if (both) refuse(`${client}: option "tls": \`${both}\` and option "tlsFiles" exclude each other`);
  return new TlsFiles(resolved);
}
