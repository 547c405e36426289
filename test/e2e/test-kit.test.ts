// The test kit with Nest: a whole microservice and its clients in memory, a client of a scripted server in the place of
// a provider, a handler that is called directly.
import { describe, expect, it } from '@jest/globals';
import { Controller, Injectable, Module } from '@nestjs/common';
import { MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import {
  CmdStreamClient,
  CmdStreamContext,
  CmdStreamModule,
  CmdStreamServer,
  CommandHandler,
  getCmdStreamClientToken,
} from 'nestjs-cmd-stream';
import { commandContext, MemoryTransport, ScriptedServer } from 'nestjs-cmd-stream/testing';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, calcContract, CalcResult, CountCmd, CountResult } from './calc.contract.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();

@Controller()
class CalcController {
  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd, { metadata }: CmdStreamContext): CalcResult {
    return new CalcResult(A + B + Number(metadata['more'] ?? 0));
  }

  @CommandHandler(CountCmd)
  async *count({ N }: CountCmd): AsyncGenerator<CountResult> {
    for (let at = 1; at <= N; at++) yield new CountResult(at, at === N);
  }

  @MessagePattern('double')
  double(@Payload() value: number): number {
    if (value < 0) throw new RpcException({ status: 400, message: 'below zero' });
    return 2 * value;
  }
}

@Injectable()
class Accounts {
  constructor(readonly calc: CmdStreamClient) {}

  balance(one: number, other: number): Promise<CalcResult> {
    return this.calc.execute(new AddCmd(one, other));
  }
}

@Module({
  imports: [CmdStreamModule.register({ contract: calcContract, host: 'calc.example.com', port: 9000 })],
  providers: [Accounts],
})
class AccountsModule {}

describe('a microservice in memory', () => {
  it('is whole: Commands, streams, patterns and their errors', async () => {
    const memory = new MemoryTransport();
    const logger = new SpyLogger();
    const module = await Test.createTestingModule({ controllers: [CalcController] }).compile();
    const strategy = new CmdStreamServer({ contract: calcContract, ...memory.server });
    const app = module.createNestMicroservice({ strategy, logger });
    own({ destroy: () => app.close() });
    await app.listen();
    const client = new CmdStreamClient({ contract: calcContract, ...memory.client });
    own({ destroy: () => client.close() });

    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    const counted = await lastValueFrom(client.send(new CountCmd(3)).pipe(toArray()));
    expect(counted.map(({ I }) => I)).toEqual([1, 2, 3]);
    await expect(firstValueFrom(client.send('double', 21))).resolves.toBe(42);
    await expect(firstValueFrom(client.send('double', -1))).rejects.toMatchObject({ status: 400 });
    expect(logger.having('listening on memory')).toHaveLength(1);
  });
});

describe('a provider whose client a test replaces', () => {
  it('is answered by the test', async () => {
    const server = await ScriptedServer.start({ contract: calcContract });
    own({ destroy: () => server.close() });
    server.answer(AddCmd, ({ A, B }) => new CalcResult(A + B));
    server.answer('double', (value) => 2 * (value as number));
    const client = new CmdStreamClient({ contract: calcContract, ...server.client });
    const module = await Test.createTestingModule({ imports: [AccountsModule] })
      .overrideProvider(getCmdStreamClientToken())
      .useValue(client)
      .compile();
    own({ destroy: () => module.close() });
    own({ destroy: () => client.close() });

    await expect(module.get(Accounts).balance(2, 3)).resolves.toEqual(new CalcResult(5));
    await expect(firstValueFrom(client.send('double', 21))).resolves.toBe(42);
    await lastValueFrom(client.emit('happened', { id: 1 }), { defaultValue: undefined });
    await expect(firstValueFrom(client.send('double', 1))).resolves.toBe(2);
    expect(server.commands).toEqual([new AddCmd(2, 3)]);
    expect(server.messages).toEqual([
      { kind: 'message', pattern: 'double', data: 21 },
      { kind: 'event', pattern: 'happened', data: { id: 1 } },
      { kind: 'message', pattern: 'double', data: 1 },
    ]);
    server.answer('double', new RpcException({ status: 400, message: 'below zero' }));
    await expect(firstValueFrom(client.send('double', -1))).rejects.toMatchObject({ status: 400 });
  });
});

describe('a handler that a test calls', () => {
  it('gets a context', () => {
    const context = new CmdStreamContext([commandContext({ metadata: { more: '10' } }), 'AddCmd']);
    expect(new CalcController().add(new AddCmd(2, 3), context)).toEqual(new CalcResult(15));
    expect(context.getPattern()).toBe('AddCmd');
  });
});
