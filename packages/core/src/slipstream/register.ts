/** `node --import @httpsys/core/slipstream app.js`, `--require`, or `import '@httpsys/core/slipstream'` as the first line of a program. */
import { slipstream } from './slipstream';

/** Puts node:http back as it was. */
export const undo: () => void = slipstream();
