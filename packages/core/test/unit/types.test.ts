import assert from 'node:assert/strict';
import * as path from 'node:path';
import { test } from 'node:test';
import { typeProblems } from '../support/type-check';

test('the types of the package hold in a strict program', () => {
  assert.deepEqual(typeProblems(path.join(__dirname, '..', 'types', 'usage.ts')), []);
});
