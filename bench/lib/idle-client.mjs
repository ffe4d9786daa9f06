// Opens COUNT connections to URL, asks once for PATH on each, reports when all are answered, and holds them until it is killed.
import net from 'node:net';

const [url, path, countText] = process.argv.slice(2);
const count = Number(countText);
const { hostname, port, host } = new URL(url);
const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const answer = Buffer.from('Hello, world');
/** Fewer than the usual backlog, so that no connection attempt is dropped. */
const atOnce = 100;

let started = 0;
let answered = 0;

function openNext() {
  if (started === count) return;
  started++;
  const socket = net.connect(Number(port), hostname, () => socket.write(request));
  let received = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    if (!received.subarray(-answer.length).equals(answer)) return;
    if (!received.toString('latin1').startsWith('HTTP/1.1 200 ')) fail(new Error(received.toString('latin1')));
    received = Buffer.alloc(0);
    answered++;
    if (answered === count) process.send('open');
    else openNext();
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server closed an idle connection')));
}

function fail(error) {
  console.error(`idle client: ${error.message}`);
  process.exit(1);
}

for (let index = 0; index < Math.min(atOnce, count); index++) openNext();
process.on('disconnect', () => process.exit(0));
