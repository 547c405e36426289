// An application that serves HTTP and Commands: shared providers, and enhancers of the application on both where it
// says so.
import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Module,
  type CanActivate,
  type INestApplication,
  type NestHybridApplicationOptions,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { CmdStreamServer, CommandHandler, type CmdStreamServerOptions, type CommandServer } from 'nestjs-cmd-stream';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, SubCmd } from './calc.contract.js';
import { HandMadeClient, serverOptions } from './nest-server.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();

@Injectable()
class Memory {
  sum = 0;
}

@Controller()
class CalcController {
  constructor(private readonly memory: Memory) {}

  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    this.memory.sum = A + B;
    return new CalcResult(A + B);
  }

  @Get('sum')
  sum() {
    return { sum: this.memory.sum };
  }
}

/** Refuses whatever comes, and knows what came. */
class Refusing implements CanActivate {
  static asked = 0;

  canActivate(): boolean {
    Refusing.asked++;
    return false;
  }
}

@Module({ controllers: [CalcController], providers: [Memory] })
class CalcModule {}

@Module({ imports: [CalcModule], providers: [{ provide: APP_GUARD, useClass: Refusing }] })
class GuardedModule {}

class Hybrid {
  constructor(readonly app: INestApplication) {}

  static async listen(
    module: new () => object,
    hybrid: NestHybridApplicationOptions = {},
    ...servers: Partial<CmdStreamServerOptions>[]
  ): Promise<Hybrid> {
    const app = await NestFactory.create(module, { logger: new SpyLogger(), abortOnError: false });
    for (const options of servers.length > 0 ? servers : [{}]) {
      const strategy = new CmdStreamServer({
        ...serverOptions,
        onPlainError: () => new CalcResult(-1),
        ...options,
      });
      app.connectMicroservice<MicroserviceOptions>({ strategy }, hybrid);
    }
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    return new Hybrid(app);
  }

  server(index = 0): CommandServer {
    return this.app.getMicroservices()[index]!.unwrap<CommandServer>();
  }

  async get(path: string): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`${await this.app.getUrl()}/${path}`, { headers: { connection: 'close' } });
    return { status: response.status, body: await response.json() };
  }

  destroy(): Promise<void> {
    return this.app.close();
  }
}

describe('a hybrid application', () => {
  it('serves HTTP and Commands from the same providers', async () => {
    const hybrid = own(await Hybrid.listen(CalcModule));
    const client = own(new HandMadeClient(hybrid.server().address!.port));
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
    expect(await hybrid.get('sum')).toEqual({ status: 200, body: { sum: 5 } });
  });

  it('has its APP_ guards on Commands with inheritAppConfig, and only then', async () => {
    for (const inheritAppConfig of [true, false]) {
      Refusing.asked = 0;
      const hybrid = own(await Hybrid.listen(GuardedModule, { inheritAppConfig }));
      const client = own(new HandMadeClient(hybrid.server().address!.port));
      expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(inheritAppConfig ? -1 : 5));
      expect(Refusing.asked).toBe(inheritAppConfig ? 1 : 0);
      expect(await hybrid.get('sum')).toMatchObject({ status: 403 });
    }
  });

  it('serves its handlers on two servers, each those tagged with its transportId and those without a tag', async () => {
    const ADMIN = Symbol('admin');
    @Controller()
    class Tagged {
      @CommandHandler(AddCmd)
      add({ A, B }: AddCmd) {
        return new CalcResult(A + B);
      }

      @CommandHandler(SubCmd, ADMIN)
      sub({ A, B }: SubCmd) {
        return new CalcResult(A - B);
      }
    }
    @Module({ controllers: [Tagged] })
    class TaggedModule {}
    const hybrid = own(await Hybrid.listen(TaggedModule, {}, {}, { transportId: ADMIN }));
    const answers = await Promise.all(
      [0, 1].map(async (index) => {
        const client = own(new HandMadeClient(hybrid.server(index).address!.port));
        const sum = await client.execute(new AddCmd(8, 2));
        const difference = await client.execute(new SubCmd(8, 2));
        return [sum.value, difference.value];
      }),
    );
    expect(answers).toEqual([
      [10, -1],
      [10, 6],
    ]);
  });
});
