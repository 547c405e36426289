// The tables of options in a Markdown document: those whose header begins with `Option`.
import type { Source } from '../support/project.js';

export interface OptionsTable {
  readonly place: string;
  /** The text between the heading above and the table, the heading included: it names the interface. */
  readonly caption: string;
  readonly rows: readonly { readonly place: string; readonly option: string; readonly default: string }[];
}

export function readTables({ path, text }: Source): readonly OptionsTable[] {
  const lines = text.split('\n');
  return lines.flatMap((line, at) => {
    const header = cellsOf(line);
    if (header[0] !== 'Option') return [];
    const column = header.indexOf('Default');
    const end = lines.findIndex((other, below) => below > at && !other.startsWith('|'));
    const body = lines.slice(at + 2, end < 0 ? lines.length : end);
    const rows = body.map((row, below) => {
      const cells = cellsOf(row);
      return {
        place: `${path}:${at + below + 3}`,
        option: (cells[0] ?? '').replace(/`/g, ''),
        default: cells[column] ?? '',
      };
    });
    return [{ place: `${path}:${at + 1}`, caption: captionOf(lines.slice(0, at)), rows }];
  });
}

function captionOf(above: readonly string[]): string {
  const from = above.findLastIndex((line) => line.startsWith('#') || line.startsWith('|'));
  return above
    .slice(Math.max(from, 0))
    .filter((line) => !line.startsWith('|'))
    .join('\n');
}

/** `| a | b \| c |` has the cells `a` and `b | c`. */
function cellsOf(line: string): readonly string[] {
  if (!line.startsWith('|')) return [];
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replace(/\\\|/g, '|'));
}
