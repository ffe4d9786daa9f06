/** What is compared of an application: exchanges with one process, and what its clients see. */
import type * as net from 'node:net';
import type { Step, See } from '../scenario';

export interface ApplicationScenario {
  name: string;
  /** Behind the last step the client waits for the end of the connection. */
  client?: Step[];
  /** Notes of the program without which the scenario is not over. */
  until?: string[];
  unordered?: boolean;
  anyEnd?: boolean;
  anyChunks?: boolean;
  /** Instead of `client`: what its clients do; they note what they see. */
  dialogue?: (kit: ApplicationKit) => Promise<void>;
  /** The program ends in it, and has a process for it alone. */
  lastOfProgram?: boolean;
}

export interface ApplicationKit {
  port: number;
  /** Notes of the clients, in order. */
  see: See;
  /** Until the program has printed this (the beginning of it), `count` times. */
  seen(note: string, count?: number): Promise<void>;
  connect(): Promise<net.Socket>;
  /** Called behind the scenario, whatever came of it. */
  after(action: () => void): void;
  /** SIGTERM to the program. */
  stop(): void;
  /** How the program ended: its exit code, or the signal. */
  exited(): Promise<string>;
}

export interface Application {
  /** With the major version of its package. */
  name: string;
  /** The package. */
  uses: string;
  /** Its file in `programs`. */
  program: string;
  scenarios: ApplicationScenario[];
}
