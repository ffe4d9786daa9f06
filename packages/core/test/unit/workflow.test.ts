import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';

const root = path.join(__dirname, '..', '..', '..', '..');
const workflow = fs.readFileSync(path.join(root, '.github', 'workflows', 'windows.yml'), 'utf8');
const commands = workflow.split('\n').flatMap((line) => /^\s+(?:- )?run: ((?:npm|node) .*)$/.exec(line)?.[1] ?? []);

interface Stages {
  selectStages(args: string[], platform: string): { name: string; files?: string[] }[];
}

test('every npm script and file that the Windows workflow runs exists', () => {
  const { scripts } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  assert.ok(commands.length > 5);
  for (const command of commands) {
    const [program, verb, name] = command.split(' ');
    if (program === 'node') assert.ok(fs.existsSync(path.join(root, verb)), command);
    else if (verb === 'run') assert.ok(scripts[name], command);
    else assert.ok(verb === 'ci' || verb === 'test', command);
  }
});

test('every stage that the Windows workflow names has tests on Windows', async () => {
  const { selectStages } = (await import(path.join(root, 'scripts', 'lib', 'stages.mjs'))) as Stages;
  const stages = commands.filter((command) => command.startsWith('npm test -- ')).map((command) => command.split(' ').slice(3));
  assert.ok(stages.some((words) => words.includes('httpsys')));
  for (const words of stages) {
    const found = selectStages(words, 'win32');
    assert.ok(
      found.some((stage) => (stage.files?.length ?? 0) > 0),
      words.join(' '),
    );
  }
});
