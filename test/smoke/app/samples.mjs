// `copy` puts the samples of the package beside the application; `run` runs what was built of them, each of which has
// to print what its README says.
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync } from 'node:fs';

const from = 'node_modules/nestjs-cmd-stream/sample';
// The last one has paths of its own in tsconfig.json.
const names = readdirSync(from).filter((name) => /^\d/.test(name) && name !== '14-monorepo');
// These need OpenSSL, or what only a clone of the repository has.
const withNeeds = new Set(['06-tls', '07-go-interop', '09-otel']);

function shownBy(name) {
  const blocks = readFileSync(`${from}/${name}/README.md`, 'utf8').matchAll(/^```(\w*)\n([^]*?)\n```$/gm);
  return [...blocks].find(([, language]) => language === '')[2];
}

if (process.argv[2] === 'copy') {
  for (const name of names) cpSync(`${from}/${name}`, `src/${name}`, { recursive: true });
} else {
  for (const name of names.filter((one) => !withNeeds.has(one))) {
    const printed = execFileSync(process.execPath, [`dist/${name}/main.js`], { encoding: 'utf8' });
    if (printed.trim() !== shownBy(name)) throw new Error(`${name} has printed ${printed}`);
  }
}
