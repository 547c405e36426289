// The test of a user, as the runner of the project finds it: with globals.
import { CmdStreamServer } from 'nestjs-cmd-stream';
import { CommandServer } from 'nestjs-cmd-stream/core';
import { expected, run } from './calc.js';

declare const it: (name: string, test: () => unknown, timeoutMs?: number) => void;
declare const expect: (value: unknown) => { toEqual(other: unknown): void };

it('gives what it must', async () => {
  expect(await run()).toEqual(expected);
  // Not the five seconds of a runner by default: to load all of it may take as long where cores are shared.
}, 60_000);

it('has doors that share their classes', () => {
  expect(new CmdStreamServer({ port: 0 }).unwrap() instanceof CommandServer).toEqual(true);
});
