import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { Log } from '../../src/service/log';
import { makeDir } from './service-support';

describe('the log of the service', () => {
  test('an event is one line with its time, whatever it contains', () => {
    const file = path.join(makeDir(), 'service.log');
    const log = new Log(file);
    log.write('first\nsecond\u0000\u001b[31m');
    log.close();
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    assert.equal(lines.length, 2);
    assert.match(lines[0], /^\d{4}-\d\d-\d\dT[\d:.]+Z \[\d+\] first second/);
  });

  test('it is rotated to one older file, so both stay bounded', () => {
    const file = path.join(makeDir(), 'service.log');
    const log = new Log(file, 1000);
    for (let index = 0; index < 100; index++) log.write(`event ${index}`);
    log.close();
    assert.ok(fs.statSync(file).size <= 1000);
    assert.ok(fs.statSync(`${file}.1`).size <= 1000);
    assert.match(fs.readFileSync(file, 'utf8'), /event 99\n$/);
    assert.deepEqual(fs.readdirSync(path.dirname(file)).sort(), ['service.log', 'service.log.1']);
  });

  test('a log that exists is continued', () => {
    const file = path.join(makeDir(), 'service.log');
    fs.writeFileSync(file, 'older\n');
    const log = new Log(file);
    log.write('newer');
    log.close();
    assert.match(fs.readFileSync(file, 'utf8'), /^older\n.*newer\n$/);
  });
});
