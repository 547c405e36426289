// The client as Nest's ClientProxy: execute, send and emit, its status and events, the dispatch hook.
import { describe, expect, it, jest } from '@jest/globals';
import { Controller } from '@nestjs/common';
import type { ReadPacket } from '@nestjs/microservices';
import { CmdStreamError, CommandHandler, type CommandClient } from 'nestjs-cmd-stream';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { ADD_2_3, addFrame, GREETING, sumFrame, SUM_5 } from '../support/calc-frames.js';
import { inTime, turns, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { RawServer } from '../support/raw-server.js';
import { AddCmd, CalcResult, CountCmd, CountResult, FailCmd, StrayCmd, SubCmd } from './calc.contract.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();

@Controller()
class CalcController {
  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    return new CalcResult(A + B);
  }

  @CommandHandler(CountCmd)
  async *count({ N }: CountCmd) {
    for (let i = 1; i <= N; i++) yield new CountResult(i, i === N);
  }
}

async function serve(): Promise<NestServer> {
  return own(await NestServer.listen({ module: { controllers: [CalcController] } }));
}

async function clientOf(server: { port: number }): Promise<HandMadeClient> {
  return own(new HandMadeClient(server.port));
}

describe('send()', () => {
  it('is cold: each subscription sends the Command anew', async () => {
    const raw = own(await RawServer.listen());
    const client = await clientOf(raw);
    const sum = client.send(new AddCmd(2, 3));
    await turns();
    expect(raw.peers).toHaveLength(0);
    const [first, second] = [firstValueFrom(sum), firstValueFrom(sum)];
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(ADD_2_3 + addFrame(2, 2, 3));
    peer.write(SUM_5 + sumFrame(2, 6));
    expect([await first, await second]).toEqual([new CalcResult(5), new CalcResult(6)]);
  });

  it('forgets the Command when it is unsubscribed', async () => {
    const server = await serve();
    const client = await clientOf(server);
    const subscription = client.send(new CountCmd(3)).subscribe();
    subscription.unsubscribe();
    expect(client.unwrap<CommandClient>().pending).toBe(0);
  });

  it('takes the options of a call', async () => {
    const raw = own(await RawServer.listen());
    const client = await clientOf(raw);
    const abort = new AbortController();
    const sum = firstValueFrom(client.send(new AddCmd(2, 3), { signal: abort.signal }));
    abort.abort('enough');
    await expect(sum).rejects.toBe('enough');
  });

  it('fails with COMMAND_NOT_IN_CONTRACT for a Command outside the contract', async () => {
    const client = await clientOf(await serve());
    await expect(lastValueFrom(client.send(new StrayCmd()))).rejects.toMatchObject({
      code: 'COMMAND_NOT_IN_CONTRACT',
      sent: false,
    });
  });

  it('fails with EXTENSION_UNAVAILABLE for a pattern when the client is plain', async () => {
    const client = await clientOf(await serve());
    await expect(lastValueFrom(client.send({ cmd: 'sum' }, [1, 2]))).rejects.toMatchObject({
      code: 'EXTENSION_UNAVAILABLE',
      sent: false,
    });
  });
});

describe('emit()', () => {
  it('is hot, and completes when the Command was written', async () => {
    const raw = own(await RawServer.listen());
    const client = await clientOf(raw);
    const emitted = client.emit(new AddCmd(2, 3));
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(ADD_2_3);
    await inTime('it completes', lastValueFrom(emitted));
    expect(client.unwrap<CommandClient>().pending).toBe(0);
  });

  it('tells those who subscribe late as well', async () => {
    const server = await serve();
    const client = await clientOf(server);
    const emitted = client.emit(new AddCmd(2, 3));
    await lastValueFrom(emitted);
    expect(await inTime('it completes again', lastValueFrom(emitted.pipe(toArray())))).toEqual([undefined]);
    const failed = client.emit(new StrayCmd());
    await turns();
    await expect(inTime('it fails', lastValueFrom(failed))).rejects.toMatchObject({ code: 'COMMAND_NOT_IN_CONTRACT' });
  });

  it('sends once, however many subscribe', async () => {
    const server = await serve();
    const client = await clientOf(server);
    const unexpected: unknown[] = [];
    client.on('unexpectedResult', ({ seq, result }) => unexpected.push([seq, result]));
    const emitted = client.emit(new AddCmd(2, 3));
    await Promise.all([lastValueFrom(emitted), lastValueFrom(emitted)]);
    await client.execute(new AddCmd(1, 1));
    expect(unexpected).toEqual([[1, new CalcResult(5)]]);
  });

  it('fails silently if there is no listener', async () => {
    const client = await clientOf(await serve());
    client.emit(new StrayCmd());
    client.emit({ cmd: 'sum' }, [1, 2]);
    await turns();
    expect(await client.execute(new AddCmd(1, 1))).toEqual(new CalcResult(2));
  });
});

