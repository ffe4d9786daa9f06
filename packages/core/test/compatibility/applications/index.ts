import type { Application } from './application';
import { frameworks } from './frameworks';
import { socketIo } from './socket-io';
import { websockets } from './websockets';

export const applications: readonly Application[] = [...frameworks, ...websockets, socketIo];
