// The entry of every process of a measurement: does what its parent asks of the role that it was given, and ends with
// its parent.
import { attacker } from './attacker.js';
import { bareServer } from './bare-server.js';
import { nestServer } from './nest-server.js';
import { victim } from './victim.js';

export const roles = { attacker, bareServer, nestServer, victim };
export type Roles = typeof roles;

export interface Question {
  readonly id: number;
  readonly what: string;
  readonly args: readonly unknown[];
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

const role = roles[process.argv[2] as keyof Roles] as Readonly<Record<string, (...args: unknown[]) => unknown>>;

async function answer({ id, what, args }: Question): Promise<Answer> {
  try {
    return { id, value: await role[what]!(...args) };
  } catch (error) {
    return { id, error: String((error as Error).stack ?? error) };
  }
}

process.on('message', async (question) => process.send?.(await answer(question as Question)));
process.on('disconnect', () => process.exit());
