// Whether the blocks of TypeScript in a document compile, each as a file of its own beside the sample. Nothing is
// written.
import { join } from 'node:path';
import ts from 'typescript';
import { projectRoot } from '../support/project.js';
import type { CodeBlock } from './markdown.js';

export function typeFaults(blocks: readonly CodeBlock[], sample = '01-calc'): readonly string[] {
  const files = new Map(
    blocks.map((block, at) => [join(projectRoot, 'sample', sample, `document-block-${at}.ts`), block]),
  );
  const texts = new Map([...files].map(([name, { lines }]) => [name, `${lines.join('\n')}\n`]));
  const program = programOf([...files.keys()], texts);
  return [...files].flatMap(([name, { place }]) => {
    const file = program.getSourceFile(name);
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    return found.map(({ messageText }) => `${place}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`);
  });
}

/** The files of the disk by their names, and those of `texts`. */
export function programOf(names: readonly string[], texts: ReadonlyMap<string, string> = new Map()): ts.Program {
  const options = compilerOptions();
  return ts.createProgram(names, options, hostWith(texts, options));
}

function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(projectRoot, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  return ts.parseJsonConfigFileContent({ ...config, include: [], files: ['lib/index.ts'] }, ts.sys, projectRoot)
    .options;
}

const parsed = new Map<string, ts.SourceFile | undefined>();

/** The files of the disk, and these. Those of the disk are the same for every program, and parsed for the first one. */
function hostWith(texts: ReadonlyMap<string, string>, options: ts.CompilerOptions): ts.CompilerHost {
  const disk = ts.createCompilerHost(options, true);
  return {
    ...disk,
    fileExists: (name) => texts.has(name) || disk.fileExists(name),
    readFile: (name) => texts.get(name) ?? disk.readFile(name),
    getSourceFile: (name, version, ...rest) => {
      const text = texts.get(name);
      if (text !== undefined) return ts.createSourceFile(name, text, version, true);
      if (!parsed.has(name)) parsed.set(name, disk.getSourceFile(name, version, ...rest));
      return parsed.get(name);
    },
  };
}
