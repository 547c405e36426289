// What the stress test calls: Commands with a number of their own, so that no answer fits another's Command, behind
// those of the interop contract, which Go peers know by the same type numbers.
import { Command, defineContract, mergeContracts, Result, StreamCommand } from 'nestjs-cmd-stream/core';
import { interopContract } from '../support/interop-contract.js';

/** Answered with its number and text, after so many milliseconds. */
export class StressEchoCmd extends Command<StressEcho> {
  constructor(
    readonly id = 0,
    readonly text = '',
    readonly ms = 0,
    /** It was sent as idempotent. */
    readonly mayRepeat = false,
  ) {
    super();
  }
}

export class StressEcho extends Result {
  constructor(
    readonly id = 0,
    readonly text = '',
  ) {
    super();
  }
}

/** Answered with so many items, in order. */
export class StressStreamCmd extends StreamCommand<StressItem> {
  constructor(
    readonly id = 0,
    readonly count = 0,
    /** Of the text of each. */
    readonly bytes = 0,
    /** It was sent as idempotent. */
    readonly mayRepeat = false,
  ) {
    super();
  }
}

export class StressItem extends Result {
  constructor(
    readonly id = 0,
    readonly index = 0,
    readonly text = '',
    readonly last = false,
  ) {
    super();
  }

  override lastOne(): boolean {
    return this.last;
  }
}

/** Fails: with its number between peers of this package; a plain client loses its connection. */
export class StressFailCmd extends Command<StressEcho> {
  constructor(readonly id = 0) {
    super();
  }
}

export const stressContract = mergeContracts(
  interopContract,
  defineContract({
    commands: { 20: StressEchoCmd, 21: StressStreamCmd, 22: StressFailCmd },
    results: { 20: StressEcho, 21: StressItem },
  }),
);

const letters = 'The quick brown fox jumps over the lazy dog; größer, 速い, быстрый. ';
const LONGEST = 256 * 1024;
const pattern = letters.repeat(Math.ceil((LONGEST + letters.length) / letters.length));

/** A text of so many characters that begins elsewhere for each number. */
export function textOf(id: number, index: number, length: number): string {
  const start = (id * 31 + index * 7) % letters.length;
  return pattern.slice(start, start + length);
}
