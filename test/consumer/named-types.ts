// Which types the declarations of a door name though they cannot be imported: those of the package no door exports.
import ts from 'typescript';

export interface Doors {
  readonly program: ts.Program;
  /** Is the file one of this package? */
  isOwn(path: string): boolean;
}

/** `Call names Seq`, for each type that what `door` exports names, and that neither it nor one of `others` exports. */
export function unnameable(doors: Doors, door: string, ...others: readonly string[]): readonly string[] {
  const exported = exportsOf(doors, door);
  const known = new Set([door, ...others].flatMap((path) => exportsOf(doors, path)));
  const faults = exported.flatMap((symbol) => {
    const seen = new Set<ts.Symbol>([symbol]);
    return namedBy(doors, symbol, seen)
      .filter((named) => !known.has(named))
      .map((named) => `${symbol.name} names ${named.name}`);
  });
  return [...new Set(faults)].toSorted();
}

/** What completion shows of a type, symbols left out. */
export function membersOf(doors: Doors, door: string, name: string): readonly string[] {
  const checker = doors.program.getTypeChecker();
  const type = exportsOf(doors, door).find((symbol) => symbol.name === name);
  if (type === undefined) throw new Error(`${door} does not export ${name}`);
  const members = checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(type)).map((member) => member.name);
  return members.filter((member) => /^\w+$/.test(member) && !member.startsWith('__')).toSorted();
}

/** What the module exports, under whatever name. */
export function exportsOf({ program }: Doors, path: string): readonly ts.Symbol[] {
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(path);
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${path} is no module of the program`);
  return checker.getExportsOfModule(module).map((symbol) => withoutAlias(checker, symbol));
}

/**
 * The types of this package in the declarations of the symbol. An alias of one file, which not even the package can
 * import, is none: the compiler writes out what it stands for, so that is looked at in its place.
 */
function namedBy(doors: Doors, symbol: ts.Symbol, seen: Set<ts.Symbol>): readonly ts.Symbol[] {
  const checker = doors.program.getTypeChecker();
  return ownDeclarations(doors, symbol)
    .flatMap(namesIn)
    .flatMap((name) => checker.getSymbolAtLocation(name) ?? [])
    .map((named) => withoutAlias(checker, named))
    .filter((named) => ownDeclarations(doors, named).some(isNamedType))
    .flatMap((named) => {
      if (!ownDeclarations(doors, named).every(isLocalAlias)) return [named];
      if (seen.has(named)) return [];
      seen.add(named);
      return namedBy(doors, named, seen);
    });
}

function ownDeclarations({ isOwn }: Doors, { declarations = [] }: ts.Symbol): readonly ts.Declaration[] {
  return declarations.filter((declaration) => isOwn(declaration.getSourceFile().fileName));
}

/** No parameter, of a type or of a function, and no constant that is a key only. */
function isNamedType(declaration: ts.Declaration): boolean {
  return (
    ts.isInterfaceDeclaration(declaration) ||
    ts.isClassDeclaration(declaration) ||
    ts.isTypeAliasDeclaration(declaration) ||
    ts.isEnumDeclaration(declaration)
  );
}

function isLocalAlias(declaration: ts.Declaration): boolean {
  if (!ts.isTypeAliasDeclaration(declaration)) return false;
  return !declaration.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
}

function withoutAlias(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** Wherever a type is named: in a signature, behind `extends`, in an import that stands in a type. */
function namesIn(node: ts.Node): readonly ts.Node[] {
  const own = ts.isTypeReferenceNode(node)
    ? [node.typeName]
    : ts.isExpressionWithTypeArguments(node)
      ? [node.expression]
      : ts.isImportTypeNode(node) && node.qualifier
        ? [node.qualifier]
        : [];
  const below: ts.Node[] = [];
  ts.forEachChild(node, (child) => {
    below.push(...namesIn(child));
  });
  return [...own, ...below];
}
