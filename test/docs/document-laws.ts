// What holds for a document: its excerpts are in their files, its links lead somewhere, its commands are run by
// a test.
import { dedent, anchors, localLinks, type CodeBlock } from './markdown.js';
import type { Source } from '../support/project.js';

/** Excerpts that are not, line by line and but for their indentation, in the files they name. */
export function excerptFaults(blocks: readonly CodeBlock[], files: ReadonlyMap<string, string>): readonly string[] {
  return blocks.flatMap(({ place, file, lines }) => {
    if (file === undefined) return [];
    const text = files.get(file);
    if (text === undefined) return [`${place}: there is no ${file}`];
    return isExcerpt(lines, text.split('\n')) ? [] : [`${place}: this is not in ${file}`];
  });
}

function isExcerpt(excerpt: readonly string[], lines: readonly string[]): boolean {
  if (excerpt.length === 0) return false;
  const wanted = excerpt.join('\n');
  return lines.some((_, at) => dedent(lines.slice(at, at + excerpt.length)).join('\n') === wanted);
}

export function linkFaults(documents: readonly Source[], files: ReadonlyMap<string, string>): readonly string[] {
  return documents.flatMap((document) =>
    localLinks(document).flatMap(({ place, path, anchor }) => {
      const text = path === '' ? document.text : files.get(path);
      const isFolder = [...files.keys()].some((file) => file.startsWith(`${path}/`));
      if (text === undefined && !isFolder) return [`${place}: there is no ${path}`];
      if (anchor === undefined || anchors({ path, text: text ?? '' }).has(anchor)) return [];
      return [`${place}: ${path || 'this document'} has no heading #${anchor}`];
    }),
  );
}

/** The lines of all shell blocks, without their remarks. */
export function commands(blocks: readonly CodeBlock[]): readonly string[] {
  const lines = blocks.filter(({ language }) => language === 'sh').flatMap((block) => block.lines);
  return lines.map((line) => line.replace(/\s+#.*$/, '').trim()).filter((line) => line !== '');
}
