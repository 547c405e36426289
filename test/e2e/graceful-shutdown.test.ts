// enableGracefulShutdown(): servers drain first, providers go later, whatever kind of application and whatever ends it.
import { describe, expect, it, jest } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Logger,
  Module,
  type INestApplicationContext,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport, type MicroserviceOptions } from '@nestjs/microservices';
import {
  CmdStreamServer,
  CommandHandler,
  enableGracefulShutdown,
  type CommandServer,
  type GracefulShutdownOptions,
} from 'nestjs-cmd-stream';
import { inTime, turns, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult } from './calc.contract.js';
import { HandMadeClient, serverOptions } from './nest-server.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();

let log: string[] = [];
let release: () => void = () => {};

/** What a handler needs until it is done. */
@Injectable()
class Database implements OnModuleDestroy, OnApplicationShutdown {
  #isOpen = true;

  async add(a: number, b: number): Promise<number> {
    log.push('started');
    await new Promise<void>((resolve) => (release = resolve));
    if (!this.#isOpen) throw new Error('the database is closed');
    log.push('answered');
    return a + b;
  }

  onModuleDestroy(): void {
    this.#isOpen = false;
    log.push('destroyed');
  }

  onApplicationShutdown(signal?: string): void {
    log.push(`shut down: ${signal}`);
  }
}

@Controller()
class CalcController {
  constructor(private readonly database: Database) {}

  @CommandHandler(AddCmd)
  async add({ A, B }: AddCmd) {
    return new CalcResult(await this.database.add(A, B));
  }

  @Get()
  root(): string {
    return 'root';
  }
}

@Module({ controllers: [CalcController], providers: [Database] })
class CalcModule {}

interface Running {
  readonly app: INestApplicationContext;
  readonly strategy: CmdStreamServer;
  readonly sum: Promise<CalcResult>;
  readonly statuses: string[];
}

function newStrategy(): CmdStreamServer {
  return new CmdStreamServer({ ...serverOptions, gracePeriodMs: 10_000 });
}

async function pure(): Promise<[INestApplicationContext, CmdStreamServer]> {
  const strategy = newStrategy();
  const logger = new SpyLogger();
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(CalcModule, { strategy, logger });
  await app.listen();
  return [app, strategy];
}

async function hybrid(): Promise<[INestApplicationContext, CmdStreamServer]> {
  const strategy = newStrategy();
  const app = await NestFactory.create(CalcModule, { logger: new SpyLogger() });
  app.connectMicroservice<MicroserviceOptions>({ transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } });
  app.connectMicroservice<MicroserviceOptions>({ strategy });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  return [app, strategy];
}

/** An application with one Command under way. */
async function running(make: typeof pure, options?: GracefulShutdownOptions): Promise<Running> {
  log = [];
  const [app, strategy] = await make();
  own({ destroy: enableGracefulShutdown(app, options) });
  own({ destroy: () => app.close() });
  own({ destroy: () => release() });
  const statuses: string[] = [];
  strategy.status.subscribe((status) => statuses.push(status));
  const client = own(new HandMadeClient(strategy.unwrap<CommandServer>().address!.port, { extension: true }));
  const sum = client.execute(new AddCmd(2, 3));
  await until('the Command is under way', () => log.includes('started'));
  return { app, strategy, sum, statuses };
}

/** Without a server, and without the process that ends when it is misused. */
async function bare(): Promise<INestApplicationContext> {
  const app = await NestFactory.createApplicationContext(CalcModule, { logger: new SpyLogger(), abortOnError: false });
  own({ destroy: () => app.close() });
  return app;
}

function watchKill() {
  const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
  own({ destroy: () => kill.mockRestore() });
  return kill;
}

/** An application that has nothing to drain, which SIGUSR2 closes. */
async function idle(): Promise<CmdStreamServer> {
  const [app, strategy] = await pure();
  own({ destroy: () => app.close() });
  own({ destroy: enableGracefulShutdown(app, { signals: ['SIGUSR2'] }) });
  return strategy;
}

