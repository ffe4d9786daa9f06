/** That the recording layer is in front of Wine's HTTP service, and that a broken rule fails the test that has broken it. */
import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test, type TestContext } from 'node:test';
import { runProgram, unavailable } from './windows-programs';

const available = { skip: unavailable };

async function breaking(t: TestContext, rule: string): Promise<{ code: number | null; output: string; lines: string[] }> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'httpsys-recording-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const args = ['-r', './test/support/windows-preload.js', 'test/windows/rule-breaker.cjs'];
  const outcome = await runProgram(t, args, { HTTPSYS_TEST_ENGINE: 'httpsys', HTTPSYS_RECORDING: folder, HTTPSYS_RECORDING_BREAK: rule });
  const lines = fs.readdirSync(folder).flatMap((name) => fs.readFileSync(path.join(folder, name), 'utf8').trim().split('\n'));
  return { ...outcome, lines };
}

test('a program that breaks no rule passes, and its calls were counted', available, async (t) => {
  const { code, output, lines } = await breaking(t, '');
  assert.equal(code, 0, output);
  assert.deepEqual(
    lines.map((line) => line.replace(/\d+/, 'n')),
    ['loaded', 'checked n'],
  );
  assert.ok(Number(lines[1].split(' ')[1]) > 10, lines[1]);
});

for (const [rule, line] of [
  // With DISCONNECT, for the client wants no other answer.
  ['SEND-FLAGS', 'broken SEND-FLAGS: unknown flags 1025'],
  ['IO-6', 'broken IO-6: memory of HttpFlushResponseCache changed before it had ended'],
]) {
  test(`a program that breaks ${rule} fails, and says so`, available, async (t) => {
    const { code, output, lines } = await breaking(t, rule);
    assert.equal(code, 1, output);
    assert.ok(output.includes(line), output);
    assert.ok(lines.includes(line), lines.join('\n'));
  });
}
