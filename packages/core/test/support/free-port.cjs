'use strict';
// Ports for what must know its port before it listens: a prefix, a program in another process.
const dgram = require('node:dgram');
const net = require('node:net');

/** Below the ports that systems give to clients and to `listen(0)`: Linux from 32768, Windows and macOS from 49152. */
const FIRST_PORT = 10240;
const LAST_PORT = 32767;
const MAX_TRIES = 200;
/** Reservations a process has at a time; the oldest gives way. */
const MAX_RESERVED = 512;

/** Wine's HTTP service does not tell ports apart by their last digit (WINE-18). */
const tensOf = (port) => Math.floor(port / 10);

/** UDP sockets by the tens of the ports they reserve, oldest first. */
const reserved = new Map();

/** Resolves to whether the port was free. */
function opens(socket, open) {
  return new Promise((resolve, reject) => {
    socket.once('listening', () => resolve(true));
    socket.once('error', (error) => {
      // Windows says EACCES of ranges that it keeps for itself.
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    open(socket);
  });
}

const closed = (socket) => new Promise((resolve) => socket.close(resolve));

/** An exclusive UDP socket on the number keeps other callers off, in all processes; the system takes it back when the process ends. */
async function reserve(port) {
  const socket = dgram.createSocket('udp4').unref();
  if (!(await opens(socket, () => socket.bind({ port, address: '127.0.0.1', exclusive: true })))) {
    socket.close();
    return null;
  }
  return socket;
}

async function isFreeForTcp(port) {
  const probe = net.createServer();
  if (!(await opens(probe, () => probe.listen({ port, exclusive: true })))) return false;
  await closed(probe);
  return true;
}

/**
 * A port that nothing listens on, and that no other caller gets while this process lives. Rejects when none is found.
 *
 * @param {number} [first] lowest port
 * @param {number} [last] highest port
 * @returns {Promise<number>}
 */
async function freePort(first = FIRST_PORT, last = LAST_PORT) {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = first + Math.floor(Math.random() * (last - first + 1));
    const tens = tensOf(port);
    if (reserved.has(tens)) continue;
    // Callers of the same turn must not choose it, too.
    reserved.set(tens, null);
    const socket = await reserve(port);
    if (socket !== null && (await isFreeForTcp(port))) {
      reserved.set(tens, socket);
      letGoOfOldest();
      return port;
    }
    socket?.close();
    reserved.delete(tens);
  }
  throw new Error(`no free port of ${first} to ${last} in ${MAX_TRIES} tries`);
}

function letGoOfOldest() {
  for (const [tens, socket] of reserved) {
    if (reserved.size <= MAX_RESERVED) return;
    if (socket === null) continue;
    socket.close();
    reserved.delete(tens);
  }
}

module.exports = { freePort };
