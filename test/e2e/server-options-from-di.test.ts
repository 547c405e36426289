// A server whose options come from dependency injection, and what Nest 12 puts before the enhancers.
import { describe, expect, it } from '@jest/globals';
import { Controller, Injectable, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import { CmdStreamServer, CommandHandler, type CommandServer } from 'nestjs-cmd-stream';
import { lastValueFrom, tap, toArray } from 'rxjs';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, CountCmd, CountResult } from './calc.contract.js';
import { HandMadeClient, NestServer, serverOptions } from './nest-server.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();

@Injectable()
class Config {
  readonly serverInfo = 'from the config';
}

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

@Module({ controllers: [CalcController], providers: [Config] })
class ConfiguredModule {}

describe('createMicroservice()', () => {
  it('may make the server from what is injected', async () => {
    const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(ConfiguredModule, {
      logger: new SpyLogger(),
      inject: [Config],
      useFactory: ({ serverInfo }: Config) => ({ strategy: new CmdStreamServer({ ...serverOptions, serverInfo }) }),
    });
    own({ destroy: () => app.close() });
    await app.listen();
    const { port } = app.unwrap<CommandServer>().address!;
    const client = own(new HandMadeClient(port, { serverInfo: 'from the config' }));
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
    const stranger = own(new HandMadeClient(port));
    await expect(stranger.connect()).rejects.toMatchObject({ code: 'SERVER_INFO_MISMATCH' });
  });
});

describe('a pre-request hook', () => {
  it('runs before each handler, for one Result or many', async () => {
    const seen: unknown[] = [];
    const server = own(
      await NestServer.listen({
        module: { controllers: [CalcController] },
        before: (app: INestMicroservice) =>
          app.registerPreRequestHook((context, next) => {
            seen.push(context.switchToRpc().getData());
            return next().pipe(tap((item) => seen.push(item)));
          }),
      }),
    );
    const client = own(new HandMadeClient(server.port));
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
    const results = await lastValueFrom(client.send(new CountCmd(2)).pipe(toArray()));
    expect(results).toEqual([new CountResult(1), new CountResult(2, true)]);
    expect(seen).toEqual([new AddCmd(2, 3), new CalcResult(5), new CountCmd(2), ...results]);
  });
});
