// The server in a process of its own that other tests kill, freeze and restart.
import { describe, expect, it } from '@jest/globals';
import { CommandClient } from '../../../lib/core.js';
import { inTime } from '../../support/deadline.js';
import { interopContract, SlowCmd } from '../../support/interop-contract.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { ServerProcess, type ServerSetup } from '../../support/server-process.js';
import { AddCmd, CountCmd } from '../../support/vector-contract.js';

describe('ServerProcess', () => {
  const own = guardLeaks();
  const start = (setup?: ServerSetup): Promise<ServerProcess> => ServerProcess.start(setup, own);
  const clientOf = ({ port }: ServerProcess): CommandClient =>
    own(new CommandClient({ host: '127.0.0.1', port, contract: interopContract }));
  const expectAnswers = async (client: CommandClient): Promise<void> => {
    expect((await client.execute(new AddCmd(2, 3))).value).toBe(5);
    const numbers: number[] = [];
    for await (const { I } of client.iterate(new CountCmd(3))) numbers.push(I);
    expect(numbers).toEqual([0, 1, 2]);
  };

  it.each([{}, { nest: true }])(
    'serves %j, and after a SIGTERM answers what it has and ends by itself',
    async (setup) => {
      const server = await start({ quietPeriodMs: 20, ...setup });
      const client = clientOf(server);
      await expectAnswers(client);
      const slow = client.execute(new SlowCmd(200));
      // Results come in their order of completion: once this one is here, the slow Command is running.
      await client.execute(new AddCmd(1, 1));
      const ended = server.terminate();
      expect((await slow).value).toBe(200);
      expect(await inTime('the process ends', ended)).toEqual(
        setup.nest ? { code: null, signal: 'SIGTERM' } : { code: 0, signal: null },
      );
    },
  );

  it('dies in the middle of a Command when it is killed, and serves again on the same port', async () => {
    const server = await start();
    const client = clientOf(server);
    await expectAnswers(client);
    const lost = client.execute(new SlowCmd(60_000)).catch((error: unknown) => error);
    await client.execute(new AddCmd(1, 1));
    expect(await server.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await lost).toMatchObject({ code: 'CONNECTION_LOST', sent: true });
    await expect(client.execute(new AddCmd(2, 3), { timeoutMs: 100 })).rejects.toMatchObject({ sent: false });
    const again = await server.restart();
    expect(again.port).toBe(server.port);
    await expectAnswers(client);
  });

  it('accepts but answers nothing while it is frozen, and then everything', async () => {
    const server = await start();
    const client = clientOf(server);
    await expectAnswers(client);
    server.freeze();
    const frozen = client.execute(new AddCmd(2, 3));
    const stranger = clientOf(server);
    const stillNothing = new Promise((resolve) => setImmediate(resolve, 'nothing'));
    expect(await Promise.race([frozen, stillNothing])).toBe('nothing');
    await expect(stranger.execute(new AddCmd(2, 3), { timeoutMs: 100 })).rejects.toMatchObject({ code: 'TIMEOUT' });
    server.resume();
    expect((await frozen).value).toBe(5);
  });

  it('serves with the options it is given', async () => {
    const server = await start({ serverInfo: 'calc/7' });
    await expect(clientOf(server).execute(new AddCmd(1, 1))).rejects.toMatchObject({ code: 'SERVER_INFO_MISMATCH' });
  });

  it('says that it cannot start, as on a port that is taken', async () => {
    const { port } = await start();
    await expect(ServerProcess.start({ port })).rejects.toThrow('EADDRINUSE');
  });

  it('ends when its parent lets go', async () => {
    const server = await start();
    server.disconnect();
    expect(await inTime('the process ends', server.exited)).toEqual({ code: 1, signal: null });
  });
});
