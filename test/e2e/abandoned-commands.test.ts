// A handler that gives up because its caller does not wait any more has not failed: nothing is logged. What else goes
// wrong is.
import { setTimeout as later } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  createParamDecorator,
  type ArgumentMetadata,
  type ExceptionFilter,
  type ExecutionContext,
} from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import {
  CmdStreamContext,
  CmdStreamError,
  CmdStreamExceptionFilter,
  Command,
  CommandHandler,
  defineContract,
  Invoker,
  type CommandContext,
  StreamCommand,
  type AnyCommand,
} from 'nestjs-cmd-stream';
import { from, Observable } from 'rxjs';
import { until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { CalcResult } from './calc.contract.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();

const abortError = Object.assign(new Error('it was asked to stop'), { name: 'AbortError' });

type Wait = (signal: AbortSignal) => Promise<CalcResult>;

/** Waits until it is asked to stop, and fails in its own way. */
const waits: Readonly<Record<string, Wait>> = {
  'an AbortError of Node': async (signal) => later(60_000, new CalcResult(), { signal }),
  'the reason of the signal': (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  'an error of its own': (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('a mistake')))),
};

const Signal = createParamDecorator(
  (_: unknown, host: ExecutionContext) => host.switchToRpc().getContext<CmdStreamContext>().signal,
);

class ByContextCmd extends Command<CalcResult> {
  constructor(readonly wait = '') {
    super();
  }
}
class BySignalCmd extends ByContextCmd {}
class StreamCmd extends StreamCommand<CalcResult> {
  constructor(readonly wait = '') {
    super();
  }
}
class ObservableCmd extends ByContextCmd {}
class LateCmd extends ByContextCmd {}
class SelfCmd extends Command<CalcResult, typeof waits> {
  constructor(readonly wait = '') {
    super();
  }

  override async exec(receiver: typeof waits, { signal }: CommandContext) {
    return receiver[this.wait]!(signal);
  }
}

const commands = [ByContextCmd, BySignalCmd, StreamCmd, ObservableCmd, LateCmd, SelfCmd];
const contract = defineContract({ commands, results: [CalcResult] });

@Controller()
class Waiting {
  @CommandHandler(ByContextCmd)
  byContext({ wait }: ByContextCmd, { signal }: CmdStreamContext) {
    return waits[wait]!(signal);
  }

  @CommandHandler(BySignalCmd)
  bySignal(@Signal() signal: AbortSignal, @Payload() { wait }: BySignalCmd) {
    return waits[wait]!(signal);
  }

  @CommandHandler(StreamCmd)
  async *stream({ wait }: StreamCmd, { signal }: CmdStreamContext) {
    yield await waits[wait]!(signal);
  }

  @CommandHandler(ObservableCmd)
  observable({ wait }: ObservableCmd, { signal }: CmdStreamContext) {
    return new Observable<CalcResult>((subscriber) => {
      if (wait === 'an AbortError of Node') signal.addEventListener('abort', () => subscriber.error(abortError));
      else if (wait === 'the reason of the signal')
        signal.addEventListener('abort', () => subscriber.error(signal.reason));
      else signal.addEventListener('abort', () => subscriber.error(new Error('a mistake')));
    });
  }

  @CommandHandler(LateCmd)
  late(_: LateCmd, { signal }: CmdStreamContext): CalcResult {
    signal.throwIfAborted();
    throw new Error('it is not aborted');
  }
}

/** Holds a LateCmd that says so until the test releases it. */
class Holding {
  async transform(value: unknown, { type }: ArgumentMetadata): Promise<unknown> {
    if (type === 'body' && value instanceof LateCmd && value.wait !== '')
      await new Promise<void>((resolve) => (release = resolve));
    return value;
  }
}

let release = (): void => {};

interface Pair {
  readonly server: NestServer;
  readonly client: HandMadeClient;
}

async function pair(): Promise<Pair> {
  const controllers = [Waiting, Invoker<typeof waits>('WAITS', [SelfCmd])];
  const providers = [{ provide: 'WAITS', useValue: waits }];
  const module = { controllers, providers };
  const server = own(
    await NestServer.listen({ module, options: { contract }, before: (app) => app.useGlobalPipes(new Holding()) }),
  );
  return { server, client: own(new HandMadeClient(server.port, { contract, extension: true })) };
}

async function leave({ server, client }: Pair, command: AnyCommand): Promise<void> {
  const subscription = client.send(command).subscribe({ error: () => {} });
  await until('it runs', () => server.core.inFlight === 1);
  subscription.unsubscribe();
  await until('it has ended', () => server.core.inFlight === 0);
}

