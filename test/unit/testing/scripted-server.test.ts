// A server whose answers a test gives.
import { describe, expect, it } from '@jest/globals';
import {
  CmdStreamError,
  Command,
  CommandClient,
  defineContract,
  Result,
  StreamCommand,
  VoidCommand,
} from 'nestjs-cmd-stream/core';
import { commandContext, ScriptedServer } from 'nestjs-cmd-stream/testing';
import { guardLeaks } from '../../support/leak-guard.js';

class Sum extends Result {
  constructor(readonly value = 0) {
    super();
  }
}

class Drop extends Result {
  constructor(
    readonly n = 0,
    readonly last = false,
  ) {
    super();
  }

  override lastOne(): boolean {
    return this.last;
  }
}

class AddCmd extends Command<Sum> {
  constructor(
    readonly a = 0,
    readonly b = 0,
  ) {
    super();
  }
}

class PourCmd extends StreamCommand<Drop> {}
class ResetCmd extends VoidCommand {}
class OtherCmd extends Command<Sum> {}

const contract = defineContract({ commands: [AddCmd, PourCmd, ResetCmd], results: [Sum, Drop] });
const own = guardLeaks();

async function pair(extension = true): Promise<{ server: ScriptedServer; client: CommandClient }> {
  const server = await ScriptedServer.start({ contract, extension });
  own({ destroy: () => server.close() });
  return { server, client: own(new CommandClient({ contract, ...server.client })) };
}

describe('a scripted server', () => {
  it('answers with a Result, with what a function gives, and with the latest of both', async () => {
    const { server, client } = await pair();
    server.answer(AddCmd, new Sum(7));
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new Sum(7));
    server.answer(AddCmd, ({ a, b }) => new Sum(a + b));
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new Sum(5));
    server.answer(AddCmd, ({ a }, { metadata }) => Promise.resolve(new Sum(a + Number(metadata['more']))));
    await expect(client.execute(new AddCmd(2), { metadata: { more: '40' } })).resolves.toEqual(new Sum(42));
    expect(server.commands).toEqual([new AddCmd(2, 3), new AddCmd(2, 3), new AddCmd(2)]);
  });

  it.each([true, false])('answers with a stream, and with nothing; extended: %s', async (extension) => {
    const { server, client } = await pair(extension);
    server.answer(PourCmd, async function* () {
      yield new Drop(1);
      yield new Drop(2, true);
    });
    const drops: Drop[] = [];
    for await (const drop of client.iterate(new PourCmd())) drops.push(drop);
    expect(drops).toEqual([new Drop(1), new Drop(2, true)]);
    if (!extension) return;
    server.answer(ResetCmd, undefined);
    await expect(client.execute(new ResetCmd())).resolves.toBeUndefined();
  });

  it('fails as a handler would', async () => {
    const { server, client } = await pair();
    server.answer(AddCmd, CmdStreamError.remote({ status: 404, message: 'no such number' }));
    const payload = { status: 404, message: 'no such number' };
    const failure = { code: 'REMOTE', payload };
    await expect(client.execute(new AddCmd())).rejects.toMatchObject(failure);
    server.answer(AddCmd, () => {
      throw Object.assign(new Error('gone'), { getError: () => ({ status: 410, message: 'gone' }) });
    });
    await expect(client.execute(new AddCmd())).rejects.toMatchObject({ code: 'REMOTE', payload: { status: 410 } });
    server.answer(AddCmd, new Error('secret'));
    await expect(client.execute(new AddCmd())).rejects.not.toMatchObject({
      message: expect.stringContaining('secret'),
    });
  });

  it('says what it has no answer for', async () => {
    const { server, client } = await pair();
    await expect(client.execute(new AddCmd())).rejects.toEqual(
      expect.objectContaining({ code: 'NO_HANDLER', message: expect.stringContaining('answer(AddCmd, …)') }),
    );
    expect(() => server.answer(OtherCmd, new Sum())).toThrow(
      expect.objectContaining({ code: 'COMMAND_NOT_IN_CONTRACT', message: expect.stringContaining('OtherCmd') }),
    );
    await expect(ScriptedServer.start({ contract: 1 } as never)).rejects.toEqual(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('contract') }),
    );
  });

  it('can lose its network', async () => {
    const { server, client } = await pair();
    server.answer(AddCmd, new Sum(1));
    await client.execute(new AddCmd());
    server.transport.refuse();
    await expect(client.execute(new AddCmd(), { timeoutMs: 20 })).rejects.toBeInstanceOf(CmdStreamError);
    server.transport.heal();
    await expect(client.execute(new AddCmd())).resolves.toEqual(new Sum(1));
  });

  it('is closed as `await using` would', async () => {
    const { server, client } = await pair();
    await server[Symbol.asyncDispose]();
    await expect(client.execute(new AddCmd(), { timeoutMs: 20 })).rejects.toBeInstanceOf(CmdStreamError);
    expect(server.transport.connections).toBe(0);
  });
});

describe('a context for a test', () => {
  it('is that of a plain client, but for what is given', () => {
    const usual = commandContext();
    expect(usual).toMatchObject({ seq: 1, deadline: undefined, metadata: {}, remoteAddress: '127.0.0.1' });
    expect([usual.signal.aborted, usual.peer.authorized, usual.peer.commonName]).toEqual([false, false, undefined]);
    const peer = { authorized: true, commonName: 'billing' };
    const given = commandContext({ metadata: { user: 'carol' }, signal: AbortSignal.abort(), peer });
    expect(given).toMatchObject({ metadata: { user: 'carol' }, peer: { ...peer, address: '127.0.0.1' } });
    expect(given.signal.aborted).toBe(true);
  });

  it('has what is usual in the place of undefined, but for addresses and a deadline, which may be unknown', () => {
    const given = commandContext({
      seq: undefined,
      receivedAt: undefined,
      bytesRead: undefined,
      metadata: undefined,
      signal: undefined,
      peer: undefined,
      remoteAddress: undefined,
    } as never);
    expect(given).toMatchObject({ seq: 1, bytesRead: 0, metadata: {}, peer: { authorized: false } });
    expect([given.signal.aborted, given.receivedAt <= Date.now()]).toEqual([false, true]);
    expect(given.remoteAddress).toBeUndefined();
  });
});
