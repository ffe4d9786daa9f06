/** Options for HTTP.SYS: what they become in the driver's terms, and what is refused. */
import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { createServer } from '../../src/index';
import { httpSysSettings } from '../../src/httpsys-options';

test('settings become the numbers of the API', () => {
  assert.deepEqual(httpSysSettings({}), {});
  assert.deepEqual(httpSysSettings({ httpsys: { clientCertificate: true } }), { clientCertificate: true });
  assert.deepEqual(
    httpSysSettings({
      httpsys: { pendingReceives: 7, queueSecurity: 'D:', verbosity503: 'full', maxBandwidth: 4096, kernelBuffering: true },
    }),
    {
      pendingReceives: 7,
      queueSecurity: 'D:',
      verbosity503: 2,
      maxBandwidth: 4096,
      bufferData: true,
    },
  );
});

test('AUTH-1: schemes are a set of bits, and anonymous requests pass unless it says otherwise (AUTH-2)', () => {
  assert.deepEqual(httpSysSettings({ authentication: { schemes: ['Negotiate', 'NTLM'] } }), { authSchemes: 12, allowAnonymous: true });
  assert.deepEqual(
    httpSysSettings({
      authentication: { schemes: ['Basic', 'Digest', 'Kerberos'], realm: 'shop', domain: 'example', allowAnonymous: false },
    }),
    { authSchemes: 19, allowAnonymous: false, realm: 'shop', domain: 'example' },
  );
});

const wrong: [what: string, options: Parameters<typeof httpSysSettings>[0], code: string][] = [
  ['no receives', { httpsys: { pendingReceives: 0 } }, 'ERR_OUT_OF_RANGE'],
  ['too many receives', { httpsys: { pendingReceives: 1025 } }, 'ERR_OUT_OF_RANGE'],
  ['a descriptor that is no text', { httpsys: { queueSecurity: 7 as never } }, 'ERR_INVALID_ARG_VALUE'],
  ['a descriptor without end', { httpsys: { queueSecurity: 'D'.repeat(4097) } }, 'ERR_INVALID_ARG_VALUE'],
  ['a verbosity that is none', { httpsys: { verbosity503: 'loud' as never } }, 'ERR_INVALID_ARG_VALUE'],
  ['a bandwidth below what the API takes', { httpsys: { maxBandwidth: 1023 } }, 'ERR_INVALID_ARG_VALUE'],
  ['no schemes', { authentication: { schemes: [] } }, 'ERR_INVALID_ARG_VALUE'],
  ['an unknown scheme', { authentication: { schemes: ['Bearer' as never] } }, 'ERR_INVALID_ARG_VALUE'],
  ['a name of Object.prototype as scheme', { authentication: { schemes: ['constructor' as never] } }, 'ERR_INVALID_ARG_VALUE'],
  ['a realm that does not fit', { authentication: { schemes: ['Basic'], realm: 'x'.repeat(201) } }, 'ERR_INVALID_ARG_VALUE'],
];
for (const [what, options, code] of wrong) {
  test(`${what} is refused when the server is made`, () => {
    assert.throws(() => createServer(options), { code });
  });
}

test(
  'a server that wants to know its users does not listen on an engine that cannot tell',
  { skip: process.platform === 'win32' },
  async () => {
    const server = createServer({ engine: 'embedded', authentication: { schemes: ['Negotiate'] } });
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => server.once('error', resolve).listen(0));
    assert.equal(error.code, 'ERR_HTTPSYS_AUTHENTICATION');
    assert.equal(server.listening, false);
  },
);
