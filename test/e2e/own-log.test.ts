// What clients and servers log of their own accord: nothing in good times, an outage with its begin, end and cost, the
// life of a server; and the options for that.
import type { LookupFunction } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { lastValueFrom } from 'rxjs';
import type { CircuitBreaker, CmdStreamClientOptions, CommandClient, CommandServer } from 'nestjs-cmd-stream';
import { until } from '../support/deadline.js';
import { freePort } from '../support/free-port.js';
import type { Given } from '../support/given.js';
import { guardLeaks } from '../support/leak-guard.js';
import { RawServer } from '../support/raw-server.js';
import { GREETING, sumFrame } from '../support/calc-frames.js';
import { AddCmd, CalcResult } from './calc.contract.js';
import { Adder, HandMadeClient, NestServer, type NestServerSetup } from './nest-server.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();
const soon = { delayMs: 20, fastPeriodMs: 60_000 };

async function serve(options: NestServerSetup['options'] = {}): Promise<NestServer> {
  return own(await NestServer.listen({ module: { controllers: [Adder] }, options }));
}

function clientOf(port: number, options: Given<CmdStreamClientOptions> = {}): [HandMadeClient, SpyLogger] {
  const logger = new SpyLogger();
  return [own(new HandMadeClient(port, { reconnect: soon, logger, ...options })), logger];
}

