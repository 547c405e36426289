// Metadata of a call: said by the caller, attached by the dispatch hook, read by the handler, unknown to plain peers.
import { describe, expect, it } from '@jest/globals';
import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { CmdStreamContext, CmdStreamRecordBuilder, CommandHandler } from 'nestjs-cmd-stream';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { CountCmd, CountResult, EchoCmd, EchoResult } from './calc.contract.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();

let heard: unknown[] = [];

@Controller()
class Reader {
  @CommandHandler(EchoCmd)
  echo(_command: EchoCmd, context: CmdStreamContext) {
    heard.push(context.getMetadata());
    return new EchoResult(JSON.stringify(context.getMetadata()));
  }

  @CommandHandler(CountCmd)
  count(_command: CountCmd, { metadata }: CmdStreamContext) {
    return new CountResult(Object.keys(metadata).length, true);
  }

  @MessagePattern('read')
  read(@Payload() data: unknown, @Ctx() context: CmdStreamContext): unknown {
    return { data, metadata: context.getMetadata() };
  }

  @EventPattern<string>('note')
  note(@Payload() data: unknown, @Ctx() context: CmdStreamContext): void {
    heard.push([data, context.getMetadata()]);
  }
}

async function clientOf(extension = true): Promise<HandMadeClient> {
  heard = [];
  const server = own(await NestServer.listen({ module: { controllers: [Reader] }, options: { extension } }));
  return own(new HandMadeClient(server.port, { extension: true }));
}

async function echoed(sent: Promise<EchoResult>): Promise<unknown> {
  return JSON.parse((await sent).text);
}

const metadata = { tenant: 'acme', 'x-ü': '✓', empty: '' };

describe('the metadata of a call', () => {
  it('is read by the handler of a Command', async () => {
    const client = await clientOf();
    expect(await echoed(client.execute(new EchoCmd(), { metadata }))).toEqual(metadata);
    expect(await echoed(firstValueFrom(client.send(new EchoCmd(), { metadata })))).toEqual(metadata);
    expect(await echoed(firstValueFrom(client.stream(new EchoCmd(), { metadata })))).toEqual(metadata);
    for await (const { I } of client.iterate(new CountCmd(), { metadata })) expect(I).toBe(3);
  });

  it('is read by the handler of a Command that was emitted', async () => {
    const client = await clientOf();
    await lastValueFrom(client.emit(new EchoCmd(), { metadata }));
    await until('it ran', () => heard.length === 1);
    expect(heard).toEqual([metadata]);
  });

  it('is that of its own call only, and empty without any', async () => {
    const client = await clientOf();
    const calls = Array.from({ length: 30 }, (_, n) =>
      echoed(client.execute(new EchoCmd(), n % 3 === 0 ? {} : { metadata: { n: String(n) } })),
    );
    expect(await Promise.all(calls)).toEqual(calls.map((_, n) => (n % 3 === 0 ? {} : { n: String(n) })));
  });
});

describe('a CmdStreamRecord', () => {
  it('sends its data with its metadata', async () => {
    const client = await clientOf();
    const record = new CmdStreamRecordBuilder({ id: 1 }).setMetadata(metadata).build();
    expect(await firstValueFrom(client.send('read', record))).toEqual({ data: { id: 1 }, metadata });
    await lastValueFrom(client.emit('note', record));
    await until('it is heard', () => heard.length === 1);
    expect(heard).toEqual([[{ id: 1 }, metadata]]);
  });

  it('is built from what was set last', async () => {
    const given = { a: '1' };
    const builder = new CmdStreamRecordBuilder<unknown>('first').setMetadata({ gone: 'x' });
    const record = builder.setData('second').setMetadata(given).build();
    given.a = '2';
    expect(record).toEqual({ data: 'second', metadata: { a: '1' } });
    expect(new CmdStreamRecordBuilder('data').build()).toEqual({ data: 'data', metadata: {} });
  });

  it('without metadata is its data alone', async () => {
    const client = await clientOf();
    expect(await firstValueFrom(client.send('read', new CmdStreamRecordBuilder([1]).build()))).toEqual({
      data: [1],
      metadata: {},
    });
  });
});

describe("the dispatch hook's metadata", () => {
  const traced = { 'x-request-id': '42' };

  async function hooked(extension?: boolean) {
    const client = await clientOf(extension);
    const packets: unknown[] = [];
    client.setOnDispatchHook((packet) => {
      packets.push([packet.pattern, packet.data]);
      packet.metadata = { ...packet.metadata, ...traced };
    });
    return { client, packets };
  }

  it('travels with Commands, messages and events', async () => {
    const { client, packets } = await hooked();
    expect(await echoed(client.execute(new EchoCmd('a')))).toEqual(traced);
    expect(await echoed(firstValueFrom(client.send(new EchoCmd('b'))))).toEqual(traced);
    expect(await firstValueFrom(client.send('read', 1))).toEqual({ data: 1, metadata: traced });
    await lastValueFrom(client.emit('note', 2));
    await until('it is heard', () => heard.length === 3);
    expect(heard.at(-1)).toEqual([2, traced]);
    expect(packets).toEqual([
      ['command:EchoCmd', new EchoCmd('a')],
      ['command:EchoCmd', new EchoCmd('b')],
      ['read', 1],
      ['note', 2],
    ]);
  });

  it('joins what the caller says, who has the last word', async () => {
    const { client } = await hooked();
    const said = { tenant: 'acme', 'x-request-id': 'mine' };
    expect(await echoed(client.execute(new EchoCmd(), { metadata: said }))).toEqual(said);
    expect(await echoed(client.execute(new EchoCmd(), { metadata: { tenant: 'acme' } }))).toEqual({
      ...traced,
      tenant: 'acme',
    });
  });

  it('is left out towards a plain server', async () => {
    const { client } = await hooked(false);
    expect(await echoed(client.execute(new EchoCmd()))).toEqual({});
  });
});

describe('metadata for a plain server', () => {
  it('fails the call, which is never sent', async () => {
    const client = await clientOf(false);
    const unavailable = { code: 'EXTENSION_UNAVAILABLE', sent: false };
    await expect(client.execute(new EchoCmd(), { metadata })).rejects.toMatchObject(unavailable);
    await expect(lastValueFrom(client.send(new EchoCmd(), { metadata }))).rejects.toMatchObject(unavailable);
    await expect(lastValueFrom(client.emit(new EchoCmd(), { metadata }))).rejects.toMatchObject(unavailable);
    expect(await echoed(client.execute(new EchoCmd()))).toEqual({});
    expect(heard).toEqual([{}]);
  });
});
