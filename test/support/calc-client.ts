// A plain CommandClient of the calc contract towards a port of this machine; it connects anew only when asked.
import { CommandClient, type CommandClientOptions } from '../../lib/core.js';
import type { Given } from './given.js';
import { vectorContract } from './vector-contract.js';

export function calcClient(port: number, options: Given<CommandClientOptions> = {}): CommandClient {
  const standard = { contract: vectorContract, host: '127.0.0.1', port, extension: false, reconnect: false } as const;
  return new CommandClient({ ...standard, ...options } as CommandClientOptions);
}
