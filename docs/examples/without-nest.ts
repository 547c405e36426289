// Client and server of one contract in one process, without Nest and without rxjs.
import { CommandClient, CommandServer, ExecInvoker } from 'nestjs-cmd-stream/core';
import { AddCmd, Calc, contract, type Sum } from './classic.js';

export async function addOverTcp(a: number, b: number): Promise<Sum> {
  const server = new CommandServer({ port: 0, contract, invoker: new ExecInvoker(new Calc()) });
  const { port } = await server.listen();
  const client = new CommandClient({ port, contract });
  const sum = await client.execute(new AddCmd(a, b));
  await client.close();
  await server.close();
  return sum;
}
