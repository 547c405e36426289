// The value an expression has wherever it stands, as text that can be compared: `10_000` and `10 * 1000` are both
// `10000`.
import ts from 'typescript';

/** Undefined where the value is not to be seen in the expression itself, as with a call. */
export function constantOf(node: ts.Expression): string | undefined {
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) {
    return constantOf(node.expression);
  }
  if (ts.isNumericLiteral(node)) return String(Number(node.text));
  if (ts.isStringLiteralLike(node)) return JSON.stringify(node.text);
  if (node.kind === ts.SyntaxKind.TrueKeyword) return 'true';
  if (node.kind === ts.SyntaxKind.FalseKeyword) return 'false';
  if (node.kind === ts.SyntaxKind.NullKeyword) return 'null';
  if (ts.isIdentifier(node)) return ['undefined', 'Infinity'].includes(node.text) ? node.text : undefined;
  if (ts.isPrefixUnaryExpression(node)) return negativeOf(node);
  if (ts.isBinaryExpression(node)) return productOf(node);
  if (ts.isArrayLiteralExpression(node)) return listOf(node);
  return ts.isObjectLiteralExpression(node) && node.properties.length === 0 ? '{}' : undefined;
}

/** The constant a piece of documentation writes; undefined where it is prose. */
export function constantIn(text: string): string | undefined {
  const file = ts.createSourceFile('constant.ts', `(${text})`, ts.ScriptTarget.ES2023, true);
  const [statement, ...more] = file.statements;
  if (statement === undefined || more.length > 0 || !ts.isExpressionStatement(statement)) return undefined;
  return statement.expression.getText() === `(${text})` ? constantOf(statement.expression) : undefined;
}

function negativeOf(node: ts.PrefixUnaryExpression): string | undefined {
  const value = constantOf(node.operand);
  return node.operator === ts.SyntaxKind.MinusToken && value !== undefined ? `-${value}` : undefined;
}

function productOf(node: ts.BinaryExpression): string | undefined {
  const [left, right] = [Number(constantOf(node.left)), Number(constantOf(node.right))];
  if (Number.isNaN(left) || Number.isNaN(right)) return undefined;
  if (node.operatorToken.kind === ts.SyntaxKind.AsteriskToken) return String(left * right);
  return node.operatorToken.kind === ts.SyntaxKind.AsteriskAsteriskToken ? String(left ** right) : undefined;
}

function listOf(node: ts.ArrayLiteralExpression): string | undefined {
  const values = node.elements.map(constantOf);
  return values.includes(undefined) ? undefined : `[${values.join(',')}]`;
}
