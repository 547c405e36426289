// The hooks through which Nest's observers follow a Command on the server: start and end once each, in one async
// context.
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { Controller } from '@nestjs/common';
import { CMD_STREAM, CmdStreamContext, CommandHandler } from 'nestjs-cmd-stream';
import { firstValueFrom, from, lastValueFrom, NEVER, of, throwError, toArray } from 'rxjs';
import { addFrame, countFrame, echoFrame, failFrame, frame } from '../support/calc-frames.js';
import { turns, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, CountCmd, CountResult, EchoCmd, EchoResult, FailCmd, SubCmd } from './calc.contract.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();
const store = new AsyncLocalStorage<number>();

@Controller()
class CalcController {
  @CommandHandler(AddCmd)
  async add({ A, B }: AddCmd) {
    await turns(1);
    return new CalcResult(A + B);
  }

  @CommandHandler(CountCmd)
  async *count({ N }: CountCmd, { signal }: CmdStreamContext) {
    for (let i = 1; i <= N; i++) {
      await turns(1);
      yield new CountResult(i, i === N);
    }
    if (N === 0) await once(signal, 'abort');
  }

  @CommandHandler(EchoCmd)
  echo({ text }: EchoCmd) {
    if (text === 'of') return of(new EchoResult(text));
    if (text === 'two') return from([new EchoResult(text), new EchoResult('too many')]);
    if (text === 'never') return NEVER;
    return throwError(() => new Error(text));
  }

  @CommandHandler(SubCmd)
  sub() {
    return undefined as never;
  }

  @CommandHandler(FailCmd)
  fail(): CalcResult {
    throw new Error('intentional failure');
  }
}

type Done = () => Promise<unknown>;

/** What the hooks of one server were notified: by Command, in order. */
class Observer {
  readonly log: string[] = [];
  #started = 0;

  start(transportId: unknown, context: unknown, done: Done): Promise<unknown> {
    this.#note('start', transportId, context);
    return store.run(++this.#started, done);
  }

  end(transportId: unknown, context: unknown): void {
    this.#note('end', transportId, context);
  }

  #note(what: string, transportId: unknown, context: unknown): void {
    const fits = transportId === CMD_STREAM && context instanceof CmdStreamContext;
    this.log.push(`${what} ${fits ? context.getPattern() : 'of something else'} ${store.getStore() ?? '-'}`);
  }
}

type Hooks = 'both' | 'start' | 'end';

async function observed(observer: Observer, hooks: Hooks = 'both'): Promise<NestServer> {
  return own(
    await NestServer.listen({
      module: { controllers: [CalcController] },
      options: { onPlainError: () => new CalcResult(-1) },
      before: (_app, target) => {
        if (hooks !== 'end') target.setOnProcessingStartHook((...args) => observer.start(...args));
        if (hooks !== 'start') target.setOnProcessingEndHook((...args) => observer.end(...args));
      },
    }),
  );
}

const commands: [string, string, string][] = [
  ['a value', addFrame(1, 2, 3), 'AddCmd'],
  ['nothing', frame(1, 1, '{"A":1,"B":1}'), 'SubCmd'],
  ['a generator', countFrame(1, 4), 'CountCmd'],
  ['an Observable', echoFrame(1, 'of'), 'EchoCmd'],
  ['an Observable that goes on after the last Result', echoFrame(1, 'two'), 'EchoCmd'],
  ['an Observable that fails', echoFrame(1, 'fails'), 'EchoCmd'],
  ['an error', failFrame(1), 'FailCmd'],
];

