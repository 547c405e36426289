// Patterns in applications that have more than patterns: HTTP, tags of transports, Commands on the same connection.
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Module, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientsModule,
  MessagePattern,
  Transport,
  type ClientProxy,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { CmdStreamClient, CmdStreamServer, CommandHandler } from 'nestjs-cmd-stream';
import { firstValueFrom, lastValueFrom, of, toArray, type Observable } from 'rxjs';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, CountCmd, CountResult } from './calc.contract.js';
import { DropInPair, dropInClient } from './drop-in-pair.js';
import { HandMadeClient, NestServer } from './nest-server.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();

@Controller()
class MathController {
  @MessagePattern({ cmd: 'sum' })
  sum(numbers: number[]): number {
    return numbers.reduce((sum, n) => sum + n, 0);
  }
}

describe('a hybrid application', () => {
  it('serves patterns beside HTTP, and its own controllers call them through ClientsModule', async () => {
    const port = { value: 0 };
    @Controller()
    class Gateway {
      constructor(@Inject('MATH') private readonly math: ClientProxy) {}

      @Get('sum')
      sum(@Query('of') numbers: string): Observable<number> {
        return this.math.send({ cmd: 'sum' }, numbers.split(',').map(Number));
      }
    }
    const strategy = new CmdStreamServer({ host: '127.0.0.1', port: 0, gracePeriodMs: 200, quietPeriodMs: 20 });
    @Module({ controllers: [MathController] })
    class MathModule {}
    const math = await NestFactory.create(MathModule, { logger: new SpyLogger() });
    math.connectMicroservice<MicroserviceOptions>({ strategy });
    await math.startAllMicroservices();
    own({ destroy: () => math.close() });
    port.value = strategy.unwrap().address!.port;

    const options = { host: '127.0.0.1', port: port.value };
    @Module({
      imports: [ClientsModule.register([{ name: 'MATH', customClass: CmdStreamClient, options }])],
      controllers: [Gateway],
    })
    class GatewayModule {}
    const gateway = await NestFactory.create(GatewayModule, { logger: new SpyLogger() });
    await gateway.listen(0, '127.0.0.1');
    own({ destroy: () => gateway.close() });
    const response = await fetch(`${await gateway.getUrl()}/sum?of=1,2,3`, { headers: { connection: 'close' } });
    expect(await response.json()).toBe(6);
  });
});

describe('transportId', () => {
  @Controller()
  class Tagged {
    @MessagePattern('tcp', Transport.TCP)
    tcp(): string {
      return 'for TCP';
    }

    @MessagePattern('nats', Transport.NATS)
    nats(): string {
      return 'for NATS';
    }

    @MessagePattern('any')
    any(): string {
      return 'for any';
    }
  }

  it.each([
    [Transport.TCP, ['for TCP', undefined, 'for any']],
    [Transport.NATS, [undefined, 'for NATS', 'for any']],
    [undefined, [undefined, undefined, 'for any']],
  ])('%p chooses the handlers with that tag, and those without one', async (transportId, answers) => {
    const { client } = own(await DropInPair.listen({ controllers: [Tagged], server: { transportId } }));
    const ask = (pattern: string) => firstValueFrom(client.send(pattern, {})).catch(() => undefined);
    expect(await Promise.all(['tcp', 'nats', 'any'].map(ask))).toEqual(answers);
  });
});

describe('a server to which Nest gives no handler', () => {
  @Controller()
  class ForTcp {
    @MessagePattern('tcp', Transport.TCP)
    tcp(): string {
      return 'for TCP';
    }
  }

  it.each([
    [undefined, 1],
    [Transport.TCP, 0],
  ])('says so, and why it may be (transportId %p)', async (transportId, lines) => {
    const { server } = own(await DropInPair.listen({ controllers: [ForTcp], server: { transportId } }));
    expect(server.logger.having('no handlers')).toHaveLength(lines);
    expect(server.logger.lines.filter((line) => line.includes('transportId'))).toHaveLength(lines);
  });
});

describe('Commands and patterns', () => {
  @Controller()
  class Both {
    @CommandHandler(AddCmd)
    add({ A, B }: AddCmd) {
      return new CalcResult(A + B);
    }

    @CommandHandler(CountCmd)
    async *count({ N }: CountCmd) {
      for (let i = 1; i <= N; i++) yield new CountResult(i, i === N);
    }

    @MessagePattern('add')
    addByPattern([a, b]: [number, number]): number {
      return a + b;
    }

    @MessagePattern('each')
    each(items: unknown[]): Observable<unknown> {
      return of(...items);
    }
  }

  it('share one connection', async () => {
    const server = own(await NestServer.listen({ module: { controllers: [Both] } }));
    const client = own(new HandMadeClient(server.port, { extension: true }));
    const rounds = Array.from({ length: 50 }, (_, n) => n);
    const answers = await Promise.all(
      rounds.map(async (n) => {
        const [typed, untyped, counted, each] = await Promise.all([
          client.execute(new AddCmd(n, 1)),
          firstValueFrom(client.send<number>('add', [n, 2])),
          lastValueFrom(client.send(new CountCmd(3)).pipe(toArray())),
          lastValueFrom(client.send('each', [n, n]).pipe(toArray())),
        ]);
        return [typed.value, untyped, counted.length, each];
      }),
    );
    expect(answers).toEqual(rounds.map((n) => [n + 1, n + 2, 3, [n, n]]));
    expect(server.core.connections).toBe(1);
  });

  it('are served to a client without a contract as far as it knows them', async () => {
    const server = own(await NestServer.listen({ module: { controllers: [Both] } }));
    const client = own(dropInClient(server.port));
    expect(await firstValueFrom(client.send('add', [2, 3]))).toBe(5);
  });

  it('by pattern need a server of this package that has the extension', async () => {
    const { server } = own(await DropInPair.listen({ controllers: [MathController], server: { extension: false } }));
    const client = own(dropInClient(server.port));
    await expect(firstValueFrom(client.send({ cmd: 'sum' }, [1]))).rejects.toMatchObject({
      code: 'EXTENSION_UNAVAILABLE',
      sent: false,
    });
    await expect(lastValueFrom(client.emit({ cmd: 'sum' }, [1]))).rejects.toMatchObject({
      code: 'EXTENSION_UNAVAILABLE',
    });
  });
});
