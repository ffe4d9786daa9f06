// A second of load on the listener this platform gets, by node:http's own client: shows that the benchmark's hello world holds, and how
// many requests a second this machine did. No figure of it is judged.
import { createRequire } from 'node:module';
import http from 'node:http';
import { performance } from 'node:perf_hooks';

const { http: httpsys } = createRequire(import.meta.url)('@httpsys/core');
const connections = 16;
const seconds = 2;

const server = httpsys().createServer((req, res) => res.end('Hello World!'));
await new Promise((resolve, reject) => server.once('error', reject).listen(0, resolve));
const { port } = server.address();
const agent = new http.Agent({ keepAlive: true, maxSockets: connections });

function once() {
  return new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port, agent }, (res) => {
        let body = '';
        res.setEncoding('utf8').on('data', (piece) => (body += piece));
        res.on('end', () =>
          res.statusCode === 200 && body === 'Hello World!' ? resolve() : reject(new Error(`${res.statusCode} ${body}`)),
        );
      })
      .on('error', reject);
  });
}

const until = performance.now() + seconds * 1000;
let done = 0;
await Promise.all(
  Array.from({ length: connections }, async () => {
    while (performance.now() < until) {
      await once();
      done++;
    }
  }),
);
agent.destroy();
await new Promise((resolve) => server.close(resolve));
console.log(`${done} requests over ${connections} connections in ${seconds} s: ${Math.round(done / seconds)} a second, none failed`);