describe('execute()', () => {
  it('rejects a Command outside the contract', async () => {
    const client = await clientOf(await serve());
    await expect(client.execute(new StrayCmd())).rejects.toMatchObject({
      code: 'COMMAND_NOT_IN_CONTRACT',
      sent: false,
    });
  });

  it('rejects with CONNECTION_LOST when the server fails its Command', async () => {
    const client = await clientOf(await serve());
    const failed = client.execute(new FailCmd());
    await expect(failed).rejects.toBeInstanceOf(CmdStreamError);
    await expect(failed).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
  });
});

describe('status and events of a client', () => {
  it('tell of the life of the connection', async () => {
    const raw = own(await RawServer.listen());
    const client = await clientOf(raw);
    const statuses: string[] = [];
    client.status.subscribe((status) => statuses.push(status));
    const events: string[] = [];
    client.on('connect', () => events.push('connect'));
    client.on('disconnect', (cause) => events.push(`disconnect: ${cause?.code}`));
    expect(statuses).toEqual([]);

    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(GREETING);
    await connected;
    expect(statuses).toEqual(['connecting', 'connected']);
    peer.finish();
    await until('the loss is notified', () => events.length === 2);
    const late: string[] = [];
    client.status.subscribe((status) => late.push(status));
    expect(late).toEqual(['disconnected']);
    await client.close();
    expect(statuses).toEqual(['connecting', 'connected', 'disconnected', 'closed']);
    expect(events).toEqual(['connect', 'disconnect: PEER_CLOSED']);
  });

  it('tell of a connection that could not be opened', async () => {
    const server = await serve();
    const { port } = server;
    await server.app.close();
    const client = await clientOf({ port });
    const statuses: string[] = [];
    client.status.subscribe((status) => statuses.push(status));
    await expect(client.connect()).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    expect(statuses).toEqual(['connecting', 'disconnected']);
  });

  it('harm nothing when a listener throws', async () => {
    const client = await clientOf(await serve());
    const fail = () => {
      throw new Error('a listener fails');
    };
    client.on('connect', fail);
    client.on('disconnect', fail);
    client.on('unexpectedResult', fail);
    await lastValueFrom(client.emit(new AddCmd(1, 1)));
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
    await expect(client.execute(new FailCmd())).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
  });

  it('of unexpected Results reach the option as well as the event', async () => {
    const server = await serve();
    const seen: unknown[] = [];
    const onUnexpectedResult = jest.fn(({ result }: { result: unknown }) => void seen.push(result));
    const client = own(new HandMadeClient(server.port, { onUnexpectedResult }));
    client.on('unexpectedResult', ({ result }) => seen.push(result));
    await lastValueFrom(client.emit(new AddCmd(2, 3)));
    await client.execute(new AddCmd(1, 1));
    expect(seen).toEqual([new CalcResult(5), new CalcResult(5)]);
    expect(onUnexpectedResult).toHaveBeenCalledTimes(1);
  });
});

