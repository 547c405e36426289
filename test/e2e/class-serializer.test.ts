// A global interceptor that serializes classes, as many applications with HTTP have it, beside Results.
import { describe, expect, it } from '@jest/globals';
import { ClassSerializerInterceptor, Controller, Get, Module, type Provider, type Type } from '@nestjs/common';
import { APP_INTERCEPTOR, NestFactory, Reflector } from '@nestjs/core';
import { MessagePattern, type MicroserviceOptions } from '@nestjs/microservices';
import { Exclude, Expose } from 'class-transformer';
import {
  Command,
  CmdStreamSerializerInterceptor,
  CmdStreamServer,
  CommandHandler,
  defineContract,
  Invoker,
  Result,
  type CommandServer,
  StreamCommand,
} from 'nestjs-cmd-stream';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { guardLeaks } from '../support/leak-guard.js';
import { HandMadeClient, serverOptions } from './nest-server.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();

class User extends Result {
  @Expose({ name: 'user_name' })
  name: string;

  @Exclude()
  password = '';

  constructor(name = '', password = '') {
    super();
    this.name = name;
    this.password = password;
  }
}

/** A Result of a class that extends nothing, and that a plain object would be taken for. */
class Bare {
  text = '';
}

class GetUser extends Command<User> {}
class ListUsers extends StreamCommand<User> {}
class GetBare extends Command<Bare> {}

abstract class Users {
  abstract get(): User;
}

class RunGetUser extends Command<User> {
  override exec(users: Users): User {
    return users.get();
  }
}

const contract = defineContract({ commands: [GetUser, ListUsers, GetBare, RunGetUser], results: [User, Bare] });

@Controller()
class UsersController {
  @CommandHandler(GetUser)
  get() {
    return new User('ann', 'SECRET');
  }

  @CommandHandler(ListUsers)
  async *list() {
    yield new User('ann', 'SECRET');
    yield new User('bob', 'SECRET');
  }

  @CommandHandler(GetBare)
  bare() {
    return Object.assign(new Bare(), { text: 'x' });
  }

  @MessagePattern('user')
  byPattern() {
    return new User('ann', 'SECRET');
  }

  @Get('user')
  http() {
    return new User('ann', 'SECRET');
  }
}

class AnnOnly extends Users {
  get(): User {
    return new User('ann', 'SECRET');
  }
}

interface Served {
  readonly client: HandMadeClient;
  readonly url: string;
}

async function serve(providers: Provider[], interceptor?: Type<ClassSerializerInterceptor>): Promise<Served> {
  @Module({
    controllers: [UsersController, Invoker(Users, [RunGetUser])],
    providers: [{ provide: Users, useClass: AnnOnly }, ...providers],
  })
  class UsersModule {}
  const app = own({ ...(await made(UsersModule)) }).app;
  if (interceptor) app.useGlobalInterceptors(new interceptor(app.get(Reflector)));
  const strategy = new CmdStreamServer({ ...serverOptions, contract });
  app.connectMicroservice<MicroserviceOptions>({ strategy }, { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  const { port } = strategy.unwrap<CommandServer>().address!;
  return { client: own(new HandMadeClient(port, { contract, extension: true })), url: await app.getUrl() };
}

async function made(module: Type) {
  const app = await NestFactory.create(module, { logger: new SpyLogger() });
  return { app, destroy: () => app.close() };
}

const provided = [{ provide: APP_INTERCEPTOR, useClass: CmdStreamSerializerInterceptor }];

describe('CmdStreamSerializerInterceptor', () => {
  it.each([
    ['a provider', provided, undefined],
    ['made by hand', [], CmdStreamSerializerInterceptor as unknown as Type<ClassSerializerInterceptor>],
  ])('leaves Results alone and serializes the rest when it is %s', async (_, providers, interceptor) => {
    const { client, url } = await serve(providers, interceptor);
    expect(await client.execute(new GetUser())).toEqual(new User('ann'));
    expect(await lastValueFrom(client.send(new ListUsers()).pipe(toArray()))).toEqual([
      new User('ann'),
      new User('bob'),
    ]);
    expect(await client.execute(new GetBare())).toEqual(Object.assign(new Bare(), { text: 'x' }));
    expect(await client.execute(new RunGetUser())).toEqual(new User('ann'));
    expect(await firstValueFrom(client.send('user', {}))).toEqual({ user_name: 'ann' });
    const response = await fetch(`${url}/user`, { headers: { connection: 'close' } });
    expect(await response.json()).toEqual({ user_name: 'ann' });
  });
});

describe("Nest's ClassSerializerInterceptor", () => {
  it('makes Results plain objects, and the error says so and names the remedy', async () => {
    const { client } = await serve([], ClassSerializerInterceptor);
    await expect(client.execute(new GetUser())).rejects.toMatchObject({
      code: 'RESULT_NOT_IN_CONTRACT',
      message: expect.stringMatching(/plain object.*interceptor.*CmdStreamSerializerInterceptor/),
    });
  });
});
