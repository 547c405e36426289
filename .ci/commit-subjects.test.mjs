// What the check of commits refuses, and what it lets pass.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subjectFaults } from './commit-subjects.mjs';

const faults = (subject, parents = 1) => subjectFaults([{ commit: '620d878', parents, subject }]).length;

test('a subject of 72 characters passes', () => assert.equal(faults('x'.repeat(72)), 0));
test('a longer one is refused', () => assert.equal(faults('x'.repeat(73)), 1));
test('a merge is refused', () => assert.equal(faults("Merge branch 'work'", 2), 1));
