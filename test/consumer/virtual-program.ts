// A program of declarations that stand in a test and on no disk.
import ts from 'typescript';

/** Paths are those of the root folder; there is no library: what a test names, it declares. */
export function programOf(files: Readonly<Record<string, string>>): ts.Program {
  const options: ts.CompilerOptions = { noLib: true, types: [], module: ts.ModuleKind.ESNext };
  const texts = new Map(Object.entries(files).map(([name, text]) => [`/${name}`, text]));
  const host: ts.CompilerHost = {
    ...ts.createCompilerHost(options),
    fileExists: (path) => texts.has(path),
    readFile: (path) => texts.get(path),
    directoryExists: (path) => path === '/',
    getCurrentDirectory: () => '/',
    getSourceFile: (path, version) => {
      const text = texts.get(path);
      return text === undefined ? undefined : ts.createSourceFile(path, text, version, true);
    },
  };
  return ts.createProgram({
    rootNames: [...texts.keys()],
    options: { ...options, moduleResolution: ts.ModuleResolutionKind.Bundler },
    host,
  });
}
