// What the options of a client become when they are left out, switched on or off, or given in part.
import { describe, expect, it } from '@jest/globals';
import { resolveClientOptions } from '../../../lib/client/client-config.js';
import { vectorContract as contract } from '../../support/vector-contract.js';

const defaults = {
  reconnect: { delayMs: 1000, fastPeriodMs: 5000, maxDelayMs: 6000, maxAttempts: Infinity },
  keepalive: { intervalMs: 5000, timeoutMs: 5000 },
  queue: { timeoutMs: 5000, maxCommands: 16_384 },
  retry: { maxAttempts: 3, delayMs: 100, maxDelayMs: 5000 },
} as const;
const names = Object.keys(defaults) as (keyof typeof defaults)[];

describe.each(names)('the option %s of a client', (name) => {
  it.each([undefined, true, {}])('is on with all defaults when it is %j', (given) => {
    expect(resolveClientOptions({ contract, [name]: given })[name]).toEqual(defaults[name]);
  });

  it('is off when it is false', () => {
    expect(resolveClientOptions({ contract, [name]: false })[name]).toBe(false);
  });

  it('keeps the defaults of what is not given', () => {
    const [first = '', ...others] = Object.keys(defaults[name]).toReversed();
    const resolved = resolveClientOptions({ contract, [name]: { [first]: 999 } })[name];
    expect(resolved).toMatchObject({ [first]: 999 });
    for (const other of others)
      expect(resolved).toHaveProperty(other, (defaults[name] as Record<string, number>)[other]);
  });
});

describe('the servers of a client', () => {
  it.each([
    [{}, [{ host: 'localhost', port: 3000 }], 1],
    [{ host: 'calc', port: 9 }, [{ host: 'calc', port: 9 }], 1],
    [{ host: 'calc', port: '0443' }, [{ host: 'calc', port: 443 }], 1],
    [{ path: '/run/calc.sock', connectionsPerServer: 3 }, [{ path: '/run/calc.sock' }], 3],
    [{ servers: [{ host: 'a', port: '1' }] }, [{ host: 'a', port: 1 }], 1],
    [
      { servers: [{ host: 'a' }, 'b'] },
      [
        { host: 'a', port: 3000 },
        { host: 'b', port: 3000 },
      ],
      1,
    ],
    [
      { servers: 'a:9000, b:09001' },
      [
        { host: 'a', port: 9000 },
        { host: 'b', port: 9001 },
      ],
      1,
    ],
    [{ servers: ['calc-1.internal:9000'] }, [{ host: 'calc-1.internal', port: 9000 }], 1],
    [
      { servers: '[::1]:9000,[fe80::1%eth0],127.0.0.1' },
      [
        { host: '::1', port: 9000 },
        { host: 'fe80::1%eth0', port: 3000 },
        { host: '127.0.0.1', port: 3000 },
      ],
      1,
    ],
    [{ servers: [{ host: 'a', port: 1 }, { path: '/b' }] }, [{ host: 'a', port: 1 }, { path: '/b' }], 1],
  ])('are of %j', (options, servers, connectionsPerServer) => {
    expect(resolveClientOptions({ contract, ...options })).toMatchObject({ servers, connectionsPerServer });
  });

  it.each<[object, string]>([
    [{ servers: [] }, 'option "servers" must be a list of at least one server'],
    [{ servers: [null] }, 'option "servers" must be a list'],
    [{ servers: [{ host: 'a', port: 1 }, {}] }, 'option "servers" must be a list'],
    [{ servers: [{ host: '', port: 1 }] }, 'option "servers" must be a list'],
    [{ servers: [{ host: 'a', port: 0 }] }, 'option "servers" must be a list'],
    [{ servers: [{ host: 'a', port: 1, path: '/b' }] }, 'option "servers" must be a list'],
    [{ servers: [{ path: '' }] }, 'option "servers" must be a list'],
    [{ servers: [{ path: '/b' }], host: 'a' }, 'options "servers" and "host" exclude each other'],
    [{ servers: [{ path: '/b' }], path: '/c' }, 'options "servers" and "path" exclude each other'],
    [{ path: '/b', port: 1 }, 'options "path" and "port" exclude each other'],
    [{ connect: () => {}, tls: {} }, 'options "connect" and "tls" exclude each other'],
  ])('are not of %j', (options, message) => {
    const expected = expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(message) });
    expect(() => resolveClientOptions({ contract, ...options })).toThrow(expected as unknown as Error);
  });

  it('may become more without a change of the other options', () => {
    for (const servers of [[{ path: '/a' }], [{ path: '/a' }, { path: '/b' }]])
      expect(resolveClientOptions({ contract, servers, connectionsPerServer: 1 })).toMatchObject({ servers });
  });
});

