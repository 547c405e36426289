// ServerInfo: the greeting of the server, a length and up to 1024 opaque bytes, which the client compares byte for
// byte.
import { CmdStreamError, peerText } from '../errors.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';

/** The longest ServerInfo a peer accepts (wire protocol, section 4). */
export const MAX_SERVER_INFO_BYTES = 1024;

/**
 * The bytes of a `serverInfo` option.
 *
 * @throws {CmdStreamError} INVALID_OPTION when it is empty, SERVER_INFO_TOO_LARGE when it is longer than 1024 bytes
 */
export function serverInfoBytes(info: string | Uint8Array): Buffer {
  // Buffer takes either.
  const bytes = Buffer.from(info as string);
  if (bytes.length === 0) throw new CmdStreamError('INVALID_OPTION', 'option "serverInfo" must not be empty');
  if (bytes.length > MAX_SERVER_INFO_BYTES) throw tooLarge(bytes.length);
  return bytes;
}

export function writeServerInfo(writer: ByteWriter, info: Uint8Array): void {
  writer.writeUvarint(info.length);
  writer.writeBytes(info);
}

/** @throws {CmdStreamError} SERVER_INFO_TOO_LARGE as soon as the length is known, NEGATIVE_LENGTH */
export function readServerInfo(reader: ByteReader): Buffer {
  const length = reader.readPositive();
  if (length < 0) throw new CmdStreamError('NEGATIVE_LENGTH', `ServerInfo has the negative length ${length}`);
  if (length > MAX_SERVER_INFO_BYTES) throw tooLarge(length);
  return Buffer.from(reader.readBytes(Number(length)));
}

/** @throws {CmdStreamError} SERVER_INFO_MISMATCH when the server is not the expected one */
export function checkServerInfo(expected: Buffer, received: Buffer): void {
  if (received.equals(expected)) return;
  const texts = `expected ${quoted(expected)}, the server says ${quoted(received)}`;
  throw new CmdStreamError('SERVER_INFO_MISMATCH', `option "serverInfo": ${texts}`);
}

function quoted(bytes: Buffer): string {
  return `"${peerText(bytes.toString('utf8', 0, 128))}"`;
}

function tooLarge(length: number | bigint): CmdStreamError {
  return new CmdStreamError('SERVER_INFO_TOO_LARGE', `ServerInfo of ${length} bytes exceeds ${MAX_SERVER_INFO_BYTES}`);
}