describe('a client', () => {
  it('has nothing to say in good times, a drain of its server included', async () => {
    const server = await serve();
    const [client, logger] = clientOf(server.port, { extension: true });
    await client.connect();
    await client.execute(new AddCmd(2, 3));
    const other = server.app.close();
    await client.close();
    await other;
    expect(logger.lines).toEqual([]);
  });

  it('says once of each type that a Result has followed the last one of its Command', async () => {
    const server = own(await RawServer.listen());
    const [client, logger] = clientOf(server.port);
    const ask = [client.execute(new AddCmd(1, 1)), client.execute(new AddCmd(2, 2)), client.execute(new AddCmd(3, 3))];
    const peer = await server.peer();
    peer.write(GREETING);
    await until('the Commands are there', () => client.unwrap<CommandClient>().has(3));
    peer.write(sumFrame(1, 2) + sumFrame(1, 2) + sumFrame(2, 4) + sumFrame(2, 4) + sumFrame(3, 6) + sumFrame(8, 1));
    expect(await Promise.all(ask)).toEqual([2, 4, 6].map((value) => new CalcResult(value)));
    await until('the others are there', () => client.unwrap<CommandClient>().unexpectedResults === 3);
    expect(logger.lines).toEqual([
      expect.stringMatching(/^warn: CalcResult came behind the last Result of its Command, and is dropped: /),
    ]);
  });

  it('says that a server is lost, with the reason and what it cost, and that it is back', async () => {
    const server = own(await RawServer.listen());
    const [client, logger] = clientOf(server.port);
    const connected = client.connect();
    const peer = await server.peer();
    peer.write(GREETING);
    await connected;
    const calls = [client.execute(new AddCmd(1, 1)), client.execute(new AddCmd(2, 2))];
    const failed = Promise.allSettled(calls);
    await until('the Commands are there', () => peer.received.length > GREETING.length);
    peer.reset();
    await failed;
    const next = await server.peer(1);
    next.write(GREETING);
    const back = await logger.line('is back');
    const name = `127\\.0\\.0\\.1:${server.port}`;
    expect(logger.lines[0]).toMatch(
      new RegExp(`^warn: ${name} is lost: PEER_RESET: .+; 2 calls lost; next attempt in \\d+ ms$`),
    );
    expect(back).toMatch(new RegExp(`^log: ${name} is back after [\\d.]+ m?s; 2 calls lost$`));
    expect(logger.lines).toHaveLength(2);
  });

  it('says that a server cannot be reached, and how many calls that has cost', async () => {
    const port = await freePort();
    const [client, logger] = clientOf(port, { queue: { timeoutMs: 100 } });
    await expect(client.execute(new AddCmd(1, 1))).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    const server = await serve({ port });
    await client.connect();
    const back = await logger.line('is back');
    const name = `127.0.0.1:${port}`;
    expect(logger.lines[0]).toContain(`warn: ${name} cannot be reached: CONNECT_FAILED: cannot connect to ${name}: `);
    expect(back).toMatch(/ attempts? in vain; 1 call not sent$/);
    expect(logger.lines).toHaveLength(2);
    await server.destroy();
  });

  it('says where the next attempt is left to the next call', async () => {
    const [client, logger] = clientOf(await freePort(), { reconnect: false });
    await expect(client.execute(new AddCmd(1, 1))).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    expect(await logger.line('cannot be reached')).toMatch(/; next attempt with the next call$/);
  });

  it('says that a circuit opens, and that it closes', async () => {
    const server = await serve();
    const breaker: { state: CircuitBreaker['state'] } & CircuitBreaker = {
      state: 'closed',
      acquire() {
        const report = () => void (breaker.state = 'closed');
        return breaker.state === 'open' ? undefined : { succeed: report, fail: () => {}, release: () => {} };
      },
    };
    const [client, logger] = clientOf(server.port, { circuitBreaker: () => breaker });
    await client.execute(new AddCmd(1, 1));
    breaker.state = 'open';
    await expect(client.execute(new AddCmd(1, 1))).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' });
    await expect(client.execute(new AddCmd(1, 1))).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' });
    breaker.state = 'half-open';
    await client.execute(new AddCmd(1, 1));
    const closed = await logger.line('has closed');
    const circuit = `the circuit of 127.0.0.1:${server.port}`;
    expect(logger.lines).toEqual([`warn: ${circuit} has opened: calls are kept away`, closed]);
    expect(closed).toMatch(/^log: .+ has closed after [\d.]+ m?s$/);
  });

  it('says which addresses its server gains and loses, and that they cannot be looked up', async () => {
    const server = await serve();
    const address = (last: number) => ({ address: `127.0.0.${last}`, family: 4 });
    let found = [address(1)];
    let error: Error | null = null;
    const lookup: LookupFunction = (_host, _options, callback) => setImmediate(() => callback(error, found));
    const servers = `calc.internal:${server.port}`;
    const [client, logger] = clientOf(server.port, {
      servers,
      host: undefined,
      port: undefined,
      lookup,
      resolveIntervalMs: 100,
    });
    await client.connect();
    found = [1, 11, 12, 13, 14, 15].map(address);
    await logger.line('more addresses');
    found = [address(1), address(11)];
    await logger.line('lost addresses');
    error = new Error('no such name');
    await logger.line('has failed');
    error = null;
    await logger.line('succeeds');
    expect(logger.lines.slice(0, 3)).toEqual([
      `log: ${servers} has more addresses: 127.0.0.11, 127.0.0.12, 127.0.0.13, 127.0.0.14 and 1 other`,
      `log: ${servers} has lost addresses: 127.0.0.12, 127.0.0.13, 127.0.0.14, 127.0.0.15`,
      `warn: the lookup of the host of ${servers} has failed: no such name; the addresses known before stay in use`,
    ]);
    expect(logger.lines[3]).toMatch(/^log: the lookup of the host of .+ succeeds again after /);
    expect(logger.lines).toHaveLength(4);
  });

  it('has ten lines a second at most, of however many servers', async () => {
    const port = await freePort();
    const logger = new SpyLogger();
    const names = Array.from({ length: 200 }, (_, index) => ({ host: `127.0.0.${index + 1}`, port }));
    const client = own(new HandMadeClient(port, { host: undefined, port: undefined, servers: names, logger }));
    const started = performance.now();
    await expect(client.unwrap().execute(new AddCmd(1, 1), { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    });
    const seconds = Math.floor((performance.now() - started) / 1000);
    expect(logger.lines.length).toBeGreaterThanOrEqual(10);
    expect(logger.lines.length).toBeLessThanOrEqual(10 * (seconds + 1));
  });

  it('is not hurt by a logger that fails', async () => {
    const port = await freePort();
    let lines = 0;
    const fail = () => {
      lines++;
      throw new Error('the disk is full');
    };
    const [client] = clientOf(port, { logger: { log: fail, warn: fail, error: fail }, queue: { timeoutMs: 20_000 } });
    const sum = client.execute(new AddCmd(2, 3));
    await until('it was to log the outage', () => lines === 1);
    await serve({ port });
    await expect(sum).resolves.toEqual(new CalcResult(5));
    expect(lines).toBe(2);
  });
});

describe('a server', () => {
  it('says where it listens and what it handles, that it drains, and that it is closed', async () => {
    const server = await serve();
    const { port } = server;
    const [client] = clientOf(port);
    await client.connect();
    await server.app.close();
    expect(server.logger.lines.filter((line) => /: (listening|draining|closed)/.test(line))).toEqual([
      `log: listening on 127.0.0.1:${port}, 1 Command, 0 patterns`,
      'log: draining: 1 connection, 0 Commands running',
      'log: closed',
    ]);
  });

  it('says why it has closed by itself', async () => {
    const server = await serve({ firstConnectionTimeoutMs: 1 });
    expect(await server.logger.line('closed: ')).toMatch(/^warn: closed: FIRST_CONNECTION_TIMEOUT: .+/);
  });

  it('that is closed without having listened has nothing to say', async () => {
    const server = await NestServer.create({ module: { controllers: [Adder] } });
    await server.app.close();
    expect(server.logger.having('closed')).toEqual([]);
  });
});

/** Keeps what it is given, the context included. */
class Lines {
  readonly all: unknown[][] = [];
  readonly log = (...given: unknown[]): void => void this.all.push(['log', ...given]);
  readonly warn = (...given: unknown[]): void => void this.all.push(['warn', ...given]);
  readonly error = (...given: unknown[]): void => void this.all.push(['error', ...given]);
}

describe('the option logger', () => {
  it("takes a logger of the application's own, which gets the class as the context", async () => {
    const lines = new Lines();
    const server = await serve({ logger: lines });
    const [client] = clientOf(await freePort(), { logger: lines, reconnect: false });
    await expect(client.execute(new AddCmd(1, 1))).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    await until('both have spoken', () => lines.all.length === 3);
    expect(lines.all).toEqual([
      ['warn', expect.stringContaining('no handler for'), 'CmdStreamServer'],
      ['log', `listening on 127.0.0.1:${server.port}, 1 Command, 0 patterns`, 'CmdStreamServer'],
      ['warn', expect.stringContaining('cannot be reached'), 'CmdStreamClient'],
    ]);
    expect(server.logger.having('listening')).toEqual([]);
  });

  it("is Nest's own by default", async () => {
    const { logger } = await serve();
    const client = own(new HandMadeClient(await freePort(), { logger: undefined, reconnect: false }));
    await expect(client.execute(new AddCmd(1, 1))).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    expect(await logger.line('cannot be reached')).toMatch(/^warn: /);
  });

  it('may be false: then nothing is logged, not even what peers cause', async () => {
    const server = await serve({ logger: false });
    const client = own(new HandMadeClient(server.port, { logger: false, extension: true }));
    await lastValueFrom(client.emit('unheard', 1));
    await client.execute(new AddCmd(1, 1));
    await server.app.close();
    expect(server.logger.lines.filter((line) => /listening|draining|closed|handler/.test(line))).toEqual([]);
  });

  it('has levels', async () => {
    const lines = new Lines();
    const server = await serve({ logger: lines, logLevels: ['warn', 'error'] });
    const client = own(new HandMadeClient(server.port, { logger: false, extension: true }));
    await lastValueFrom(client.emit('unheard', 1));
    await until('a line', () => lines.all.length === 2);
    await server.app.unwrap<CommandServer>().close();
    expect(lines.all.map(([level]) => level)).toEqual(['warn', 'error']);
  });
});
