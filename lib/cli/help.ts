// The help of each command, of what it says of itself, in lines of at most 80 columns.
import type { Flags, Usage } from './arguments.js';

const COLUMNS = 80;
const INDENT = 26;

export function helpOf(usage: Usage): string {
  return [
    `Usage: cmd-stream ${usage.name} [options] ${usage.operands}`,
    ...usage.about.map((paragraph) => wrapped(paragraph, '').join('\n')),
    `Options\n${flagsText(usage.flags)}`,
    `Examples\n${usage.examples.map(([line, what]) => `  # ${what}\n  ${line}`).join('\n')}`,
    wrapped(usage.exit, '').join('\n'),
  ].join('\n\n');
}

export function overview(usages: readonly Usage[]): string {
  return [
    'Usage: cmd-stream <command> [options] …',
    wrapped(
      'Asks, answers and measures peers that speak cmd-stream with JSON bodies: servers and clients of ' +
        'nestjs-cmd-stream and of cmd-stream-go.',
      '',
    ).join('\n'),
    `Commands\n${usages.map(({ name, summary }) => `  ${name.padEnd(8)}${summary}`).join('\n')}`,
    'cmd-stream <command> --help has its options and examples;\ncmd-stream --version the version.',
  ].join('\n\n');
}

function flagsText(flags: Flags): string {
  return Object.entries(flags)
    .flatMap(([name, { short, value, text }]) => {
      const spelled = `  ${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
      const [first = '', ...others] = wrapped(text, ' '.repeat(INDENT));
      const fits = spelled.length < INDENT - 1;
      return fits ? [spelled.padEnd(INDENT) + first.trimStart(), ...others] : [spelled, first, ...others];
    })
    .join('\n');
}

function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > COLUMNS) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}
