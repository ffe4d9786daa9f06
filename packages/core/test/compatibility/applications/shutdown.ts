/** What a program's clients and its supervisor see when it is told to stop. */
import type * as net from 'node:net';
import { getMore } from '../scenario';
import { normalise } from '../client';
import type { ApplicationKit, ApplicationScenario } from './application';

/** All that a connection receives until it ends. */
function collect(socket: net.Socket): { text: Promise<string>; begun: Promise<unknown> } {
  let all = '';
  socket.on('data', (piece) => (all += piece.toString('latin1')));
  return {
    begun: new Promise((resolve) => socket.once('data', resolve)),
    text: new Promise((resolve) => socket.once('close', () => resolve(normalise(all)))),
  };
}

async function whileItAnswers({ connect, see, seen, stop, exited }: ApplicationKit, slow: string, quick: string): Promise<void> {
  const [idle, busy, silent] = [await connect(), await connect(), await connect()];
  const [ofIdle, ofBusy, ofSilent] = [collect(idle), collect(busy), collect(silent)];
  idle.write(getMore(quick));
  await ofIdle.begun;
  busy.write(getMore(slow));
  await seen('waiting');
  stop();
  await seen('closing');
  see(`idle: ${await ofIdle.text}`);
  // Whether one that never said anything is an idle one is a matter of Node's version.
  silent.destroy();
  await ofSilent.text;
  // node:http keeps the connection for its idle time, until the client ends it.
  await ofBusy.begun;
  busy.end();
  see(`busy: ${await ofBusy.text}`);
  await seen('closed');
  see(`exit ${await exited()}`);
}

async function whenNobodyIsThere({ connect, see, seen, stop, exited }: ApplicationKit, quick: string): Promise<void> {
  const client = await connect();
  const received = collect(client);
  client.write(getMore(quick));
  await received.begun;
  client.destroy();
  stop();
  await seen('closed');
  see(`exit ${await exited()}`);
  see(
    await connect().then(
      () => 'connected',
      (error: Error) => error.message,
    ),
  );
}

export const shutdown = (slow: string, quick: string): ApplicationScenario[] => [
  {
    name: 'SIGTERM while a request is answered and another connection is idle',
    dialogue: (kit) => whileItAnswers(kit, slow, quick),
    unordered: true,
    lastOfProgram: true,
  },
  { name: 'SIGTERM when nobody is there', dialogue: (kit) => whenNobodyIsThere(kit, quick), lastOfProgram: true },
];
