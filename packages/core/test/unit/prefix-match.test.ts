import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fold, splitUrl } from '../../src/prefix';

/** The raw target as it arrives: UTF-8 bytes as Latin-1 characters. */
const wire = (text: string): string => Buffer.from(text).toString('latin1');

/** ROUTE-10 word by word on a path without broken escapes: decode, turn backslashes, collapse, remove dot segments. */
function cook(path: string): string {
  const decoded = decodeURIComponent(path).replaceAll('\\', '/').replace(/\/+/g, '/');
  const out: string[] = [];
  const segments = decoded.slice(1).split('/');
  segments.forEach((segment, index) => {
    const last = index === segments.length - 1;
    if (segment === '..') out.pop();
    else if (segment !== '.') out.push(segment);
    if (last && (segment === '.' || segment === '..')) out.push('');
  });
  return `/${out.join('/')}`.replace(/\/+/g, '/');
}

describe('the target of a request under its prefix', () => {
  const rows: [string, string, string, string, string][] = [
    // what, target, prefix, baseUrl, url
    ['a path below', '/shop/cart?x=1', '/shop/', '/shop', '/cart?x=1'],
    ['the prefix itself', '/shop/', '/shop/', '/shop', '/'],
    ['ROUTE-4: without the final slash', '/shop', '/shop/', '/shop', '/'],
    ['ROUTE-4: without the final slash, with a query', '/shop?x=1', '/shop/', '/shop', '/?x=1'],
    ['other case', '/SHOP/Cart', '/shop/', '/SHOP', '/Cart'],
    ['ROUTE-11: slashes before', '///base/path1', '/base/', '///base', '/path1'],
    ['slashes inside', '/a//b/c', '/a/b/', '/a//b', '/c'],
    ['slashes after', '/shop//cart', '/shop/', '/shop', '//cart'],
    ['escapes in the prefix', '/%73ho%70/a', '/shop/', '/%73ho%70', '/a'],
    ['escapes after the prefix stay', '/shop/a%2Fb%20c', '/shop/', '/shop', '/a%2Fb%20c'],
    ['an escaped slash inside the prefix', '/a%2Fb/c', '/a/b/', '/a%2Fb', '/c'],
    ['an escaped slash as its end', '/shop%2fa?x', '/shop/', '/shop', '/a?x'],
    ['a backslash as its end', '/shop\\a', '/shop/', '/shop', '/a'],
    ['a prefix with a space', '/a%20b/c', '/a b/', '/a%20b', '/c'],
    ['a Unicode prefix, escaped', '/caf%C3%A9/x', '/café/', '/caf%C3%A9', '/x'],
    ['a Unicode prefix, other case', '/CAF%c3%89/x', '/café/', '/CAF%c3%89', '/x'],
    ['a Unicode prefix, raw bytes', wire('/café/x'), '/café/', wire('/café'), '/x'],
    ['PARSE-6: a Unicode prefix in windows-1252', '/caf%E9/x', '/café/', '/caf%E9', '/x'],
    ['PARSE-6: a Unicode prefix with %u', '/caf%u00E9/x', '/café/', '/caf%u00E9', '/x'],
    ['ROUTE-6: dot segments before the prefix is reached', '/a/d/../b/c', '/a/b/', '/a/d/../b', '/c'],
    ['dot segments after it stay', '/shop/x/../y', '/shop/', '/shop', '/x/../y'],
    ['dot segments that leave it and come back', '/shop/../shop/y', '/shop/', '/shop/../shop', '/y'],
    ['dot segments that leave it late and come back', '/shop/x/../../shop/y', '/shop/', '/shop/x/../../shop', '/y'],
    ['escaped dot segments', '/other/%2e%2E/shop/y', '/shop/', '/other/%2e%2E/shop', '/y'],
    ['dots above the root', '/../shop/y', '/shop/', '/../shop', '/y'],
    ['ROUTE-10: slashes are collapsed before dots', '/base/call//../bat', '/base/bat/', '/base/call//../bat', '/'],
    ['dots in the query mean nothing', '/shop/a?b=/../..', '/shop/', '/shop', '/a?b=/../..'],
    ['PARSE-4: absolute form', 'http://h:80/Shop/a?x', '/shop/', '/Shop', '/a?x'],
    ['PARSE-4: absolute form of the prefix itself', 'http://h/shop?x', '/shop/', '/shop', '/?x'],
    ['the root prefix leaves the target as it is', '//a/b//c?d', '/', '', '//a/b//c?d'],
    ['the root prefix and absolute form', 'http://h/a', '/', '', 'http://h/a'],
    ['ROUTE-12: the asterisk form', '*', '/', '', '*'],
    ['a target outside the prefix is left alone', '/other/x', '/shop/', '', '/other/x'],
    ['a longer name is outside', '/shopping/x', '/shop/', '', '/shopping/x'],
    ['a target that leaves the prefix is left alone', '/shop/../x', '/shop/', '', '/shop/../x'],
  ];
  for (const [what, target, prefix, baseUrl, url] of rows) {
    test(what, () => {
      assert.deepEqual(splitUrl(target, prefix), { baseUrl, url });
    });
  }

  test('where the cooked path lies under the prefix, the parts join to the raw path, each means what it meant, and the rest never leaves', () => {
    const piece = fc.constantFrom(
      '/',
      '/',
      '//',
      'shop',
      'Shop',
      '%73hop',
      'a',
      'A',
      'é',
      'É',
      '%C3%A9',
      '.',
      '..',
      '%2e',
      '%2E.',
      '/../',
      '/./',
      '/shop/',
      '/a/',
    );
    const path = fc.array(piece, { minLength: 1, maxLength: 12 }).map((pieces) => `/${pieces.join('')}`);
    let inside = 0;
    fc.assert(
      fc.property(
        path,
        fc.constantFrom('/shop/', '/shop/a/', '/a/é/', '/é/'),
        fc.constantFrom('', '?', '?a=/../b'),
        (raw, prefix, query) => {
          const stem = prefix.slice(0, -1);
          const cooked = fold(cook(raw));
          const { baseUrl, url } = splitUrl(wire(raw) + query, prefix);
          if (cooked !== stem && !cooked.startsWith(prefix)) {
            assert.deepEqual({ baseUrl, url }, { baseUrl: '', url: wire(raw) + query });
            return;
          }
          inside++;
          assert.ok(url.startsWith('/'));
          const joined = baseUrl + url;
          const whole = wire(raw) + query;
          assert.ok(joined === whole || (url.startsWith(`/${query}`) && baseUrl + query === whole), `${baseUrl} ${url}`);
          const text = (latin1: string): string => Buffer.from(latin1, 'latin1').toString();
          assert.equal(fold(cook(text(baseUrl))).replace(/(?<=.)\/$/, ''), stem);
          const rest = text(query === '' ? url : url.slice(0, -query.length));
          const guarded = cook(`/guard${rest}`);
          assert.ok(guarded === '/guard' || guarded.startsWith('/guard/'), guarded);
          assert.equal(fold(cook(prefix + rest)).replace(/\/$/, ''), cooked.replace(/\/$/, ''));
        },
      ),
      { numRuns: 5000 },
    );
    assert.ok(inside > 100);
  });

  test('no target makes it throw', () => {
    const piece = fc.constantFrom(
      '/',
      '\\',
      '%',
      '%2',
      '%2f',
      '%zz',
      '%u',
      '%u12',
      '%uD800',
      '%FF',
      '%00',
      '\xff',
      '..',
      'shop',
      '?',
      '#',
      'http://',
      ':',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const { baseUrl, url } = splitUrl(pieces.join(''), '/shop/');
        assert.ok(baseUrl === '' || url.startsWith('/'));
      }),
      { numRuns: 2000 },
    );
  });
});
