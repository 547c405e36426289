// Counts the measures of the house, with what makes them up: `npm run measure:house`, with `--tree` the calls as well.
//
// A file of lib is passed by a call when one of its functions runs for it: from `execute()` to the resolved promise at
// the client, from the bytes that arrive to the bytes that are written at the server, with no timer between. A move is
// a call of a function in another file than its caller's. The caller is the function of lib that called it, be it
// through Node; what the event loop calls (a socket's event, a microtask) comes from `node`. A return is no move.
// Getters, setters and constructors are functions.
import { readLib } from '../support/project.js';
import { filesOf, movesOf, traceOneCall, treeOf } from './one-call.js';
import { rolesOf } from './roles.js';

const SMALL_LINES = 40;

const withTree = process.argv.includes('--tree');

function print(title: string, lines: readonly string[]): void {
  console.log([`\n${title}`, ...lines.map((line) => `  ${line}`)].join('\n'));
}

const lib = readLib();
const lengths = lib.map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }));
const small = lengths.filter(({ lines }) => lines <= SMALL_LINES).toSorted((a, b) => a.lines - b.lines);
const roles = rolesOf(lib);
const sides = Object.entries(await traceOneCall()).map(([side, calls]) => {
  const moves = movesOf(calls);
  return { side, calls, files: filesOf(calls), moves, sum: [...moves.values()].reduce((sum, count) => sum + count, 0) };
});

console.log(`one call passes, client / server: ${sides.map(({ files }) => files.length).join(' / ')} files`);
console.log(`moves from file to file, client / server: ${sides.map(({ sum }) => sum).join(' / ')}`);
console.log(`roles: ${roles.length}`);
console.log(`files of lib: ${lib.length}, of ${SMALL_LINES} lines and less: ${small.length}`);

for (const { side, calls, files, moves } of sides) {
  print(`Files passed at the ${side}`, files);
  const counted = [...moves].map(([move, count]) => `${String(count).padStart(3)}  ${move}`);
  print(`Moves at the ${side}`, counted);
  if (withTree) print(`Calls at the ${side}`, treeOf(calls));
}
print('Roles', roles);
const listed = small.map(({ path, lines }) => `${String(lines).padStart(3)}  ${path}`);
print(`Files of ${SMALL_LINES} lines and less`, listed);
