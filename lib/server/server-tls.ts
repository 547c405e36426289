// The TLS options of a server for as long as it lives: checked, taken from files where they are in files, and replaced
// while it serves. What cannot be used is refused, and what was there before stays.
import type { TlsOptions } from 'node:tls';
import {
  clientTlsFilesDefaults,
  clientTlsFilesRules,
  saidTwice,
  TlsFiles,
  type ClientTlsFilesOptions,
} from '../connection/tls-files.js';
import { checkUsable, nodesOwn, reloadRules, replacedTls, withLowestVersion } from '../connection/tls-options.js';
import { CmdStreamError } from '../errors.js';
import { resolveOptions, text, type OptionRules } from '../options.js';

/** The files, all PEM, that a server reads its certificate from. @publicApi */
export interface TlsFilesOptions extends ClientTlsFilesOptions {
  /** The certificate of the server, followed by those between it and that of its CA. Required. */
  cert: string;
  /** Its private key. Required. */
  key: string;
  /**
   * The certificates of the CAs whose clients are let in.
   * @default none
   */
  ca?: string | undefined;
}

export const tlsFilesDefaults = Object.freeze({ ...clientTlsFilesDefaults });

export const tlsFilesRules: OptionRules<TlsFilesOptions> = Object.freeze({
  ...clientTlsFilesRules,
  cert: { ...text, required: true },
  key: { ...text, required: true },
});

/** What `reloadTls()` of a server can replace. @publicApi */
export type TlsReloadOptions = Pick<TlsOptions, 'key' | 'cert' | 'ca' | 'crl' | 'pfx' | 'passphrase' | 'ticketKeys'>;

const serverReloadRules: OptionRules<TlsReloadOptions> = Object.freeze({ ...reloadRules, ticketKeys: nodesOwn });

export class ServerTls {
  readonly #server: string;
  readonly #files: TlsFiles | undefined;
  #options: TlsOptions;

  /** @throws {CmdStreamError} INVALID_OPTION */
  constructor(server: string, tls: TlsOptions | undefined, files: TlsFilesOptions | undefined) {
    this.#server = server;
    const name = `${server}: option "tlsFiles"`;
    this.#files = files && new TlsFiles(resolveOptions(name, files, tlsFilesDefaults, tlsFilesRules));
    this.#options = withLowestVersion(tls ?? {});
    const both = saidTwice(tls, files);
    if (both) this.#refuse(`option "tls": \`${both}\` and option "tlsFiles" exclude each other`);
    if (files === undefined && !hasCertificate(this.#options))
      this.#refuse('option "tls": `key` and `cert` are needed, or `pfx`: without a certificate no client can connect');
    this.#check({ ...this.#options, ...(files?.ca !== undefined && { ca: 'a file' }) });
  }

  #refuse(reason: string): never {
    throw new CmdStreamError('INVALID_OPTION', `${this.#server}: ${reason}`);
  }

  /**
   * Half of what lets only clients with a certificate in would let in others, without a word. What is meant so is said
   * in full.
   */
  #check(tls: TlsOptions): void {
    const { requestCert, rejectUnauthorized, ca, pfx } = tls;
    const refuse = (reason: string): never => this.#refuse(`option "tls": ${reason}`);
    // Node takes an empty text for none.
    const hasAuthority = ca !== undefined && ca !== '';
    if (requestCert) {
      if (typeof rejectUnauthorized !== 'boolean')
        refuse(
          '`requestCert` goes with `rejectUnauthorized: true`, or false if clients without a good one may come in',
        );
      if (rejectUnauthorized && !hasAuthority && pfx === undefined)
        refuse('`requestCert` goes with `ca`: without one a certificate of any public CA would do');
      return;
    }
    if (rejectUnauthorized) refuse('`rejectUnauthorized` does nothing without `requestCert: true`');
    if (hasAuthority && requestCert === undefined)
      refuse('`ca` keeps no client out without `requestCert: true`; if that is meant, say `requestCert: false`');
  }

  /**
   * As it is to be when the server listens.
   *
   * @throws {CmdStreamError} LISTEN_FAILED when a file cannot be read; TLS_ERROR when it holds nothing of use
   */
  load(): TlsOptions {
    return this.#files === undefined ? this.#options : this.#replace(this.#files.load('LISTEN_FAILED'));
  }

  /**
   * With other values, or with the files as they are now.
   *
   * @throws {CmdStreamError} INVALID_OPTION, TLS_ERROR; then nothing has changed
   */
  reload(given: TlsReloadOptions | undefined): TlsOptions {
    if (given !== undefined) return this.#replace(resolveOptions('reloadTls', given, {}, serverReloadRules));
    if (this.#files === undefined) this.#refuse('reloadTls() needs options where there are no `tlsFiles`');
    return this.#replace(this.#files.reload());
  }

  #replace(given: TlsReloadOptions): TlsOptions {
    const options = replacedTls(this.#options, given);
    this.#check(options);
    checkUsable(options, given);
    this.#options = options;
    return options;
  }

  /** Until what it returns is called, each change of the files goes to one of the two. */
  watch(onChange: (tls: TlsOptions) => void, onError: (error: CmdStreamError) => void): () => void {
    return this.#files?.watch((contents) => onChange(this.#replace(contents)), onError) ?? (() => {});
  }
}

/** Or something else that Node can begin a handshake with. */
function hasCertificate(tls: TlsOptions): boolean {
  if (tls.pfx || tls.SNICallback || tls.pskCallback) return true;
  return Boolean(tls.cert && (tls.key || tls.privateKeyIdentifier));
}
