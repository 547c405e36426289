// Metadata of a call: said by the caller, attached by the dispatch hook, read by the handler, unknown to plain peers.
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, ParseIntPipe, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientTCP, Ctx, EventPattern, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import {
  CmdStreamContext,
  CmdStreamRecord,
  CmdStreamRecordBuilder,
  CommandHandler,
  CommandMetadata,
  CommandValidationPipe,
  type CmdStreamClientOptions,
} from 'nestjs-cmd-stream';
import { firstValueFrom, lastValueFrom, of } from 'rxjs';
import { until } from '../support/deadline.js';
import { freePort } from '../support/free-port.js';
import type { Given } from '../support/given.js';
import { guardLeaks } from '../support/leak-guard.js';
import { CountCmd, CountResult, EchoCmd, EchoResult } from './calc.contract.js';
import { HandMadeClient, NestServer, type NestServerSetup } from './nest-server.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();

let received: unknown[] = [];

@Controller()
class Reader {
  @CommandHandler(EchoCmd)
  echo(_command: EchoCmd, context: CmdStreamContext) {
    received.push(context.metadata);
    return new EchoResult(JSON.stringify(context.metadata));
  }

  @CommandHandler(CountCmd)
  count(_command: CountCmd, { metadata }: CmdStreamContext) {
    return of(new CountResult(Object.keys(metadata).length, true));
  }

  @MessagePattern('read')
  read(@Payload() data: unknown, @Ctx() context: CmdStreamContext): unknown {
    return { data, metadata: context.metadata };
  }

  @EventPattern<string>('note')
  note(@Payload() data: unknown, @Ctx() context: CmdStreamContext): void {
    received.push([data, context.metadata]);
  }
}

async function clientOf(extension = true, given: Given<CmdStreamClientOptions> = {}): Promise<HandMadeClient> {
  received = [];
  const server = own(await NestServer.listen({ module: { controllers: [Reader] }, options: { extension } }));
  return own(new HandMadeClient(server.port, { extension: true, ...given }));
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
    for await (const { I } of client.iterate(new CountCmd(), { metadata })) expect(I).toBe(3);
  });

  it('is read by the handler of a Command that was emitted', async () => {
    const client = await clientOf();
    await lastValueFrom(client.emit(new EchoCmd(), { metadata }));
    await until('it ran', () => received.length === 1);
    expect(received).toEqual([metadata]);
  });

  it('is that of its own call only, and empty without any', async () => {
    const client = await clientOf();
    const calls = Array.from({ length: 30 }, (_, n) =>
      echoed(client.execute(new EchoCmd(), n % 3 === 0 ? {} : { metadata: { n: String(n) } })),
    );
    expect(await Promise.all(calls)).toEqual(calls.map((_, n) => (n % 3 === 0 ? {} : { n: String(n) })));
  });
});

