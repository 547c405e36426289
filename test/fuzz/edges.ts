// Rewrites a module of JavaScript so that it counts how often each of its branches is taken, and says what is new about
// the counts of one input: the feedback of the guided fuzzer. It works on the text, as test/house does.
import ts from 'typescript';

/** A program has some thousands; what does not fit counts as the first. */
export const MOST_EDGES = 65_536;

interface Insertion {
  readonly at: number;
  readonly text: string;
  /** Among those at one place: what ends goes before what begins, the inner before the outer. */
  readonly rank: number;
}

/** The text, counting in `fuzzEdges` from `firstEdge` on, and how many branches there are. */
export function withEdges(text: string, firstEdge: number): { readonly text: string; readonly edges: number } {
  const source = ts.createSourceFile('module.js', text, ts.ScriptTarget.ESNext, true, ts.ScriptKind.JS);
  const insertions: Insertion[] = [];
  let edges = 0;
  const count = (): string => `fuzzEdges[${(firstEdge + edges++) % MOST_EDGES}]++`;
  const around = (start: number, before: string, end: number, after: string): void => {
    const rank = insertions.length + 1;
    insertions.push({ at: start, text: before, rank }, { at: end, text: after, rank: -rank });
  };
  const statement = (node: ts.Node): void => {
    if (ts.isBlock(node))
      insertions.push({ at: node.getStart() + 1, text: `${count()};`, rank: insertions.length + 1 });
    else around(node.getStart(), `{${count()};`, node.end, '}');
  };
  const expression = (node: ts.Node): void => around(node.getStart(), `(${count()},`, node.end, ')');
  const visit = (node: ts.Node): void => {
    for (const branch of branchesOf(node))
      (ts.isBlock(branch) || ts.isStatement(branch) ? statement : expression)(branch);
    if (ts.isCaseOrDefaultClause(node) && node.statements[0] !== undefined) {
      insertions.push({ at: node.statements[0].getStart(), text: `${count()};`, rank: 0 });
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
  return { text: result + text.slice(at), edges };
}

/** What may run or not, in a node. */
function branchesOf(node: ts.Node): readonly ts.Node[] {
  if (ts.isFunctionLike(node)) {
    const { body } = node as ts.FunctionLikeDeclaration;
    return body === undefined ? [] : [body];
  }
  if (ts.isIfStatement(node)) return [node.thenStatement, ...(node.elseStatement ? [node.elseStatement] : [])];
  if (ts.isIterationStatement(node, false)) return [node.statement];
  if (ts.isCatchClause(node)) return [node.block];
  if (ts.isConditionalExpression(node)) return [node.whenTrue, node.whenFalse];
  if (ts.isBinaryExpression(node) && logical.has(node.operatorToken.kind)) return [node.right];
  return [];
}

const logical: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
  ts.SyntaxKind.AmpersandAmpersandEqualsToken,
  ts.SyntaxKind.BarBarEqualsToken,
  ts.SyntaxKind.QuestionQuestionEqualsToken,
]);

/** Counts of one input, and all that were ever seen: each branch once, twice, thrice, a few times, often. */
export class EdgeCounts {
  readonly counts = new Uint8Array(MOST_EDGES);
  readonly #words = new Uint32Array(this.counts.buffer);
  readonly #seen = new Uint8Array(MOST_EDGES);
  /** Branches that were ever taken. */
  taken = 0;
  #used = 0;

  /** Only so many are looked at. */
  use(edges: number): void {
    this.#used = Math.min(MOST_EDGES, edges);
  }

  /** Nothing was ever seen. */
  forget(): void {
    this.#seen.fill(0);
    this.taken = 0;
  }

  clear(): void {
    this.counts.fill(0, 0, this.#used);
  }

  /** Is anything new about the counts? Then it is known from now on. */
  learn(): boolean {
    let isNew = false;
    for (let word = 0; word < (this.#used + 3) >> 2; word++) {
      if (this.#words[word] === 0) continue;
      for (let edge = 4 * word; edge < 4 * word + 4; edge++) {
        const size = sizes[this.counts[edge]!]!;
        if ((this.#seen[edge]! & size) === size) continue;
        if (this.#seen[edge] === 0) this.taken++;
        this.#seen[edge]! |= size;
        isNew = true;
      }
    }
    return isNew;
  }

  /** The branches that the last input has taken, however often. */
  takenNow(): readonly number[] {
    const taken: number[] = [];
    for (let edge = 0; edge < this.#used; edge++) if (this.counts[edge]! > 0) taken.push(edge);
    return taken;
  }
}

/** One bit for each size of count. */
const sizes = Uint8Array.from({ length: 256 }, (_, count) => {
  const bounds = [1, 2, 3, 4, 8, 16, 32, 128];
  const at = bounds.findLastIndex((least) => count >= least);
  return at < 0 ? 0 : 1 << at;
});
