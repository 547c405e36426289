// The role of the server that is attacked: a microservice of Nest with default options, but for those it is given.
import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { Controller, Module, ValidationPipe, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { Type } from 'class-transformer';
import { IsString, ValidateNested } from 'class-validator';
import {
  CmdStreamContext,
  CmdStreamServer,
  CommandHandler,
  CommandValidationPipe,
  type CmdStreamServerOptions,
  type CommandServer,
} from 'nestjs-cmd-stream';
import { gauges, startGauges } from './gauges.js';
import {
  AnyCmd,
  CheckedCmd,
  CountCmd,
  Echo,
  EchoCmd,
  ExposedCmd,
  HoldCmd,
  hostileContract,
  Item,
  ItemsCmd,
  Tick,
} from './hostile-contract.js';

export type Pipe = 'none' | 'nest' | 'nest-transform' | 'own';

export interface NestServerSetup {
  readonly options?: Pick<CmdStreamServerOptions, 'maxBufferedBytes' | 'maxPingsPerSecond'>;
  readonly pipe?: Pipe;
  /** PEM. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface ServerState {
  readonly connections: number;
  readonly inFlight: number;
  /** Connections that were lost, by the code of their cause. */
  readonly lost: Readonly<Record<string, number>>;
  /** When the last one was lost and when the last producer stopped, in milliseconds since the epoch; 0: none. */
  readonly lostAt: number;
  readonly stoppedAt: number;
  /** Streams that are being produced. */
  readonly producing: number;
  /** What the server may hold for its peers, and what it does, in MiB. */
  readonly budgetMiB: number;
  readonly heldMiB: number;
}

const MIB = 1024 * 1024;

let strategy: CmdStreamServer;
let budgetMiB = 0;
const lost: Record<string, number> = {};
let lostAt = 0;
let stoppedAt = 0;
let producing = 0;

const now = (): number => performance.timeOrigin + performance.now();

class Text {
  @IsString()
  S = '';
}

class Items {
  @Type(() => Item)
  @ValidateNested({ each: true })
  L: readonly Item[] = [];
}

@Controller()
class HostileController {
  @CommandHandler(EchoCmd)
  echo({ S }: EchoCmd): Echo {
    return new Echo(S);
  }

  @CommandHandler(CountCmd)
  async *count({ N, Size }: CountCmd): AsyncGenerator<Tick> {
    const text = 'x'.repeat(Size);
    producing++;
    try {
      for (let count = 1; count <= N; count++) yield new Tick(count, count === N, text);
    } finally {
      producing--;
      stoppedAt = now();
    }
  }

  @CommandHandler(HoldCmd)
  async hold({ Ms, S }: HoldCmd, { signal }: CmdStreamContext): Promise<Echo> {
    await delay(Ms, undefined, { signal });
    return new Echo(String(S.length));
  }

  @CommandHandler(AnyCmd)
  any(_command: AnyCmd): Echo {
    return new Echo();
  }

  @CommandHandler(CheckedCmd)
  checked(_command: CheckedCmd): Echo {
    return new Echo();
  }

  @CommandHandler(ItemsCmd)
  items(_command: ItemsCmd): Echo {
    return new Echo();
  }

  @CommandHandler(ExposedCmd)
  exposed(_command: ExposedCmd): Echo {
    return new Echo();
  }

  @MessagePattern('text')
  text(@Payload() _text: Text): string {
    return '';
  }

  @MessagePattern('items')
  itemsByPattern(@Payload() _items: Items): string {
    return '';
  }

  @EventPattern('happened')
  happened(@Payload() _data: unknown): void {}
}

@Module({ controllers: [HostileController] })
class HostileModule {}

function usePipe(app: INestMicroservice, pipe: Pipe): void {
  if (pipe === 'nest') app.useGlobalPipes(new ValidationPipe());
  if (pipe === 'nest-transform') app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true }));
  if (pipe === 'own') app.useGlobalPipes(new CommandValidationPipe());
}

/** What `maxBufferedBytes` is by default. */
function defaultBudget(): number {
  return Math.min(Math.max(32 * MIB, getHeapStatistics().heap_size_limit / 4), 1024 * MIB);
}

export const nestServer = {
  ...gauges,

  /** Gives the port. */
  async serve({ options = {}, pipe = 'none', tls }: NestServerSetup = {}): Promise<number> {
    budgetMiB = (options.maxBufferedBytes ?? defaultBudget()) / MIB;
    strategy = new CmdStreamServer({
      host: '127.0.0.1',
      port: 0,
      contract: hostileContract,
      onDisconnect: (_connection, { code }) => {
        lost[code] = (lost[code] ?? 0) + 1;
        lostAt = now();
      },
      ...(tls && { tls }),
      ...options,
    });
    const app = await NestFactory.createMicroservice(HostileModule, { strategy });
    usePipe(app, pipe);
    await app.listen();
    startGauges();
    return strategy.unwrap<CommandServer>().address!.port;
  },

  state(): ServerState {
    const { connections, inFlight, bufferedBytes } = strategy.unwrap<CommandServer>();
    return { connections, inFlight, lost, lostAt, stoppedAt, producing, budgetMiB, heldMiB: bufferedBytes / MIB };
  },
};