describe('a Command whose caller does not wait any more', () => {
  it.each(
    commands
      .filter((command) => command !== LateCmd)
      .flatMap((command) => Object.keys(waits).map((wait) => [command.name, wait, new command(wait)] as const)),
  )('whose handler fails is logged if that is a mistake: %s, %s', async (_, wait, command) => {
    const both = await pair();
    await leave(both, command);
    const isMistake = wait === 'an error of its own' && !(command instanceof StreamCmd);
    expect(both.server.logger.errors).toEqual(isMistake ? ['error: a mistake'] : []);
  });

  it('before its handler begins is not logged', async () => {
    const both = await pair();
    const subscription = both.client.send(new LateCmd('until it is released')).subscribe();
    await until('it is held', () => both.server.core.inFlight === 1);
    subscription.unsubscribe();
    // Commands of one connection are taken in order: what the server answers now it has read behind the CANCEL.
    await both.client.execute(new LateCmd()).catch(() => {});
    release();
    await until('it has ended', () => both.server.core.inFlight === 0);
    expect(both.server.logger.errors).toEqual(['error: it is not aborted']);
  });
});

describe('a Command whose caller waits', () => {
  it('is answered, and its error logged', async () => {
    const { client, server } = await pair();
    const failure = client.execute(new LateCmd());
    await expect(failure).rejects.toMatchObject({
      code: 'REMOTE',
      message: expect.stringContaining('Internal server error'),
    });
    expect(server.logger.having('it is not aborted')).toHaveLength(1);
  });
});

const reasons: unknown[] = [];

@Controller()
class WaitingByPattern {
  @MessagePattern('promise')
  promise(@Payload() wait: string, @Ctx() { signal }: CmdStreamContext) {
    return waits[wait]!(signal);
  }

  @MessagePattern('Observable')
  observable(@Payload() wait: string, @Ctx() { signal }: CmdStreamContext) {
    return from(waits[wait]!(signal));
  }

  @MessagePattern('at once')
  atOnce(@Payload() wait: string, @Ctx() { signal }: CmdStreamContext) {
    return new Observable((subscriber) => {
      const errors: Record<string, () => unknown> = {
        'an AbortError of Node': () => abortError,
        'the reason of the signal': () => signal.reason,
        'an error of its own': () => new Error('a mistake'),
      };
      signal.addEventListener('abort', () => {
        reasons.push(signal.reason);
        subscriber.error(errors[wait]!());
      });
    });
  }

  @MessagePattern('generator')
  async *generator(@Payload() wait: string, @Ctx() { signal }: CmdStreamContext) {
    yield await waits[wait]!(signal);
  }
}

describe('a message by pattern whose caller does not wait any more', () => {
  async function errorsBehind(filters: readonly ExceptionFilter[], pattern: string, wait: string) {
    const server = own(
      await NestServer.listen({
        module: { controllers: [WaitingByPattern] },
        options: { contract: undefined },
        before: (app) => app.useGlobalFilters(...filters),
      }),
    );
    const client = own(new HandMadeClient(server.port, { contract: undefined, extension: true }));
    const subscription = client.send(pattern, wait).subscribe({ error: () => {} });
    await until('it runs', () => server.core.inFlight === 1);
    subscription.unsubscribe();
    await until('it has ended', () => server.core.inFlight === 0);
    return server.logger.errors;
  }

  const byPattern = ['promise', 'Observable', 'at once', 'generator'].flatMap((pattern) =>
    Object.keys(waits).map((wait) => [pattern, wait] as const),
  );

  it.each(byPattern)('is logged behind the exception filter if that is a mistake: %s, %s', async (pattern, wait) => {
    // An Observable is left before what waits in it fails, a generator is ended.
    const isMistake = wait === 'an error of its own' && (pattern === 'promise' || pattern === 'at once');
    const errors = isMistake ? ['error: a mistake'] : [];
    expect(await errorsBehind([new CmdStreamExceptionFilter()], pattern, wait)).toEqual(errors);
  });

  it('leaves the error that all Commands of a connection share as it is', async () => {
    reasons.length = 0;
    const server = own(
      await NestServer.listen({ module: { controllers: [WaitingByPattern] }, options: { contract: undefined } }),
    );
    const client = own(new HandMadeClient(server.port, { contract: undefined, extension: true }));
    for (let n = 0; n < 2; n++) client.send('at once', 'the reason of the signal').subscribe({ error: () => {} });
    await until('both run', () => server.core.inFlight === 2);
    await client.close();
    await until('both have ended', () => server.core.inFlight === 0);
    expect(reasons).toHaveLength(2);
    expect(reasons[0]).toBe(reasons[1]);
    expect(Object.getPrototypeOf(reasons[0])).toBe(CmdStreamError.prototype);
  });

  it.each(['promise', 'Observable', 'at once', 'generator'])(
    'is not logged when it failed with the reason of its signal, without any filter: %s',
    async (pattern) => {
      reasons.length = 0;
      expect(await errorsBehind([], pattern, 'the reason of the signal')).toEqual([]);
      for (const reason of reasons) expect(reason).toBeInstanceOf(CmdStreamError);
    },
  );
});
