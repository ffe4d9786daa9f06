import type { Table } from '../scenario';
import { clientErrors } from './client-errors';
import { clients } from './clients';
import { connections } from './connections';
import { events } from './events';
import { headerCalls } from './header-calls';
import { interim } from './interim';
import { limits } from './limits';
import { listening } from './listening';
import { newerNode } from './newer-node';
import { observing } from './observing';
import { reading } from './reading';
import { requests } from './requests';
import { responseHeads } from './response-heads';
import { servers } from './servers';
import { silentClients } from './silent-clients';
import { writeCalls } from './write-calls';

/** All tables, in the order of an exchange. */
export const tables: readonly Table[] = [
  requests,
  reading,
  headerCalls,
  responseHeads,
  writeCalls,
  interim,
  connections,
  events,
  silentClients,
  servers,
  listening,
  limits,
  clientErrors,
  observing,
  newerNode,
  clients,
];
