/** Win32 codes as errors of a program (http-server-api.md section 14), and the command that helps where one does. */
import { describe, test } from 'node:test';
import * as assert from 'node:assert/strict';
import { driverError, isInUse, isTaken, queueError, registrationError, reservationCommand } from '../../src/carriers/httpsys-errors';
import { parsePrefix } from '../../src/prefix';

const failure = (syscall: string, win32Code: number): Error & { syscall: string; win32Code: number } =>
  Object.assign(new Error(`${syscall} failed with Win32 error ${win32Code}`), { syscall, win32Code });
const url = 'http://+:80/My Shop/';
const registration = (code: number) => registrationError(failure('HttpAddUrlToUrlGroup', code), url, parsePrefix(url));

describe('a prefix that cannot be registered', () => {
  const rows: [win32: number, code: string, words: RegExp][] = [
    [5, 'EACCES', /netsh http add urlacl url="http:\/\/\+:80\/My Shop\/" user=/],
    [183, 'EADDRINUSE', /registered that prefix.*netsh http show servicestate/],
    [32, 'EADDRINUSE', /does not use HTTP\.SYS listens on port 80.*netstat -ano/],
    [1214, 'EADDRNOTAVAIL', /no address of this machine/],
    [87, 'EINVAL', /reserved, for https.*netsh http show urlacl/],
    [50, 'EINVAL', /does not take that prefix/],
    [1450, 'ERR_HTTPSYS_DRIVER', /refused that prefix/],
  ];
  for (const [win32, code, words] of rows) {
    test(`Win32 error ${win32} is ${code}`, () => {
      const error = registration(win32);
      assert.equal(error.code, code);
      assert.match(error.message, words);
      assert.match(error.message, new RegExp(`HttpAddUrlToUrlGroup: Win32 error ${win32}`));
      const { syscall, nativeFunction, win32Code, errno, port, prefix } = error as unknown as Record<string, unknown>;
      // Programs tell errors of listen by their syscall.
      assert.deepEqual(
        { syscall, nativeFunction, win32Code, errno, port, prefix },
        {
          syscall: 'listen',
          nativeFunction: 'HttpAddUrlToUrlGroup',
          win32Code: win32,
          errno: win32,
          port: 80,
          prefix: url,
        },
      );
    });
  }
});

test('the reservation is for the user who runs the program, with quotes where netsh needs them', () => {
  assert.equal(
    reservationCommand('http://+:80/', { USERDOMAIN: 'SHOP', USERNAME: 'clerk' }),
    'netsh http add urlacl url=http://+:80/ user=SHOP\\clerk',
  );
  assert.equal(
    reservationCommand('http://+:80/', { USERDOMAIN: 'NT AUTHORITY', USERNAME: 'NETWORK SERVICE' }),
    'netsh http add urlacl url=http://+:80/ user="NT AUTHORITY\\NETWORK SERVICE"',
  );
});

describe('QUEUE-3: a queue that cannot be opened', () => {
  for (const [win32, code] of [
    [183, 'EEXIST'],
    [2, 'ENOENT'],
    [5, 'EACCES'],
    [123, 'EINVAL'],
  ] as const) {
    test(`Win32 error ${win32} is ${code}, and names the queue`, () => {
      const error = queueError(failure('HttpCreateRequestQueue', win32), 'shop');
      assert.equal(error.code, code);
      assert.match(error.message, /"shop"/);
      assert.equal((error as unknown as { win32Code: number }).win32Code, win32);
    });
  }

  test('without a name, or from another call, it is the call that failed', () => {
    for (const error of [queueError(failure('HttpCreateRequestQueue', 5), undefined), queueError(failure('HttpInitialize', 5), 'shop')]) {
      assert.equal(error.code, 'ERR_HTTPSYS_DRIVER');
    }
  });
});

test('any other failure names the call and how to read the code', () => {
  const error = driverError(failure('HttpSetUrlGroupProperty', 1168));
  assert.equal(error.code, 'ERR_HTTPSYS_DRIVER');
  assert.match(error.message, /HttpSetUrlGroupProperty failed with Win32 error 1168; net helpmsg 1168/);
  assert.equal((error as unknown as { syscall: string }).syscall, 'HttpSetUrlGroupProperty');
});

test('a taken name, and a taken port, are told from other failures', () => {
  assert.equal(isTaken(failure('HttpCreateRequestQueue', 183)), true);
  assert.equal(isTaken(failure('HttpAddUrlToUrlGroup', 183)), false);
  assert.equal(isInUse(failure('HttpAddUrlToUrlGroup', 183)), true);
  assert.equal(isInUse(failure('HttpAddUrlToUrlGroup', 32)), true);
  assert.equal(isInUse(failure('HttpAddUrlToUrlGroup', 5)), false);
  assert.equal(isInUse(undefined), false);
});
