// What an editor says of the public names: the sentences and the examples in the comments of lib.
import ts from 'typescript';
import { dedent, type CodeBlock } from './markdown.js';

export interface Published {
  readonly program: ts.Program;
  /** Is the file one of this package? */
  isOwn(path: string): boolean;
}

/**
 * `lib/wire/frame.ts:12: Frame.seq` for what a door exports and no sentence stands above, each overload by itself, and
 * the same for all that may be called or read of it. What is marked `@internal` is not published.
 */
export function silentExports(published: Published, door: string): readonly string[] {
  const checker = published.program.getTypeChecker();
  const file = published.program.getSourceFile(door);
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${door} is no module of the program`);
  return checker.getExportsOfModule(module).flatMap((exported) => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const members = membersOf(checker, symbol).filter(isPublic);
    return [
      ...silentPlaces(published, symbol, exported.name),
      ...members.flatMap((member) => silentPlaces(published, member, `${exported.name}.${member.name}`)),
    ];
  });
}

/** A declaration without words of its own may have those of what it overrides or implements. */
function silentPlaces({ program, isOwn }: Published, symbol: ts.Symbol, name: string): readonly string[] {
  const checker = program.getTypeChecker();
  const own = (symbol.declarations ?? []).filter((declaration) => isOwn(declaration.getSourceFile().fileName));
  const overloads = own.filter((node) => ts.isFunctionLike(node)).length > 1 ? own.filter(isSignature) : [];
  const silent: ts.Declaration[] = overloads.filter((node) => {
    const signature = checker.getSignatureFromDeclaration(node);
    return !hasSentence(signature?.getDocumentationComment(checker));
  });
  if (overloads.length === 0 && !hasSentence(symbol.getDocumentationComment(checker))) silent.push(...own.slice(0, 1));
  return silent.map((node) => {
    const file = node.getSourceFile();
    return `${file.fileName}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${name}`;
  });
}

/** Words, and the end of a sentence. */
function hasSentence(comment: ts.SymbolDisplayPart[] | undefined): boolean {
  return /[A-Za-z].*[.?:]\)?$/s.test(ts.displayPartsToString(comment).trim());
}

function isSignature(node: ts.Declaration): node is ts.SignatureDeclaration {
  return ts.isFunctionLike(node) && !(node as ts.FunctionLikeDeclaration).body;
}

/** What stands behind a dot: of a class what it has itself, and what its instances have. */
function membersOf(checker: ts.TypeChecker, symbol: ts.Symbol): readonly ts.Symbol[] {
  const types: ts.Type[] = [];
  const { flags } = symbol;
  if (flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Variable)) types.push(checker.getTypeOfSymbol(symbol));
  if (flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias)) {
    types.push(checker.getDeclaredTypeOfSymbol(symbol));
  }
  const objects = types.filter((type) => type.flags & ts.TypeFlags.Object);
  return objects.flatMap((type) => type.getProperties()).filter((member) => !(member.flags & ts.SymbolFlags.Prototype));
}

/** Not one whose key no application can name, as is a symbol of this package. */
function isPublic({ declarations = [], name }: ts.Symbol): boolean {
  if (name.startsWith('__@') && !/^__@(asyncD|d)ispose@|^__@(asyncI|i)terator@/.test(name)) return false;
  return declarations.every((declaration) => {
    const key = ts.getNameOfDeclaration(declaration);
    if (key && ts.isPrivateIdentifier(key)) return false;
    if (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Private) return false;
    return !ts.getJSDocTags(declaration).some(({ tagName }) => tagName.text === 'internal');
  });
}

/** The examples in the comments of a file, each with the name of what it is an example of. */
export function exampleBlocks(file: ts.SourceFile, path: string): readonly CodeBlock[] {
  const found: CodeBlock[] = [];
  const look = (node: ts.Node): void => {
    for (const tag of ts.getJSDocTags(node)) {
      if (tag.tagName.text !== 'example' || tag.parent.parent !== node) continue;
      const line = file.getLineAndCharacterOfPosition(tag.getStart()).line + 1;
      const lines = linesOf(tag, file);
      found.push({ place: `${path}:${line}`, language: 'ts', section: nameOf(node), file: undefined, lines });
    }
    ts.forEachChild(node, look);
  };
  look(file);
  return found;
}

/**
 * As they are written, without the stars. Where a line begins with `@` the compiler ends the example, and an editor
 * with it: decorators stand at the end of the line before.
 */
function linesOf(tag: ts.JSDocTag, file: ts.SourceFile): readonly string[] {
  const lines = file.text.slice(tag.getStart(), tag.parent.end).split('\n').slice(1);
  const end = lines.findIndex((line) => /^\s*\*(\/|\s*@)/.test(line));
  return dedent(lines.slice(0, end).map((line) => line.replace(/^\s*\* ?/, '')));
}

/** `execute` of a class is `CommandClient.execute`. */
function nameOf(node: ts.Node): string {
  const owner = ts.isClassElement(node) && ts.isClassLike(node.parent) ? `${node.parent.name?.text ?? ''}.` : '';
  const declared = ts.isVariableStatement(node) ? node.declarationList.declarations[0]! : (node as ts.Declaration);
  const name = ts.getNameOfDeclaration(declared);
  return name && ts.isIdentifier(name) ? `${owner}${name.text}` : owner;
}