describe('text that names no servers', () => {
  it.each([
    '',
    ' ',
    ',',
    'a:1,',
    'a:1,,b:1',
    'a:',
    ':1',
    'a:0',
    'a:65536',
    'a:http',
    'a:1:2',
    'a b:1',
    '::1',
    '::1:9000',
    '[::1',
    '[::1]9000',
    '[calc]:1',
    '[127.0.0.1]:1',
    'tcp://a:1',
    'tls://a',
    'user@a:1',
    '/run/calc.sock',
    'a:1/b',
  ])('is refused: %j', (servers) => {
    for (const given of [servers, ['b:1', servers]])
      expect(() => resolveClientOptions({ contract, servers: given })).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('option "servers" must') }),
      );
  });
});

describe('the option tls of a client', () => {
  it.each([
    [undefined, undefined],
    [false, undefined],
    [true, {}],
    [{ servername: 'calc' }, { servername: 'calc' }],
  ])('%j is %j', (tls, resolved) => {
    expect(resolveClientOptions({ contract, ...(tls !== undefined && { tls }) }).tls?.options).toEqual(resolved);
  });

  it('may be false beside connect', () => {
    const connect = () => null as never;
    expect(() => resolveClientOptions({ contract, connect, tls: false })).not.toThrow();
  });
});

describe('a name that an option of a client had before', () => {
  it.each<[object, string]>([
    [{ strategy: 'round-robin' }, 'CommandClient: unknown option "strategy": it is called "dispatchStrategy"'],
    [{ connections: 4 }, 'unknown option "connections": it is called "connectionsPerServer", and is counted for each'],
    [{ whenDisconnected: 'fail' }, 'unknown option "whenDisconnected": it is `queue: false` now'],
    [{ queueTimeoutMs: 5 }, 'it is called "queue.timeoutMs"'],
    [{ maxQueuedCommands: 5 }, 'it is called "queue.maxCommands"'],
    [{ maxPending: 5 }, 'unknown option "maxPending": it was removed; `connectionsPerServer`'],
    [{ isFailure: () => true }, 'unknown option "isFailure": it is an option of cockatielBreaker()'],
    [{ maxBufferedResults: 50 }, 'it is called "maxStreamBufferBytes"'],
    [{ maxBufferedBytes: 50 }, 'it is called "maxStreamBufferBytes"'],
    [{ tlsOptions: {} }, 'unknown option "tlsOptions": it is called "tls"'],
    [{ ca: '' }, 'unknown option "ca": it belongs into the option "tls": `tls: { ca }`'],
    [{ maxDepth: 5 }, 'unknown option "maxDepth": it belongs into the option "codec": `jsonCodec({ maxDepth })`'],
    [{ reconnect: { slowDelayMs: 5 } }, 'option "reconnect": unknown option "slowDelayMs": it is called "maxDelayMs"'],
    [{ keepalive: { idleMs: 500 } }, 'option "keepalive": unknown option "idleMs": it is called "intervalMs"'],
  ])('is refused with the new one: %j', (options, message) => {
    const expected = expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(message) });
    expect(() => resolveClientOptions({ contract, ...options })).toThrow(expected as unknown as Error);
  });
});
