import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { displayUrl, hostKinds, parsePrefix, printPrefix, toNativeUrl, type PrefixPart } from '../../src/prefix';

/** The part that the error names and its whole message. */
function refusal(text: string): { part: string; message: string } {
  try {
    parsePrefix(text);
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    assert.equal(code, 'ERR_HTTPSYS_PREFIX_INVALID');
    const named = /^Invalid URL prefix .*?: (scheme|host|port|path|query|fragment|prefix) /s.exec(message);
    assert.ok(named, message);
    assert.ok(message.includes(JSON.stringify(text)), message);
    return { part: named[1], message };
  }
  assert.fail(`${JSON.stringify(text)} was accepted`);
}

describe('URL prefixes', () => {
  test('URL-5: the four host kinds', () => {
    const rows: [string, number, string][] = [
      ['http://+:80/', hostKinds.strong, '+'],
      ['http://*:80/', hostKinds.weak, '*'],
      ['http://localhost:80/', hostKinds.explicit, 'localhost'],
      ['http://Shop.Example:80/', hostKinds.explicit, 'shop.example'],
      ['http://a_b-c.d~e:80/', hostKinds.explicit, 'a_b-c.d~e'],
      ['http://127.0.0.1:80/', hostKinds.address, '127.0.0.1'],
      ['http://[::1]:80/', hostKinds.address, '::1'],
      ['http://[2001:DB8:0:0::01]:80/', hostKinds.address, '2001:db8::1'],
      ['http://*.Contoso.com:80/', hostKinds.explicit, '*.contoso.com'],
    ];
    for (const [text, kind, host] of rows) {
      const prefix = parsePrefix(text);
      assert.equal(prefix.hostKind, kind, text);
      assert.equal(prefix.host, host, text);
    }
  });

  test('the parts of a full prefix', () => {
    const { scheme, port, path, writtenPath, text } = parsePrefix('https://Name.example:8443/Shop/Käse');
    assert.deepEqual(
      { scheme, port, path, writtenPath, text },
      { scheme: 'https', port: 8443, path: '/shop/käse/', writtenPath: '/Shop/Käse/', text: 'https://name.example:8443/shop/käse/' },
    );
  });

  test('URL-1: host and path compare without case, the scheme must be lower case', () => {
    assert.equal(parsePrefix('http://HOST:80/A/É/Я/').text, parsePrefix('http://host:80/a/é/я/').text);
    for (const text of ['HTTP://*:80/', 'Http://*:80/', 'httpS://*:80/']) {
      const { part, message } = refusal(text);
      assert.equal(part, 'scheme');
      assert.match(message, /lower case/);
    }
  });

  test('URL-3: a missing final slash of a path is added', () => {
    assert.equal(parsePrefix('http://localhost:50000/foo').text, 'http://localhost:50000/foo/');
    assert.equal(parsePrefix('http://localhost:50000/foo').text, parsePrefix('http://localhost:50000/foo/').text);
  });

  test('URL-2: the error names the part that is wrong', () => {
    const rows: [string, PrefixPart][] = [
      ['', 'scheme'],
      ['localhost:50000/', 'scheme'],
      ['://a:1/', 'scheme'],
      ['ftp://a:1/', 'scheme'],
      [' http://a:1/', 'scheme'],
      ['http://localhost:50000', 'path'],
      ['http://localhost/', 'port'],
      ['http://localhost', 'port'],
      ['http://localhost:/', 'port'],
      ['http://localhost:0/', 'port'],
      ['http://localhost:00/', 'port'],
      ['http://localhost:080/', 'port'],
      ['http://localhost:65536/', 'port'],
      ['http://localhost:99999999999999999999/', 'port'],
      ['http://localhost:*/', 'port'],
      ['http://localhost:8 0/', 'port'],
      ['http://localhost:-1/', 'port'],
      ['http://localhost:8e1/', 'port'],
      ['http://localhost:80/?', 'query'],
      ['http://localhost:80/a?b=c', 'query'],
      ['http://localhost:80?/', 'query'],
      ['http://localhost:80/#a', 'fragment'],
      ['http://:80/', 'host'],
      ['http:///', 'host'],
      ['http://user@host:80/', 'host'],
      ['http://a b:80/', 'host'],
      ['http://a,b:80/', 'host'],
      ['http://a\\b:80/', 'host'],
      ['http://a*:80/', 'host'],
      ['http://*a:80/', 'host'],
      ['http://*.*.a:80/', 'host'],
      ['http://*.:80/', 'host'],
      ['http://++:80/', 'host'],
      ['http://.a:80/', 'host'],
      ['http://a..b:80/', 'host'],
      ['http://a.:80/', 'host'],
      ['http://::1:80/', 'host'],
      ['http://[::1:80/', 'host'],
      ['http://[]:80/', 'host'],
      ['http://[1.2.3.4]:80/', 'host'],
      ['http://[::1]x:80/', 'host'],
      ['http://[fe80::1%eth0]:80/', 'host'],
      ['http://a%41:80/', 'host'],
      [`http://${'a'.repeat(64)}.example:80/`, 'host'],
      [`http://${'a.'.repeat(126)}ab:80/`, 'host'],
      ['http://xn--\u00fc:80/', 'host'],
      ['http://*:80//', 'path'],
      ['http://*:80/a//b/', 'path'],
      ['http://*:80/a/../b/', 'path'],
      ['http://*:80/./', 'path'],
      ['http://*:80/a\\b/', 'path'],
      ['http://*:80/a\nb/', 'path'],
      ['http://*:80/\u0085/', 'path'],
      ['http://*:80/\ud800/', 'path'],
      [`http://*:80/${'a'.repeat(261)}/`, 'path'],
      [`http://*:80/${'a/'.repeat(255)}`, 'path'],
    ];
    for (const [text, part] of rows) assert.equal(refusal(text).part, part, text);
    for (const value of [undefined, null, 8080, {}]) {
      assert.throws(() => parsePrefix(value as unknown as string), {
        code: 'ERR_HTTPSYS_PREFIX_INVALID',
        message: /: prefix must be a string/,
      });
    }
  });

  test('URL-7: what only looks like an address is refused', () => {
    for (const host of [
      '192.',
      '192.168',
      '1.2.3',
      '256.1.1.1',
      '1.2.3.4.5',
      '127.1',
      '0x7f.1',
      '2130706433',
      'a.1',
      '*.1.2',
      '1.2.3.4.',
    ]) {
      const { part, message } = refusal(`http://${host}:80/`);
      assert.equal(part, 'host', host);
      assert.match(message, /looks like an IPv4 address/, host);
    }
    assert.equal(refusal('http://192./').part, 'host');
    assert.match(refusal('http://[::ffff:10.0.0.1]:80/').message, /write the IPv4 address/);
    for (const host of ['0.0.0.0', '[::]']) assert.match(refusal(`http://${host}:80/`).message, /write '\*' or '\+'/);
  });

  test('URL-4: the path is unescaped, and a percent sign brings the advice to write it so', () => {
    assert.equal(parsePrefix('http://*:80/a b/é/').path, '/a b/é/');
    assert.match(refusal('http://*:80/a%20b/').message, /write "\/a b\/"/);
    assert.match(refusal('http://*:80/caf%C3%A9').message, /write "\/café"/);
    assert.match(refusal('http://*:80/100%/').message, /written unescaped\. /);
    assert.match(refusal('http://*:80/100%25/').message, /written unescaped\. /);
  });

  test('URL-4: Unicode and punycode spellings of a host are one name', () => {
    for (const host of ['bücher.example', 'BÜCHER.example', 'xn--bcher-kva.example', 'XN--BCHER-KVA.Example', 'bu\u0308cher.example']) {
      assert.equal(parsePrefix(`http://${host}:80/`).host, 'bücher.example', host);
    }
    assert.equal(parsePrefix('http://*.münchen.de:80/').host, '*.münchen.de');
    assert.equal(parsePrefix('http://пример.рф:80/').host, 'пример.рф');
  });

  test('a display URL can be opened', () => {
    assert.equal(displayUrl(parsePrefix('http://*:8080/Shop/')), 'http://localhost:8080/Shop/');
    assert.equal(displayUrl(parsePrefix('http://+:8080/a b/é/')), 'http://localhost:8080/a%20b/%C3%A9/');
    assert.equal(displayUrl(parsePrefix('http://[::1]:8080/'), 9), 'http://[::1]:9/');
    assert.equal(displayUrl(parsePrefix('https://name.example:8443/')), 'https://name.example:8443/');
  });

  test('a row for the engine holds no wildcard sign', () => {
    assert.deepEqual(toNativeUrl(parsePrefix('http://*:80/A/'), 7, 9), {
      https: false,
      hostKind: 3,
      host: '',
      port: 80,
      path: '/a/',
      queueId: 7,
      urlContext: 9,
    });
    assert.equal(toNativeUrl(parsePrefix('https://[::1]:443/'), 1, 1).host, '::1');
    assert.equal(toNativeUrl(parsePrefix('https://*.a.example:443/'), 1, 1).host, '*.a.example');
  });

  test('the canonical text parses to the same prefix', () => {
    const host = fc.oneof(
      fc.constantFrom('+', '*', '[::1]', 'Bücher.example', '*.A.b'),
      fc.ipV4().filter((text) => text !== '0.0.0.0'),
      fc.domain(),
    );
    const segment = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65535 }), fc.array(segment, { maxLength: 5 }), (name, port, segments) => {
        const text = `http://${name}:${port}/${segments.join('/')}`;
        let first;
        try {
          first = parsePrefix(text);
        } catch (error) {
          assert.equal((error as { code: string }).code, 'ERR_HTTPSYS_PREFIX_INVALID');
          return;
        }
        const second = parsePrefix(first.text);
        assert.deepEqual({ ...second, writtenPath: '' }, { ...first, writtenPath: '' });
        assert.equal(printPrefix(first), first.text);
      }),
    );
  });

  test('no text makes the parser throw anything but its own error', () => {
    const piece = fc.constantFrom(
      'http',
      'https',
      '://',
      ':',
      '/',
      '*',
      '+',
      '.',
      '[',
      ']',
      '::1',
      '80',
      '0',
      'a',
      'é',
      '%41',
      '?',
      '#',
      '@',
      '\\',
      ' ',
      'xn--',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const text = pieces.join('');
        try {
          const prefix = parsePrefix(text);
          assert.ok(prefix.path.startsWith('/') && prefix.path.endsWith('/'));
        } catch (error) {
          assert.equal((error as { code: string }).code, 'ERR_HTTPSYS_PREFIX_INVALID', text);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
