// Clients as providers: CmdStreamModule and Nest's own ClientsModule, and what becomes of them when the application
// ends.
import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  Inject,
  Injectable,
  Module,
  type DynamicModule,
  type ModuleMetadata,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule } from '@nestjs/microservices';
import {
  CmdStreamClient,
  CmdStreamModule,
  CommandHandler,
  getCmdStreamClientToken,
  InjectCmdStreamClient,
  type CmdStreamClientModuleOptions,
  type CmdStreamClientOptions,
  type CmdStreamModuleOptions,
  type CmdStreamOptionsFactory,
  type CommandClient,
} from 'nestjs-cmd-stream';
import { inTime, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, calcContract } from './calc.contract.js';
import { Adder, HandMadeClient, NestServer } from './nest-server.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();

function serve(): Promise<NestServer> {
  return NestServer.listen({ module: { controllers: [Adder] } });
}

/** The options of a client of a server that listens already. */
@Injectable()
class Address implements CmdStreamOptionsFactory {
  static port = 0;

  createCmdStreamOptions(): CmdStreamClientOptions {
    return { contract: calcContract, host: '127.0.0.1', port: Address.port };
  }
}

@Module({ providers: [Address], exports: [Address] })
class AddressModule {}

class App {
  readonly #app;

  constructor(app: Awaited<ReturnType<typeof NestFactory.createApplicationContext>>) {
    this.#app = app;
  }

  static async of(metadata: ModuleMetadata): Promise<App> {
    @Module(metadata)
    class RootModule {}
    const logger = new SpyLogger();
    return new App(await NestFactory.createApplicationContext(RootModule, { logger, abortOnError: false }));
  }

  client(token: string | symbol | Type = CmdStreamClient): CmdStreamClient {
    return this.#app.get<CmdStreamClient>(token, { strict: false });
  }

  get<T>(token: Type<T>): T {
    return this.#app.get(token);
  }

  destroy(): Promise<void> {
    return this.#app.close();
  }
}

async function sumOf(client: CmdStreamClient): Promise<number> {
  const { value } = await client.execute(new AddCmd(2, 3));
  return value;
}

