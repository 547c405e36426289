// Check: subjects of commits have at most 72 characters, and a branch of work is rebased, not merged.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { main } from './report.mjs';

const maxLength = 72;
/** The last commit before the rule. */
const since = '797e2fc0c14c4b58070d37985331b8b7c590114f';

/** @param {readonly { commit: string, parents: number, subject: string }[]} commits */
export function subjectFaults(commits) {
  return commits.flatMap(({ commit, parents, subject }) => {
    const faults = [];
    if (subject.length > maxLength) faults.push(`${commit}: the subject has ${subject.length} characters: ${subject}`);
    if (parents > 1) faults.push(`${commit}: merges a branch instead of being rebased: ${subject}`);
    return faults;
  });
}

function git(...args) {
  const cwd = fileURLToPath(new URL('../', import.meta.url));
  return execFileSync('git', ['-c', 'safe.directory=*', ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** Without the first commit, as in a shallow clone, it cannot be seen which commits are older than the rule. */
function newCommits() {
  // For a pull request GitHub checks out a merge that it makes itself; the second parent is what was pushed.
  const head = process.env.GITHUB_EVENT_NAME === 'pull_request' ? 'HEAD^2' : 'HEAD';
  try {
    git('merge-base', '--is-ancestor', since, head);
  } catch {
    console.log(`the history at hand does not reach ${since}: no subject is checked`);
    return [];
  }
  const lines = git('log', '--format=%h%x09%P%x09%s', `${since}..${head}`).split('\n');
  return lines.filter((line) => line !== '').map(commitOf);
}

function commitOf(line) {
  const [commit, parents, ...subject] = line.split('\t');
  return { commit, parents: parents.split(' ').length, subject: subject.join('\t') };
}

main(
  import.meta.url,
  () => subjectFaults(newCommits()),
  'the subjects of the commits are short, and no branch is merged',
);
