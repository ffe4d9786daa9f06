// Loaded before each app (node --import): ties its life to the supervisor's, and tells it why it failed. The apps know nothing of this.

// The channel closes when the supervisor is gone, also by kill -9, which leaves no one else to end this process.
process.on('disconnect', () => process.exit(0));

process.on('uncaughtException', (error) => {
  const report = { failed: { code: error?.code, syscall: error?.syscall, message: String(error?.message ?? error) } };
  // The supervisor decides what a failure to listen means and prints it once for all apps.
  if (error?.syscall !== 'listen') console.error(error);
  if (process.connected) process.send(report, () => process.exit(1));
  else process.exit(1);
});
