// What an editor shows of each error code: the comments in the source.
import ts from 'typescript';
import { readLib } from './project.js';

const MARK = ' Only servers report it.';

export interface CodeComment {
  readonly code: string;
  /** Without what marks it. */
  readonly meaning: string;
  readonly serversOnly: boolean;
}

export function codeComments(): readonly CodeComment[] {
  const { text } = readLib().find(({ path }) => path === 'lib/error-codes.ts')!;
  const found: CodeComment[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && node.name.getText() !== 'CmdStreamErrorCode') return;
    if (ts.isPropertyAssignment(node)) found.push(commentOf(node));
    ts.forEachChild(node, look);
  };
  look(ts.createSourceFile('error-codes.ts', text, ts.ScriptTarget.Latest, true));
  return found;
}

function commentOf(member: ts.PropertyAssignment): CodeComment {
  const texts = ts.getJSDocCommentsAndTags(member).map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '');
  const text = texts.join(' ').replaceAll(/\s+/g, ' ');
  return { code: member.name.getText(), meaning: text.replace(MARK, ''), serversOnly: text.endsWith(MARK) };
}
