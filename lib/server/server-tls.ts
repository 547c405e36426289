// The TLS options of a server for as long as it lives: checked, read from files where they are files, and replaced
// while it serves. What cannot be used is refused, and what was there before stays.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { TlsOptions } from 'node:tls';
import { MAX_TIMER_MS } from '../connection/connection-options.js';
import {
  checkUsable,
  holdsCertificate,
  nodesOwn,
  notReloaded,
  reloadRules,
  replacedTls,
  withLowestVersion,
} from '../connection/tls-options.js';
import { CmdStreamError, isCmdStreamError, messageOf } from '../errors.js';
import { integer, resolveOptions, text, type OptionRules } from '../options.js';

/** The files, all PEM, that a server reads its certificate from. @publicApi */
export interface TlsFilesOptions {
  /** The certificate of the server, followed by those between it and that of its CA. Required. */
  cert: string;
  /** Its private key. Required. */
  key: string;
  /**
   * The certificates of the CAs whose clients are let in.
   * @default none
   */
  ca?: string | undefined;
  /**
   * How often the files are looked at for a change, in milliseconds, 10 to 2,147,483,647; 0: never, so that only
   * `reloadTls()` reads them anew.
   * @default 10_000
   */
  checkIntervalMs?: number | undefined;
}

export const tlsFilesDefaults = Object.freeze({ checkIntervalMs: 10_000 });

export const tlsFilesRules: OptionRules<TlsFilesOptions> = Object.freeze({
  cert: { ...text, required: true },
  key: { ...text, required: true },
  ca: text,
  checkIntervalMs: integer(10, MAX_TIMER_MS, 'milliseconds', 'never'),
});

/** What `reloadTls()` of a server can replace. @publicApi */
export type TlsReloadOptions = Pick<TlsOptions, 'key' | 'cert' | 'ca' | 'crl' | 'pfx' | 'passphrase' | 'ticketKeys'>;

const serverReloadRules: OptionRules<TlsReloadOptions> = Object.freeze({ ...reloadRules, ticketKeys: nodesOwn });

type FileContents = Pick<TlsOptions, 'key' | 'cert' | 'ca'>;
type Files = ReturnType<typeof resolveFiles>;

function resolveFiles(server: string, given: TlsFilesOptions) {
  return resolveOptions(`${server}: option "tlsFiles"`, given, tlsFilesDefaults, tlsFilesRules);
}

export class ServerTls {
  readonly #server: string;
  readonly #files: Files | undefined;
  #options: TlsOptions;

  /** @throws {CmdStreamError} INVALID_OPTION */
  constructor(server: string, tls: TlsOptions | undefined, files: TlsFilesOptions | undefined) {
    this.#server = server;
    this.#files = files && resolveFiles(server, files);
    this.#options = withLowestVersion(tls ?? {});
    const both = (['key', 'cert', 'pfx', 'ca'] as const).find(
      (name) => tls?.[name] !== undefined && (name === 'pfx' ? files : files?.[name]),
    );
    if (both) this.#refuse(`option "tls": \`${both}\` and option "tlsFiles" exclude each other`);
    if (files === undefined && !hasCertificate(this.#options))
      this.#refuse('option "tls": `key` and `cert` are needed, or `pfx`: without a certificate no client can connect');
    this.#check({ ...this.#options, ...(this.#files?.ca !== undefined && { ca: 'a file' }) });
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
    if (this.#files === undefined) return this.#options;
    try {
      return this.#replace(readFiles(this.#files));
    } catch (error) {
      if (isCmdStreamError(error)) throw error;
      throw new CmdStreamError('LISTEN_FAILED', `option "tlsFiles": ${messageOf(error)}`, { cause: error });
    }
  }

  /**
   * With other values, or with the files as they are now.
   *
   * @throws {CmdStreamError} INVALID_OPTION, TLS_ERROR; then nothing has changed
   */
  reload(given: TlsReloadOptions | undefined): TlsOptions {
    if (given !== undefined) return this.#replace(resolveOptions('reloadTls', given, {}, serverReloadRules));
    if (this.#files === undefined) this.#refuse('reloadTls() needs options where there are no `tlsFiles`');
    try {
      return this.#replace(readFiles(this.#files));
    } catch (error) {
      throw notReloaded(error);
    }
  }

  #replace(given: TlsReloadOptions): TlsOptions {
    const options = replacedTls(this.#options, given);
    this.#check(options);
    checkUsable(options, given);
    this.#options = options;
    return options;
  }

  /** Looks at the files again and again; returns what ends that. A failure is reported once for what is in them. */
  watch(onChange: (tls: TlsOptions) => void, onError: (error: CmdStreamError) => void): () => void {
    const files = this.#files;
    if (files === undefined || files.checkIntervalMs === 0) return () => {};
    let seen = keyOf(this.#options);
    let isLooking = false;
    let isOver = false;
    const look = async (): Promise<void> => {
      const contents = await contentsOf(files).catch((error: unknown) => notReloaded(error));
      const found = contents instanceof CmdStreamError ? contents.message : keyOf(contents);
      if (isOver || found === seen) return;
      seen = found;
      try {
        if (contents instanceof CmdStreamError) throw contents;
        onChange(this.#replace(checked(contents)));
      } catch (error) {
        onError(notReloaded(error));
      }
    };
    const timer = setInterval(() => {
      if (isLooking) return;
      isLooking = true;
      void look().finally(() => (isLooking = false));
    }, files.checkIntervalMs).unref();
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }
}

/** Or something else that Node can begin a handshake with. */
function hasCertificate(tls: TlsOptions): boolean {
  if (tls.pfx || tls.SNICallback || tls.pskCallback) return true;
  return Boolean(tls.cert && (tls.key || tls.privateKeyIdentifier));
}

function keyOf({ cert, key, ca }: FileContents): string {
  return JSON.stringify([cert, key, ca].map((one) => (one === undefined ? null : String(one as string))));
}

function readFiles({ cert, key, ca }: Files): FileContents {
  const read = (path: string): string => readFileSync(path, 'utf8');
  return checked({ cert: read(cert), key: read(key), ...(ca !== undefined && { ca: read(ca) }) });
}

async function contentsOf({ cert, key, ca }: Files): Promise<FileContents> {
  const read = (path: string): Promise<string> => readFile(path, 'utf8');
  return { cert: await read(cert), key: await read(key), ...(ca !== undefined && { ca: await read(ca) }) };
}

/** A file that is being written may still be empty, and Node would take that for "any public CA". */
function checked(contents: FileContents): FileContents {
  for (const name of ['cert', 'ca'] as const) {
    if (contents[name] === undefined || holdsCertificate(contents[name])) continue;
    throw new CmdStreamError('TLS_ERROR', `the file \`tlsFiles.${name}\` holds no certificate`);
  }
  return contents;
}
