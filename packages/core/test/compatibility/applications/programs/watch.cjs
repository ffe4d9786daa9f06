'use strict';
/** Prints what happens to a request and its response, in order. */
module.exports = function watch(req, res) {
  const note = (name, emitter, event) => emitter.on(event, (error) => console.log([name, event, error?.code].filter(Boolean).join(' ')));
  for (const event of ['aborted', 'error', 'end', 'close']) note('req', req, event);
  for (const event of ['finish', 'error', 'close']) note('res', res, event);
};
