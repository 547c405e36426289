// Tests that not every machine can run. Where something is missing they are skipped, and their titles say what: the
// reporter beside this gathers that for the end of a run. A law holds that no test is skipped in another way.
import { describe, it } from '@jest/globals';

type Body = () => Promise<void> | void;

const said = (title: string, reason: string | undefined): string =>
  reason === undefined ? title : `${title} [skipped: ${reason}]`;

/** `describe`; with a reason, one whose tests are skipped, and say why. */
export function describeUnless(reason: string | undefined, title: string, body: () => void): void {
  const group = reason === undefined ? describe : describe.skip;
  group(said(title, reason), body);
}

/** `it`; with a reason, one that is skipped, and says why. */
export function itUnless(reason: string | undefined, title: string, body: Body, timeoutMs?: number): void {
  const test = reason === undefined ? it : it.skip;
  test(said(title, reason), body, timeoutMs);
}
