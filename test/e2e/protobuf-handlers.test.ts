// Protobuf messages through Nest: handlers, what their parameters get, pipes and filters, and every way to call them.
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  createParamDecorator,
  Injectable,
  ValidationPipe,
  type ArgumentMetadata,
  type ExecutionContext,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { Ctx, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import {
  CmdStreamContext,
  CommandHandler,
  CommandValidationPipe,
  Invoker,
  type CmdStreamClientOptions,
  type CmdStreamServerOptions,
} from 'nestjs-cmd-stream';
import { protobufCodec } from 'nestjs-cmd-stream/protobuf';
import { from, lastValueFrom, map, toArray, type Observable } from 'rxjs';
import type * as pb from '../fixtures/protobuf/gen/vectors_pb.js';
import { AddCmdSchema } from '../fixtures/protobuf/gen/vectors_pb.js';
import { GREETING } from '../support/calc-frames.js';
import { until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, EchoCmd, EchoResult, protobufContract, SubCmd } from '../support/protobuf-contract.js';
import { AddCmd as OtherAddCmd, CalcResult as OtherResult, tsProtoContract } from '../support/ts-proto-contract.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();
const codec = protobufCodec();
const protobuf = { contract: protobufContract, codec };

const serve = async (controllers: Type[], options: Partial<CmdStreamServerOptions> = {}, pipes: PipeTransform[] = []) =>
  own(
    await NestServer.listen({
      module: { controllers },
      options: { ...protobuf, ...options },
      before: (app) => app.useGlobalPipes(...pipes),
    }),
  );
const clientOf = (server: NestServer, options: Partial<CmdStreamClientOptions> = {}) =>
  own(new HandMadeClient(server.port, { ...protobuf, extension: true, ...options }));

const Caller = createParamDecorator((_: unknown, context: ExecutionContext) => {
  return context.switchToRpc().getContext<CmdStreamContext>().remoteAddress;
});

function echoes({ protoData }: pb.EchoCmd, count = 3): pb.EchoResult[] {
  return Array.from({ length: count }, (_, at) =>
    EchoResult.create({ protoData: { ...protoData!, Bool: at === count - 1, Int64: BigInt(at) } }),
  );
}

@Controller()
class Calc {
  readonly got: unknown[] = [];

  @CommandHandler(AddCmd)
  async add({ A, B }: pb.AddCmd) {
    return CalcResult.create({ R: A + B });
  }

  @CommandHandler(EchoCmd)
  async *echo(command: pb.EchoCmd, context: CmdStreamContext, @Caller() caller: string) {
    this.got.push(command, context, caller);
    yield* echoes(command);
  }

  @MessagePattern({ cmd: 'double' })
  double(n: number) {
    return 2 * n;
  }
}

const HELLO = EchoCmd.create({ protoData: { String: 'hello' } });

describe('the handler of a message', () => {
  it('gets the message, then the context, then what is decorated', async () => {
    const server = await serve([Calc]);
    await lastValueFrom(clientOf(server).send(HELLO));
    expect(server.app.get(Calc).got).toEqual([HELLO, expect.any(CmdStreamContext), '127.0.0.1']);
  });

  it('gets them by decorators too', async () => {
    const got: unknown[] = [];
    @Controller()
    class Decorated {
      @CommandHandler(AddCmd)
      add(@Payload() command: pb.AddCmd, @Ctx() context: CmdStreamContext, @Payload('B') b: bigint) {
        got.push(command.A, context.getPattern(), b);
        return CalcResult.create({ R: command.A + b });
      }
    }
    const client = clientOf(await serve([Decorated]));
    expect(await client.execute(AddCmd.create({ A: 2n, B: 3n }))).toMatchObject({ R: 5n });
    expect(got).toEqual([2n, 'command:vectors.AddCmd', 3n]);
  });

  it('gets them when the type of a message has the name of its entry', async () => {
    type Named = pb.AddCmd;
    const Named = AddCmd;
    const seen: unknown[] = [];
    @Injectable()
    class Seeing implements PipeTransform {
      transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
        seen.push([type, metatype]);
        return value;
      }
    }
    @Controller()
    class Naming {
      @CommandHandler(Named)
      add({ A }: Named, _context: CmdStreamContext) {
        return CalcResult.create({ R: A });
      }
    }
    const client = clientOf(await serve([Naming], {}, [new Seeing()]));
    expect(await client.execute(AddCmd.create({ A: 2n }))).toMatchObject({ R: 2n });
    expect(seen).toContainEqual(['body', Object]);
  });

  it('may give an Observable', async () => {
    @Controller()
    class Observing {
      @CommandHandler(EchoCmd)
      echo(command: pb.EchoCmd): Observable<pb.EchoResult> {
        return from(echoes(command, 2));
      }
    }
    const results = clientOf(await serve([Observing])).send(HELLO);
    expect(await lastValueFrom(results.pipe(toArray()))).toEqual(echoes(HELLO, 2));
  });

  it('is stopped behind the last Result of a plain peer', async () => {
    let stopped = 0;
    @Controller()
    class Endless {
      @CommandHandler(EchoCmd)
      async *echo(command: pb.EchoCmd) {
        try {
          for (;;) yield* echoes(command);
        } finally {
          stopped++;
        }
      }
    }
    const results = clientOf(await serve([Endless]), { extension: false }).send(HELLO);
    expect(await lastValueFrom(results.pipe(toArray()))).toStrictEqual(echoes(HELLO));
    await until('the generator has ended', () => stopped === 1);
  });

  it('may be of a message of another generator', async () => {
    @Controller()
    class Other {
      @CommandHandler(OtherAddCmd)
      add({ A, B }: { A: bigint; B: bigint }) {
        return OtherResult.create({ $type: 'vectors.CalcResult', R: A + B });
      }
    }
    const server = await serve([Other], { contract: tsProtoContract });
    const client = clientOf(server, { contract: tsProtoContract });
    const command = OtherAddCmd.create({ $type: 'vectors.AddCmd', A: 2n, B: 3n });
    expect(await client.execute(command)).toEqual({ $type: 'vectors.CalcResult', R: 5n });
    expect(await lastValueFrom(client.send(command))).toEqual({ $type: 'vectors.CalcResult', R: 5n });
  });

  it('is missed at the start when there is none', async () => {
    const server = await serve([Calc]);
    expect(server.logger.having('no handler for vectors.SubCmd of the contract')).toHaveLength(1);
    await expect(clientOf(server).execute(SubCmd.create())).rejects.toMatchObject({
      code: 'NO_HANDLER',
      message: expect.stringContaining('vectors.SubCmd'),
    });
  });

  it('is refused when the message is in no contract, or has a handler already', async () => {
    @Controller()
    class Twice {
      @CommandHandler(AddCmd)
      one(): never {
        throw new Error('never called');
      }

      @CommandHandler(AddCmd)
      two(): never {
        throw new Error('never called');
      }
    }
    @Controller()
    class Stranger {
      @CommandHandler(OtherAddCmd)
      add(): never {
        throw new Error('never called');
      }
    }
    for (const controller of [Twice, Stranger]) {
      const server = own(await NestServer.create({ module: { controllers: [controller] }, options: protobuf }));
      await expect(server.app.listen()).rejects.toMatchObject({
        code: 'INVALID_HANDLER',
        message: expect.stringContaining('vectors.AddCmd'),
      });
    }
  });

  it('cannot be an Invoker: a message does not run itself', () => {
    expect(() => Invoker(Calc, [AddCmd] as never)).toThrow(
      expect.objectContaining({
        code: 'INVALID_HANDLER',
        message: expect.stringMatching(/vectors.AddCmd.*@CommandHandler/),
      }),
    );
  });
});

