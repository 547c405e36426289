// Options that make no sense are refused when a client or server is made, with their name and what is allowed, also
// where TypeScript does not look. Which values make none is written down here, option by option.
import { describe, expect, it } from '@jest/globals';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule } from '@nestjs/microservices';
import { CmdStreamClient, CmdStreamModule, CmdStreamServer } from 'nestjs-cmd-stream';
import { firstValueFrom } from 'rxjs';
import { clientRules } from '../../lib/client/client-options.js';
import { reconnectRules } from '../../lib/client/group/backoff.js';
import { queueRules, retryRules } from '../../lib/client/group/waiting-room.js';
import { keepaliveRules } from '../../lib/connection/keepalive.js';
import { CommandClient, CommandServer, type CallOptions } from '../../lib/core.js';
import { cmdStreamClientRules } from '../../lib/nest/client/cmd-stream-client.js';
import { cmdStreamServerRules } from '../../lib/nest/server/cmd-stream-server.js';
import { commandServerRules } from '../../lib/server/server-options.js';
import { calcInvoker } from '../support/calc-invoker.js';
import { AddCmd, vectorContract as contract } from '../support/vector-contract.js';

type Values = readonly unknown[];

const noNumber: Values = [Number.NaN, -1, 1.5, Infinity, 2 ** 53, '5', 5n, null, true, {}, []];
const noFlag: Values = [0, 1, 'true', '', null, {}];
const noText: Values = ['', 5, null, true, {}, ['host']];
const noFunction: Values = [{}, 'callback', 5, null, true];
const noObject: Values = [5, 'object', null, true];
const noInstrumentation: Values = [{}, [{}], [null], { observeClient: true }, () => ({}), 'otel', 5, null, true];
const noSwitch: Values = [0, 1, 'true', null, [], () => {}];
const noPort: Values = noNumber
  .filter((value) => value !== '5')
  .concat('', ' ', ' 80', '80 ', '+80', '0x50', '8e1', '80.0', '65536', '100000', 'http');
const tooSmall = (least: number): Values => [0, least - 1, ...noNumber];
/** Of an option that has no limit when it is Infinity. */
const noCap = (least: number): Values => tooSmall(least).filter((value) => value !== Infinity);

const ofConnections: Readonly<Record<string, Values>> = {
  serverInfo: [5, null, true, {}, ['default']],
  maxCommandBytes: tooSmall(64),
  maxResultBytes: tooSmall(64),
  frameTimeoutMs: noNumber,
  writeStallTimeoutMs: noNumber,
  maxSendBufferBytes: tooSmall(65_536),
  tcpKeepAliveMs: noNumber,
};

const ofClients: Readonly<Record<string, Values>> = {
  ...ofConnections,
  contract: [null, {}, 'contract', { commands: [] }],
  host: noText,
  port: [0, 65_536, ...noPort],
  path: [`/${'x'.repeat(103)}`, ...noText],
  servers: [
    [],
    [{}],
    [null],
    ['127.0.0.1:0'],
    [{ host: 'a', port: undefined }],
    [{ port: 1 }],
    [{ host: '', port: 1 }],
    [{ host: 'a', port: 0 }],
    [{ host: 'a', port: '0' }],
    [{ host: 'a', port: '1 ' }],
    [{ host: 'a', port: 1, path: '/a' }],
    [{ host: 'a', port: 1, weight: 2 }],
    [{ path: '' }],
    [{ path: `/${'x'.repeat(103)}` }],
    Array(1),
    { host: 'a', port: 1 },
    'a:1,',
    null,
  ],
  connectionsPerServer: [1025, ...tooSmall(1)],
  dispatchStrategy: ['random', {}, { pick: true }, null, 5, () => {}],
  tls: noSwitch,
  tlsFiles: noObject,
  codec: ['json', {}, { encodeCommand() {} }, null, 5],
  lookup: noFunction,
  connect: noFunction,
  reconnect: noSwitch,
  keepalive: noSwitch,
  retry: noSwitch,
  maxConnectionAgeMs: [99, 604_800_001, ...noNumber],
  resolveIntervalMs: [99, 604_800_001, ...noNumber],
  queue: noSwitch,
  circuitBreaker: noFunction,
  metadata: [5, 'token', null, true, []],
  hooks: noFunction,
  instrumentation: noInstrumentation,
  connectTimeoutMs: noNumber,
  timeoutMs: noNumber,
  maxQueuedBytes: tooSmall(1024),
  maxStreamBufferBytes: noCap(2_097_152),
  extension: ['required', 0, 1, null],
  gracePeriodMs: noNumber,
  onUnexpectedResult: noFunction,
};

