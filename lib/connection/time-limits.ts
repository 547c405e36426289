// The time limits of one connection: what is overdue, and the error that says so.
import { CmdStreamError } from '../errors.js';
import type { ResolvedConnectionOptions } from './connection-options.js';

const RATE_BYTES_PER_MS = 131_072 / 1000;

/** How long so many bytes may be on their way: 128 KiB per second. */
export function travelMs(bytes: number): number {
  return bytes / RATE_BYTES_PER_MS;
}

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
  const limitMs = frameTimeoutMs + travelMs(needed);
  if (frameTimeoutMs === 0 || frameSince === 0 || now - frameSince < limitMs) return undefined;
  const text = `frame not complete after ${unread} bytes: frameTimeoutMs (${frameTimeoutMs}) is over`;
  return new CmdStreamError('FRAME_TIMEOUT', text);
}

interface Sending {
  readonly stalledSince: number;
  readonly stepBytes: number;
}

/** A peer that does not take what is written to it. */
export function writeStalled(
  sending: Sending,
  { writeStallTimeoutMs }: Pick<ResolvedConnectionOptions, 'writeStallTimeoutMs'>,
  now: number,
): CmdStreamError | undefined {
  // The system tells of what the peer takes in steps: no longer than as long again is waited for the next one.
  const limitMs = writeStallTimeoutMs + Math.min(writeStallTimeoutMs, travelMs(sending.stepBytes));
  const { stalledSince } = sending;
  if (writeStallTimeoutMs === 0 || stalledSince === 0 || now - stalledSince < limitMs) return undefined;
  const text = `the peer took no byte within writeStallTimeoutMs (${writeStallTimeoutMs})`;
  return new CmdStreamError('WRITE_STALLED', text);
}
