// Which builds npm may not pack.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceOn, buildFaults } from './built.mjs';

const outputs = (build, stem, kind = '') =>
  [`.${kind}js`, `.${kind}js.map`, `.d.${kind}ts`].map((ending) => `${build}/${stem}${ending}`);
const sources = ['lib/index.ts', 'lib/codec/installed.cts', 'lib/cli.ts', 'lib/cli/ping.ts', 'lib/client.ts'];
const built = [
  ...['dist/lib', 'dist/cjs'].flatMap((build) => [
    ...outputs(build, 'index'),
    ...outputs(build, 'client'),
    ...outputs(build, 'codec/installed', 'c'),
  ]),
  ...outputs('dist/lib', 'cli'),
  ...outputs('dist/lib', 'cli/ping'),
  'dist/lib/index.d.ts.map',
  'dist/lib/codec/installed.d.cts.map',
  'dist/cjs/package.json',
];
const whole = () => new Map([...sources.map((file) => [file, 1]), ...built.map((file) => [file, 2])]);

test('a whole build passes', () => assert.deepEqual(buildFaults(whole()), []));

for (const file of built.filter((name) => !/\.d\.c?ts\.map$/.test(name))) {
  test(`a build without ${file} is refused`, () => {
    const files = whole();
    files.delete(file);
    assert.deepEqual(buildFaults(files), [`${file}: is not there`]);
  });
}

test('a build is refused when a source has changed since', () => {
  const files = whole().set('lib/cli.ts', 3);
  assert.deepEqual(
    buildFaults(files),
    outputs('dist/lib', 'cli').map((file) => `${file}: is older than lib/cli.ts`),
  );
});

for (const file of ['dist/cjs/cli.js', 'dist/lib/gone.d.ts', 'dist/lib/gone.d.ts.map']) {
  test(`a build is refused with ${file}, which no source makes`, () => {
    assert.deepEqual(buildFaults(whole().set(file, 2)), [`${file}: comes from no file of lib`]);
  });
}

test('no build at all is refused with the way to one, and not with a thousand lines', () => {
  const faults = buildFaults(new Map(sources.map((file) => [file, 1])));
  const advice = adviceOn(faults);
  assert.equal(advice.length, 7);
  assert.match(advice.at(-1), /npm run build/);
  assert.deepEqual(adviceOn([]), []);
});