const ofServers: Readonly<Record<string, Values>> = {
  ...ofConnections,
  contract: ofClients['contract']!,
  host: noText,
  port: [65_536, ...noPort],
  listenOn: [
    {},
    { path: `/${'x'.repeat(103)}` },
    { path: '' },
    { path: 5 },
    { fd: -1 },
    { fd: '3' },
    { fd: 3, path: '' },
    null,
    3,
    'systemd',
  ],
  tls: noObject,
  tlsFiles: noObject,
  codec: ofClients['codec']!,
  maxConnections: [1_000_001, ...noCap(1)],
  maxConnectionsPerAddress: [1_000_001, ...noCap(1)],
  maxInFlight: noCap(1),
  maxInFlightPerConnection: tooSmall(1),
  commandTimeoutMs: noNumber,
  handshakeTimeoutMs: noNumber,
  firstConnectionTimeoutMs: noNumber,
  receiveTimeoutMs: noNumber,
  idleTimeoutMs: noNumber,
  maxPingsPerSecond: [1_000_000_001, ...noCap(1)],
  maxControlFramesPerSecond: [1_000_000_001, ...noCap(1)],
  gracePeriodMs: noNumber,
  quietPeriodMs: noNumber,
  onPlainError: ['ignore', '', null, true, {}],
  maxStreamBufferBytes: tooSmall(1024),
  maxBufferedBytes: [1024 ** 4 + 1, ...noCap(1024 * 1024)],
  extension: ['require', 0, 1, null],
  onConnection: noFunction,
  instrumentation: noInstrumentation,
  onDisconnect: noFunction,
  onConnectionRefused: noFunction,
};

const ofNest: Readonly<Record<string, Values>> = {
  logger: [{}, { log: true }, true, null, 5, () => {}],
  logLevels: ['warn', ['debug'], [5], {}, null, 5],
  serializer: [{}, { serialize: true }, null, 5, () => {}],
  deserializer: [{}, { deserialize: true }, null, 5, () => {}],
};

interface Subject {
  readonly name: string;
  readonly rules: Readonly<Record<string, { readonly expected: string }>>;
  readonly nonsense: Readonly<Record<string, Values>>;
  make(options: object): unknown;
}

const subjects: readonly Subject[] = [
  {
    name: 'CommandClient',
    rules: clientRules,
    nonsense: ofClients,
    make: (options) => new CommandClient({ contract, ...options }),
  },
  {
    name: 'CmdStreamClient',
    rules: cmdStreamClientRules,
    nonsense: { ...ofClients, ...ofNest, connectOnBootstrap: noFlag },
    make: (options) => new CmdStreamClient(options),
  },
  {
    name: 'CommandServer',
    rules: commandServerRules,
    nonsense: { ...ofServers, invoker: [null, {}, 5, () => {}], onError: noFunction },
    make: (options) => new CommandServer({ contract, invoker: calcInvoker, ...options }),
  },
  {
    name: 'CmdStreamServer',
    rules: cmdStreamServerRules,
    nonsense: { ...ofServers, ...ofNest, transportId: ['tcp', null, {}, true] },
    make: (options) => new CmdStreamServer(options),
  },
];

