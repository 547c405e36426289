// What the check of the repository's address refuses, and what setting it changes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressFaults, addressOf, fieldsOf, isPlaceholder, withAddress } from './address.mjs';

const manifest = { name: 'a', ...fieldsOf('me/a') };
const links = 'url: https://github.com/me/a/security\n';

test('an address passes that is the same everywhere', () => {
  assert.deepEqual(addressFaults(manifest, links), []);
  assert.equal(addressOf(manifest), 'me/a');
});

for (const [name, wrong] of [
  ['bugs', { ...manifest, bugs: 'https://github.com/you/a/issues' }],
  ['homepage', { ...manifest, homepage: undefined }],
  ['repository', { ...manifest, repository: { type: 'git', url: 'https://example.com/a' } }],
]) {
  test(`an address is refused where ${name} says another one, or none`, () => {
    const faults = addressFaults(wrong, links);
    assert.equal(faults.length, 1);
    assert.match(faults[0], new RegExp(`^package.json: ${name}`));
  });
}

test('an address is refused where a link leads elsewhere', () => {
  assert.deepEqual(addressFaults(manifest, links.replace('/me/', '/you/')), [
    '.github/ISSUE_TEMPLATE/config.yml: leads to you/a',
  ]);
});

test('one command sets it everywhere, and nothing else', () => {
  const text = `${JSON.stringify({ name: 'a', ...fieldsOf('OWNER/nestjs-cmd-stream'), version: '1.0.0' }, null, 2)}\n`;
  const before = links.replace('me/a', 'OWNER/nestjs-cmd-stream');
  assert.ok(isPlaceholder(JSON.parse(text)));
  const after = withAddress(text, before, 'me/a');
  assert.deepEqual(addressFaults(JSON.parse(after.manifest), after.links), []);
  assert.deepEqual(Object.keys(JSON.parse(after.manifest)), Object.keys(JSON.parse(text)));
  assert.ok(!isPlaceholder(JSON.parse(after.manifest)));
  assert.throws(() => withAddress(text, before, 'https://github.com/me/a'), /OWNER\/NAME/);
});
