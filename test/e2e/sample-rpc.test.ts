// The sample 10-rpc does what it says: its methods over a connection, its main program from start to end.
import { describe, expect, it } from '@jest/globals';
import { CmdStreamClient, serviceOf, type CommandServer } from 'nestjs-cmd-stream';
import { CommandClient } from 'nestjs-cmd-stream/core';
import { calcContract, calcMethods } from '../../sample/10-rpc/calc.contract.js';
import { startServer } from '../../sample/10-rpc/server.js';
import { guardLeaks } from '../support/leak-guard.js';
import { printedOutput, shownOutput } from '../support/sample.js';

const own = guardLeaks();

async function start(): Promise<number> {
  const server = await startServer(0);
  own({ destroy: () => server.close() });
  return server.unwrap<CommandServer>().address!.port;
}

describe('sample 10-rpc', () => {
  it.each([
    ['CmdStreamClient', CmdStreamClient],
    ['CommandClient', CommandClient],
  ] as const)('answers the methods of a service over a %s', async (_name, Client) => {
    const client = new Client({ contract: calcContract, port: await start() });
    own({ destroy: () => client.close() });
    const calc = serviceOf(client, calcMethods);
    expect(await calc.add(2, 3)).toMatchObject({ value: 5 });
    expect(await calc.$with({ timeoutMs: 5_000 }).sub(8, 4)).toMatchObject({ value: 4 });
    const primes: number[] = [];
    for await (const { value } of calc.primes(5)) primes.push(value);
    expect(primes).toEqual([2, 3, 5, 7, 11]);
  });

  it('prints what its README says, and ends', async () => {
    expect(await printedOutput(own, '10-rpc')).toBe(shownOutput('10-rpc'));
  });
});
