// What TypeScript makes of the package as its users see it: usage.ts must compile, and each @ts-expect-error in it must be one.
import assert from 'node:assert/strict';
import * as path from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';

test('the types of the package hold in a strict program', () => {
  const file = path.join(__dirname, 'types', 'usage.ts');
  const program = ts.createProgram([file], {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    esModuleInterop: true,
    types: ['node'],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.Node20,
    moduleResolution: ts.ModuleResolutionKind.Node16,
  });
  const problems = ts.getPreEmitDiagnostics(program).map((problem) => {
    const where = problem.file?.getLineAndCharacterOfPosition(problem.start ?? 0);
    return `${problem.file?.fileName}:${(where?.line ?? 0) + 1}: ${ts.flattenDiagnosticMessageText(problem.messageText, ' ')}`;
  });
  assert.deepEqual(problems, []);
});
