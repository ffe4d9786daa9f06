/** What slipstream() changes in node:http, and that it can be taken back. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';

const dist = path.join(__dirname, '..', '..', 'dist');
const entry = JSON.stringify(path.join(dist, 'index.js'));

interface Outcome {
  value: unknown;
  warnings: string;
}

/** Runs code in a process of its own, since node:http is one per process; it calls `answer` once. */
function run(code: string, flags: string[] = []): Outcome {
  const prelude = `const answer = (value) => { process.stdout.write(JSON.stringify(value)); };\n`;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', prelude + code], {
    encoding: 'utf8',
    cwd: path.join(dist, '..'),
  });
  assert.equal(status, 0, stderr);
  return { value: JSON.parse(stdout) as unknown, warnings: stderr };
}

describe('slipstream', () => {
  test('replaces the four names of the server side, by every name of the module, and nothing else', () => {
    const { value } = run(`
      const http = require('http');
      const before = { ...http };
      const core = require(${entry});
      core.slipstream();
      answer({
        changed: Object.keys(before).filter((name) => before[name] !== http[name]).sort(),
        names: require('node:http') === http && process.getBuiltinModule('http') === http,
        create: http.createServer === core.http().createServer,
        keys: Object.keys(http).length === Object.keys(before).length,
      });
    `);
    assert.deepEqual(value, {
      changed: ['IncomingMessage', 'Server', 'ServerResponse', 'createServer'],
      names: true,
      create: true,
      keys: true,
    });
  });

  test('undo puts everything back, once, and spares what was replaced after', () => {
    const { value } = run(`
      const http = require('node:http');
      const https = require('node:https');
      const before = { ...http };
      const beforeHttps = https.createServer;
      const { slipstream } = require(${entry});
      const undo = slipstream();
      const mine = () => 'mine';
      http.createServer = mine;
      undo();
      const kept = http.createServer === mine;
      http.createServer = before.createServer;
      const same = () => Object.keys(before).every((name) => before[name] === http[name]) && https.createServer === beforeHttps;
      const first = same();
      undo();
      const again = slipstream();
      again();
      answer({ kept, first, second: same(), symbols: Object.getOwnPropertySymbols(http).length, another: again !== undo });
    `);
    assert.deepEqual(value, { kept: true, first: true, second: true, symbols: 0, another: true });
  });

  test('a second call changes nothing, also of another copy of the package, whose classes stay Node’s children', () => {
    const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'hs-copy-'));
    try {
      fs.cpSync(dist, path.join(copy, 'dist'), { recursive: true });
      fs.copyFileSync(path.join(dist, '..', 'package.json'), path.join(copy, 'package.json'));
      const { value } = run(`
        const http = require('node:http');
        const Node = http.Server;
        const first = require(${entry});
        const undo = first.slipstream();
        const Patched = http.Server;
        const second = require(${JSON.stringify(path.join(copy, 'dist', 'index.js'))});
        const same = second.slipstream() === undo && first.slipstream() === undo && http.Server === Patched;
        const child = Object.prototype.isPrototypeOf.call(Node, second.Server);
        second.slipstream()();
        answer({ copies: second.Server !== first.Server, same, child, back: http.Server === Node });
      `);
      assert.deepEqual(value, { copies: true, same: true, child: true, back: true });
    } finally {
      fs.rmSync(copy, { recursive: true, force: true });
    }
  });

  test('named imports that were made before follow, there and back', () => {
    const { value } = run(
      `
      import { createServer, Server } from 'node:http';
      import { createServer as short } from 'http';
      import core from '@httpsys/core';
      const before = createServer;
      const undo = core.slipstream();
      const during = [createServer === core.http().createServer, short === createServer, new Server() instanceof core.Server];
      undo();
      process.stdout.write(JSON.stringify([...during, createServer === before]));
    `,
      ['--input-type=module'],
    );
    assert.deepEqual(value, [true, true, true, true]);
  });

  test('instanceof holds for objects of both sides, and for subclasses only for their own', () => {
    const { value } = run(`
      const http = require('node:http');
      const old = { ...http };
      const before = http.createServer();
      const core = require(${entry});
      core.slipstream();
      class Mine extends http.Server {}
      class Message extends http.IncomingMessage {}
      const mine = new Mine();
      answer([
        before instanceof http.Server, before instanceof core.Server,
        http.createServer() instanceof http.Server, http.createServer() instanceof old.Server, new http.Server() instanceof core.Server,
        http.Server() instanceof http.Server, http.Server(() => {}).listenerCount('request') === 1,
        mine instanceof Mine, mine instanceof http.Server, mine instanceof core.Server, before instanceof Mine, http.createServer() instanceof Mine,
        new old.IncomingMessage(null) instanceof http.IncomingMessage, new Message(null) instanceof Message, new old.IncomingMessage(null) instanceof Message,
        {} instanceof http.ServerResponse, null instanceof http.Server,
      ]);
    `);
    assert.deepEqual(value, [
      ...[true, false],
      ...[true, true, true],
      ...[true, true],
      ...[true, true, true, false, false],
      ...[true, true, false],
      ...[false, false],
    ]);
  });

  test('the old way of inheritance works: util.inherits and a call of the constructor', () => {
    const { value } = run(`
      require(${entry}).slipstream();
      const http = require('node:http');
      const util = require('node:util');
      function Response(request) { http.ServerResponse.call(this, request); }
      util.inherits(Response, http.ServerResponse);
      function Request() { http.IncomingMessage.call(this, null); }
      util.inherits(Request, http.IncomingMessage);
      const request = new Request();
      request.method = 'GET';
      const response = new Response(request);
      response.setHeader('X-A', '1');
      answer([response instanceof http.ServerResponse, response.getHeader('x-a'), response.statusCode, request.headers, response.shouldKeepAlive === false]);
    `);
    assert.deepEqual(value, [true, '1', 200, {}, true]);
  });

  test('the old way of inheritance works for servers too, with one that serves', () => {
    const { value } = run(`
      require(${entry}).slipstream();
      const http = require('node:http');
      const util = require('node:util');
      function Shop() {
        http.Server.call(this, { requestTimeout: 7000 }, (req, res) => res.end(this.name));
        this.name = 'shop';
      }
      util.inherits(Shop, http.Server);
      let code;
      try {
        http.Server.call(Object.create(Shop.prototype), { maxConcurrentRequests: 'many' });
      } catch (error) {
        code = error.code;
      }
      const shop = new Shop();
      const other = new http.Server();
      shop.listen(0, () => {
        http.get({ port: shop.address().port, agent: false }, (res) => {
          res.setEncoding('utf8').on('data', (text) => {
            answer([text, shop instanceof http.Server, shop.requestTimeout, other instanceof Shop, code]);
            shop.close();
          });
        });
      });
    `);
    assert.deepEqual(value, ['shop', true, 7000, false, 'ERR_INVALID_ARG_TYPE']);
  });

  test('a response that is made by hand writes to the socket it is given, as Node’s', () => {
    const { value } = run(`
      require(${entry}).slipstream();
      const http = require('node:http');
      const { Duplex } = require('node:stream');
      let text = '';
      const socket = new Duplex({ read() {}, write(chunk, encoding, done) { text += chunk; done(); } });
      const request = new http.IncomingMessage(socket);
      request.httpVersionMajor = request.httpVersionMinor = 1;
      request.method = 'GET';
      const response = new http.ServerResponse(request);
      response.assignSocket(socket);
      response.on('finish', () => answer(text.replace(/Date: [^\\r]*/, 'Date: now')));
      response.setHeader('Content-Type', 'text/plain');
      response.end('by hand');
    `);
    assert.equal(
      value,
      'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: now\r\nConnection: keep-alive\r\nContent-Length: 7\r\n\r\nby hand',
    );
  });

  test('a patch of the prototypes by an agent is passed through, whether it was made before or after', () => {
    const patch = `
      for (const [name, prototype] of [['emit', http.Server.prototype], ['end', http.ServerResponse.prototype], ['writeHead', http.ServerResponse.prototype]]) {
        const original = prototype[name];
        prototype[name] = function (...values) { seen.add(name); return original.apply(this, values); };
      }`;
    for (const [first, second] of [
      [patch, `require(${entry}).slipstream();`],
      [`require(${entry}).slipstream();`, patch],
    ]) {
      const { value } = run(`
        const http = require('node:http');
        const seen = new Set();
        ${first}
        ${second}
        const server = http.createServer((req, res) => { res.writeHead(200); res.end('x'); }).listen(0, () => {
          http.get({ port: server.address().port, agent: false }, (res) => { res.resume(); res.on('end', () => { server.close(); answer([...seen].sort()); }); });
        });
      `);
      assert.deepEqual(value, ['emit', 'end', 'writeHead']);
    }
  });

  test('a server has the defaults of node:http however it is made, and its own values stand', () => {
    const { value } = run(`
      require(${entry}).slipstream();
      const http = require('node:http');
      const listener = (req, res) => res.end('x');
      class Mine extends http.Server {}
      function Inherited() { http.Server.call(this, listener); }
      require('node:util').inherits(Inherited, http.Server);
      const servers = [
        http.createServer(listener), http.createServer({}, listener), http.createServer(null, listener), new http.Server(listener), http.Server(listener),
        new Mine(listener), new Inherited(), http.createServer({ keepAliveTimeout: 9000 }, listener), http.createServer({ nodeDefaults: false }, listener),
      ];
      const ask = (server) => new Promise((resolve) => server.listen(0, () => {
        http.get({ port: server.address().port, agent: new http.Agent({ keepAlive: true, maxFreeSockets: 0 }) }, (res) => {
          res.resume().on('end', () => { server.close(); resolve(res.headers['keep-alive']); });
        });
      }));
      Promise.all(servers.map(ask)).then(answer);
    `);
    assert.deepEqual(value, [...Array<string>(7).fill('timeout=5'), 'timeout=9', 'timeout=120']);
  });

  test('options that are no object are refused as by node:http', () => {
    const { value } = run(`
      const http = require('node:http');
      const values = ['x', 5, true, [], null, undefined];
      const refusals = () => values.map((value) => {
        try { http.createServer(value); return 'taken'; } catch (error) { return error.message; }
      });
      const nodes = refusals();
      require(${entry}).slipstream();
      answer([nodes, refusals()]);
    `);
    const [nodes, ours] = value as string[][];
    assert.match(nodes[0], /"options" argument/);
    assert.deepEqual(ours, nodes);
  });

  test('https.createServer stays Node’s, and says so once', () => {
    const { value, warnings } = run(`
      const https = require('node:https');
      const Own = https.Server;
      require(${entry}).slipstream();
      const servers = [https.createServer(), https.createServer({}, () => {})];
      answer(servers.map((server) => server instanceof Own && server instanceof https.Server));
    `);
    assert.deepEqual(value, [true, true]);
    assert.equal(warnings.match(/HTTPSYS_HTTPS_NODE/g)?.length, 1);
  });

  test('no warning when https is not used', () => {
    assert.equal(run(`require(${entry}).slipstream(); require('node:https').Agent; answer(1);`).warnings, '');
  });

  test('the package’s entry does it on load, and exports undo', () => {
    const { value } = run(`
      const http = require('node:http');
      const { undo } = require('@httpsys/core/slipstream');
      const during = http.createServer === require('@httpsys/core').http().createServer;
      undo();
      answer([during, http.createServer === require('@httpsys/core').http().createServer]);
    `);
    assert.deepEqual(value, [true, false]);
  });

  test('the names of the original package: http(), https(), slipStream', () => {
    const { value } = run(`
      const core = require(${entry});
      const http = core.http();
      const https = core.https();
      answer([http.createServer === core.http().createServer, http.Server(() => {}) instanceof core.Server, http.get === require('node:http').get,
        https.createServer === require('node:https').createServer, core.slipStream === core.slipstream, require('node:http').createServer === core.http().createServer]);
    `);
    assert.deepEqual(value, [true, true, true, true, true, false]);
  });
});
