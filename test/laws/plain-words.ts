// The words of the house: which are not used, and what is said instead; and how long a line of a comment may be.
import type { Source } from '../support/project.js';

const maxColumns = 120;

/** Words by what is said instead. */
const replacements: Readonly<Record<string, readonly string[]>> = {
  'the thing itself: the caller, a call, a peer …': [
    'nobody',
    'somebody',
    'someone',
    'anybody',
    'anyone',
    'everybody',
    'everyone',
    'whoever',
    'whomever',
  ],
  'receive, be notified of': ['hear', 'hears', 'heard', 'hearing', 'deaf'],
  'notify, report': ['told'],
  'decide, check': ['judge', 'judges', 'judged', 'judging'],
  'what is wrong: a violation of the protocol': ['lie', 'lies', 'lied', 'lying', 'liar'],
  'that keeps to the protocol, that is exact': ['honest', 'honesty', 'dishonest'],
  'break a rule, fail': ['misbehave', 'misbehaves', 'misbehaving', 'misbehaviour'],
  probe: ['knock', 'knocks', 'knocked', 'knocking'],
  'frame reader, frame writer': ['inbox', 'outbox'],
  'in vain, permanent': ['hopeless'],
  'the part it is': ['workshop'],
};

const byWord = new Map(
  Object.entries(replacements).flatMap(([instead, words]) => words.map((word) => [word, instead])),
);
const word = /[A-Z]?[a-z]+/g;

/** Names of several words, such as `heardAt`, are looked at word by word. */
export function wordViolations({ path, text }: Source): readonly string[] {
  return text.split('\n').flatMap((line, at) =>
    [...line.matchAll(word)].flatMap(([found]) => {
      const instead = byWord.get(found.toLowerCase());
      return instead === undefined ? [] : [`${path}:${at + 1}: "${found}"; say: ${instead}`];
    }),
  );
}

/** prettier breaks code, and leaves comments as they are. */
export function lineViolations({ path, text }: Source): readonly string[] {
  return text.split('\n').flatMap((line, at) => {
    const isLong = line.length > maxColumns && /^\s*(\/\/|\/?\*)/.test(line);
    return isLong ? [`${path}:${at + 1}: ${line.length} columns; a comment has at most ${maxColumns}`] : [];
  });
}
