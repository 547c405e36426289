import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Certificates of a CA of our own, for a day, made by openssl. A service of yours has them from somewhere else. */
export class Certificates {
  readonly folder = mkdtempSync(join(tmpdir(), 'sample-tls-'));

  constructor() {
    this.#newKey('ca');
    this.#openssl('req -x509 -new -key ca.key -subj /CN=sample -days 1 -out ca.crt');
  }

  /** Makes `NAME.key` and `NAME.crt`, or makes them anew. */
  issue(name: string): void {
    this.#newKey(name);
    writeFileSync(this.path(`${name}.ext`), `subjectAltName = DNS:${name}\n`);
    this.#openssl(`req -new -key ${name}.key -subj /CN=${name} -out ${name}.csr`);
    const signing = '-CA ca.crt -CAkey ca.key -CAcreateserial -days 1';
    this.#openssl(`x509 -req -in ${name}.csr ${signing} -extfile ${name}.ext -out ${name}.crt`);
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  read(file: string): Buffer {
    return readFileSync(this.path(file));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  #newKey(name: string): void {
    this.#openssl(`ecparam -name prime256v1 -genkey -noout -out ${name}.key`);
  }

  #openssl(args: string): void {
    // What it says of its work goes to stderr; of a failure execFileSync tells it.
    execFileSync('openssl', args.split(' '), { cwd: this.folder, stdio: 'pipe' });
  }
}
