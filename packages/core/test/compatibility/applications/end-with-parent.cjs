'use strict';
// Loaded first (-r) in the programs: none survives the tests, and the tests know when they have all that was printed. The channel itself
// keeps no process alive.
const turns = 6;
process.once('disconnect', () => process.exit(86));
process.on('message', (mark) => {
  const later = (left) => (left === 0 ? console.log(mark) : setImmediate(later, left - 1));
  later(turns);
});
process.channel?.unref();
