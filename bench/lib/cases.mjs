// The cases: which servers are compared, under which load, and what is to be reached.
import { fileURLToPath } from 'node:url';

const hello = { path: '/hello', status: 200, body: 'Hello, world' };
const fields = Array.from({ length: 100 }, (_, index) => `X-Field-${index}: value of field ${index}`);
const kilobyte = 'x'.repeat(1024);
const post = { path: '/echo', method: 'POST', send: kilobyte, status: 200, body: kilobyte };
const stacks = [
  { app: 'plain', engine: 'node' },
  { app: 'plain', engine: 'embedded' },
  { app: 'plain', engine: 'service' },
];
const nginx = { app: 'nginx', engine: 'nginx' };
const on = (app) => ['node', 'embedded', 'service'].map((engine) => ({ app, engine }));
/** Requests per second at least, processor time per request at most, as ratios to node:http. */
const target = (server, rate, cpu, rest = {}) => ({ server, rate, cpu, ...rest });

/**
 * `servers[0]` is what the others are compared with. A target's `cpuOf` names another server whose processor time per request is the
 * limit. `paths` gives a server a request of its own.
 */
export const cases = [
  {
    name: 'hello-1',
    title: 'dynamic hello, 1 connection',
    servers: stacks,
    request: hello,
    connections: 1,
    targets: [],
  },
  {
    name: 'hello-64',
    title: 'dynamic hello, 64 connections',
    servers: [...stacks, nginx],
    request: hello,
    connections: 64,
    targets: [target('embedded', 2.0, 0.5), target('service', 2.0, 0.5)],
  },
  {
    name: 'hello-256',
    title: 'dynamic hello, 256 connections',
    servers: [...stacks, nginx],
    request: hello,
    connections: 256,
    targets: [target('service', 2.5)],
  },
  {
    name: 'cached-64',
    title: 'cached route, 64 connections (node:http: its hello; nginx: return 200)',
    servers: [...stacks, nginx],
    request: hello,
    paths: { embedded: '/cached', service: '/cached' },
    connections: 64,
    targets: [target('service', 2.4, 0.4, { cpuOf: 'nginx' })],
  },
  {
    name: 'headers-64',
    title: '100 headers in, 10 out, 64 connections',
    servers: stacks,
    request: { path: '/headers', headers: fields, status: 200, body: 'value of field 50' },
    connections: 64,
    targets: [],
  },
  {
    name: 'post-64',
    title: 'POST 1 KiB, echoed, 64 connections',
    servers: stacks,
    request: post,
    script: fileURLToPath(new URL('../wrk/post-1k.lua', import.meta.url)),
    connections: 64,
    targets: [],
  },
  {
    name: 'megabyte-64',
    title: '1 MiB response, 64 connections',
    servers: stacks,
    request: { path: '/megabyte', status: 200, length: 1024 * 1024 },
    connections: 64,
    targets: [],
  },
  {
    name: 'file-64',
    title: '1 MiB of a file, 64 connections (node:http: createReadStream().pipe())',
    servers: stacks,
    request: { path: '/file', status: 200, length: 1024 * 1024 },
    connections: 64,
    targets: [],
  },
  {
    name: 'express-64',
    title: 'Express hello by res.send, 64 connections',
    servers: on('express'),
    request: hello,
    connections: 64,
    targets: [target('service', 3.5, 0.35)],
  },
  {
    name: 'express-full-64',
    title: 'Express with helmet, cors, compression, cookies, morgan, session, body parsers, 100 routes, 64 connections',
    servers: on('express-full'),
    request: hello,
    connections: 64,
    targets: [target('service', 2.2, 0.45)],
  },
  {
    name: 'fastify-64',
    title: 'Fastify hello, 64 connections',
    servers: on('fastify'),
    request: hello,
    connections: 64,
    targets: [target('service', 1.8, 0.55)],
  },
  {
    name: 'koa-64',
    title: 'Koa hello, 64 connections',
    servers: on('koa'),
    request: hello,
    connections: 64,
    targets: [target('service', 1.5, 0.7)],
  },
];

/** Compared with the same server while its application runs freely. `computing` also takes a processor from everybody, so it has no target. */
export const blockedCase = {
  name: 'blocked-64',
  title: 'cached route while its application is blocked, 64 connections (against the same route unblocked)',
  request: { ...hello, path: '/cached' },
  connections: 64,
  variants: [
    { name: 'blocked, asleep in a synchronous call', query: '', target: 0.9 },
    { name: 'blocked, computing (takes one processor)', query: '&computing' },
  ],
};

export const idleCase = {
  name: 'idle-10000',
  title: '10,000 idle keep-alive connections, each after one request',
  connections: 10_000,
  request: hello,
  target: 4096,
};
