import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const answerMs = 500;
/** The service leaves 2 s after its last application. */
const leaveMs = 4_000;

/** Knows the process of the engine, in order to wait until it has left as well. */
export class Engine {
  #pid;

  constructor(port) {
    this.port = port;
  }

  /** Asks the landing page; without an answer what was known before stands. */
  async refresh() {
    this.#pid = (await askForPid(this.port)) ?? this.#pid;
  }

  /** Resolves when the engine's process is gone, or when it stays for the sake of somebody else. */
  async left() {
    const end = Date.now() + leaveMs;
    while (this.#pid && isAlive(this.#pid) && Date.now() < end) await sleep(50);
  }
}

function askForPid(port) {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/state', agent: false, timeout: answerMs }, async (response) => {
      try {
        resolve(JSON.parse((await response.toArray()).join('')).engine.pid);
      } catch {
        resolve(undefined);
      }
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
