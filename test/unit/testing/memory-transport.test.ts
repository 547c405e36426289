// Clients and servers that are connected in memory, and the faults of such a connection.
import { describe, expect, it } from '@jest/globals';
import { CommandClient, CommandServer, type CommandClientOptions } from 'nestjs-cmd-stream/core';
import { MemoryTransport } from 'nestjs-cmd-stream/testing';
import { calcInvoker } from '../../support/calc-invoker.js';
import { inTime, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { AddCmd, CalcResult, CountCmd, EchoCmd, EchoResult, vectorContract } from '../../support/vector-contract.js';

const own = guardLeaks();

async function serve(memory: MemoryTransport): Promise<CommandServer> {
  const server = own(new CommandServer({ contract: vectorContract, invoker: calcInvoker, ...memory.server }));
  await server.listen();
  return server;
}

function clientOf(memory: MemoryTransport, options: Partial<CommandClientOptions> = {}): CommandClient {
  return own(new CommandClient({ contract: vectorContract, ...memory.client, ...options }));
}

describe.each([true, false])('a connection in memory, extended: %s', (extension) => {
  it('carries Commands and Results of all sizes, in order', async () => {
    const memory = new MemoryTransport();
    const server = await serve(memory);
    const client = clientOf(memory, { extension: extension ? 'require' : false });
    const text = 'x'.repeat(300_000);
    const echoes = Array.from({ length: 10 }, () => client.execute(new EchoCmd(text)));
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    await expect(Promise.all(echoes)).resolves.toEqual(echoes.map(() => new EchoResult(text)));
    const counts: number[] = [];
    for await (const { I } of client.iterate(new CountCmd(2_000))) counts.push(I);
    expect(counts).toEqual(Array.from({ length: 2_000 }, (_, at) => at));
    expect([memory.connections, server.connections]).toEqual([1, 1]);
    expect(server.address).toEqual({ address: 'memory', family: 'memory', port: 0 });
    await client.close();
    await until('both ends are closed', () => memory.connections === 0 && server.connections === 0);
  });

  it('ends with its server, after what was answered', async () => {
    const memory = new MemoryTransport();
    const server = await serve(memory);
    const client = clientOf(memory, { extension: extension ? 'require' : false, reconnect: false });
    const answer = client.execute(new AddCmd(2, 3));
    await answer;
    await server.close();
    await until('the client has seen it', () => memory.connections === 0);
    await expect(client.execute(new AddCmd(1, 1))).rejects.toEqual(
      expect.objectContaining({ code: 'CONNECT_FAILED', message: expect.stringContaining('ECONNREFUSED') }),
    );
  });
});

describe('a second server', () => {
  it('in the same memory keeps clients away until one of the two is closed, and says why', async () => {
    const memory = new MemoryTransport();
    const [first, second] = [await serve(memory), await serve(memory)];
    const refused = clientOf(memory, { reconnect: false });
    await expect(refused.execute(new AddCmd(2, 3))).rejects.toEqual(
      expect.objectContaining({
        code: 'CONNECT_FAILED',
        message: expect.stringContaining(
          'two servers listen on one MemoryTransport: close the first, or give the other',
        ),
      }),
    );
    await first.close();
    await expect(clientOf(memory).execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    expect(second.connections).toBe(1);
  });
});

describe('faults of a connection in memory', () => {
  it('cut: what is under way is lost, and the client is connected anew', async () => {
    const memory = new MemoryTransport();
    const server = await serve(memory);
    const lost: string[] = [];
    const client = clientOf(memory, {
      reconnect: { delayMs: 1 },
    });
    client.onStatus(({ cause }) => cause && lost.push(cause.code));
    await client.execute(new AddCmd(2, 3));
    memory.stall();
    const call = client.execute(new AddCmd(2, 3));
    memory.cut();
    await expect(call).rejects.toMatchObject({ sent: true });
    await expect(client.execute(new AddCmd(2, 4))).resolves.toEqual(new CalcResult(6));
    expect(lost).toHaveLength(1);
    expect(server.connections).toBe(1);
  });

  it('refuse: there is no server, until all is well again', async () => {
    const memory = new MemoryTransport();
    await serve(memory);
    const client = clientOf(memory, { queue: false, reconnect: false });
    memory.refuse();
    await expect(client.execute(new AddCmd(2, 3))).rejects.toEqual(
      expect.objectContaining({ code: 'CONNECT_FAILED', message: expect.stringContaining('ECONNREFUSED') }),
    );
    memory.heal();
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
  });

  it('stall: nothing travels, and what stood still goes on', async () => {
    const memory = new MemoryTransport();
    await serve(memory);
    const client = clientOf(memory);
    await client.execute(new AddCmd(2, 3));
    memory.stall();
    await expect(client.execute(new AddCmd(2, 3), { timeoutMs: 30 })).rejects.toEqual(
      expect.objectContaining({ code: 'TIMEOUT', message: expect.stringContaining('') }),
    );
    const call = client.execute(new AddCmd(2, 4));
    memory.heal();
    await expect(call).resolves.toEqual(new CalcResult(6));
  });

  it('refuses where no server listens', async () => {
    const client = clientOf(new MemoryTransport(), { queue: false, reconnect: false });
    await expect(client.execute(new AddCmd(2, 3))).rejects.toEqual(
      expect.objectContaining({ code: 'CONNECT_FAILED', message: expect.stringContaining('ECONNREFUSED') }),
    );
  });

  it('keeps keepalive at work: a stalled connection is given up', async () => {
    const memory = new MemoryTransport();
    await serve(memory);
    const lost: string[] = [];
    const client = clientOf(memory, {
      keepalive: { intervalMs: 250, timeoutMs: 250 },
    });
    client.onStatus(({ cause }) => cause && lost.push(cause.code));
    await client.execute(new AddCmd(2, 3));
    memory.stall();
    await inTime(
      'the client gives it up',
      until('it is lost', () => lost.length > 0),
    );
    expect(lost).toEqual(['KEEPALIVE_TIMEOUT']);
  });
});
