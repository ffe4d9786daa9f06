'use strict';
// Loaded first (-r) in programs that are run as they are: Wine's HTTP service has no weak wildcard (WINE-3), so http://*:... becomes http://+:...
const { Server } = require('@httpsys/core');

const strong = (value) => (typeof value === 'string' ? value.replace(/^http:\/\/\*:/, 'http://+:') : value);
const { listen } = Server.prototype;
Server.prototype.listen = function (...values) {
  return listen.apply(this, values.map(strong));
};