describe('a call with a message', () => {
  it('is made in every way', async () => {
    const client = clientOf(await serve([Calc]));
    const command = AddCmd.create({ A: 2n, B: 3n });
    const strings = client.send(HELLO).pipe(map(({ protoData }) => protoData?.String));
    expect(await client.execute(command)).toEqual(CalcResult.create({ R: 5n }));
    expect(await client.execute(create(AddCmdSchema, { A: 1n }))).toEqual(CalcResult.create({ R: 1n }));
    expect(await lastValueFrom(client.send(command))).toEqual(CalcResult.create({ R: 5n }));
    expect(await lastValueFrom(strings.pipe(toArray()))).toStrictEqual(['hello', 'hello', 'hello']);
    await expect(lastValueFrom(client.emit(command))).resolves.toBeUndefined();
    const numbers: (bigint | undefined)[] = [];
    for await (const { protoData } of client.iterate(HELLO)) numbers.push(protoData?.Int64);
    expect(numbers).toStrictEqual([0n, 1n, 2n]);
  });

  it('stands beside messages by pattern', async () => {
    const client = clientOf(await serve([Calc]));
    expect(await lastValueFrom(client.send<number>({ cmd: 'double' }, 21))).toBe(42);
    expect(await client.execute(AddCmd.create({ B: 3n }))).toMatchObject({ R: 3n });
  });

  it('is passed to the dispatch hook by the name of the message', async () => {
    const client = clientOf(await serve([Calc]));
    const packets: unknown[] = [];
    client.setOnDispatchHook((packet) => packets.push(packet));
    const command = AddCmd.create({ A: 1n });
    await client.execute(command);
    await lastValueFrom(client.send(command));
    const packet = { pattern: 'command:vectors.AddCmd', data: command };
    expect(packets).toEqual([packet, packet]);
  });

  it('is no message by pattern when the contract does not have it', async () => {
    const client = clientOf(await serve([Calc]));
    const stranger = CalcResult.create() as { readonly $typeName: string };
    await expect(lastValueFrom(client.send(stranger))).rejects.toMatchObject({ code: 'COMMAND_NOT_IN_CONTRACT' });
    await expect(lastValueFrom(client.emit(stranger))).rejects.toMatchObject({ code: 'COMMAND_NOT_IN_CONTRACT' });
  });
});

describe('the pipes of Nest', () => {
  it.each([
    ['CommandValidationPipe', () => new CommandValidationPipe()],
    ['ValidationPipe', () => new ValidationPipe({ transform: true, whitelist: true })],
  ])('let messages pass as they are: %s', async (_, pipe) => {
    const client = clientOf(await serve([Calc], {}, [pipe()]));
    expect(await client.execute(AddCmd.create({ A: 2n, B: 3n }))).toMatchObject({ R: 5n });
  });
});

describe('an error of the handler of a message', () => {
  @Controller()
  class Failing {
    @CommandHandler(AddCmd)
    add(): never {
      throw new RpcException({ reason: 'no sums today' });
    }
  }

  it('travels to a peer of this package', async () => {
    await expect(clientOf(await serve([Failing])).execute(AddCmd.create())).rejects.toMatchObject({
      code: 'REMOTE',
      payload: { reason: 'no sums today' },
    });
  });

  it('becomes a Result by onPlainError towards a plain peer', async () => {
    const server = await serve([Failing], { onPlainError: () => CalcResult.create({ R: -1n }) });
    const peer = own(await server.connect());
    peer.write('010000');
    await peer.receives(GREETING + '01000b08ffffffffffffffffff01');
  });
});
