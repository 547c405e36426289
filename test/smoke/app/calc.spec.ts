// The test of a user, as the runner of the project finds it: with globals.
import { CmdStreamServer } from 'nestjs-cmd-stream';
import { CommandServer } from 'nestjs-cmd-stream/core';
import { expected, run } from './calc.js';

declare const it: (name: string, test: () => unknown) => void;
declare const expect: (value: unknown) => { toEqual(other: unknown): void };

it('gives what it must', async () => {
  expect(await run()).toEqual(expected);
});

it('has doors that share their classes', () => {
  expect(new CmdStreamServer({ port: 0 }).unwrap() instanceof CommandServer).toEqual(true);
});
