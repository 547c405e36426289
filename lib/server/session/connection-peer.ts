// Who is at the other end of a connection, by the certificate it has shown: what is costly is read when it is asked
// for, once for each connection.
import type { X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { hasOutlivedCertificate } from '../../connection/tls-sessions.js';
import type { AlternativeNames, ConnectionAddresses, PeerIdentity } from '../../contract/command.js';

export interface ShownCertificate {
  readonly certificate: X509Certificate;
  readonly isTrusted: boolean;
  readonly error: string | undefined;
}

/**
 * As the socket knows it now: once it is closed it does not any more, and what it has sent may still be run. Without a
 * certificate there is nothing to trust: Node does trust such a session when it is taken up again.
 */
export function shownCertificate(socket: Duplex): ShownCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  // It was trusted when the session began.
  if (hasOutlivedCertificate(socket)) return { certificate, isTrusted: false, error: 'CERT_HAS_EXPIRED' };
  // A code, not an error, whatever its type says.
  const error = socket.authorizationError as unknown as string | null | undefined;
  return { certificate, isTrusted: socket.authorized, error: error ?? undefined };
}

const NO_SUBJECT: PeerIdentity['subject'] = Object.freeze(Object.create(null) as Record<string, undefined>);
const NO_NAMES: AlternativeNames = Object.freeze({
  dns: Object.freeze([]),
  ip: Object.freeze([]),
  uri: Object.freeze([]),
  email: Object.freeze([]),
});

export class ConnectionPeer implements PeerIdentity {
  readonly address: string | undefined;
  readonly port: number | undefined;
  readonly authorized: boolean;
  readonly authorizationError: string | undefined;
  readonly certificate: X509Certificate | undefined;
  #subject: PeerIdentity['subject'] | undefined;
  #alternativeNames: AlternativeNames | undefined;

  constructor({ remoteAddress, remotePort }: ConnectionAddresses, shown: ShownCertificate | undefined) {
    this.address = remoteAddress;
    this.port = remotePort;
    this.certificate = shown?.certificate;
    this.authorized = shown?.isTrusted === true;
    this.authorizationError = shown?.error;
  }

  get subject(): PeerIdentity['subject'] {
    this.#subject ??= this.authorized ? subjectOf(this.certificate!) : NO_SUBJECT;
    return this.#subject;
  }

  get commonName(): string | undefined {
    const names = this.subject['CN'];
    return names?.length === 1 ? names[0] : undefined;
  }

  get alternativeNames(): AlternativeNames {
    this.#alternativeNames ??= this.authorized ? alternativeNamesIn(this.certificate!.subjectAltName) : NO_NAMES;
    return this.#alternativeNames;
  }
}

function subjectOf(certificate: X509Certificate): PeerIdentity['subject'] {
  const subject: Record<string, readonly string[]> = Object.create(null) as Record<string, readonly string[]>;
  // What has several values is an array, what has one is text: so in Node's own form, which has the values unescaped.
  const parts = certificate.toLegacyObject().subject as unknown as Readonly<Record<string, string | string[]>>;
  for (const [key, value] of Object.entries(parts ?? {})) subject[key] = Object.freeze([value].flat());
  return Object.freeze(subject);
}

const KINDS: Readonly<Record<string, keyof AlternativeNames | undefined>> = Object.freeze({
  DNS: 'dns',
  'IP Address': 'ip',
  URI: 'uri',
  email: 'email',
});

/**
 * Names as Node writes them, one after the other: a value in which a comma or a quote could be taken for another name
 * is JSON. What cannot be read so is no list of names at all, rather than half of one.
 */
export function alternativeNamesIn(text = ''): AlternativeNames {
  const names: Record<keyof AlternativeNames, string[]> = { dns: [], ip: [], uri: [], email: [] };
  const entry = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;
  while (entry.lastIndex < text.length) {
    const found = entry.exec(text);
    if (found === null) return NO_NAMES;
    const [, label, value] = found as unknown as [string, string, string];
    const kind = Object.hasOwn(KINDS, label) ? KINDS[label] : undefined;
    if (kind !== undefined) names[kind].push(value.startsWith('"') ? (JSON.parse(value) as string) : value);
  }
  for (const list of Object.values(names)) Object.freeze(list);
  return Object.freeze(names);
}