describe('the processing hooks', () => {
  it.each(commands)('are called once each, the end in the context of the start, for %s', async (_, bytes, name) => {
    const observer = new Observer();
    const server = await observed(observer);
    const peer = own(await server.connect());
    peer.write(bytes);
    await until('the end is notified', () => observer.log.length >= 2);
    await until('the Command has ended', () => server.core.inFlight === 0);
    await turns();
    expect(observer.log).toEqual([`start command:${name} -`, `end command:${name} 1`]);
  });

  it.each([
    ['a generator', countFrame(1, 0), 'CountCmd'],
    ['an Observable', echoFrame(1, 'never'), 'EchoCmd'],
  ])(
    'tell the end of a Command that gives %s when its connection is lost, in the context of the start',
    async (_, bytes, name) => {
      const observer = new Observer();
      const server = await observed(observer);
      const peer = own(await server.connect());
      peer.write(bytes);
      await until('the Command runs', () => server.core.inFlight === 1);
      await turns();
      expect(observer.log).toEqual([`start command:${name} -`]);
      peer.reset();
      await until('the end is notified', () => observer.log.length >= 2);
      await turns();
      expect(observer.log).toEqual([`start command:${name} -`, `end command:${name} 1`]);
    },
  );

  it.each<[Hooks, string[]]>([
    ['start', ['start command:CountCmd -']],
    ['end', ['end command:CountCmd -']],
    ['both', ['start command:CountCmd -', 'end command:CountCmd 1']],
  ])('leave the answers as they are, with %s of them set', async (hooks, log) => {
    const observer = new Observer();
    const server = await observed(observer, hooks);
    const client = own(new HandMadeClient(server.port));
    const results = await lastValueFrom(client.send(new CountCmd(3)).pipe(toArray()));
    expect(results.map(({ I }) => I)).toEqual([1, 2, 3]);
    expect(observer.log).toEqual(log);
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
    expect(await firstValueFrom(client.send(new EchoCmd('of')))).toEqual(new EchoResult('of'));
  });

  it('tell of many Commands, each with its own context', async () => {
    const observer = new Observer();
    const server = await observed(observer);
    const client = own(new HandMadeClient(server.port));
    const sums = await Promise.all(Array.from({ length: 20 }, (_, i) => client.execute(new AddCmd(i, 1))));
    expect(sums.map(({ value }) => value)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    await until('all ends are notified', () => observer.log.length === 40);
    const ends = observer.log.filter((line) => line.startsWith('end'));
    expect(new Set(ends)).toEqual(new Set(Array.from({ length: 20 }, (_, i) => `end command:AddCmd ${i + 1}`)));
  });

  it('let the handler run in the context of the start', async () => {
    const seen: (number | undefined)[] = [];
    @Controller()
    class Seeing {
      @CommandHandler(CountCmd)
      async *count() {
        seen.push(store.getStore());
        await turns(1);
        seen.push(store.getStore());
        yield new CountResult(1, true);
      }
    }
    const observer = new Observer();
    const server = own(
      await NestServer.listen({
        module: { controllers: [Seeing] },
        before: (_app, strategy) => strategy.setOnProcessingStartHook((...args) => observer.start(...args)),
      }),
    );
    const client = own(new HandMadeClient(server.port));
    await firstValueFrom(client.send(new CountCmd(1)).pipe(toArray()));
    expect(seen).toEqual([1, 1]);
  });
});

describe('done() of the start hook', () => {
  async function spanning(log: string[]): Promise<NestServer> {
    return own(
      await NestServer.listen({
        module: { controllers: [CalcController] },
        options: { onPlainError: () => new CalcResult(-1) },
        before: (_app, strategy) =>
          strategy.setOnProcessingStartHook(async (_transport, _context, done: Done) => {
            log.push('start');
            await Promise.all([done(), done()]);
            log.push('done');
          }),
      }),
    );
  }

  it.each(commands)('resolves when the Command has ended, which runs once, for %s', async (_, bytes) => {
    const log: string[] = [];
    const server = await spanning(log);
    const peer = own(await server.connect());
    peer.write(bytes);
    await until('it is done', () => log.includes('done'));
    expect(server.core.inFlight).toBe(0);
    expect(log).toEqual(['start', 'done']);
  });

  it('is still pending while the handler runs, and resolves when the connection is lost', async () => {
    const log: string[] = [];
    const server = await spanning(log);
    const peer = own(await server.connect());
    peer.write(echoFrame(1, 'never'));
    await until('the Command runs', () => server.core.inFlight === 1);
    await turns(20);
    expect(log).toEqual(['start']);
    peer.reset();
    await until('it is done', () => log.includes('done'));
  });
});

describe('a processing hook that throws', () => {
  const frames = [addFrame(1, 2, 3), countFrame(1, 2), echoFrame(1, 'of'), failFrame(1)];
  const fail = (): never => {
    throw new Error('the hook itself fails');
  };

  it.each(
    frames.flatMap((bytes) => [
      { bytes, hook: fail, how: 'throws' },
      { bytes, hook: async () => fail(), how: 'rejects' },
    ]),
  )('at the end harms nothing and is logged (%#, it $how)', async ({ bytes, hook }) => {
    const server = own(
      await NestServer.listen({
        module: { controllers: [CalcController] },
        options: { onPlainError: () => new CalcResult(-1) },
        before: (_app, strategy) => strategy.setOnProcessingEndHook(hook),
      }),
    );
    const peer = own(await server.connect());
    peer.write(bytes);
    await server.logger.line('the hook itself fails');
    await until('the Command has ended', () => server.core.inFlight === 0);
    const client = own(new HandMadeClient(server.port));
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
    expect(peer.isEnded).toBe(false);
  });

  it.each<[string, (done: Done) => unknown]>([
    ['throws', (done) => [done(), fail()]],
    ['rejects', async (done) => [done(), fail()]],
    ['rejects when all is done', async (done) => [await done(), fail()]],
  ])('behind done() is logged, and leaves the answer alone, when it %s', async (_, hook) => {
    const server = own(
      await NestServer.listen({
        module: { controllers: [CalcController] },
        before: (_app, strategy) =>
          strategy.setOnProcessingStartHook((_transport, _context, done) => hook(done as Done) as never),
      }),
    );
    const client = own(new HandMadeClient(server.port));
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
    await server.logger.line('the hook itself fails');
    expect(server.logger.having('the hook itself fails')).toHaveLength(1);
  });

  it.each([
    ['throws', fail],
    ['rejects', async () => fail()],
  ])('at the start fails its Command only when it %s', async (_, hook) => {
    const server = own(
      await NestServer.listen({
        module: { controllers: [CalcController] },
        options: {
          onPlainError: (error) => new CalcResult((error as Error).message === 'Internal server error' ? -7 : -1),
        },
        before: (_app, strategy) => strategy.setOnProcessingStartHook(hook),
      }),
    );
    const client = own(new HandMadeClient(server.port));
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(-7));
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(-7));
    expect(server.logger.having('the hook itself fails')).toHaveLength(2);
  });
});
