// A program, because nestjs-cls is CommonJS, which Jest does not let require Nest: a crowd of interleaved callers,
// known and anonymous, at one microservice with nestjs-cls in each of its ways. Makes at least as many checks as its
// argument says, whether code sees the store of its own Command or caller, and prints a CrowdReport.
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import {
  Controller,
  Injectable,
  UseGuards,
  UseInterceptors,
  type CanActivate,
  type Type,
  type ExecutionContext,
} from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import {
  CmdStreamContext,
  Command,
  CommandHandler,
  defineContract,
  Result,
  StreamCommand,
  type CmdStreamClient,
} from 'nestjs-cmd-stream';
import { ClsGuard, ClsInterceptor, ClsModule, ClsServiceManager, type ClsService, type ClsStore } from 'nestjs-cls';
import { concatMap, firstValueFrom, from, lastValueFrom, map, type Observable } from 'rxjs';
import { turns, until } from '../support/deadline.js';
import { seededRandom } from '../support/seeded-random.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const CALLERS = 24;

/** Number of the caller; 0: no caller. */
interface Asked {
  readonly user: number;
}

class AskCmd extends Command<Said> implements Asked {
  constructor(readonly user = 0) {
    super();
  }
}

class AskManyCmd extends StreamCommand<Said> implements Asked {
  constructor(readonly user = 0) {
    super();
  }
}

class Said extends Result {
  constructor(
    readonly user = 0,
    readonly last = true,
  ) {
    super();
  }

  override lastOne(): boolean {
    return this.last;
  }
}

const cls = ClsServiceManager.getClsService();
/** At the side of the callers. */
const caller = new AsyncLocalStorage<number>();

class Tally {
  readonly own = new Map<string, number>();
  readonly foreign: string[] = [];

  get total(): number {
    return [...this.own.values()].reduce((sum, count) => sum + count, 0);
  }

  check(where: string, expected: number, got: number): void {
    if (got === expected) this.own.set(where, (this.own.get(where) ?? 0) + 1);
    else this.foreign.push(`${where}: ${got} instead of ${expected}`);
  }
}

const tally = new Tally();
const dice = seededRandom(4711);

/** Lets others run for a while: some turns, or some milliseconds. */
async function pause(): Promise<void> {
  if (dice() < 0.2) await delay(1 + 2 * dice());
  else await turns(1 + Math.floor(3 * dice()));
}

/** What the store of this code says: 0 without a store, or with one that was not set. */
function current(): number {
  return cls.isActive() ? (cls.get<number | undefined>('user') ?? 0) : 0;
}

function dataOf(context: ExecutionContext): Asked {
  return context.switchToRpc().getData();
}

const setup = (service: ClsService, context: ExecutionContext): void => {
  tally.check('at the start', 0, current());
  service.set('user', dataOf(context).user);
};

@Injectable()
class EnterGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    tally.check('at the start', 0, current());
    const { user } = dataOf(context);
    if (user > 0) cls.enterWith({ user } as unknown as ClsStore);
    return true;
  }
}

const mounts = {
  guard: UseGuards(new ClsGuard({ setup })),
  interceptor: UseInterceptors(new ClsInterceptor({ setup })),
  enterWith: UseGuards(new EnterGuard()),
  nothing: () => {},
} as const;

type Mount = keyof typeof mounts;
const kinds = ['value', 'promise', 'observable', 'generator'] as const;

interface Commands {
  readonly value: typeof AskCmd;
  readonly promise: typeof AskCmd;
  readonly observable: typeof AskManyCmd;
  readonly generator: typeof AskManyCmd;
}

function commandOf(mount: Mount, kind: keyof Commands): typeof AskCmd | typeof AskManyCmd {
  const name = `${mount}_${kind}`;
  const isStream = kind === 'observable' || kind === 'generator';
  return (isStream ? { [name]: class extends AskManyCmd {} } : { [name]: class extends AskCmd {} })[name]!;
}