describe('CmdStreamModule.register()', () => {
  it('provides one client without a name, to be injected by its class or the decorator', async () => {
    const server = own(await serve());
    @Injectable()
    class Prices {
      constructor(
        readonly byClass: CmdStreamClient,
        @InjectCmdStreamClient() readonly byDecorator: CmdStreamClient,
      ) {}
    }
    const options = { contract: calcContract, host: '127.0.0.1', port: server.port };
    const app = own(await App.of({ imports: [CmdStreamModule.register(options)], providers: [Prices] }));
    const { byClass, byDecorator } = app.get(Prices);
    expect(byClass).toBe(byDecorator);
    expect(await sumOf(byClass)).toBe(5);
  });

  it('provides several clients by their names, strings or symbols, each its own', async () => {
    const [first, second] = [own(await serve()), own(await serve())];
    const SECOND = Symbol('second');
    const options = { contract: calcContract, host: '127.0.0.1' };
    const module = CmdStreamModule.register([
      { name: 'FIRST', ...options, port: first.port },
      { name: SECOND, ...options, port: second.port },
    ]);
    @Injectable()
    class Both {
      constructor(
        @InjectCmdStreamClient('FIRST') readonly one: CmdStreamClient,
        @InjectCmdStreamClient(SECOND) readonly other: CmdStreamClient,
      ) {}
    }
    const app = own(await App.of({ imports: [module], providers: [Both] }));
    const both = app.get(Both);
    expect(both.one).not.toBe(both.other);
    expect(await sumOf(both.one)).toBe(5);
    expect(await sumOf(both.other)).toBe(5);
    expect([first.core.connections, second.core.connections]).toEqual([1, 1]);
    expect(app.client(getCmdStreamClientToken('FIRST') as string)).toBe(both.one);
  });

  it('is known to all modules if isGlobal says so, and only then', async () => {
    @Injectable()
    class Far {
      constructor(@InjectCmdStreamClient('CALC') readonly client: CmdStreamClient) {}
    }
    @Module({ providers: [Far], exports: [Far] })
    class FarModule {}
    const options = { name: 'CALC', contract: calcContract };
    const local: CmdStreamModuleOptions<CmdStreamClientModuleOptions>[] = [options, [options], { clients: [options] }];
    for (const given of [...local, { ...options, isGlobal: false }, { clients: [options], isGlobal: false }]) {
      const imports = [CmdStreamModule.register(given), FarModule];
      await expect(App.of({ imports })).rejects.toThrow(/CALC/);
    }
    for (const given of [
      { ...options, isGlobal: true },
      { clients: [options, { name: 'OTHER' }], isGlobal: true },
    ]) {
      const app = own(await App.of({ imports: [CmdStreamModule.register(given), FarModule] }));
      expect(app.get(Far).client).toBeInstanceOf(CmdStreamClient);
    }
  });

  it('takes isGlobal nowhere else, and nothing else beside the clients', () => {
    type Way = (...args: unknown[]) => unknown;
    const useFactory = () => ({});
    for (const way of [CmdStreamModule.register, CmdStreamModule.registerAsync] as unknown as Way[]) {
      const client = way === (CmdStreamModule.register as Way) ? {} : { useFactory };
      const said = (...args: unknown[]): unknown => {
        try {
          return way(...args);
        } catch (error) {
          return error;
        }
      };
      const faulty = (message: RegExp) => ({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(message) as unknown,
      });
      expect(said(client, { isGlobal: true })).toMatchObject(faulty(/beside the clients, \{ clients: /));
      expect(said({ clients: [client], global: true })).toMatchObject(faulty(/unknown option "global"/));
      expect(said({ clients: client })).toMatchObject(faulty(/option "clients" must be an array/));
      expect(said({ clients: undefined })).toMatchObject(faulty(/option "clients" is required/));
      expect(said({ clients: [client], isGlobal: 'yes' })).toMatchObject(faulty(/option "isGlobal" must be true or/));
      expect(said({ ...client, isGlobal: 'yes' })).toMatchObject(faulty(/option "isGlobal" must be true or false/));
    }
    const beside = 'unknown option "isGlobal": it stands beside the clients, { clients: [...], isGlobal: true }';
    const among = { useFactory, isGlobal: true };
    expect(() => CmdStreamModule.registerAsync([among])).toThrow(`CmdStreamModule.registerAsync(): ${beside}`);
    expect(() => CmdStreamModule.registerAsync({ clients: [among] })).toThrow(beside);
    const named = { name: 'CALC', isGlobal: true };
    expect(() => CmdStreamModule.register([named])).toThrow(`CmdStreamModule.register(): ${beside}`);
    expect(() => CmdStreamModule.register({ clients: [named] })).toThrow(beside);
  });

  it.each([
    [
      'isGlobl',
      /^CmdStreamModule\.register\(\): unknown option "isGlobl": did you mean "isGlobal"\? .*, name, isGlobal$/,
    ],
    ['nam', /^CmdStreamModule\.register\(\): unknown option "nam": did you mean "name"\? /],
    ['prot', /did you mean "port"\?/],
    ['strategy', /: it is called "dispatchStrategy"$/],
  ])('refuses the unknown option %s at once', (name, message) => {
    const options = { [name]: 'CALC' };
    const refused = expect.objectContaining({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(message) as unknown,
    }) as unknown as Error;
    expect(() => CmdStreamModule.register(options)).toThrow(refused);
    if (name === 'isGlobl') return;
    expect(() => CmdStreamModule.register([options])).toThrow(refused);
    expect(() => CmdStreamModule.register({ clients: [options] })).toThrow(refused);
  });

  it('names what a misspelt source of options is meant to be', () => {
    const misspelt = { usFactory: () => ({}) } as object;
    expect(() => CmdStreamModule.registerAsync(misspelt)).toThrow(/did you mean "useFactory"\? .*, isGlobal$/);
    expect(() => CmdStreamModule.registerAsync([misspelt])).toThrow(/did you mean "useFactory"\?/);
  });

  it.each([
    ['useFactory', (made: object) => ({ useFactory: () => made })],
    [
      'useClass',
      (made: object) => ({
        useClass: class {
          createCmdStreamOptions = () => made;
        },
      }),
    ],
    [
      'useExisting',
      (made: object) => ({
        extraProviders: [{ provide: 'MADE', useValue: { createCmdStreamOptions: () => made } }],
        useExisting: 'MADE',
      }),
    ],
  ])('says where a name and isGlobal belong that %s gives', async (source, way) => {
    for (const made of [{ name: 'CALC' }, { isGlobal: true }]) {
      const imports = [CmdStreamModule.registerAsync(way(made))];
      const said = `"${Object.keys(made)[0]}": it belongs beside ${source}, not into what that gives`;
      await expect(App.of({ imports })).rejects.toThrow(said);
    }
    const imports = [CmdStreamModule.registerAsync(way({ prot: 5 }))];
    await expect(App.of({ imports })).rejects.toThrow('unknown option "prot": did you mean "port"?');
  });

  it.each([
    ['useClass', { useClass: class {} as never }],
    ['useExisting', { extraProviders: [{ provide: 'MADE', useValue: null }], useExisting: 'MADE' }],
  ])('says what is missing where %s makes no options', async (source, way) => {
    const started = App.of({ imports: [CmdStreamModule.registerAsync({ name: 'CALC', ...way })] });
    const what = `client CALC: createCmdStreamOptions of its ${source} must be a function, got undefined`;
    const message = expect.stringContaining(what);
    await expect(started).rejects.toMatchObject({ code: 'INVALID_OPTION', message });
  });

  it('connects with the first call, not before', async () => {
    const server = own(await serve());
    const options = { contract: calcContract, host: '127.0.0.1', port: server.port };
    const app = own(await App.of({ imports: [CmdStreamModule.register(options)] }));
    expect(app.client().unwrap<CommandClient>().status).toBe('disconnected');
    expect(await sumOf(app.client())).toBe(5);
    expect(server.core.connections).toBe(1);
  });

  it('refuses two clients of one name', () => {
    const clients: CmdStreamClientModuleOptions[] = [{ contract: calcContract }, { contract: calcContract }];
    const twice = (message: string) => expect.objectContaining({ code: 'INVALID_OPTION', message }) as unknown as Error;
    expect(() => CmdStreamModule.register(clients)).toThrow(twice('CmdStreamModule: two clients have no name'));
    for (const [name, shown] of [
      ['CALC', 'CALC'],
      [Symbol('calc'), 'Symbol(calc)'],
    ] as const) {
      const named = clients.map((client) => ({ ...client, name }));
      expect(() => CmdStreamModule.register(named)).toThrow(
        twice(`CmdStreamModule: two clients have the name ${shown}`),
      );
    }
    const apart = CmdStreamModule.register([{ name: 'ONE' }, { name: 'OTHER' }, {}]);
    expect(apart).toMatchObject({ global: false, exports: [{ provide: 'ONE' }, { provide: 'OTHER' }, {}] });
  });

  it('refuses what is no object among the options, also in a list', () => {
    const noObject = expect.objectContaining({
      code: 'INVALID_OPTION',
      message: 'CmdStreamModule: the options of a client must be an object',
    }) as unknown as Error;
    for (const bad of [null, undefined, 'CALC', 5, () => {}]) {
      for (const given of [bad, [bad], [{ name: 'CALC' }, bad]]) {
        expect(() => CmdStreamModule.register(given as CmdStreamClientModuleOptions)).toThrow(noObject);
        expect(() => CmdStreamModule.registerAsync(given as object)).toThrow(noObject);
      }
    }
  });

  it('refuses a name that is no symbol and no string, or an empty one, wherever it is said', () => {
    const bad = [
      ['', 'an empty one'],
      [null, 'null'],
      [5, '5'],
    ] as unknown as [string, string][];
    for (const [name, shown] of bad) {
      const badName = expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(`the name of a client must be .*, got ${shown};`),
      }) as unknown as Error;
      expect(() => CmdStreamModule.register({ name })).toThrow(badName);
      expect(() => CmdStreamModule.registerAsync({ name, useClass: Address })).toThrow(badName);
      expect(() => InjectCmdStreamClient(name)).toThrow(badName);
      expect(() => getCmdStreamClientToken(name)).toThrow(badName);
    }
  });

  it('lets options that make no sense fail the start', async () => {
    const module = CmdStreamModule.register({ contract: calcContract, port: -1 });
    await expect(App.of({ imports: [module] })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('CmdStreamModule.registerAsync()', () => {
  const modules: [string, () => DynamicModule][] = [
    [
      'useFactory',
      () =>
        CmdStreamModule.registerAsync({
          imports: [AddressModule],
          inject: [Address],
          useFactory: (address: Address) => address.createCmdStreamOptions(),
        }),
    ],
    [
      'an asynchronous useFactory',
      () => CmdStreamModule.registerAsync({ useFactory: async () => new Address().createCmdStreamOptions() }),
    ],
    ['useClass', () => CmdStreamModule.registerAsync({ useClass: Address })],
    ['useExisting', () => CmdStreamModule.registerAsync({ imports: [AddressModule], useExisting: Address })],
    [
      'extraProviders',
      () =>
        CmdStreamModule.registerAsync({
          extraProviders: [{ provide: 'PORT', useFactory: () => Address.port }],
          inject: ['PORT'],
          useFactory: (port: number) => ({ contract: calcContract, host: '127.0.0.1', port }),
        }),
    ],
  ];

  it.each(modules)('makes a client by %s', async (_, module) => {
    const server = own(await serve());
    Address.port = server.port;
    const app = own(await App.of({ imports: [module()] }));
    expect(await sumOf(app.client())).toBe(5);
  });

  it('makes several, with and without a name, known to all modules', async () => {
    const server = own(await serve());
    Address.port = server.port;
    const clients = [{ useClass: Address }, { name: 'CALC', imports: [AddressModule], useExisting: Address }];
    @Injectable()
    class Far {
      constructor(
        readonly unnamed: CmdStreamClient,
        @InjectCmdStreamClient('CALC') readonly named: CmdStreamClient,
      ) {}
    }
    @Module({ providers: [Far], exports: [Far] })
    class FarModule {}
    const app = own(await App.of({ imports: [CmdStreamModule.registerAsync({ clients, isGlobal: true }), FarModule] }));
    const { unnamed, named } = app.get(Far);
    expect(unnamed).not.toBe(named);
    expect(await sumOf(unnamed)).toBe(5);
    expect(await sumOf(named)).toBe(5);
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a promise of nothing', Promise.resolve()],
    ['undefined for host and port', { host: undefined, port: undefined }],
    ['undefined for the servers', { contract: calcContract, servers: undefined }],
  ])('lets the start fail when a factory gives %s', async (_, given) => {
    class Nothing {
      createCmdStreamOptions = () => given as CmdStreamClientOptions;
    }
    const missing = { code: 'INVALID_OPTION', message: expect.stringContaining('client CALC: its factory gave') };
    const ways = [
      { useFactory: () => given as CmdStreamClientOptions },
      { useClass: Nothing },
      { useExisting: Nothing, extraProviders: [Nothing] },
    ];
    for (const way of ways) {
      const module = CmdStreamModule.registerAsync({ name: 'CALC', ...way });
      await expect(App.of({ imports: [module] })).rejects.toMatchObject(missing);
    }
    const unnamed = CmdStreamModule.registerAsync({ useFactory: () => given as CmdStreamClientOptions });
    await expect(App.of({ imports: [unnamed] })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('the client without a name: its factory gave'),
    });
  });

  it('takes the default address from a factory that names none, or a part of it', async () => {
    for (const options of [{}, { contract: calcContract }, { host: undefined, port: 3000 }]) {
      const useFactory = () => options as CmdStreamClientOptions;
      const app = own(await App.of({ imports: [CmdStreamModule.registerAsync({ useFactory })] }));
      expect(app.client().servers).toMatchObject([{ server: 'localhost:3000' }]);
    }
  });

  it('refuses a client without any source of options, or with several, and two of one name', () => {
    const invalid = expect.objectContaining({ code: 'INVALID_OPTION' }) as unknown as Error;
    expect(() => CmdStreamModule.registerAsync({})).toThrow(invalid);
    const useFactory = (): CmdStreamClientOptions => ({});
    expect(() => CmdStreamModule.registerAsync({ useFactory, useClass: Address })).toThrow(invalid);
    expect(() => CmdStreamModule.registerAsync({ useFactory, useExisting: Address })).toThrow(invalid);
    expect(() => CmdStreamModule.registerAsync({ useClass: Address, useExisting: Address })).toThrow(invalid);
    expect(() => CmdStreamModule.registerAsync([{ useClass: Address }, { useClass: Address }])).toThrow(invalid);
  });
});

describe.each(['reference', 'deep-hash'] as const)(
  'two modules of an application with module ids by %s',
  (algorithm) => {
    const ways: [string, (port: number) => DynamicModule][] = [
      ['register()', (port) => CmdStreamModule.register({ port })],
      // The text of both factories is the same.
      ['registerAsync()', (port) => CmdStreamModule.registerAsync({ useFactory: () => ({ port }) })],
    ];

    it.each(ways)('have each the client of their own %s', async (_, register) => {
      const [first, second] = [5001, 5002].map((port) => {
        @Module({ imports: [register(port)] })
        class Owner {
          constructor(@InjectCmdStreamClient() readonly client: CmdStreamClient) {}
        }
        return Owner;
      }) as [Type<{ client: CmdStreamClient }>, Type<{ client: CmdStreamClient }>];
      // Nest tells modules apart by their names, too.
      Object.defineProperty(second, 'name', { value: 'SecondOwner' });
      @Module({ imports: [first, second] })
      class RootModule {}
      const options = { logger: false, moduleIdGeneratorAlgorithm: algorithm } as const;
      const app = await NestFactory.createApplicationContext(RootModule, options);
      const servers = [first, second].map((owner) => app.get(owner).client.servers[0]?.server);
      await app.close();
      expect(servers).toEqual(['localhost:5001', 'localhost:5002']);
    });
  },
);

describe("Nest's ClientsModule with customClass", () => {
  it('provides a client by register()', async () => {
    const server = own(await serve());
    const options = { contract: calcContract, host: '127.0.0.1', port: server.port };
    @Injectable()
    class Prices {
      constructor(@Inject('CALC') readonly client: CmdStreamClient) {}
    }
    const module = ClientsModule.register([{ name: 'CALC', customClass: CmdStreamClient, options }]);
    const app = own(await App.of({ imports: [module], providers: [Prices] }));
    expect(await sumOf(app.get(Prices).client)).toBe(5);
  });

  it('provides a client by registerAsync()', async () => {
    const server = own(await serve());
    const useFactory = () => ({
      customClass: CmdStreamClient,
      options: { contract: calcContract, host: '127.0.0.1', port: server.port },
    });
    const app = own(await App.of({ imports: [ClientsModule.registerAsync([{ name: 'CALC', useFactory }])] }));
    expect(await sumOf(app.client('CALC'))).toBe(5);
  });
});

describe('the end of an application', () => {
  const ways: [string, (options: CmdStreamClientOptions) => DynamicModule][] = [
    ['CmdStreamModule', (options) => CmdStreamModule.register({ name: 'CALC', ...options })],
    ['ClientsModule', (options) => ClientsModule.register([{ name: 'CALC', customClass: CmdStreamClient, options }])],
  ];

  it.each(ways)('closes the clients of %s', async (_, module) => {
    const server = own(await serve());
    const app = await App.of({
      imports: [module({ contract: calcContract, host: '127.0.0.1', port: server.port })],
    });
    const client = app.client('CALC');
    expect(await sumOf(client)).toBe(5);
    await app.destroy();
    expect(client.unwrap<CommandClient>().status).toBe('closed');
    await until('the server has no connection', () => server.core.connections === 0);
    await expect(client.execute(new AddCmd(1, 1))).rejects.toMatchObject({ code: 'CLOSED', sent: false });
    await app.destroy();
  });

  it('drains its server before it closes its clients, so that handlers may still use them', async () => {
    const downstream = own(await serve());
    let entered = false;
    let proceed = (): void => {};
    const allowed = new Promise<void>((resolve) => (proceed = resolve));
    @Controller()
    class Gateway {
      constructor(private readonly client: CmdStreamClient) {}

      @CommandHandler(AddCmd)
      async add(command: AddCmd) {
        entered = true;
        await allowed;
        return this.client.execute(command);
      }
    }
    const options = { contract: calcContract, host: '127.0.0.1', port: downstream.port };
    const module = { imports: [CmdStreamModule.register(options)], controllers: [Gateway] };
    const gateway = await NestServer.listen({ module, options: { gracePeriodMs: 10_000 } });
    const client = own(new HandMadeClient(gateway.port));
    const answer = client.execute(new AddCmd(2, 3));
    await until('the handler runs', () => entered);
    const closed = gateway.app.close();
    proceed();
    expect(await inTime('the answer', answer)).toEqual(new CalcResult(5));
    await inTime('the application has closed', closed);
    await until('the client is gone', () => downstream.core.connections === 0);
  });
});