describe('metadata that would be lost or changed on its way', () => {
  class Tenant {
    readonly tenant = 'acme';
  }
  const refused: [string, unknown][] = [
    ['an array', ['a']],
    ['a Map', new Map([['a', 'b']])],
    ['Headers', new Headers({ a: 'b' })],
    ['an instance of a class', new Tenant()],
    ['null', null],
    ['a string', 'a=b'],
    ['a function', () => ({})],
    ['a value that is undefined', { a: undefined }],
    ['a value that is null', { a: null }],
    ['a number', { a: 1 }],
    ['an object', { a: { b: 'c' } }],
    ['a symbol for a key', { [Symbol('s')]: 'x' }],
    ['half of a surrogate pair', { a: '\ud800' }],
    ['half of a surrogate pair for a key', { '\udc00': 'a' }],
  ];

  it.each(refused)('is refused: %s', async (_, given) => {
    const client = await clientOf();
    const lossy = given as Record<string, string>;
    const refusal = { code: 'INVALID_OPTION', sent: false, message: expect.stringContaining('metadata') };
    await expect(client.execute(new EchoCmd(), { metadata: lossy })).rejects.toMatchObject(refusal);
    await expect(lastValueFrom(client.send(new EchoCmd(), { metadata: lossy }))).rejects.toMatchObject(refusal);
    await expect(lastValueFrom(client.emit(new EchoCmd(), { metadata: lossy }))).rejects.toMatchObject(refusal);
    await expect(client.iterate(new EchoCmd(), { metadata: lossy }).next()).rejects.toMatchObject(refusal);
    const record = new CmdStreamRecord('data', lossy);
    await expect(lastValueFrom(client.send('read', record))).rejects.toMatchObject(refusal);
    await expect(lastValueFrom(client.emit('note', record))).rejects.toMatchObject(refusal);
    const build = (): unknown => new CmdStreamRecordBuilder('data').setMetadata(lossy);
    expect(build).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    expect(received).toEqual([]);
  });

  it.each(refused.filter(([, given]) => typeof given === 'object' && given !== null))(
    'is refused from a hook, too: %s',
    async (_, given) => {
      const client = await clientOf();
      client.setOnDispatchHook((packet) => {
        packet.metadata = given as Record<string, string>;
      });
      const refusal = { code: 'INVALID_OPTION', message: expect.stringContaining('the dispatch hook') };
      await expect(client.execute(new EchoCmd())).rejects.toMatchObject(refusal);
      await expect(lastValueFrom(client.send('read', 1))).rejects.toMatchObject(refusal);
      await expect(lastValueFrom(client.emit('note', 1))).rejects.toMatchObject(refusal);
    },
  );

  it('is what a getter throws', async () => {
    const client = await clientOf();
    const throwing = {
      get a(): string {
        throw new Error('boom');
      },
    };
    await expect(client.execute(new EchoCmd(), { metadata: throwing })).rejects.toThrow('boom');
    expect(await echoed(client.execute(new EchoCmd()))).toEqual({});
  });

  it.each([
    ['no prototype', Object.assign(Object.create(null) as object, { a: 'b' })],
    ['names of the prototype', JSON.parse('{"__proto__":"p","constructor":"c","toString":"t"}') as object],
    ['another realm', runInNewContext('({ a: "b" })') as object],
  ])('is not metadata with %s', async (_, given) => {
    const client = await clientOf();
    await client.execute(new EchoCmd(), { metadata: given as Record<string, string> });
    expect(Object.entries(received[0] as object)).toEqual(Object.entries(given));
  });
});

describe('a CmdStreamRecord', () => {
  it('sends its data with its metadata', async () => {
    const client = await clientOf();
    const record = new CmdStreamRecordBuilder({ id: 1 }).setMetadata(metadata).build();
    expect(await firstValueFrom(client.send('read', record))).toEqual({ data: { id: 1 }, metadata });
    await lastValueFrom(client.emit('note', record));
    await until('it is received', () => received.length === 1);
    expect(received).toEqual([[{ id: 1 }, metadata]]);
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
    await until('it is received', () => received.length === 3);
    expect(received.at(-1)).toEqual([2, traced]);
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
    expect(received).toEqual([{}]);
  });
});

