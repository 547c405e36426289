// The handler of a Command is reached by the Command, which has a contract and is validated, and by nothing else.
import { describe, expect, it } from '@jest/globals';
import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import { IsInt } from 'class-validator';
import {
  Command,
  CommandHandler,
  CommandValidationPipe,
  defineContract,
  Result,
  type CmdStreamServerOptions,
} from 'nestjs-cmd-stream';
import { lastValueFrom } from 'rxjs';
import { until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();

class Paid extends Result {
  constructor(readonly amount = 0) {
    super();
  }
}

class PayCmd extends Command<Paid> {
  @IsInt()
  readonly amount: number;

  constructor(amount = 0) {
    super();
    this.amount = amount;
  }
}

const contract = defineContract({ commands: [PayCmd], results: [Paid] });
let handled: unknown[] = [];

@Controller()
class PayController {
  @CommandHandler(PayCmd)
  pay(command: PayCmd): Paid {
    handled.push(command);
    return new Paid(command.amount);
  }

  @MessagePattern('pay')
  byMessage(amount: number): number {
    return amount;
  }

  @EventPattern('paid')
  paid(amount: number): void {
    handled.push(amount);
  }
}

const passing = { deserialize: (packet: unknown) => packet } as NonNullable<CmdStreamServerOptions['deserializer']>;

describe.each([
  ['without a deserializer', undefined],
  ['behind a deserializer', passing],
])('the handler of a Command %s', (_, deserializer) => {
  async function open(): Promise<[NestServer, HandMadeClient]> {
    handled = [];
    const server = own(
      await NestServer.listen({
        module: { controllers: [PayController] },
        options: { contract, deserializer },
        before: (app) => app.useGlobalPipes(new CommandValidationPipe()),
      }),
    );
    return [server, own(new HandMadeClient(server.port, { contract, extension: true }))];
  }

  it('is not found by a message for its route', async () => {
    const [, client] = await open();
    const answer = lastValueFrom(client.send('command:PayCmd', { amount: 'all of it' }));
    await expect(answer).rejects.toBe('There is no matching message handler defined in the remote service.');
    await expect(lastValueFrom(client.send('pay', 3))).resolves.toBe(3);
    await expect(client.execute(new PayCmd(5))).resolves.toEqual(new Paid(5));
    expect(handled).toEqual([new PayCmd(5)]);
  });

  it('is not found by an event for its route', async () => {
    const [server, client] = await open();
    client.emit('command:PayCmd', { amount: 'all of it' });
    client.emit('paid', 3);
    await server.logger.line('no matching event handler defined in the remote service. Event pattern: command:PayCmd');
    await until('the other event is received', () => handled.length > 0);
    expect(handled).toEqual([3]);
  });
});

it('a hook that throws behind a deserializer fails its request, and the process goes on', async () => {
  const server = own(
    await NestServer.listen({
      module: { controllers: [PayController] },
      options: { contract, deserializer: passing },
      before: (_app, strategy) =>
        strategy.setOnProcessingStartHook(() => {
          throw new Error('intentional failure');
        }),
    }),
  );
  const client = own(new HandMadeClient(server.port, { contract, extension: true }));
  const answer = lastValueFrom(client.send('pay', 3));
  await expect(answer).rejects.toMatchObject({ status: 'error', message: 'Internal server error' });
  await server.logger.line('intentional failure');
});
