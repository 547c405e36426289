// How the lines of the log put numbers, times, addresses, and what others say: cut, and with nothing in it that could
// begin a line or move a cursor.
import { isError, messageOf, stackOf, visibleText } from '../errors.js';

/** `1 call`, `3 calls`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

/** `80 ms`, `6.1 s`, `2 min 5 s`, `3 h 0 min`. */
export function durationText(ms: number): string {
  if (Math.round(ms) < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function endpointText(address: string, port: number | undefined): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

const MAX_TEXT = 512;

/** Of what others say, as much as a line of the log has room for. */
export function clipped(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/** What others say, as one line. */
export function lineOf(text: string): string {
  return visibleText(clipped(text));
}

const FRAME = /^\s+at /;

/**
 * The lines of the stack of what was thrown, `most` at most: its text is one of them, each frame another one, and the
 * text of its cause the last one. None where there is no room for a frame, or where it has none.
 */
export function stackLines(error: unknown, most: number): readonly string[] {
  const stack = most < 2 ? undefined : stackOf(error);
  if (stack === undefined) return [];
  const end = endOfText(stack, messageOf(error));
  const frames = stack
    .slice(end)
    .split('\n')
    .filter((line) => FRAME.test(line));
  if (frames.length === 0) return [];
  const cause = most > 2 ? causeOf(error) : [];
  return [stack.slice(0, end), ...frames.slice(0, most - 1 - cause.length), ...cause].map(lineOf);
}

/** Where the frames begin. The text of an Error may have lines that look as if they were some. */
function endOfText(stack: string, message: string): number {
  const text = `: ${message}`;
  const at = message === '' ? -1 : stack.indexOf(text);
  if (at >= 0) return at + text.length;
  const frame = stack.search(/\n\s+at /);
  return frame < 0 ? stack.length : frame;
}

function causeOf(error: unknown): readonly string[] {
  try {
    const { cause } = error as { cause?: unknown };
    return isError(cause) ? [`    [cause]: ${cause.name}: ${messageOf(cause)}`] : [];
  } catch {
    return [];
  }
}
