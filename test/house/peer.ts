// A program, one side of a call: the server, or the client that is given the server's port. Its parent orders one call
// after another, and asks what functions of lib ran for it.
import { once } from 'node:events';
import { register } from 'node:module';
import { callTrace, type TracedCall } from './call-trace.js';

/** To begin anew, to make one call (the client's), to tell what was called. */
export type PeerOrder = 'clear' | 'call' | 'take';

export interface PeerAnswer {
  readonly port?: number;
  readonly calls?: readonly TracedCall[];
}

register('./instrument-loader.ts', import.meta.url);
const { CommandClient, CommandServer } = await import('nestjs-cmd-stream/core');
const { calcInvoker } = await import('../support/calc-invoker.js');
const { AddCmd, vectorContract } = await import('../support/vector-contract.js');

const host = '127.0.0.1';
const [port] = process.argv.slice(2).map(Number);
const client = port === undefined ? undefined : new CommandClient({ contract: vectorContract, host, port });

async function begin(): Promise<PeerAnswer> {
  if (client) return {};
  const server = new CommandServer({ contract: vectorContract, invoker: calcInvoker, host, port: 0 });
  return { port: (await server.listen()).port };
}

async function obey(order: PeerOrder): Promise<PeerAnswer> {
  if (order === 'call') {
    const command = new AddCmd(1, 2);
    callTrace.take();
    await client!.execute(command);
  }
  const calls = callTrace.take();
  return order === 'clear' ? {} : { calls };
}

process.on('disconnect', () => process.exit());
process.send!(await begin());
for (;;) {
  const [order] = (await once(process, 'message')) as [PeerOrder];
  process.send!(await obey(order));
}
