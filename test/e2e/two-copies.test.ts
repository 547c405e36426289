// Two copies of the package in one process: what one has made the other knows, Commands, contracts, errors, decorators
// and serializers.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, MessagePattern, type MicroserviceOptions } from '@nestjs/microservices';
import { firstValueFrom, map, toArray } from 'rxjs';
import * as nest from 'nestjs-cmd-stream';
import * as core from 'nestjs-cmd-stream/core';
import * as musDoor from 'nestjs-cmd-stream/mus';
import { anotherCopy, type Copy } from '../support/another-copy.js';
import { turns, until } from '../support/deadline.js';
import { Folder } from '../support/folder.js';
import { guardLeaks } from '../support/leak-guard.js';

const own = guardLeaks();
const folder = new Folder();
const here: Copy = { ...core, ...musDoor, ...nest };
let there: Copy;

beforeAll(async () => {
  there = await anotherCopy(folder);
}, 60_000);
afterAll(() => folder.destroy());

/** Each way round: who has the classes, and who has the connection. */
const ways = ['classes of the other one', 'connection of the other one'] as const;
const copiesOf = (way: (typeof ways)[number]) =>
  way === ways[0] ? { classes: there, connection: here } : { classes: here, connection: there };

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** More than a taker of a few should have made. */
const MANY = 1_000_000;

interface Receiver {
  readonly forgotten: string[];
}

function contractOf({
  Command,
  StreamCommand,
  VoidCommand,
  Result,
  traceCommand,
  defineContract,
  CmdStreamError,
}: Copy) {
  class Sum extends Result {
    constructor(readonly value = 0) {
      super();
    }
  }
  class AddCmd extends Command<Sum, Receiver> {
    constructor(
      readonly a = 0,
      readonly b = 0,
    ) {
      super();
    }

    override exec() {
      if (this.a < 0) throw CmdStreamError.remote({ reason: 'negative' });
      return new Sum(this.a + this.b);
    }
  }
  class CountCmd extends StreamCommand<Sum, Receiver> {
    constructor(readonly to = 0) {
      super();
    }

    override async *exec() {
      for (let value = 1; value <= this.to; value++) yield new Sum(value);
    }
  }
  class PourCmd extends StreamCommand<Sum> {}
  class ForgetCmd extends VoidCommand<Receiver> {
    constructor(readonly name = '') {
      super();
    }

    override exec({ forgotten }: Receiver) {
      forgotten.push(this.name);
    }
  }
  class NothingCmd extends Command<Sum, Receiver> {
    override exec() {
      return undefined as unknown as Sum;
    }
  }
  class TracedAddCmd extends traceCommand(AddCmd) {}
  const commands = [AddCmd, CountCmd, PourCmd, ForgetCmd, NothingCmd, TracedAddCmd] as const;
  const contract = defineContract({ commands, results: [Sum] });
  return { Sum, AddCmd, CountCmd, PourCmd, ForgetCmd, NothingCmd, TracedAddCmd, contract };
}

it('are two', () => {
  expect(there.Command).not.toBe(here.Command);
  expect(there.CmdStreamServer).not.toBe(here.CmdStreamServer);
});

