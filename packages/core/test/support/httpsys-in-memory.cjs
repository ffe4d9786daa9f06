// An addon whose HTTP.SYS is a few tables: what the carrier asks of it is recorded, and it answers with the codes of the API. For tests of the
// carrier alone; what the real driver does is tested under Wine.
'use strict';

const machine = {
  urls: new Set(),
  names: new Map(),
  foreignPorts: new Set(),
  freePorts: [],
  denied: new Set(),
  unsupported: [],
  calls: [],
  queues: [],
};
const unused = () => {
  throw new Error('not part of this test');
};

function failure(syscall, win32Code) {
  return Object.assign(new Error(`${syscall} failed with Win32 error ${win32Code}`), { syscall, win32Code });
}

class HttpQueue {
  constructor(options, onBatch, onEvent) {
    const exists = options.name !== undefined && machine.names.has(options.name);
    if (options.name !== undefined && !options.attach && exists) throw failure('HttpCreateRequestQueue', 183);
    if (options.attach && !exists) throw failure('HttpCreateRequestQueue', 2);
    Object.assign(this, { options, onBatch, onEvent, own: new Set(), settings: null, started: [], submitted: [], closed: false });
    if (options.name !== undefined) machine.names.set(options.name, (machine.names.get(options.name) ?? 0) + 1);
    machine.queues.push(this);
  }
  addUrl(url) {
    machine.calls.push(`add ${url}`);
    if (machine.denied.has(url)) throw failure('HttpAddUrlToUrlGroup', 5);
    if (machine.foreignPorts.has(Number(/:(\d+)\//.exec(url)[1]))) throw failure('HttpAddUrlToUrlGroup', 32);
    if (machine.urls.has(url)) throw failure('HttpAddUrlToUrlGroup', 183);
    machine.urls.add(url);
    this.own.add(url);
  }
  removeUrls() {
    for (const url of this.own) machine.urls.delete(url);
    this.own.clear();
  }
  setOptions(settings) {
    this.settings = settings;
  }
  unsupported() {
    return machine.unsupported.splice(0);
  }
  start(credit) {
    this.started.push(credit);
  }
  submit(batch, length) {
    this.submitted.push(Buffer.from(batch.subarray(0, length)));
    return true;
  }
  flushCache(token, url, recursive) {
    machine.calls.push(`flush ${url} ${recursive}`);
    setImmediate(() => this.onEvent(2, token, machine.flushCode ?? 0, ''));
  }
  queryState() {
    return { requests: 7, inFlight: 1, connections: 2, bytesIn: 3, bytesOut: 4, informationalDropped: 0, rejected: 5, handles: 6 };
  }
  close() {
    this.removeUrls();
    const { name } = this.options;
    if (name !== undefined) {
      const left = machine.names.get(name) - 1;
      if (left === 0) machine.names.delete(name);
      else machine.names.set(name, left);
    }
    setImmediate(() => {
      this.closed = true;
      this.onEvent(5, 0, 0, '');
    });
  }
  ref() {
    this.referenced = true;
  }
  unref() {
    this.referenced = false;
  }
}

module.exports = {
  Engine: unused,
  peerCredentials: unused,
  lockFile: unused,
  frameTable: unused,
  HttpQueue,
  freePort: () => machine.freePorts.shift() ?? 0,
  httpFeatures: () => ({ opaque: true }),
  machine,
};
