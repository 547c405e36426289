// Certificates that are read from PEM files, on either side: when they are first needed, and again when the files have
// changed. What cannot be used is reported, once for what is in them; what was there before is the side's own to keep.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { SecureContextOptions } from 'node:tls';
import type { CmdStreamErrorCode } from '../error-codes.js';
import { CmdStreamError, isCmdStreamError, messageOf } from '../errors.js';
import { integer, text, type OptionRules } from '../options.js';
import { MAX_TIMER_MS } from './connection-options.js';
import { holdsCertificate, notReloaded } from './tls-options.js';

/**
 * The files, all PEM, that a client reads its certificate from, and the CAs that it trusts: `cert` with `key`, or `ca`,
 * or all three.
 *
 * @publicApi
 */
export interface ClientTlsFilesOptions {
  /**
   * The certificate, followed by those between it and that of its CA.
   * @default none
   */
  cert?: string | undefined;
  /**
   * Its private key.
   * @default none
   */
  key?: string | undefined;
  /**
   * The certificates of the CAs that are trusted. A client without it trusts those of `tls.ca`, or those Node knows.
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

export const clientTlsFilesDefaults = Object.freeze({ checkIntervalMs: 10_000 });

export const clientTlsFilesRules: OptionRules<ClientTlsFilesOptions> = Object.freeze({
  cert: text,
  key: text,
  ca: text,
  checkIntervalMs: integer(10, MAX_TIMER_MS, 'milliseconds', 'never'),
});

const names = ['cert', 'key', 'ca'] as const;

/** Of what there is a file for. */
export type FileContents = Pick<SecureContextOptions, (typeof names)[number]>;

/** Which option of Node has a file as well: one of the two would be ignored. */
export function saidTwice(tls: SecureContextOptions | undefined, files: ClientTlsFilesOptions | undefined) {
  const fileOf = { key: files?.key, cert: files?.cert, pfx: files?.cert, ca: files?.ca } as const;
  return (['key', 'cert', 'pfx', 'ca'] as const).find(
    (name) => tls?.[name] !== undefined && fileOf[name] !== undefined,
  );
}

export class TlsFiles {
  readonly #paths: readonly (readonly [name: keyof FileContents, path: string])[];
  readonly #checkIntervalMs: number;
  /** What was in them, or why they could not be read, the last time. */
  #seen: string | undefined;

  /** Options that were checked. */
  constructor(files: ClientTlsFilesOptions & { readonly checkIntervalMs: number }) {
    this.#paths = names.flatMap((name) => (files[name] === undefined ? [] : [[name, files[name]] as const]));
    this.#checkIntervalMs = files.checkIntervalMs;
  }

  /**
   * When there is nothing else to use yet.
   *
   * @throws {CmdStreamError} `code` when a file cannot be read; TLS_ERROR when one that should holds no certificate
   */
  load(code: CmdStreamErrorCode): FileContents {
    return this.#read((error) => new CmdStreamError(code, `option "tlsFiles": ${messageOf(error)}`, { cause: error }));
  }

  /**
   * When there is.
   *
   * @throws {CmdStreamError} TLS_ERROR
   */
  reload(): FileContents {
    return this.#read(notReloaded);
  }

  #read(asRefused: (error: unknown) => CmdStreamError): FileContents {
    let contents: FileContents;
    try {
      contents = Object.fromEntries(this.#paths.map(([name, path]) => [name, readFileSync(path, 'utf8')]));
    } catch (error) {
      throw asRefused(error);
    }
    this.#seen = keyOf(contents);
    return checked(contents);
  }

  /**
   * Looks at the files again and again, and gives what has changed to `use`, which may refuse it; returns what ends
   * that. It does not keep the process alive.
   */
  watch(use: (contents: FileContents) => void, onError: (error: CmdStreamError) => void): () => void {
    if (this.#checkIntervalMs === 0) return () => {};
    let isLooking = false;
    let isOver = false;
    const look = async (): Promise<void> => {
      const before = this.#seen;
      const contents = await this.#contents().catch((error: unknown) => notReloaded(error));
      const found = isCmdStreamError(contents) ? contents.message : keyOf(contents);
      // `reloadTls()` may have read them meanwhile: what it has found is newer.
      if (isOver || this.#seen !== before || found === before) return;
      this.#seen = found;
      try {
        if (isCmdStreamError(contents)) throw contents;
        use(checked(contents));
      } catch (error) {
        onError(notReloaded(error));
      }
    };
    const timer = setInterval(() => {
      if (isLooking) return;
      isLooking = true;
      void look().finally(() => (isLooking = false));
    }, this.#checkIntervalMs).unref();
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }

  /** One after the other: which of several that are gone is reported is always the same. */
  async #contents(): Promise<FileContents> {
    const contents: FileContents = {};
    for (const [name, path] of this.#paths) contents[name] = await readFile(path, 'utf8');
    return contents;
  }
}

function keyOf(contents: FileContents): string {
  return JSON.stringify(names.map((name) => contents[name] ?? null));
}

/** A file that is being written may still be empty, and Node would take that for "any public CA". */
function checked(contents: FileContents): FileContents {
  for (const name of ['cert', 'ca'] as const) {
    if (contents[name] === undefined || holdsCertificate(contents[name])) continue;
    throw new CmdStreamError('TLS_ERROR', `the file \`tlsFiles.${name}\` holds no certificate`);
  }
  return contents;
}