describe.each(ways)('a contract with %s', (way) => {
  async function start() {
    const { classes, connection } = copiesOf(way);
    const defined = contractOf(classes);
    const { contract } = defined;
    const receiver: Receiver = { forgotten: [] };
    const invoker = new classes.ExecInvoker(receiver);
    const server = own(new connection.CommandServer({ host: '127.0.0.1', port: 0, contract, invoker }));
    const { port } = await server.listen();
    const client = own(new connection.CommandClient({ host: '127.0.0.1', port, contract, reconnect: false }));
    return { ...defined, client, receiver };
  }

  it('has its Commands run, and their Results counted', async () => {
    const { client, receiver, AddCmd, CountCmd, ForgetCmd, NothingCmd, TracedAddCmd, Sum } = await start();
    const sum = await client.execute(new AddCmd(2, 3));
    expect([sum instanceof Sum, sum.value]).toEqual([true, 5]);
    expect((await client.execute(new TracedAddCmd(new AddCmd(3, 4)))) as unknown).toEqual(new Sum(7));
    expect((await all(client.iterate(new CountCmd(3)))).map(({ value }) => value)).toEqual([1, 2, 3]);
    expect(await client.execute(new ForgetCmd('me'))).toBeUndefined();
    expect(receiver.forgotten).toEqual(['me']);
    await expect(client.execute(new CountCmd(3) as never)).rejects.toMatchObject({ code: 'MULTIPLE_RESULTS' });
    await expect(client.execute(new NothingCmd())).rejects.toMatchObject({ code: 'NO_RESULT' });
  });

  it('has errors that both know', async () => {
    const { client, AddCmd } = await start();
    const error: unknown = await client.execute(new AddCmd(-1)).catch((thrown: unknown) => thrown);
    for (const { CmdStreamError, isCmdStreamError, isRemoteError } of [here, there]) {
      expect([error instanceof CmdStreamError, isCmdStreamError(error), isRemoteError(error)]).toEqual([
        true,
        true,
        true,
      ]);
    }
    expect(error).toMatchObject({ code: 'REMOTE', payload: { reason: 'negative' } });
  });

  it('is a service, and is merged', async () => {
    const { client, AddCmd, CountCmd, contract } = await start();
    const { connection } = copiesOf(way);
    const calc = connection.serviceOf(client, { add: AddCmd, count: CountCmd });
    expect((await calc.add(1, 1)).value).toBe(2);
    expect(await all(calc.count(2))).toHaveLength(2);
    expect(connection.mergeContracts(contract).commands.types).toEqual(contract.commands.types);
  });

  it('may not have Commands among its Results', () => {
    const { classes, connection } = copiesOf(way);
    const { CountCmd, Sum } = contractOf(classes);
    const { defineContract } = connection;
    class Nothing extends classes.VoidCommand {}
    expect(() => defineContract({ commands: [Nothing], results: [CountCmd as never] })).toThrow(
      /CountCmd is a Command/,
    );
    expect(() => defineContract({ commands: [Sum as never] })).toThrow(/Sum is a Result/);
  });
});

describe.each(ways)('serializers of MUS with %s', (way) => {
  const long = Array.from({ length: 20_000 }, (_, at) => `text ${at}`);

  it('are parts of one another', () => {
    const { classes, connection } = copiesOf(way);
    const { mus, Ref } = connection;
    const box = mus.ref(classes.mus.string.with({ lengthAs: mus.raw.uint32 }));
    expect(box.fromBytes(box.toBytes(new classes.Ref('a')))?.value).toBe('a');
    const lengths = mus.string.with({ lengthAs: classes.mus.raw.uint32 });
    expect(lengths.fromBytes(lengths.toBytes('abc'))).toBe('abc');
    const shared = mus.mapped(({ ref }) => mus.slice(ref(classes.mus.string)));
    const one = new Ref('x');
    const [first, second] = shared.fromBytes(shared.toBytes([one, one]));
    expect(first).toBe(second);
    expect(() => mus.ptr(classes.mus.ptr(mus.string))).toThrow(/a pointer to a pointer/);
  });

  it('read what comes in many pieces', async () => {
    const { classes, connection } = copiesOf(way);
    class Texts extends classes.Result {
      constructor(readonly texts: string[] = []) {
        super();
      }
    }
    class EchoCmd extends classes.Command<Texts> {
      constructor(readonly texts: string[] = []) {
        super();
      }

      override exec() {
        return new Texts(this.texts);
      }
    }
    const contract = classes.defineContract({ commands: [EchoCmd], results: [Texts] });
    const { mus, musCodec } = classes;
    const codec = musCodec({
      commands: [mus.struct(EchoCmd, { texts: connection.mus.slice(mus.string) })],
      results: connection.mus.interface([mus.struct(Texts, { texts: mus.slice(connection.mus.string) })]),
    });
    const invoker = new classes.ExecInvoker({});
    const server = own(new connection.CommandServer({ host: '127.0.0.1', port: 0, contract, invoker, codec }));
    const { port } = await server.listen();
    const client = own(new connection.CommandClient({ host: '127.0.0.1', port, contract, codec, reconnect: false }));
    expect((await client.execute(new EchoCmd(long))).texts).toEqual(long);
  });
});

