// Options that make no sense are refused when a client or server is made, with their name and what is allowed, also
// where TypeScript does not look. Which values make none is written down here, option by option.
import { describe, expect, it } from '@jest/globals';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule } from '@nestjs/microservices';
import { CmdStreamClient, CmdStreamModule, CmdStreamServer } from 'nestjs-cmd-stream';
import { clientRules } from '../../lib/client/client-options.js';
import { keepaliveRules } from '../../lib/connection/keepalive-options.js';
import { CommandClient, CommandServer } from '../../lib/core.js';
import { reconnectRules } from '../../lib/client/reconnect-options.js';
import { retryRules } from '../../lib/client/retry-options.js';
import { cmdStreamClientRules } from '../../lib/nest/cmd-stream-client-options.js';
import { cmdStreamServerRules } from '../../lib/nest/cmd-stream-server-options.js';
import { commandServerRules } from '../../lib/server/server-options.js';
import { calcInvoker } from '../support/calc-invoker.js';
import { vectorContract as contract } from '../support/vector-contract.js';

type Values = readonly unknown[];

const noNumber: Values = [Number.NaN, -1, 1.5, Infinity, 2 ** 53, '5', 5n, null, true, {}, []];
const noFlag: Values = [0, 1, 'true', '', null, {}];
const noText: Values = ['', 5, null, true, {}, ['host']];
const noFunction: Values = [{}, 'callback', 5, null, true];
const noObject: Values = [5, 'object', null, true];
const noSwitch: Values = [0, 1, 'true', null, [], () => {}];
const tooSmall = (least: number): Values => [0, least - 1, ...noNumber];

const ofConnections: Readonly<Record<string, Values>> = {
  serverInfo: [5, null, true, {}, ['default']],
  maxCommandBytes: tooSmall(64),
  maxResultBytes: tooSmall(64),
  frameTimeoutMs: noNumber,
  writeStallTimeoutMs: noNumber,
  maxSendBufferBytes: tooSmall(65_536),
  tcpKeepAliveMs: noNumber,
  noDelay: noFlag,
};

const ofClients: Readonly<Record<string, Values>> = {
  ...ofConnections,
  contract: [null, {}, 'contract', { commands: [] }],
  host: noText,
  port: [0, 65_536, ...noNumber],
  path: [`/${'x'.repeat(103)}`, ...noText],
  servers: [
    [],
    [{}],
    [null],
    ['127.0.0.1:3000'],
    [{ host: 'a' }],
    [{ port: 1 }],
    [{ host: '', port: 1 }],
    [{ host: 'a', port: 0 }],
    [{ host: 'a', port: '1' }],
    [{ host: 'a', port: 1, path: '/a' }],
    [{ host: 'a', port: 1, weight: 2 }],
    [{ path: '' }],
    [{ path: `/${'x'.repeat(103)}` }],
    Array(1),
    { host: 'a', port: 1 },
    'a:1',
    null,
  ],
  connections: tooSmall(1),
  strategy: ['random', {}, { pick: true }, null, 5, () => {}],
  tls: noObject,
  codec: ['json', {}, { encodeCommand() {} }, null, 5],
  lookup: noFunction,
  connect: noFunction,
  reconnect: noSwitch,
  keepalive: noSwitch,
  retry: noSwitch,
  maxConnectionAgeMs: [99, 604_800_001, ...noNumber],
  whenDisconnected: ['queue', '', null, true, 0],
  queueTimeoutMs: noNumber,
  circuitBreaker: noFunction,
  isFailure: noFunction,
  hooks: noFunction,
  connectTimeoutMs: noNumber,
  timeoutMs: noNumber,
  maxPending: tooSmall(1),
  maxQueuedCommands: noNumber,
  maxBufferedResults: tooSmall(32),
  extension: ['required', 0, 1, null],
  contractCheck: noFlag,
  gracePeriodMs: noNumber,
  onUnexpectedResult: noFunction,
};

const ofServers: Readonly<Record<string, Values>> = {
  ...ofConnections,
  contract: ofClients['contract']!,
  host: noText,
  port: [65_536, ...noNumber],
  path: [`/${'x'.repeat(103)}`, ...noText],
  listenOn: [{}, { fd: -1 }, { fd: '3' }, { fd: 3, path: '' }, null, 3, 'systemd'],
  tls: noObject,
  codec: ofClients['codec']!,
  maxConnections: [1_000_001, ...noNumber],
  maxInFlight: noNumber,
  maxInFlightPerConnection: tooSmall(1),
  sendHighWaterBytes: tooSmall(1024),
  handshakeTimeoutMs: noNumber,
  firstConnectionTimeoutMs: noNumber,
  receiveTimeoutMs: noNumber,
  idleTimeoutMs: noNumber,
  gracePeriodMs: noNumber,
  quietPeriodMs: noNumber,
  onPlainError: ['ignore', '', null, true, {}],
  maxStreamBufferBytes: tooSmall(1024),
  extension: ['require', 0, 1, null],
  contractCheck: noFlag,
  onConnectionLost: noFunction,
};

const ofNest: Readonly<Record<string, Values>> = {
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
    nonsense: { ...ofServers, invoker: [null, {}, 5, () => {}], onConnectionEnd: noFunction, onError: noFunction },
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

describe('the options of a client that have options of their own', () => {
  const nested = {
    reconnect: [
      reconnectRules,
      { maxDelayMs: tooSmall(1), fastPeriodMs: noNumber, slowDelayMs: tooSmall(1), maxAttempts: noNumber },
    ],
    keepalive: [keepaliveRules, { idleMs: tooSmall(250), intervalMs: tooSmall(250), timeoutMs: tooSmall(250) }],
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
    expect(make).toThrow(/unknown option "delay"; known are /);
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
    [{ servers, connections: 1 }, '"connections" must be at least the number of servers (2), got 1'],
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
    expect(await startError(() => register({ keepalive: { idleMs: 5 } }))).toEqual(
      refusal('idleMs', keepaliveRules.idleMs.expected),
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
