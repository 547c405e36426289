// Servers of an application without Nest.
import { CommandServer, ExecInvoker, type CommandContext, type CommandInvoker } from 'nestjs-cmd-stream/core';
import { Calc, contract, Sum } from './contract.js';

export const invoker = new ExecInvoker(new Calc());

export class Counting implements CommandInvoker {
  invoke: CommandInvoker['invoke'] = (_command, _context, sink) => {
    sink.next(new Sum(1));
    sink.complete();
  };
}

export function serverOf(port?: number) {
  return new CommandServer({ contract, invoker: new Counting(), port });
}

export const state = (server: CommandServer) => ({ address: server.address, status: server.status });
export const watch = (server: CommandServer) => server.onStatus(() => {});
export const known = ({ seq, metadata, signal }: CommandContext) => ({ seq, metadata, signal });
