// AsyncLocalStorage in a Nest application: what guards, interceptors, pipes, filters and every kind of handler see of
// what an earlier one of the same Command has entered or run, and of other Commands.
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import {
  Catch,
  Controller,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentMetadata,
  type CallHandler,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import {
  Command,
  CommandHandler,
  defineContract,
  Invoker,
  liftIterable,
  type CmdStreamContext,
  type CmdStreamServerOptions,
  StreamCommand,
} from 'nestjs-cmd-stream';
import { firstValueFrom, lastValueFrom, Observable, tap, throwError, toArray } from 'rxjs';
import { turns, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { Said } from '../support/said.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();
const users = new AsyncLocalStorage<string>();
const seen = (): string => users.getStore() ?? 'none';

class AskCmd extends Command<Said> {
  constructor(readonly user = '') {
    super();
  }

  override exec(_receiver: Receiver): Said {
    return new Said(seen());
  }
}
class ValueCmd extends AskCmd {}
class PromiseCmd extends AskCmd {}
class ObservableCmd extends AskCmd {}
class PromisedObservableCmd extends AskCmd {}
class GeneratorCmd extends StreamCommand<Said> {
  constructor(readonly user = '') {
    super();
  }
}
class PromisedGeneratorCmd extends GeneratorCmd {}
class SelfCmd extends AskCmd {}
class FailCmd extends AskCmd {}

class Receiver {}

const commands = [ValueCmd, PromiseCmd, ObservableCmd, PromisedObservableCmd, GeneratorCmd, PromisedGeneratorCmd];
const contract = defineContract({ commands: [...commands, SelfCmd, FailCmd], results: [Said] });

const userOf = (context: ExecutionContext): string => context.switchToRpc().getData<AskCmd>().user;

/** Enters for good, as the guard of nestjs-cls does. */
const enterGuard = {
  canActivate(context: ExecutionContext): boolean {
    const user = userOf(context);
    if (user !== '') users.enterWith(user);
    return true;
  },
};

/** Nest's own recipe. */
const runInterceptor = {
  intercept: (context: ExecutionContext, next: CallHandler) => users.run(userOf(context), () => next.handle()),
};

async function* twice(): AsyncGenerator<Said> {
  yield new Said(seen(), false);
  await turns(2);
  yield new Said(seen());
}

function pushed(): Observable<Said> {
  return new Observable((subscriber) => {
    subscriber.next(new Said(seen(), false));
    void turns(2).then(() => {
      subscriber.next(new Said(seen()));
      subscriber.complete();
    });
  });
}

@Controller()
class Handlers {
  @CommandHandler(ValueCmd)
  value() {
    return new Said(seen());
  }

  @CommandHandler(PromiseCmd)
  async promise() {
    await turns(2);
    return new Said(seen());
  }

  @CommandHandler(ObservableCmd)
  observable() {
    return pushed();
  }

  @CommandHandler(PromisedObservableCmd)
  async promisedObservable() {
    await turns(1);
    return pushed();
  }

  @CommandHandler(GeneratorCmd)
  generator() {
    return twice();
  }

  @CommandHandler(PromisedGeneratorCmd)
  async promisedGenerator() {
    await turns(1);
    return twice();
  }

  @MessagePattern('value')
  message() {
    return seen();
  }

  @MessagePattern('generator')
  generated() {
    return liftIterable(
      (async function* () {
        yield seen();
        await turns(1);
        yield seen();
      })(),
    );
  }

  @MessagePattern('promise')
  async promisedMessage() {
    await turns(2);
    return seen();
  }
}

/** A controller of its own for each test: decorators stay. */
function withEnhancer(controller: Type, decorate: ClassDecorator): Type {
  class Enhanced extends controller {}
  Controller()(Enhanced);
  decorate(Enhanced);
  return Enhanced;
}

async function serve(controllers: Type[], options: Partial<CmdStreamServerOptions> = {}): Promise<NestServer> {
  return own(
    await NestServer.listen({ module: { controllers, providers: [Receiver] }, options: { contract, ...options } }),
  );
}

function clientOf(server: NestServer, extension = true): HandMadeClient {
  return own(new HandMadeClient(server.port, { contract, extension }));
}

/** All that is said to this user's Command. */
async function ask(client: HandMadeClient, Type: typeof AskCmd | typeof GeneratorCmd, user: string): Promise<string[]> {
  const said = await lastValueFrom(client.send(new Type(user)).pipe(toArray()));
  return said.map(({ text }) => text);
}

const kinds = commands.map((Type) => ({ name: Type.name, Type }));

describe('a handler', () => {
  it.each(kinds)('of $name sees what an interceptor has run it in', async ({ Type }) => {
    const client = clientOf(await serve([withEnhancer(Handlers, UseInterceptors(runInterceptor))]));
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((user) => ask(client, Type, user)));
    expect(new Set(alice)).toEqual(new Set(['alice']));
    expect(new Set(bob)).toEqual(new Set(['bob']));
  });

  it.each(kinds)('of $name sees what a guard has entered, and nothing of a Command before', async ({ Type }) => {
    const client = clientOf(await serve([withEnhancer(Handlers, UseGuards(enterGuard))]));
    expect(new Set(await ask(client, Type, 'alice'))).toEqual(new Set(['alice']));
    expect(new Set(await ask(client, Type, ''))).toEqual(new Set(['none']));
    const both = await Promise.all(['bob', ''].map((user) => ask(client, Type, user)));
    expect(both.map(([first]) => first)).toEqual(['bob', 'none']);
  });

  it.each(['value', 'promise'])('by pattern that gives a %s sees what a guard has entered', async (route) => {
    const client = clientOf(await serve([withEnhancer(Handlers, UseGuards(enterGuard))]));
    const answers = ['alice', '', 'bob', ''].map((user) => firstValueFrom(client.send(route, { user })));
    expect(await Promise.all(answers)).toEqual(['alice', 'none', 'bob', 'none']);
  });

  it.each(['value', 'promise', 'generator'])(
    'by pattern that gives a %s sees what an interceptor has run it in',
    async (route) => {
      const client = clientOf(await serve([withEnhancer(Handlers, UseInterceptors(runInterceptor))]));
      const answers = ['alice', 'bob'].map((user) => lastValueFrom(client.send(route, { user })));
      expect(await Promise.all(answers)).toEqual(['alice', 'bob']);
    },
  );

  it('sees what a guard has entered when its Command runs itself', async () => {
    const controller = withEnhancer(Invoker(Receiver, [SelfCmd]), UseGuards(enterGuard));
    const client = clientOf(await serve([controller]));
    for (const user of ['alice', '', 'bob', ''])
      expect(await ask(client, SelfCmd, user)).toEqual([user === '' ? 'none' : user]);
  });

  it('sees nothing of a Command behind which its own has waited', async () => {
    const before: string[] = [];
    const watch = { canActivate: () => before.push(seen()) > 0 };
    const decorate: ClassDecorator = (target) => UseGuards(watch, enterGuard)(target);
    const server = await serve([withEnhancer(Handlers, decorate)], { maxInFlightPerConnection: 1 });
    const client = clientOf(server, false);
    const said = await Promise.all(['alice', '', 'bob', ''].map((user) => ask(client, PromiseCmd, user)));
    expect(said.flat()).toEqual(['alice', 'none', 'bob', 'none']);
    expect(before).toEqual(['none', 'none', 'none', 'none']);
  });
});

describe('an event', () => {
  it('sees nothing of one behind which it has waited', async () => {
    const before: string[] = [];
    const after: string[] = [];
    @Controller()
    class Events {
      @EventPattern('event')
      async event(@Payload() _data: object) {
        await turns(3);
        after.push(seen());
      }
    }
    const watch = { canActivate: () => before.push(seen()) > 0 };
    const decorate: ClassDecorator = (target) => UseGuards(watch, enterGuard)(target);
    const server = await serve([withEnhancer(Events, decorate)], { maxInFlightPerConnection: 1 });
    const client = clientOf(server);
    for (const user of ['alice', '', 'bob', '']) await lastValueFrom(client.emit('event', { user }));
    await until('all were handled', () => after.length === 4);
    expect(before).toEqual(['none', 'none', 'none', 'none']);
    expect(after).toEqual(['alice', 'none', 'bob', 'none']);
  });
});

describe('an enhancer', () => {
  it('sees what the guard of its own Command has entered, whatever it is and however the handler ends', async () => {
    const steps = new Map<string, Set<string>>();
    const note = (step: string): void => void steps.set(step, (steps.get(step) ?? new Set()).add(seen()));
    const interceptor = {
      intercept(_context: ExecutionContext, next: CallHandler) {
        note('before');
        return next
          .handle()
          .pipe(tap({ next: () => note('item'), error: () => note('failure'), complete: () => note('end') }));
      },
    };
    const pipe = {
      transform(value: unknown, _metadata: ArgumentMetadata) {
        note('pipe');
        return value;
      },
    };
    @Catch()
    class Filter {
      catch(error: Error) {
        note('filter');
        return throwError(() => error);
      }
    }
    @Controller()
    class Failing extends Handlers {
      @CommandHandler(FailCmd)
      async fail(_command: FailCmd, { signal }: CmdStreamContext): Promise<Said> {
        signal.addEventListener('abort', () => note('abort'));
        await turns(1);
        throw new Error('intended');
      }
    }
    const decorate: ClassDecorator = (target) => {
      for (const decorator of [
        UseGuards(enterGuard),
        UseInterceptors(interceptor),
        UsePipes(pipe),
        UseFilters(new Filter()),
      ])
        decorator(target);
    };
    const client = clientOf(await serve([withEnhancer(Failing, decorate)]));
    await ask(client, GeneratorCmd, 'alice');
    await ask(client, ValueCmd, 'alice');
    await expect(ask(client, FailCmd, 'alice')).rejects.toBeDefined();
    const expected = ['abort', 'before', 'end', 'failure', 'filter', 'item', 'pipe'];
    expect([...steps].map(([step, who]) => `${step}: ${[...who]}`).toSorted()).toEqual(
      expected.map((step) => `${step}: alice`),
    );
  });
});

describe('a callback of the client', () => {
  it('runs in the scope of its subscriber, whatever call has opened the connection', async () => {
    const lines: string[] = [];
    const client = clientOf(await serve([Handlers]));
    const subscribe = (user: string, source: Observable<unknown>): Promise<void> =>
      new Promise((resolve) => {
        users.run(user, () =>
          source.subscribe({
            next: () => lines.push(`${user}: ${seen()}`),
            complete: () => {
              lines.push(`${user}: ${seen()}`);
              resolve();
            },
          }),
        );
      });
    await Promise.all([
      subscribe('alice', client.send(new GeneratorCmd())),
      subscribe('bob', client.send('promise', {})),
      subscribe('carol', client.emit('promise', {})),
      subscribe('dave', client.send(new ValueCmd())),
    ]);
    await subscribe('erin', client.send(new ValueCmd()));
    expect(lines.every((line) => /^(\w+): \1$/.test(line))).toBe(true);
    expect(new Set(lines).size).toBe(5);
  });
});