/** What must be said about a value of an option. */
function refusal(name: string, expected: string): object {
  return expect.objectContaining({
    code: 'INVALID_OPTION',
    message: expect.stringContaining(`option "${name}" must be ${expected}`),
  }) as object;
}

describe.each(subjects)('the options of $name', ({ name: owner, rules, nonsense, make }) => {
  it('are all put to the test', () => {
    expect(Object.keys(nonsense).toSorted()).toEqual(Object.keys(rules).toSorted());
  });

  it.each(Object.keys(nonsense))('are refused when %s makes no sense', (name) => {
    for (const value of nonsense[name]!)
      expect(() => make({ [name]: value })).toThrow(refusal(name, rules[name]!.expected));
  });

  it.each(['Port', 'hosts', 'constructor', '__proto__', ''])('are refused when one of them is "%s"', (name) => {
    const given = JSON.parse(`{"${name}":1}`) as object;
    expect(() => make(given)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`${owner}: unknown option`) }),
    );
  });
});

describe('an option of the other side', () => {
  const ofEach = {
    client: { ...cmdStreamClientRules, ...clientRules },
    server: { ...cmdStreamServerRules, ...commandServerRules },
  };
  const cases = (['client', 'server'] as const).flatMap((side) => {
    const [own, other] = side === 'client' ? [ofEach.client, ofEach.server] : [ofEach.server, ofEach.client];
    const names = Object.keys(other).filter((name) => !Object.hasOwn(own, name));
    return names.map((name) => ({ side, name, other: side === 'client' ? 'server' : 'client' }));
  });
  /** They have been an option of the same side, or something else stands for them there. */
  const said: Readonly<Record<string, string>> = {
    path: 'it is `listenOn: { path }` now',
    maxBufferedBytes: 'it is called "maxStreamBufferBytes"',
    timeoutMs: 'that is an option of the client; how long a Command may run at the server is "commandTimeoutMs"',
    commandTimeoutMs: 'that is an option of the server; how long a call may take is "timeoutMs"',
  };

  it.each(cases)('is said to be one, given to a $side: $name', ({ side, name, other }) => {
    const make = (): unknown => (side === 'client' ? new CmdStreamClient(given) : new CmdStreamServer(given));
    const given = { [name]: 1 } as object;
    const remedy = said[name] ?? `that is an option of the ${other}`;
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    expect(make).toThrow(`: unknown option "${name}": ${remedy}`);
  });

  it.each([
    ['gracefulShutdown', true, 'it is a function, as signals end the whole application: `enableGracefulShutdown(app)`'],
    ['maxPending', 5, 'there is none: what runs is bounded by "maxInFlight" and "maxInFlightPerConnection"'],
  ])('or what stands for it at a server: %s', (name, value, remedy) => {
    const make = (): unknown => new CmdStreamServer({ [name]: value });
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    expect(make).toThrow(`unknown option "${name}": ${remedy}`);
  });

  it('is no TLS without a key', () => {
    const make = (): unknown => new CmdStreamServer({ tls: true as never });
    expect(make).toThrow(
      "must be an object of Node's TLS options, as a server needs `key` and `cert`, or `pfx`, got true",
    );
  });
});

describe('the options of a client that have options of their own', () => {
  const nested = {
    reconnect: [
      reconnectRules,
      { delayMs: tooSmall(1), fastPeriodMs: noNumber, maxDelayMs: tooSmall(1), maxAttempts: noCap(1) },
    ],
    keepalive: [keepaliveRules, { intervalMs: tooSmall(250), timeoutMs: tooSmall(250) }],
    queue: [queueRules, { timeoutMs: noNumber, maxCommands: noNumber.filter((value) => value !== Infinity) }],
    retry: [retryRules, { maxAttempts: tooSmall(1), delayMs: noNumber, maxDelayMs: noNumber }],
  } as const;
  const cases = Object.entries(nested).flatMap(([outer, [rules, nonsense]]) =>
    Object.keys(rules).map((name) => {
      const { expected } = (rules as Subject['rules'])[name]!;
      return { outer, name, expected, values: (nonsense as Subject['nonsense'])[name] };
    }),
  );

  it.each(cases)('are refused when $outer.$name makes no sense', ({ outer, name, expected, values }) => {
    for (const value of values!) {
      const make = (): unknown => new CmdStreamClient({ [outer]: { [name]: value } });
      expect(make).toThrow(refusal(name, expected));
      expect(make).toThrow(`option "${outer}"`);
    }
  });

  it.each(Object.keys(nested))('are refused when %s has an unknown one', (outer) => {
    const make = (): unknown => new CmdStreamClient({ [outer]: { delay: 5 } });
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    expect(make).toThrow(/unknown option "delay".* [kK]nown are /);
  });
});