/** The signals that are raised: none before the Command has its answer. */
async function signalsBehind(sum: Promise<CalcResult>, kill: ReturnType<typeof watchKill>): Promise<unknown[]> {
  await turns(20);
  expect(kill).not.toHaveBeenCalled();
  release();
  expect(await sum).toEqual(new CalcResult(5));
  await until('the signal is raised again', () => kill.mock.calls.length > 0);
  await turns(20);
  return kill.mock.calls;
}

const kinds: [string, typeof pure][] = [
  ['a pure', pure],
  ['a hybrid', hybrid],
];

describe('enableGracefulShutdown()', () => {
  it.each(kinds)('answers what is running before the providers of %s application go', async (_, make) => {
    const { app, strategy, sum, statuses } = await running(make);
    const closed = app.close();
    await until('the server drains', () => statuses.includes('draining'));
    await turns(20);
    expect(log).toEqual(['started']);
    expect(statuses).toEqual(['connected', 'draining']);
    release();
    expect(await sum).toEqual(new CalcResult(5));
    await inTime('the application is closed', closed);
    expect(log).toEqual(['started', 'answered', 'destroyed', 'shut down: undefined']);
    expect(statuses).toEqual(['connected', 'draining', 'closed']);
    expect(strategy.unwrap<CommandServer>().connections).toBe(0);
  });

  it.each(kinds)('does the same for a signal to %s application, and raises it again', async (_, make) => {
    const kill = watchKill();
    const { sum } = await running(make, { signals: ['SIGUSR2'] });
    process.emit('SIGUSR2', 'SIGUSR2');
    await turns(20);
    expect(log).toEqual(['started']);
    expect(kill).not.toHaveBeenCalled();
    release();
    expect(await sum).toEqual(new CalcResult(5));
    await until('the signal is raised again', () => kill.mock.calls.length > 0);
    expect(kill.mock.calls).toEqual([[process.pid, 'SIGUSR2']]);
    expect(log).toEqual(['started', 'answered', 'destroyed', 'shut down: SIGUSR2']);
    expect(process.listenerCount('SIGUSR2')).toBe(0);
  });

  it.each(kinds)('raises a signal that comes while %s application closes when it is closed', async (_, make) => {
    const kill = watchKill();
    const { app, sum } = await running(make, { signals: ['SIGUSR2'] });
    const closed = app.close();
    process.emit('SIGUSR2', 'SIGUSR2');
    await turns(20);
    expect(log).toEqual(['started']);
    expect(kill).not.toHaveBeenCalled();
    release();
    expect(await sum).toEqual(new CalcResult(5));
    await closed;
    await until('the signal is raised again', () => kill.mock.calls.length > 0);
    expect(kill.mock.calls).toEqual([[process.pid, 'SIGUSR2']]);
    expect(log).toEqual(['started', 'answered', 'destroyed', 'shut down: undefined']);
  });

  it('lets no further signal cut off a drain', async () => {
    const kill = watchKill();
    const { sum } = await running(pure, { signals: ['SIGUSR2', 'SIGUSR1'] });
    process.emit('SIGUSR2', 'SIGUSR2');
    process.emit('SIGUSR2', 'SIGUSR2');
    process.emit('SIGUSR1', 'SIGUSR1');
    expect(await signalsBehind(sum, kill)).toEqual([[process.pid, 'SIGUSR2']]);
  });

  it.each(['before', 'after'])(
    'drains every application first when an idle one is made %s the busy one',
    async (when) => {
      const kill = watchKill();
      const before = when === 'before' ? await idle() : undefined;
      const { sum } = await running(pure, { signals: ['SIGUSR2'] });
      const strategy = before ?? (await idle());
      process.emit('SIGUSR2', 'SIGUSR2');
      await until('the idle one is closed', () => strategy.unwrap<CommandServer>().status === 'closed');
      expect(await signalsBehind(sum, kill)).toEqual([[process.pid, 'SIGUSR2']]);
    },
  );

  it('raises the signal although others listen to it, too, who do nothing of the kind', async () => {
    const kill = watchKill();
    const received: string[] = [];
    const other = (signal: string): void => void received.push(signal);
    process.on('SIGUSR2', other);
    own({ destroy: () => process.off('SIGUSR2', other) });
    const idleStrategy = await idle();
    const { sum } = await running(pure, { signals: ['SIGUSR2'] });
    process.emit('SIGUSR2', 'SIGUSR2');
    await until('the idle one is closed', () => idleStrategy.unwrap<CommandServer>().status === 'closed');
    expect(await signalsBehind(sum, kill)).toEqual([[process.pid, 'SIGUSR2']]);
    expect(received).toEqual(['SIGUSR2']);
  });

  it('hands the signal on to an application that was made while it drained', async () => {
    const kill = watchKill();
    const { sum } = await running(pure, { signals: ['SIGUSR2'] });
    process.emit('SIGUSR2', 'SIGUSR2');
    await idle();
    release();
    expect(await sum).toEqual(new CalcResult(5));
    await until('the signal is raised again', () => kill.mock.calls.length > 0);
    process.emit('SIGUSR2', 'SIGUSR2');
    await until('the late one has raised it, too', () => kill.mock.calls.length > 1);
    expect(process.listenerCount('SIGUSR2')).toBe(0);
  });

  it('raises the signal although the application cannot be closed', async () => {
    const kill = watchKill();
    const [app, strategy] = await pure();
    own({ destroy: () => strategy.close() });
    enableGracefulShutdown(app, { signals: ['SIGUSR2'] });
    const failure = new Error('no');
    const logged = jest.spyOn(Logger, 'error').mockReturnValue();
    own({ destroy: () => logged.mockRestore() });
    jest.spyOn(strategy.unwrap<CommandServer>(), 'close').mockRejectedValueOnce(failure);
    process.emit('SIGUSR2', 'SIGUSR2');
    await until('the signal is raised again', () => kill.mock.calls.length > 0);
    await until('the failure is logged', () => logged.mock.calls.length > 0);
    expect(logged.mock.calls).toEqual([[failure, 'enableGracefulShutdown']]);
    expect(process.listenerCount('SIGUSR2')).toBe(0);
  });

  it('refuses to stand beside enableShutdownHooks, whichever comes first', async () => {
    const both = expect.objectContaining({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('takes the place of app.enableShutdownHooks()'),
    });
    const [first, second] = [await bare(), await bare()];
    first.enableShutdownHooks(['SIGUSR2']);
    expect(() => enableGracefulShutdown(first)).toThrow(both);
    own({ destroy: enableGracefulShutdown(second) });
    expect(() => second.enableShutdownHooks()).toThrow(both);
  });

  it('knows what enableShutdownHooks has begun in any version of Nest', () => {
    const both = expect.objectContaining({ code: 'INVALID_OPTION' }) as unknown as Error;
    const withHooks = (hooks: object) => Object.assign(Object.create(null), hooks) as INestApplicationContext;
    const enable = (hooks: object) => () => enableGracefulShutdown(withHooks(hooks), { signals: [] });
    expect(enable({ shutdownCleanupRef: () => {} })).toThrow(both);
    expect(enable({ shutdownCleanupRefs: new Map([['SIGTERM', () => {}]]) })).toThrow(both);
    for (const none of [{}, { shutdownCleanupRef: undefined }, { shutdownCleanupRefs: new Map() }])
      expect(enable(none)).not.toThrow();
  });

  it('lets others wrap what it has put in place', async () => {
    const app = { close: async () => {} } as unknown as INestApplicationContext;
    own({ destroy: enableGracefulShutdown(app, { signals: [] }) });
    const close = jest.spyOn(app, 'close').mockResolvedValue(undefined);
    await app.close();
    expect(close).toHaveBeenCalledTimes(1);
    const { configurable, writable } = Object.getOwnPropertyDescriptor(app, 'enableShutdownHooks')!;
    expect({ configurable, writable }).toEqual({ configurable: true, writable: true });
  });

  it('counts as it was called last for an application', async () => {
    const kill = watchKill();
    const { app, sum } = await running(pure, { signals: ['SIGUSR1'] });
    const before = process.listenerCount('SIGUSR1');
    const remove = enableGracefulShutdown(app, { signals: ['SIGUSR1'] });
    enableGracefulShutdown(app, { signals: ['SIGUSR2'] });
    remove();
    expect(process.listenerCount('SIGUSR1')).toBe(before - 1);
    process.emit('SIGUSR2', 'SIGUSR2');
    release();
    expect(await sum).toEqual(new CalcResult(5));
    await until('the signal is raised again', () => kill.mock.calls.length > 0);
    expect(kill.mock.calls).toEqual([[process.pid, 'SIGUSR2']]);
    expect(log).toEqual(['started', 'answered', 'destroyed', 'shut down: SIGUSR2']);
  });

  it.each([
    [null, 'options must be an object, got null'],
    ['SIGTERM', 'options must be an object, got "SIGTERM"'],
    [{ signal: 'SIGTERM' }, 'unknown option "signal": did you mean "signals"?'],
    [{ signals: 'SIGTERM' }, 'option "signals" must be a list of names of signals such as ["SIGTERM"]'],
    [{ signals: ['SIGTREM'] }, 'option "signals" must be'],
    [{ signals: ['SIGTERM', 15] }, 'option "signals" must be'],
    [{ signals: ['SIGKILL'] }, 'without SIGKILL and SIGSTOP, which no process receives'],
  ])('refuses %j, and changes nothing', async (options, text) => {
    const [app] = await pure();
    own({ destroy: () => app.close() });
    const before = process.eventNames();
    const refused = expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(text) });
    expect(() => enableGracefulShutdown(app, options as never)).toThrow(refused);
    expect(process.eventNames()).toEqual(before);
  });

  it('may listen to no signal, and to those of other systems', async () => {
    const [app] = await pure();
    own({ destroy: () => app.close() });
    for (const signals of [[], ['SIGBREAK', 'SIGUSR2']] as NodeJS.Signals[][]) {
      const before = process.listenerCount('SIGBREAK');
      own({ destroy: enableGracefulShutdown(app, { signals }) });
      expect(process.listenerCount('SIGBREAK')).toBe(before + (signals.length > 0 ? 1 : 0));
    }
  });

  it('listens to SIGTERM and SIGINT, and takes its handlers away', async () => {
    const [app] = await pure();
    own({ destroy: () => app.close() });
    const count = () => ['SIGTERM', 'SIGINT'].map((signal) => process.listenerCount(signal));
    const before = count();
    const remove = enableGracefulShutdown(app);
    expect(count()).toEqual(before.map((listeners) => listeners + 1));
    remove();
    expect(count()).toEqual(before);
  });

  it('leaves no signal handler behind when the application was closed', async () => {
    const [app] = await pure();
    const before = process.listenerCount('SIGUSR2');
    enableGracefulShutdown(app, { signals: ['SIGUSR2'] });
    await app.close();
    expect(process.listenerCount('SIGUSR2')).toBe(before);
  });

  it('raises a signal at once, each time, for an application that was closed before', async () => {
    const kill = watchKill();
    const [app] = await pure();
    own({ destroy: enableGracefulShutdown(app, { signals: ['SIGUSR2'] }) });
    await app.close();
    const before = process.listenerCount('SIGUSR2');
    for (const times of [1, 2]) {
      enableGracefulShutdown(app, { signals: ['SIGUSR2'] });
      process.emit('SIGUSR2', 'SIGUSR2');
      expect(kill).toHaveBeenCalledTimes(times);
      expect(process.listenerCount('SIGUSR2')).toBe(before);
    }
  });

  it('closes the application once when it is asked twice', async () => {
    const { app, sum } = await running(pure);
    const closed = Promise.all([app.close(), app.close()]);
    release();
    await Promise.all([sum, closed]);
    expect(log.filter((line) => line === 'destroyed')).toHaveLength(1);
  });
});
