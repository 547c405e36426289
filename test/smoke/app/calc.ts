// An application of Nest that serves the contract and calls itself, with all that a project of users has.
import { Controller, Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, type MicroserviceOptions } from '@nestjs/microservices';
import {
  CmdStreamClient,
  CmdStreamContext,
  CmdStreamError,
  CmdStreamExceptionFilter,
  CmdStreamServer,
  CommandHandler,
  CommandValidationPipe,
  isCmdStreamError,
} from 'nestjs-cmd-stream';
import { firstValueFrom } from 'rxjs';
import { AddCmd, contract, CountCmd, Line, OrderCmd, Receipt, Sum } from './contract.js';

@Injectable()
export class Shop {
  receiptFor({ lines, at }: OrderCmd): Receipt {
    return new Receipt(`${lines.map(({ text }) => text).join(', ')} in ${at.getUTCFullYear()}`);
  }
}

@Controller()
export class CalcController {
  constructor(@Inject(Shop) private readonly shop: Shop) {}

  @CommandHandler(AddCmd)
  add({ a, b }: AddCmd): Sum {
    if (a < 0) throw CmdStreamError.remote({ reason: 'negative' });
    return new Sum(a + b);
  }

  @CommandHandler(CountCmd)
  async *count({ to }: CountCmd, { signal }: CmdStreamContext): AsyncGenerator<Sum> {
    for (let value = 1; value <= to && !signal.aborted; value++) yield new Sum(value);
  }

  @CommandHandler(OrderCmd)
  order(command: OrderCmd): Receipt {
    return this.shop.receiptFor(command);
  }

  @MessagePattern('greet')
  greet(name: string): string {
    return `hello ${name}`;
  }
}

@Module({ controllers: [CalcController], providers: [Shop] })
export class CalcModule {}

/** What the application must give, in every project. */
export const expected = {
  sum: 5,
  counted: [1, 2, 3],
  receipt: 'tea for 3, cake for 4 in 2024',
  empty: 'REMOTE lines should not be empty',
  negative: 'REMOTE negative',
  greeting: 'hello you',
};

interface Said {
  readonly reason?: string;
  readonly details?: { readonly message: readonly string[] };
}

async function failure(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  if (!isCmdStreamError(error)) throw error;
  const { reason, details } = error.payload as Said;
  return `${error.code} ${reason ?? details?.message.join()}`;
}

/** What it gives. */
export async function run(): Promise<typeof expected> {
  const strategy = new CmdStreamServer({ host: '127.0.0.1', port: 0, contract });
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(CalcModule, { strategy, logger: ['error'] });
  app.useGlobalPipes(new CommandValidationPipe());
  app.useGlobalFilters(new CmdStreamExceptionFilter());
  await app.listen();
  const client = new CmdStreamClient({ host: '127.0.0.1', port: strategy.unwrap().address!.port, contract });
  try {
    const counted: number[] = [];
    for await (const { value } of client.iterate(new CountCmd(3))) counted.push(value);
    const order = new OrderCmd([new Line('tea', 3), new Line('cake', 4)], new Date('2024-02-29'));
    return {
      sum: (await client.execute(new AddCmd(2, 3))).value,
      counted,
      receipt: (await client.execute(order)).text,
      empty: await failure(client.execute(new OrderCmd())),
      negative: await failure(client.execute(new AddCmd(-1))),
      greeting: await firstValueFrom(client.send<string>('greet', 'you')),
    };
  } finally {
    await client.close();
    await app.close();
  }
}