describe('options of a client that contradict each other', () => {
  const servers = [
    { host: 'a', port: 1 },
    { host: 'b', port: 1 },
  ];

  it.each([
    [{ servers, host: 'a' }, '"servers" and "host"'],
    [{ servers, port: 1 }, '"servers" and "port"'],
    [{ servers, path: '/a' }, '"servers" and "path"'],
    [{ path: '/a', host: 'a' }, '"path" and "host"'],
    [{ path: '/a', port: 1 }, '"path" and "port"'],
    [{ connect: () => null as never, tls: {} }, '"connect" and "tls"'],
    [{ connect: () => null as never, lookup: () => {} }, '"connect" and "lookup"'],
    [{ connect: () => null as never, resolveIntervalMs: 100 }, '"connect" and "resolveIntervalMs"'],
  ])('are refused: %j', (options, text) => {
    const make = (): unknown => new CommandClient({ contract, ...options });
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    expect(make).toThrow(text);
  });
});

describe('an application', () => {
  /** Starts an application with what `imported` makes; gives the error that keeps it from starting. */
  async function startError(imported: () => DynamicModule): Promise<unknown> {
    try {
      @Module({ imports: [imported()] })
      class App {}
      const app = await NestFactory.createApplicationContext(App, { abortOnError: false, logger: false });
      await app.close();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  const modules: [string, (options: object) => DynamicModule][] = [
    ['CmdStreamModule', (options) => CmdStreamModule.register(options)],
    ['ClientsModule', (options) => ClientsModule.register([{ name: 'CALC', customClass: CmdStreamClient, options }])],
  ];

  it.each(modules)('with a client of %s does not start when an option makes no sense', async (_name, register) => {
    const nonsense = { ...ofClients, ...ofNest, connectOnBootstrap: noFlag };
    const rules: Subject['rules'] = cmdStreamClientRules;
    for (const [name, values] of Object.entries(nonsense))
      expect(await startError(() => register({ [name]: values[0] }))).toEqual(refusal(name, rules[name]!.expected));
    expect(await startError(() => register({ keepalive: { intervalMs: 5 } }))).toEqual(
      refusal('intervalMs', keepaliveRules.intervalMs.expected),
    );
    expect(await startError(() => register({ hosts: 'a' }))).toMatchObject({ code: 'INVALID_OPTION' });
    expect(await startError(() => register({}))).toBeUndefined();
  });

  it.each([null, undefined, 5, 'options', true, [null]])(
    'does not start with %j for the options of a client',
    async (options) => {
      for (const register of [CmdStreamModule.register, CmdStreamModule.registerAsync]) {
        const error = await startError(() => register.call(CmdStreamModule, options as never));
        expect(error).toMatchObject({ code: 'INVALID_OPTION' });
      }
    },
  );
});

describe('the options of a call', () => {
  const known = 'timeoutMs, signal, metadata, idempotent';
  const nonsense: [string, unknown][] = [
    ['unknown call option "timeout": did you mean "timeoutMs"? Known here: ' + known, { timeout: 100 }],
    ['unknown call option "__proto__"', JSON.parse('{"__proto__":1}')],
    ['the options of a call must be an object with ' + known + ', got null', null],
    ['the options of a call must be an object with ' + known + ', got 100', 100],
    ['unknown call option "0"', [100]],
    ['call option "timeoutMs" must be a whole number', { timeoutMs: '100' }],
    ['call option "timeoutMs" must be a whole number', { timeoutMs: null }],
    ['call option "signal" must be an AbortSignal, got an object', { signal: {} }],
    [
      'call option "signal" must be an AbortSignal, got an instance of AbortController',
      { signal: new AbortController() },
    ],
    ['call option "signal" must be an AbortSignal, got null', { signal: null }],
    ['call option "idempotent" must be true or false, got a string', { idempotent: 'yes' }],
    ['call option "idempotent" must be true or false, got null', { idempotent: null }],
  ];

  it.each(nonsense)('are refused: %s', async (message, given) => {
    const client = new CmdStreamClient({ contract, port: 1 });
    const core = new CommandClient({ contract, port: 1 });
    const options = given as CallOptions;
    const command = new AddCmd(1, 1);
    const refused = { code: 'INVALID_OPTION', sent: false, message: expect.stringContaining(message) };
    const calls: (() => Promise<unknown>)[] = [
      () => client.execute(command, options),
      () => firstValueFrom(client.send(command, options)),
      () => client.iterate(command, options).next(),
      () => core.execute(command, options),
      () => core.iterate(command, options).next(),
      () => new Promise((next, error) => core.dispatch(command, { next, error, complete: () => {} }, options)),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject(refused);
  });

  it.each([
    ['timeoutMs', { timeoutMs: 100 }],
    ['signal', { signal: new AbortController().signal }],
    ['idempotent', { idempotent: true }],
  ])('are metadata alone for emit(), not %s', async (name, options) => {
    const client = new CmdStreamClient({ contract, port: 1 });
    const refused = { code: 'INVALID_OPTION', message: `unknown call option "${name}"; known here: metadata` };
    await expect(firstValueFrom(client.emit(new AddCmd(1, 1), options as object))).rejects.toMatchObject(refused);
    await expect(client.unwrap<CommandClient>().emit(new AddCmd(1, 1), options as object)).rejects.toMatchObject(
      refused,
    );
  });

  it('are timeoutMs alone for ping(), not metadata', async () => {
    const core = new CommandClient({ contract, port: 1 });
    const refused = { code: 'INVALID_OPTION', message: 'unknown call option "metadata"; known here: timeoutMs' };
    await expect(core.ping({ metadata: {} } as object)).rejects.toMatchObject(refused);
    await expect(core.pingEach({ timeoutMs: -1 })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('what is to be called', () => {
  const nonsense: Values = [undefined, ...noFunction];

  it.each([
    ['client', () => new CommandClient({ contract, port: 1 })],
    ['server', () => new CommandServer({ contract, invoker: calcInvoker })],
  ])('with the status of a %s is a function, and one that is given twice is called twice', async (_, make) => {
    await using side = make();
    const refused = expect.objectContaining({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/onStatus: .* got/),
    });
    for (const listener of nonsense) expect(() => side.onStatus(listener as never)).toThrow(refused);
    let calls = 0;
    const listener = (): void => void calls++;
    const [off] = [side.onStatus(listener), side.onStatus(listener)];
    off();
    await side.close();
    expect(calls).toBe(1);
  });

  it.each(['next', 'complete', 'error'])('with what comes back to dispatch() has a function "%s"', (name) => {
    const core = new CommandClient({ contract, port: 1 });
    const sink = { next: () => {}, complete: () => {}, error: () => {} };
    const text = `dispatch: "${name}" of the sink must be a function, got `;
    const refused = expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(text) });
    for (const value of nonsense)
      expect(() => core.dispatch(new AddCmd(1, 1), { ...sink, [name]: value } as never)).toThrow(refused);
    expect(() => core.dispatch(new AddCmd(1, 1), null as never)).toThrow('"next" of the sink must be a function');
    expect(core.pending).toBe(0);
  });
});
