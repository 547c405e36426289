// What keeps a version from being released, and what its notes say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsOf } from './address.mjs';
import { notesOf, releaseFaults } from './release.mjs';

const manifest = { version: '1.2.3', ...fieldsOf('me/a') };
const changelog =
  '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-12-01\n\n### Added\n\n- A.\n\n## [1.2.2] - 2026-11-01\n\n- B.\n';

test('a version is released whose tag, package and changelog agree', () => {
  assert.deepEqual(releaseFaults('v1.2.3', manifest, changelog), []);
  assert.equal(notesOf(changelog, '1.2.3'), '### Added\n\n- A.');
  assert.equal(notesOf(changelog, '1.2.2'), '- B.');
});

for (const [what, tag, pack, text] of [
  ['the tag is of another version', 'v1.2.4', manifest, changelog],
  ['the changelog does not have it', 'v1.2.3', manifest, changelog.replace('[1.2.3]', '[1.2.30]')],
  ['the changelog has no date', 'v1.2.3', manifest, changelog.replace('2026-12-01', 'soon')],
  ['the changelog says nothing', 'v1.2.3', manifest, changelog.replace('### Added\n\n- A.\n', '')],
  [
    'the repository has no address yet',
    'v1.2.3',
    { version: '1.2.3', ...fieldsOf('OWNER/nestjs-cmd-stream') },
    changelog,
  ],
]) {
  test(`a version is not released when ${what}`, () => assert.equal(releaseFaults(tag, pack, text).length, 1));
}
