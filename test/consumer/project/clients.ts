// Clients of an application without Nest: what its functions return has no annotation, and must be nameable all the
// same.
import {
  CmdStreamError,
  CommandClient,
  jsonCodec,
  leastPending,
  type CommandClientOptions,
} from 'nestjs-cmd-stream/core';
import { cockatielBreaker } from 'nestjs-cmd-stream/circuit-breaker';
import { Add, contract, Count } from './contract.js';

export const breaker = cockatielBreaker({ failureRate: 0.5 });

export function clientOf(host?: string) {
  return new CommandClient({ contract, host, circuitBreaker: breaker, codec: jsonCodec({ fieldCase: undefined }) });
}

export const call = (client: CommandClient) =>
  client.dispatch(new Add(1, 2), { next: ({ value }) => value, complete() {}, error() {} });
export const sum = (client: CommandClient) => client.execute(new Add(2, 3), { timeoutMs: undefined });
export const counted = (client: CommandClient) => client.iterate(new Count(3));
export const servers = (client: CommandClient) => client.servers;
export const pings = (client: CommandClient) => client.pingEach();
export const watched = (client: CommandClient) => {
  const changes: Parameters<Parameters<typeof client.onStatus>[0]>[0][] = [];
  return { changes, end: client.onStatus((change) => changes.push(change)) };
};
export const parts = (client: CommandClient) => ({ status: client.status, listen: client.onStatus.bind(client) });
export const strategy = leastPending();
export const codec = jsonCodec()(contract);
export const limits = codec.dataLimits;
export const layouts = codec.layouts;
export const failed = (error: CmdStreamError) => ({ code: error.code, payload: error.payload });
export const addresses = (options: CommandClientOptions) => options.servers;
