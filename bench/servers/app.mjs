// One server process: an application (--app) on a stack (--engine node, embedded, service) at a port of the loopback.
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { app: { type: 'string' }, engine: { type: 'string' }, port: { type: 'string' } } });
const port = Number(values.port);

const applications = {
  plain: () => import('./plain.mjs'),
  express: () => import('./express.mjs'),
  'express-full': () => import('./express-full.mjs'),
  fastify: () => import('./fastify.mjs'),
  koa: () => import('./koa.mjs'),
};

const application = await applications[values.app]();
// The carrier is chosen by HTTPSYS_ENGINE, which the benchmark sets, so that the programs are what a user writes.
await application.start({ onNode: values.engine === 'node', port, prefix: `http://*:${port}/` });
process.on('SIGTERM', () => process.exit(0));
// The pipe ends with the benchmark, however that ended.
process.stdin.on('end', () => process.exit(0)).resume();
