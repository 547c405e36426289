// Which failures to connect do not become better by waiting.
import { isCmdStreamError, type CmdStreamError } from '../errors.js';

const hopeless: ReadonlySet<string> = new Set([
  'SERVER_INFO_MISMATCH',
  'SERVER_INFO_TOO_LARGE',
  'CONTRACT_MISMATCH',
  'EXTENSION_UNAVAILABLE',
  'TLS_ERROR',
]);

/** Nobody is kept waiting for it. A reset in the middle of TLS may be a refused certificate, and may be a server that is just not there. */
export function isHopeless(error: CmdStreamError | undefined): boolean {
  if (error === undefined || !hopeless.has(error.code)) return false;
  return !(error.code === 'TLS_ERROR' && isCmdStreamError(error.cause));
}
