// Check: the oldest protobuf-es that an application may bring is the one that the tests run with.
import { readFileSync } from 'node:fs';
import { main } from './report.mjs';

const name = '@bufbuild/protobuf';

function read(file) {
  return JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'));
}

function faults() {
  const { packages } = read('package-lock.json');
  const [major, minor] = packages[`node_modules/${name}`].version.split('.');
  const wanted = `^${major}.${minor}.0`;
  const given = { 'package.json': read('package.json'), 'package-lock.json': packages[''] };
  return Object.entries(given).flatMap(([file, { peerDependencies }]) => {
    const range = peerDependencies[name];
    return range === wanted ? [] : [`${file}: the peer ${name} is ${range}, the tests run with ${wanted}`];
  });
}

main(import.meta.url, faults, 'the range of the peer protobuf-es begins at the version that is tested');