describe.each(ways)('a Nest application: decorators and %s', (way) => {
  async function start() {
    const { classes, connection } = copiesOf(way);
    const { CommandHandler, CommandMetadata, CmdStreamContext, CmdStreamError, CMD_STREAM, liftIterable } = classes;
    const { AddCmd, CountCmd, PourCmd, Sum, contract } = contractOf(classes);
    const made = { items: 0, atEnd: Number.NaN, statusAtDestroy: '' };

    @Controller()
    class CalcController {
      @CommandHandler(AddCmd)
      add({ a, b }: InstanceType<typeof AddCmd>, @CommandMetadata('offset') offset = '0') {
        if (a < 0) throw CmdStreamError.remote({ reason: 'negative' });
        return new Sum(a + b + Number(offset));
      }

      @CommandHandler(CountCmd)
      async *count({ to }: InstanceType<typeof CountCmd>, context: InstanceType<typeof CmdStreamContext>) {
        try {
          for (made.items = 1; made.items <= to && !context.signal.aborted; made.items++) yield new Sum(made.items);
        } finally {
          made.atEnd = made.items;
        }
      }

      @MessagePattern('tenant', CMD_STREAM)
      tenant(@Ctx() { metadata }: InstanceType<typeof CmdStreamContext>) {
        return metadata['tenant'];
      }

      @CommandHandler(PourCmd)
      pour() {
        return liftIterable(this.#drops());
      }

      onModuleDestroy() {
        made.statusAtDestroy = strategy.unwrap().status;
      }

      async *#drops() {
        try {
          for (made.items = 1; made.items <= MANY; made.items++) yield new Sum(made.items);
        } finally {
          made.atEnd = made.items;
        }
      }
    }
    @Module({ controllers: [CalcController] })
    class CalcModule {}

    const strategy = new connection.CmdStreamServer({ host: '127.0.0.1', port: 0, contract, logLevels: [] });
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(CalcModule, { strategy, logger: false });
    classes.enableGracefulShutdown(app, { signals: [] });
    await app.listen();
    own({ destroy: () => app.close() });
    const { port } = strategy.unwrap().address!;
    const client = new connection.CmdStreamClient({ host: '127.0.0.1', port, contract, logLevels: [] });
    own({ destroy: () => client.close() });
    return { app, client, made, AddCmd, CountCmd, PourCmd };
  }

  it('gives handlers their Commands, contexts and metadata', async () => {
    const { client, AddCmd, CountCmd } = await start();
    expect((await client.execute(new AddCmd(2, 3), { metadata: { offset: '10' } })).value).toBe(15);
    const counted = client.send(new CountCmd(3)).pipe(map(({ value }) => value));
    expect(await firstValueFrom(counted.pipe(toArray()))).toEqual([1, 2, 3]);
    await expect(client.execute(new AddCmd(-1))).rejects.toMatchObject({ payload: { reason: 'negative' } });
    const record = new (copiesOf(way).classes.CmdStreamRecord)('', { tenant: 'north' });
    expect(await firstValueFrom(client.send('tenant', record))).toBe('north');
  });

  it.each(['a generator', 'a lifted one that does not know its Command'])(
    'has %s wait for its taker, and ends it',
    async (kind) => {
      const { client, CountCmd, PourCmd, made } = await start();
      const numbers = client.iterate(kind === 'a generator' ? new CountCmd(MANY) : new PourCmd());
      await numbers.next();
      await turns(50);
      await numbers.return!();
      await until('the generator ends', () => !Number.isNaN(made.atEnd));
      expect(made.atEnd).toBeLessThan(10_000);
    },
  );

  it('is drained before its providers go', async () => {
    const { app, made } = await start();
    await app.close();
    expect(made.statusAtDestroy).toBe('closed');
  });

  it('checks Commands', async () => {
    const { AddCmd } = await start();
    const pipe = new (copiesOf(way).connection.CommandValidationPipe)();
    class CheckedCmd extends AddCmd {
      static readonly schema = {
        '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'never good' }] }) },
      };
    }
    await expect(pipe.transform(new CheckedCmd(), { type: 'body' })).rejects.toMatchObject({ status: 400 });
  });
});
