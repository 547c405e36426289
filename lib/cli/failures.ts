// What went wrong, as one line for people: the code, the cause, and what to do about it where the cause does not say
// so.
import type { CmdStreamErrorCode } from '../error-codes.js';
import { isCmdStreamError, messageOf, visibleText } from '../errors.js';
import { oneLine } from './text-codec.js';

/** What to do, in the words of this program. */
const remedies: Readonly<Partial<Record<CmdStreamErrorCode, string>>> = {
  CONNECT_FAILED: 'does a server listen there?',
  SERVER_INFO_MISMATCH: 'give the greeting of the server by --server-info',
  CONTRACT_MISMATCH: 'is --contract the contract that the server has?',
  EXTENSION_UNAVAILABLE: 'metadata and --pattern need a server of nestjs-cmd-stream',
  TIMEOUT: 'give it more time by --timeout',
  FRAME_TOO_LARGE: 'the limit of this program is 64 MiB',
  LISTEN_FAILED: 'is the port taken?',
  PROTOCOL_ERROR: 'is it a cmd-stream server, and does it speak TLS (--tls)?',
};

/** The options of the package that a message names, as this program has them. */
const ownNames: readonly (readonly [RegExp, string])[] = [
  [/`?tls\.ca`?/g, '--ca'],
  [/`?tls\.cert`?/g, '--cert'],
  [/`?tls\.key`?/g, '--key'],
  [/`?tls\.servername`?/g, '--servername'],
  [/the option `tls`/g, '--tls'],
  [/`extension: false`/g, '--plain'],
];

export function failureText(error: unknown): string {
  if (!isCmdStreamError(error)) return visibleText(messageOf(error).split('\n', 1)[0] ?? '');
  const { code, payload } = error;
  const said = code === 'REMOTE' && typeof payload === 'object' && payload !== null ? jsonOf(payload) : '';
  // Of a payload without a message the message is all of it.
  const whole = `the server answered REMOTE: ${said}`;
  const isSaid = said === '' || error.message.startsWith(whole);
  const given = isSaid ? error.message.replace(whole, () => said) : error.message;
  const message = ownNames.reduce((text, [found, own]) => text.replace(found, own), given.replace(/\s+/g, ' '));
  const remedy = remedies[code];
  return `${code}: ${visibleText(message)}${isSaid ? '' : ` ${said}`}${remedy === undefined ? '' : `; ${remedy}`}`;
}

function jsonOf(value: unknown): string {
  const text = JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
  return oneLine(text ?? 'null');
}
