// The inputs that are kept for each target, one line of hex each: those that take branches no other one takes, and
// those that have found something. They are the first inputs of the fuzzer, and each test run tries them.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const fileOf = (target: string): URL => new URL(`corpus/${target}.hex`, import.meta.url);

/** What stands behind `#` is a remark. */
export function readCorpus(target: string): readonly Uint8Array[] {
  const file = fileOf(target);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  const inputs = lines.map((line) => line.replace(/#.*/, '').trim()).filter((line) => line !== '');
  return inputs.map((line) => Buffer.from(line, 'hex'));
}

/** Adds the inputs behind those that are there. */
export function appendCorpus(target: string, inputs: readonly Uint8Array[]): void {
  const file = fileOf(target);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const lines = inputs.filter(({ length }) => length > 0).map((bytes) => `${Buffer.from(bytes).toString('hex')}\n`);
  writeFileSync(file, before + lines.join(''));
}