describe('@CommandMetadata()', () => {
  class KeysPipe {
    transform(all: object): string[] {
      return Object.keys(all);
    }
  }

  @Controller()
  class Decorated {
    @CommandHandler(EchoCmd)
    echo(
      @CommandMetadata('n', ParseIntPipe) n: number,
      command: EchoCmd,
      @CommandMetadata('tenant') tenant: string | undefined,
      context: CmdStreamContext,
      @CommandMetadata() all: Readonly<Record<string, string>>,
    ) {
      received.push(command, context.metadata === all, Object.isFrozen(all));
      return new EchoResult(JSON.stringify({ n, tenant: tenant ?? 'none', all }));
    }

    @CommandHandler(CountCmd)
    count(@CommandMetadata('toString') method: string | undefined, @CommandMetadata(KeysPipe) keys: string[]) {
      return of(new CountResult(method === undefined ? keys.length : -1, true));
    }

    @MessagePattern('read')
    read(@CommandMetadata('tenant') tenant: string | undefined, @Payload() data: unknown): unknown {
      return { tenant: tenant ?? 'none', data };
    }

    @EventPattern<string>('note')
    note(@Payload() data: unknown, @CommandMetadata('n', ParseIntPipe) n: number): void {
      received.push([data, n]);
    }
  }

  async function decorated(...pipes: unknown[]): Promise<HandMadeClient> {
    received = [];
    const before: NestServerSetup['before'] = (app) => app.useGlobalPipes(...(pipes as []));
    const server = own(await NestServer.listen({ module: { controllers: [Decorated] }, before }));
    return own(new HandMadeClient(server.port, { extension: true }));
  }

  it.each([
    ['without pipes', []],
    ['beside pipes of the application', [new ValidationPipe({ transform: true }), new CommandValidationPipe()]],
  ])('gives what its key or nothing names, %s', async (_, pipes) => {
    const client = await decorated(...pipes);
    const sent = { n: '7', tenant: 'acme' };
    const answer = await echoed(client.execute(new EchoCmd('hi'), { metadata: sent }));
    expect(answer).toEqual({ n: 7, tenant: 'acme', all: sent });
    expect(received).toEqual([new EchoCmd('hi'), true, true]);
    expect(await echoed(client.execute(new EchoCmd(), { metadata: { n: '8' } }))).toEqual({
      n: 8,
      tenant: 'none',
      all: { n: '8' },
    });
  });

  it('gives nothing for what objects have of their own, and pipes without a key get all', async () => {
    const client = await decorated();
    expect(await lastValueFrom(client.send(new CountCmd()))).toEqual(new CountResult(0, true));
    expect(await lastValueFrom(client.send(new CountCmd(), { metadata: { a: '1', b: '2' } }))).toEqual(
      new CountResult(2, true),
    );
  });

  it('lets a pipe refuse', async () => {
    const client = await decorated();
    await expect(client.execute(new EchoCmd(), { metadata: { n: 'seven' } })).rejects.toMatchObject({ code: 'REMOTE' });
    await expect(client.execute(new EchoCmd())).rejects.toMatchObject({ code: 'REMOTE' });
  });

  it('works by pattern', async () => {
    const client = await decorated();
    const record = new CmdStreamRecordBuilder({ a: 1 }).setMetadata({ tenant: 'acme', n: '7' }).build();
    expect(await firstValueFrom(client.send('read', record))).toEqual({ tenant: 'acme', data: { a: 1 } });
    expect(await firstValueFrom(client.send('read', 5))).toEqual({ tenant: 'none', data: 5 });
    await lastValueFrom(client.emit('note', record), { defaultValue: undefined });
    await until('it ran', () => received.length === 1);
    expect(received).toEqual([[{ a: 1 }, 7]]);
  });

  it('gives nothing where another transport serves the handler', async () => {
    const options = { host: '127.0.0.1', port: await freePort() };
    const module = { module: class Root {}, controllers: [Decorated] };
    const app = await NestFactory.createMicroservice(module, { transport: Transport.TCP, options, logger: false });
    own({ destroy: () => app.close() });
    await app.listen();
    const client = new ClientTCP(options);
    own({ destroy: () => client.close() });
    expect(await firstValueFrom(client.send('read', 5))).toEqual({ tenant: 'none', data: 5 });
  });

  it('says that a handler of HTTP has none', async () => {
    @Controller()
    class Pages {
      @Get()
      root(@CommandMetadata('tenant') tenant: string): string {
        return tenant;
      }
    }
    const logger = new SpyLogger();
    const app = await NestFactory.create({ module: class Root {}, controllers: [Pages] }, { logger });
    own({ destroy: () => app.close() });
    await app.listen(0, '127.0.0.1');
    const response = await fetch(await app.getUrl(), { headers: { connection: 'close' } });
    expect(response.status).toBe(500);
    expect(await logger.line('@CommandMetadata() of Pages.root: in a handler of http')).toContain('no metadata');
  });
});

describe('the metadata of a client that comes by a promise', () => {
  it('is with messages and events by pattern, which say what they said at first, beneath what the caller gives', async () => {
    const given = { client: 'a', tenant: 'b' };
    const client = await clientOf(true, { metadata: () => Promise.resolve(given) });
    const data = { text: 'as given' };
    const answer = firstValueFrom(client.send('read', new CmdStreamRecord(data, { tenant: 'acme' })));
    const noted = lastValueFrom(client.emit('note', data));
    data.text = 'changed';
    expect(await answer).toEqual({ data: { text: 'as given' }, metadata: { client: 'a', tenant: 'acme' } });
    await noted;
    await until('the event has come', () => received.length > 0);
    expect(received).toEqual([[{ text: 'as given' }, given]]);
  });
});
