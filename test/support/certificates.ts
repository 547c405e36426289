// Keys and certificates made in this process for one test run, good and bad ones; nothing of them is kept. They are
// written as X.509 says, byte by byte: no other program is needed for it.
import { generateKeyPairSync, randomBytes, sign, X509Certificate, type KeyObject } from 'node:crypto';

export interface KeyPair {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
}

export interface CertificateOptions {
  /** The common name. */
  readonly name: string;
  /** `DNS:…`, `IP:…` (IPv4), `URI:…`, `email:…`. */
  readonly alternativeNames?: readonly string[];
  /** From so many days ago on, less than 0: from a day to come. */
  readonly since?: number;
  /** For so many days from now on, less than 0: it has expired. */
  readonly days?: number;
  /** The organizational units of its subject. */
  readonly units?: readonly string[];
}

const DAY_MS = 86_400_000;

/** A certificate that signs others, or itself. */
export class CertificateAuthority {
  readonly cert: string;
  readonly #key: KeyObject;
  readonly #subject: Buffer;

  constructor(name: string) {
    const { privateKey, publicKey } = newKeys();
    this.#key = privateKey;
    this.#subject = subjectOf({ name });
    const isAuthority = extension('551d13', sequence(der(0x01, Buffer.from([0xff]))), true);
    this.cert = this.#write(publicKey, this.#subject, { name, days: 10 }, [isAuthority]);
  }

  issue(options: CertificateOptions): KeyPair {
    const { privateKey, publicKey } = newKeys();
    const cert = this.#write(publicKey, subjectOf(options), options, namesOf(options));
    return { key: pemOf(privateKey), cert };
  }

  /** The list of those of its certificates that are revoked, PEM. */
  revoke(...certs: readonly string[]): string {
    const entries = certs.map((cert) => {
      const serial = Buffer.from(new X509Certificate(cert).serialNumber, 'hex');
      return sequence(der(0x02, serial), timeIn(-1));
    });
    const times = [timeIn(-1), timeIn(10)];
    const signed = sequence(ECDSA_WITH_SHA256, this.#subject, ...times, sequence(...entries));
    return pemSigned('X509 CRL', signed, this.#key);
  }

  #write(publicKey: KeyObject, subject: Buffer, options: CertificateOptions, extensions: readonly Buffer[]): string {
    return certificate(this.#key, this.#subject, publicKey, subject, options, extensions);
  }
}

/** For 127.0.0.1 and localhost, unless other names are given. */
export function selfSigned(options: Partial<CertificateOptions> = {}): KeyPair {
  const { privateKey, publicKey } = newKeys();
  const all = { name: 'localhost', alternativeNames: ['DNS:localhost', 'IP:127.0.0.1'], ...options };
  const subject = subjectOf(all);
  return { key: pemOf(privateKey), cert: certificate(privateKey, subject, publicKey, subject, all, namesOf(all)) };
}

function newKeys(): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}

const ECDSA_WITH_SHA256 = sequence(der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));

function certificate(
  signer: KeyObject,
  issuer: Buffer,
  publicKey: KeyObject,
  subject: Buffer,
  { since = 1, days = 1 }: CertificateOptions,
  extensions: readonly Buffer[],
): string {
  const serial = randomBytes(8);
  serial[0] = 0x01;
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ECDSA_WITH_SHA256,
    issuer,
    sequence(timeIn(-since), timeIn(days)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [der(0xa3, sequence(...extensions))] : []),
  );
  return pemSigned('CERTIFICATE', signed, signer);
}

/** What is signed, with its signature. */
function pemSigned(what: string, signed: Buffer, signer: KeyObject): string {
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', signed, signer)]);
  const bytes = sequence(signed, ECDSA_WITH_SHA256, der(0x03, signature));
  const lines = bytes.toString('base64').match(/.{1,64}/g)!;
  return [`-----BEGIN ${what}-----`, ...lines, `-----END ${what}-----`, ''].join('\n');
}

function subjectOf({ name, units = [] }: CertificateOptions): Buffer {
  const part = (id: string, text: string): Buffer =>
    der(0x31, sequence(der(0x06, Buffer.from(id, 'hex')), der(0x0c, Buffer.from(text))));
  return sequence(...units.map((unit) => part('55040b', unit)), part('550403', name));
}

const KINDS: Readonly<Record<string, number>> = { email: 0x81, DNS: 0x82, URI: 0x86, IP: 0x87 };

function namesOf({ alternativeNames = [] }: CertificateOptions): Buffer[] {
  if (alternativeNames.length === 0) return [];
  const names = alternativeNames.map((text) => {
    const at = text.indexOf(':');
    const [kind, name] = [text.slice(0, at), text.slice(at + 1)];
    return der(KINDS[kind]!, kind === 'IP' ? Buffer.from(name.split('.').map(Number)) : Buffer.from(name));
  });
  return [extension('551d11', sequence(...names))];
}

function extension(id: string, value: Buffer, isCritical = false): Buffer {
  const critical = isCritical ? [der(0x01, Buffer.from([0xff]))] : [];
  return sequence(der(0x06, Buffer.from(id, 'hex')), ...critical, der(0x04, value));
}

function timeIn(days: number): Buffer {
  const time = new Date(Date.now() + days * DAY_MS).toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x18, Buffer.from(time));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts);
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const size = body.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}
