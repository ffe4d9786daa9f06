/** What a program can ask about the TLS connection of a request: node:tls's questions, answered from the facts of CONNECTION. */
import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { createServer } from '../../src/index';
import type { Link } from '../../src/http/own';
import { SecureConnectionSocket } from '../../src/http/socket/secure-socket';
import type { TlsFacts } from '../../src/queue/facts';
import * as frames from '../../src/queue/frames';

// CN=clerk, O=Shop, C=DE; signed by itself.
const der = Buffer.from(
  'MIIBrjCCAVWgAwIBAgIUODQSZi0QfY2buAgrI+uOZuvsCLEwCgYIKoZIzj0EAwIwLDELMAkGA1UEBhMCREUxDTALBgNVBAoMBFNob3AxDjAMBgNVBAMMBWNs' +
    'ZXJrMCAXDTI2MTEyNzAyNTUzM1oYDzIxMjYxMTAzMDI1NTMzWjAsMQswCQYDVQQGEwJERTENMAsGA1UECgwEU2hvcDEOMAwGA1UEAwwFY2xlcmswWTATBgcq' +
    'hkjOPQIBBggqhkjOPQMBBwNCAAQTq3gj7brLOFspNW7MQCGiLRc61YN0nOpHjxDx1O0r7r7shsVg0GcHfHeRjXsBrIFnK3dFMfqDxXaSLx9AhHPao1MwUTAd' +
    'BgNVHQ4EFgQUXzNuerzXu8sw/F3LEHASaw7ILvQwHwYDVR0jBBgwFoAUXzNuerzXu8sw/F3LEHASaw7ILvQwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQD' +
    'AgNHADBEAiAAiVFcz6pWBuwfZqCfah2u3MgkOVkP1LCnqHnFYPmGiwIgUqm9fVt92fRhwcuyynZDVgmLwI1eEddon2KDwaBjStw=',
  'base64',
);

function socketWith(tls?: TlsFacts): SecureConnectionSocket {
  const addresses = { remoteAddress: '192.0.2.1', remotePort: 1, localAddress: '192.0.2.2', localPort: 443, family: 'IPv4' as const };
  // Nothing of the link is used before the socket is destroyed, and it is closed then.
  const link = { open: false, removeConnection: () => undefined } as unknown as Link;
  return new SecureConnectionSocket(
    createServer(),
    link,
    1,
    frames.ConnectionEncrypted,
    tls === undefined ? addresses : { ...addresses, tls },
  );
}

test('an engine that tells nothing leaves everything open but that it is encrypted', () => {
  const socket = socketWith();
  assert.equal(socket.encrypted, true);
  assert.deepEqual(
    [socket.servername, socket.authorized, socket.authorizationError, socket.getProtocol(), socket.getCipher()],
    [false, false, null, null, undefined],
  );
  assert.deepEqual(socket.getPeerCertificate(), {});
  assert.equal(socket.getPeerX509Certificate(), undefined);
});

test('protocol, cipher and server name', () => {
  const socket = socketWith({ protocol: [0x1000, 0x6610, 256, 0, 0, 0, 0], serverName: 'shop.example' });
  assert.equal(socket.getProtocol(), 'TLSv1.3');
  assert.deepEqual(socket.getCipher(), { name: 'AES256', standardName: 'AES256', version: 'TLSv1.3' });
  assert.equal(socket.servername, 'shop.example');
});

test('a certificate whose chain is trusted authorizes', () => {
  const socket = socketWith({ clientCertificate: { der, error: 0 } });
  assert.equal(socket.authorized, true);
  assert.equal(socket.authorizationError, null);
  assert.equal(socket.getPeerCertificate().subject.CN, 'clerk');
  assert.match(socket.getPeerX509Certificate()?.subject ?? '', /O=Shop/);
});

for (const [error, name] of [
  [0x800b0101, 'CERT_E_EXPIRED'],
  [0x800b0109, 'CERT_E_UNTRUSTEDROOT'],
  [0x80070005, '0x80070005'],
] as const) {
  test(`one that is not trusted does not, and says why: ${name}`, () => {
    const socket = socketWith({ clientCertificate: { der, error } });
    assert.equal(socket.authorized, false);
    assert.equal(socket.authorizationError, name);
    assert.equal(socket.getPeerCertificate().subject.CN, 'clerk');
  });
}
