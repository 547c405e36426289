// The time limits of one connection: what is overdue, and the error that says so.
import { CmdStreamError } from '../errors.js';
import type { ResolvedConnectionOptions } from './connection-options.js';

const RATE_BYTES_PER_MS = 131_072 / 1000;

interface Receiving {
  readonly frameSince: number;
  readonly needed: number;
  readonly unread: number;
}

/** A frame that has begun and is not complete in time; large ones have more. */
export function frameOverdue(
  { frameSince, needed, unread }: Receiving,
  { frameTimeoutMs }: ResolvedConnectionOptions,
  now: number,
): CmdStreamError | undefined {
  const limitMs = frameTimeoutMs + needed / RATE_BYTES_PER_MS;
  if (frameTimeoutMs === 0 || frameSince === 0 || now - frameSince < limitMs) return undefined;
  const text = `frame not complete after ${unread} bytes: frameTimeoutMs (${frameTimeoutMs}) is over`;
  return new CmdStreamError('FRAME_TIMEOUT', text);
}

/** A peer that does not take what is written to it. */
export function writeStalled(
  { stalledSince }: { readonly stalledSince: number },
  { writeStallTimeoutMs }: ResolvedConnectionOptions,
  now: number,
): CmdStreamError | undefined {
  if (writeStallTimeoutMs === 0 || stalledSince === 0 || now - stalledSince < writeStallTimeoutMs) return undefined;
  const text = `the peer took no byte within writeStallTimeoutMs (${writeStallTimeoutMs})`;
  return new CmdStreamError('WRITE_STALLED', text);
}
