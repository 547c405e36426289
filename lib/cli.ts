#!/usr/bin/env node
// The program `cmd-stream`, the bin of the package: what its arguments say, with the streams of this process.
import { runCommandLine } from './cli/command-line.js';
import { Terminal } from './cli/terminal.js';

async function main(): Promise<void> {
  const terminal = new Terminal(process);
  terminal.exit(await runCommandLine(process.argv.slice(2), terminal));
}

void main();
