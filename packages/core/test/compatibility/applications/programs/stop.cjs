'use strict';
/** As programs under a supervisor do: `SIGTERM` closes what there is, and the process ends by itself. */
module.exports = function stop(close) {
  process.once('SIGTERM', async () => {
    console.log('closing');
    await close();
    console.log('closed');
  });
};
