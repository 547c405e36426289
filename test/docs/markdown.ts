// What the documents hold that can be true or false: blocks of code, tables, headings and links.
import { posix } from 'node:path';
import type { Source } from '../support/project.js';

export interface CodeBlock {
  /** `README.md:12`, its first fence. */
  readonly place: string;
  readonly language: string;
  /** The heading of second level it stands under. */
  readonly section: string;
  /**
   * The file it is an excerpt of: a line of nothing but a link to it, or its path from the root in back-ticks, stands
   * above.
   */
  readonly file: string | undefined;
  readonly lines: readonly string[];
}

export interface Link {
  readonly place: string;
  /** From the project's root; empty for a place in the same document. */
  readonly path: string;
  readonly anchor: string | undefined;
}

const fence = /^\s*```(\w*)$/;
const linkAlone = /^\[[^\]]+\]\(([^()#\s]+)\)$/;
const pathAlone = /^`([^`\s]+\/[^`\s]+)`$/;

export function codeBlocks({ path, text }: Source): readonly CodeBlock[] {
  const lines = text.split('\n');
  const blocks: CodeBlock[] = [];
  let section = '';
  for (let at = 0; at < lines.length; at++) {
    section = /^## (.*)$/.exec(lines[at]!)?.[1] ?? section;
    const language = fence.exec(lines[at]!)?.[1];
    if (language === undefined) continue;
    const end = lines.findIndex((line, below) => below > at && fence.test(line));
    const above = lines.slice(0, at).findLast((line) => line.trim() !== '') ?? '';
    const link = linkAlone.exec(above)?.[1];
    const file = link ? posix.join(posix.dirname(path), link) : pathAlone.exec(above)?.[1];
    blocks.push({ place: `${path}:${at + 1}`, language, section, file, lines: dedent(lines.slice(at + 1, end)) });
    at = end;
  }
  return blocks;
}

/** The cells of every row of the table whose header is `header`, back-ticks included. */
export function tableRows({ text }: Source, ...header: readonly string[]): readonly (readonly string[])[] {
  const lines = text.split('\n').map(cellsOf);
  const at = lines.findIndex((cells) => cells.join('|') === header.join('|'));
  if (at < 0) return [];
  const end = lines.findIndex((cells, below) => below > at && cells.length === 0);
  return lines.slice(at + 2, end < 0 ? undefined : end);
}

function cellsOf(line: string): readonly string[] {
  if (!line.startsWith('|')) return [];
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** Every link that does not lead out of the project. */
export function localLinks(source: Source): readonly Link[] {
  return withoutBlocks(source).flatMap((line, at) =>
    [...line.replace(/`[^`]*`/g, '').matchAll(/\]\(([^()\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => {
        const [path = '', anchor] = target.split('#');
        const folder = posix.dirname(source.path);
        return { place: `${source.path}:${at + 1}`, path: path && posix.join(folder, path), anchor };
      }),
  );
}

/** The anchors that a forge gives the headings of a document. */
export function anchors(source: Source): ReadonlySet<string> {
  const headings = withoutBlocks(source).flatMap((line) => /^#+ (.*)$/.exec(line)?.[1] ?? []);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** The lines of a document, those of its blocks of code empty. */
function withoutBlocks({ text }: Source): readonly string[] {
  let inside = false;
  return text.split('\n').map((line) => {
    const isFence = fence.test(line);
    if (isFence) inside = !inside;
    return isFence || inside ? '' : line;
  });
}

export function dedent(lines: readonly string[]): readonly string[] {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  const indent = Math.min(...indents);
  return lines.map((line) => line.slice(Math.min(indent, line.length)));
}
