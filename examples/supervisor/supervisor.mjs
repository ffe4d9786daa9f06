import { Child } from './supervised-child.mjs';

/** Failures to listen that trying again at once would not cure. */
const hopeless = new Set(['EADDRINUSE', 'EACCES']);

/** Keeps one process per app running. */
export class Supervisor {
  /**
   * @param apps what to run: `{ name, path, file }`
   * @param env environment of the apps
   */
  constructor(apps, env) {
    /** True from the first wish to end. */
    this.stopping = false;
    this.children = apps.map((app) => new Child(app, env));
  }

  /** Resolves when every app is ready, or to a line that says why it will not be. */
  async start() {
    const ready = Promise.all(this.children.map((child) => child.firstReady)).then(() => undefined);
    const failed = Promise.race(this.children.map((child) => this.#listenFailure(child)));
    for (const child of this.children) child.start();
    const failure = await Promise.race([ready, failed]);
    return failure && this.#describe(failure);
  }

  /** Ends every app; resolves when they are gone. */
  async stop() {
    this.stopping = true;
    await Promise.all(this.children.map((child) => child.stop()));
  }

  #listenFailure(child) {
    return new Promise((resolve) => {
      const look = (report) => {
        if (report.syscall !== 'listen' || !hopeless.has(report.code)) return;
        child.removeListener('failed', look);
        resolve(report);
      };
      child.on('failed', look);
      child.firstReady.then(() => child.removeListener('failed', look));
    });
  }

  #describe(report) {
    return report.message.split('\n', 1)[0];
  }
}