/** Controllers whose handlers look into the store at every step they make. */
function controllerOf(mount: Mount, commands: Commands): Type {
  const look = (kind: string, { user }: Asked): void =>
    tally.check(`${mount} ${kind}`, mount === 'nothing' ? 0 : user, current());

  async function* steps(kind: string, asked: Asked): AsyncGenerator<Said> {
    try {
      for (let step = 0; step < 3; step++) {
        look(kind, asked);
        await pause();
        look(kind, asked);
        yield new Said(asked.user, step === 2);
      }
    } finally {
      look(`${kind}'s end`, asked);
    }
  }

  function stream(kind: string, asked: Asked): Observable<Said> {
    look(kind, asked);
    return from([1, 2, 3]).pipe(
      concatMap(async (step) => {
        look(kind, asked);
        await pause();
        return step;
      }),
      map((step) => {
        look(kind, asked);
        return new Said(asked.user, step === 3);
      }),
    );
  }

  async function think(kind: string, asked: Asked): Promise<Said> {
    look(kind, asked);
    await pause();
    look(kind, asked);
    return new Said(asked.user);
  }

  @Controller()
  class Checked {
    @CommandHandler(commands.value)
    value(asked: AskCmd): Said {
      look('value', asked);
      return new Said(asked.user);
    }

    @CommandHandler(commands.promise)
    promise(asked: AskCmd, { signal }: CmdStreamContext): Promise<Said> {
      signal.addEventListener('abort', () => look('abort', asked));
      return think('promise', asked);
    }

    @CommandHandler(commands.observable)
    observable(asked: AskManyCmd): Observable<Said> {
      return stream('observable', asked);
    }

    @CommandHandler(commands.generator)
    generator(asked: AskManyCmd): AsyncGenerator<Said> {
      return steps('generator', asked);
    }

    @MessagePattern(`${mount} message`)
    message(@Payload() asked: Asked, @Ctx() _context: CmdStreamContext): Promise<Said> {
      return think('message', asked);
    }

    @MessagePattern(`${mount} messages`)
    messages(@Payload() asked: Asked): Observable<Said> {
      return stream('messages', asked);
    }

    @MessagePattern(`${mount} generated`)
    generated(@Payload() asked: Asked): AsyncGenerator<Said> {
      return steps('generated', asked);
    }

    @EventPattern(`${mount} event`)
    async event(@Payload() asked: object): Promise<void> {
      await think('event', asked as Asked);
      received++;
    }
  }
  mounts[mount](Checked);
  return Checked;
}

let sent = 0;
let received = 0;

const mountNames = Object.keys(mounts) as Mount[];
const commands = new Map(
  mountNames.map((mount) => [
    mount,
    Object.fromEntries(kinds.map((kind) => [kind, commandOf(mount, kind)])) as unknown as Commands,
  ]),
);
const contract = defineContract({
  commands: [...commands.values()].flatMap((byKind) => Object.values(byKind)),
  results: [Said],
});

/** Every kind of handler behind every mount. */
const places = mountNames.flatMap((mount) =>
  [...kinds, 'message', 'messages', 'generated', 'event', 'abort'].map((kind) => `${mount} ${kind}`),
);

function pick<T>(among: readonly T[]): T {
  return among[Math.floor(dice() * among.length)]!;
}

/** One call of any kind, whose callbacks must see their caller. */
async function ask(user: number, client: CmdStreamClient, isPlain: boolean): Promise<void> {
  const mount = pick(mountNames);
  const known = dice() < 0.5 ? user : 0;
  const command = new (commands.get(mount)![pick(kinds)])(known);
  const watched = <T>(source: Observable<T>): Observable<T> =>
    source.pipe(
      map((item) => {
        tally.check('callback', user, caller.getStore() ?? -1);
        return item;
      }),
    );
  const ways = [
    async () => void (await lastValueFrom(watched(client.send(command)))),
    async () => {
      for await (const said of client.iterate(command)) tally.check('answer', known, said.user);
    },
    // Leaves in the middle: what runs at the server is asked to stop.
    async () => void (await firstValueFrom(watched(client.send(command)))),
  ];
  if (!isPlain) {
    ways.push(
      async () =>
        void (await lastValueFrom(
          watched(client.send(`${mount} ${pick(['message', 'messages', 'generated'])}`, { user: known })),
        )),
      async () => {
        sent++;
        await lastValueFrom(client.emit(`${mount} event`, { user: known }));
      },
    );
  }
  await pick(ways)();
  tally.check('after the call', user, caller.getStore() ?? -1);
}

/** What the program prints, as JSON. */
export interface CrowdReport {
  /** Checks that saw their own, by place. */
  readonly own: Record<string, number>;
  /** Checks that saw something else. */
  readonly foreign: readonly string[];
}

async function crowd(checks: number): Promise<CrowdReport> {
  const server = await NestServer.listen({
    module: {
      imports: [ClsModule.forRoot({ global: true })],
      controllers: mountNames.map((mount) => controllerOf(mount, commands.get(mount)!)),
    },
    options: { contract, maxInFlightPerConnection: 3 },
  });
  const common = { contract, connectionsPerServer: 2, timeoutMs: 0 };
  const plain = new HandMadeClient(server.port, common);
  const extended = new HandMadeClient(server.port, { ...common, extension: true });
  const isShort = (): boolean => tally.total < checks || places.some((place) => !tally.own.has(place));
  const goesOn = (): boolean => tally.foreign.length === 0 && isShort();
  const callers = Array.from({ length: CALLERS }, (_, at) =>
    caller.run(at + 1, async () => {
      while (goesOn()) {
        const isPlain = dice() < 0.3;
        await ask(at + 1, isPlain ? plain : extended, isPlain);
        if (dice() < 0.3) await pause();
      }
    }),
  );
  await Promise.all(callers);
  await until('all events are handled', () => received === sent || tally.foreign.length > 0);
  for (const one of [plain, extended, server]) await one.destroy();
  return { own: Object.fromEntries(tally.own), foreign: tally.foreign };
}

console.log(JSON.stringify(await crowd(Number(process.argv[2]))));
