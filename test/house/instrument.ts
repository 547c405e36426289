// Rewrites a module of JavaScript so that each of its functions tells callTrace when it begins, waits, goes on and
// ends. It works on the text: every function is left as it was but for what is written around it.
import ts from 'typescript';

interface Insertion {
  readonly at: number;
  readonly text: string;
  /** Among those at one place: what ends goes before what begins, the inner before the outer. */
  readonly rank: number;
}

/** `file` is what the trace will call it. */
export function instrument(file: string, text: string): string {
  const source = ts.createSourceFile('module.js', text, ts.ScriptTarget.ESNext, true, ts.ScriptKind.JS);
  const insertions: Insertion[] = [];
  const around = (start: number, before: string, end: number, after: string): void => {
    const rank = insertions.length + 1;
    if (start === end) insertions.push({ at: start, text: before + after, rank });
    else insertions.push({ at: start, text: before, rank }, { at: end, text: after, rank: -rank });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isClassLike(node)) aroundConstructor(node, enter(file, node), around);
    else if (ts.isFunctionLike(node) && !ts.isConstructorDeclaration(node)) aroundBody(node, enter(file, node), around);
    else if (ts.isAwaitExpression(node) || (ts.isYieldExpression(node) && node.asteriskToken === undefined)) {
      aroundWait(node, around);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  insertions.sort((a, b) => a.at - b.at || a.rank - b.rank);
  let [result, at] = ['', 0];
  for (const insertion of insertions) {
    result += text.slice(at, insertion.at) + insertion.text;
    at = insertion.at;
  }
  return result + text.slice(at);
}

type Around = (start: number, before: string, end: number, after: string) => void;

const end = '}finally{callTrace.leave($call)}';

function enter(file: string, node: ts.Node): string {
  return `callTrace.enter(${JSON.stringify(file)},${JSON.stringify(nameOf(node))})`;
}

function aroundBody(node: ts.SignatureDeclaration, begins: string, around: Around): void {
  const body = (node as ts.FunctionLikeDeclaration).body;
  if (body === undefined) return;
  const begin = `const $call=${begins};try{`;
  if (ts.isBlock(body)) around(body.getStart() + 1, begin, body.end - 1, end);
  else around(body.getStart(), `{${begin}return(`, body.end, `)${end}}`);
}

/** A constructor begins with the initial values of the fields; in a class that extends another one, after `super()`. */
function aroundConstructor(node: ts.ClassLikeDeclaration, begins: string, around: Around): void {
  const constructor = node.members.find(ts.isConstructorDeclaration);
  const extended = node.heritageClauses?.some(({ token }) => token === ts.SyntaxKind.ExtendsKeyword) ?? false;
  const close = node.end - 1;
  if (extended) {
    if (constructor) aroundBody(constructor, begins, around);
    else around(close, `constructor(...all){const $call=${begins};try{super(...all)${end}}`, close, '');
    return;
  }
  around(
    node.members.pos,
    `#$call=${begins};`,
    close,
    constructor ? '' : 'constructor(){callTrace.leave(this.#$call)}',
  );
  const body = constructor?.body;
  if (body) around(body.getStart() + 1, 'try{', body.end - 1, '}finally{callTrace.leave(this.#$call)}');
}

function aroundWait(node: ts.AwaitExpression | ts.YieldExpression, around: Around): void {
  const { expression } = node;
  around(node.getStart(), 'callTrace.back($call,', node.end, ')');
  if (expression) around(expression.getStart(), 'callTrace.leave($call,(', expression.end, '))');
  else around(node.end, ' callTrace.leave($call)', node.end, '');
}

/** `GroupConnection.open`; what has no name is named after the function it stands in. */
function nameOf(node: ts.Node): string {
  const names: string[] = [];
  for (let at: ts.Node | undefined = node; at && names.length < 2; at = at.parent) {
    const named = (ts.isFunctionLike(at) || ts.isClassLike(at) || ts.isVariableDeclaration(at)) && at.name?.getText();
    if (named) names.unshift(named);
    if (ts.isClassLike(at)) break;
  }
  return names.join('.');
}
