// Frames that measurements ask attackers to write, as hex.
import { frame, uvarint } from '../../support/calc-frames.js';
import { control, meta, text } from '../../support/extension-frames.js';
import { type } from './hostile-contract.js';

const MOST_CREDIT = 2n ** 50n;

/** A stream without an end, with credit for all of it. */
export function countOf(seq: number, size: number, extended: boolean): string {
  const command = frame(seq, type.Count, JSON.stringify({ N: 1e9, Size: size }));

  return extended ? meta(seq, { credit: MOST_CREDIT }) + command : command;
}

/** A message to the handler of a pattern. */
export function message(seq: number, pattern: string, json: string): string {
  return control(3, `${uvarint(seq)}00000000${text(pattern)}${Buffer.from(json).toString('hex')}`);
}
