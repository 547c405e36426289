// Which command is meant, and what its end means for the process: 0, it went well; 1, what was asked for failed; 2, it
// was called wrongly.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { similarName } from '../similar-names.js';
import { parseArguments, UsageError, type Arguments, type Usage } from './arguments.js';
import { failureText } from './failures.js';
import { helpOf, overview } from './help.js';
import { benchUsage, runBench } from './run-bench.js';
import { listenUsage, runListen } from './run-listen.js';
import { pingUsage, runPing } from './run-ping.js';
import { runSend, sendUsage } from './run-send.js';
import { exitCodes, type Terminal } from './terminal.js';

interface Program {
  readonly usage: Usage;
  readonly run: (args: Arguments, terminal: Terminal) => Promise<number>;
}

export const programs: readonly Program[] = [
  { usage: pingUsage, run: runPing },
  { usage: sendUsage, run: runSend },
  { usage: listenUsage, run: runListen },
  { usage: benchUsage, run: runBench },
];

const usages: readonly Usage[] = programs.map(({ usage }) => usage);

/** Resolves with the exit code. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...others] = args;
  if (name === '--help' || name === '-h' || name === 'help') return help(others[0], terminal);
  if (name === '--version' || name === '-v') {
    await terminal.print(version());
    return 0;
  }
  const program = programs.find(({ usage }) => usage.name === name);
  if (program === undefined) {
    terminal.note(`cmd-stream: ${whichCommand(name)}`);
    return 2;
  }
  try {
    const given = parseArguments(program.usage, others);
    if (given.has('help')) return await help(name, terminal);
    return await program.run(given, terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.note(`cmd-stream ${name}: ${failureText(error)}\nTry: cmd-stream ${name} --help`);
      return 2;
    }
    if (terminal.stoppedBy !== undefined) return exitCodes[terminal.stoppedBy];
    terminal.note(`cmd-stream ${name}: ${failureText(error)}`);
    return 1;
  }
}

async function help(name: string | undefined, terminal: Terminal): Promise<number> {
  const usage = usages.find((each) => each.name === name);
  if (name !== undefined && usage === undefined) {
    terminal.note(`cmd-stream: ${whichCommand(name)}`);
    return 2;
  }
  await terminal.print(usage === undefined ? overview(usages) : helpOf(usage));
  return 0;
}

function whichCommand(name: string | undefined): string {
  const names = usages.map((usage) => usage.name);
  const known = `the commands are ${names.join(', ')}; cmd-stream --help says more`;
  if (name === undefined) return `a command is missing: ${known}`;
  const meant = similarName(name, names);
  return `there is no command "${name}"${meant === undefined ? ';' : `, did you mean ${meant}?`} ${known}`;
}

/** That of the package the program is in. */
function version(): string {
  for (let folder = dirname(realpathSync(process.argv[1] ?? '.')); ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    const found = existsSync(file)
      ? (JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string })
      : {};
    if (found.name === 'nestjs-cmd-stream' && found.version !== undefined) return found.version;
    if (dirname(folder) === folder) return 'unknown';
  }
}
