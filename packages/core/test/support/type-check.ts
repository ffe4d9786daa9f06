/** What TypeScript makes of a package as its users see it. */
import * as ts from 'typescript';

/** Compiles a program of a strict user and returns its problems; each `@ts-expect-error` in it must be one. */
export function typeProblems(file: string): string[] {
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
  return ts.getPreEmitDiagnostics(program).map((problem) => {
    const where = problem.file?.getLineAndCharacterOfPosition(problem.start ?? 0);
    return `${problem.file?.fileName}:${(where?.line ?? 0) + 1}: ${ts.flattenDiagnosticMessageText(problem.messageText, ' ')}`;
  });
}