describe('the dispatch hook', () => {
  it('is called once per outgoing Command, with its route', async () => {
    const client = await clientOf(await serve());
    const packets: ReadPacket[] = [];
    client.setOnDispatchHook((packet) => packets.push(packet));
    const sum = client.send(new AddCmd(2, 3));
    expect(packets).toEqual([]);
    await lastValueFrom(sum);
    await lastValueFrom(sum);
    await client.execute(new AddCmd(4, 5));
    const emitted = client.emit(new CountCmd(1));
    await Promise.all([lastValueFrom(emitted), lastValueFrom(emitted)]);
    expect(packets).toEqual([
      { pattern: 'command:AddCmd', data: new AddCmd(2, 3) },
      { pattern: 'command:AddCmd', data: new AddCmd(2, 3) },
      { pattern: 'command:AddCmd', data: new AddCmd(4, 5) },
      { pattern: 'command:CountCmd', data: new CountCmd(1) },
    ]);
  });

  it('that throws fails the call, as a rejection', async () => {
    const client = await clientOf(await serve());
    client.setOnDispatchHook(() => {
      throw new Error('the hook fails');
    });
    let failed: Promise<unknown> | undefined;
    expect(() => (failed = client.execute(new AddCmd(1, 1)))).not.toThrow();
    await expect(failed).rejects.toThrow('the hook fails');
    await expect(lastValueFrom(client.send(new SubCmd(1, 1)))).rejects.toThrow('the hook fails');
    await expect(lastValueFrom(client.emit(new SubCmd(1, 1)))).rejects.toThrow('the hook fails');
  });

  it('that rejects is as good as one that gives nothing', async () => {
    const client = await clientOf(await serve());
    client.setOnDispatchHook(async () => {
      throw new Error('the hook fails');
    });
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    await turns();
  });
});

it('listeners that throw or reject keep no other from being notified', async () => {
  const raw = own(await RawServer.listen());
  const client = await clientOf(raw);
  const events: string[] = [];
  for (const event of ['connect', 'unexpectedResult', 'disconnect'] as const) {
    client.on(event, () => {
      throw new Error('a listener throws');
    });
    client.on(event, async () => {
      throw new Error('a listener rejects');
    });
    client.on(event, () => void events.push(event));
  }
  const connected = client.connect();
  const peer = await raw.peer();
  peer.write(GREETING + SUM_5);
  await connected;
  await until('the Result is unexpected', () => events.length === 2);
  peer.reset();
  await until('it is lost', () => events.length === 3);
  await turns();
  expect(events).toEqual(['connect', 'unexpectedResult', 'disconnect']);
});

describe('on()', () => {
  it('returns what ends it, each time it is called by itself', async () => {
    const client = await clientOf(await serve());
    const events: string[] = [];
    const listener = (): void => void events.push('connect');
    const ends = [client.on('connect', listener), client.on('connect', listener)];
    ends[0]!();
    await client.connect();
    await until('one was notified', () => events.length > 0);
    await turns();
    expect(events).toEqual(['connect']);
    ends[1]!();
    await client.close();
    await client.connect();
    await turns();
    expect(events).toEqual(['connect']);
  });

  it.each(['conect', 'toString', '__proto__', undefined, Symbol('connect')])('refuses the event %p', async (event) => {
    const client = await clientOf(await serve());
    const text = `CmdStreamClient: unknown event "${String(event)}"; known are connect, disconnect, unexpectedResult`;
    expect(() => client.on(event as 'connect', () => {})).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: text }),
    );
  });

  it.each([
    ['connectionLost', 'it is "disconnect", which is given (cause, server)'],
    ['error', 'there is none: calls fail with their errors, and "disconnect" is given the cause'],
  ])('says what stands for the event "%s"', async (event, remedy) => {
    const client = await clientOf(await serve());
    const message = `CmdStreamClient: unknown event "${event}": ${remedy}`;
    expect(() => client.on(event as 'connect', () => {})).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message }),
    );
  });

  it.each([undefined, null, {}, 'callback'])('refuses the callback %p', async (callback) => {
    const client = await clientOf(await serve());
    const message = expect.stringMatching(/^CmdStreamClient: the callback of "connect" must be a function, got /);
    expect(() => client.on('connect', callback as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message }),
    );
  });
});

describe('a client that is disposed', () => {
  it('is closed, with its pending calls answered', async () => {
    const server = await serve();
    const both = [await clientOf(server), (await clientOf(server)).unwrap()] as CommandClient[];
    for (const client of both) {
      const sum = client.execute(new AddCmd(2, 3));
      await client[Symbol.asyncDispose]();
      await expect(sum).resolves.toEqual(new CalcResult(5));
      await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'CLOSED' });
    }
  });
});
