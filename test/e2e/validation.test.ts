// Nest's ValidationPipe before a handler: it learns the class of the Command, refuses bad ones, and what it hands over
// fits.
import { describe, expect, it, jest } from '@jest/globals';
import { Controller, UseFilters, UsePipes, ValidationPipe, type INestMicroservice, type Type } from '@nestjs/common';
import { IsInt, Max, MaxLength } from 'class-validator';
import { lastValueFrom } from 'rxjs';
import {
  CmdStreamExceptionFilter,
  Command,
  CommandHandler,
  CommandValidationPipe,
  defineContract,
  Invoker,
  Result,
} from 'nestjs-cmd-stream';
import { z } from 'zod';
import { frame, GREETING } from '../support/calc-frames.js';
import { guardLeaks } from '../support/leak-guard.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();

class Answer extends Result {
  constructor(readonly text = '') {
    super();
  }
}

class Receiver {
  readonly name = 'the Receiver';
}

class OrderCmd extends Command<Answer, Receiver> {
  @IsInt()
  @Max(10)
  readonly Count: number;

  @MaxLength(5)
  readonly Name: string;

  constructor(count = 0, name = '') {
    super();
    this.Count = count;
    this.Name = name;
  }

  get label(): string {
    return `${this.Count} ${this.Name}`;
  }

  override exec(receiver: Receiver): Answer {
    return new Answer(`${receiver.name}: ${this.label}`);
  }
}

/** Checked by its schema. */
class ParcelCmd extends Command<Answer> {
  static readonly schema = z.object({ weight: z.number().max(30), note: z.string().trim() });

  readonly weight: number;
  readonly note: string;

  constructor(weight = 0, note = '') {
    super();
    this.weight = weight;
    this.note = note;
  }

  label(): string {
    return `${this.weight} <${this.note}>`;
  }
}

const contract = defineContract({ commands: [OrderCmd, ParcelCmd], results: [Answer] });

@Controller()
class OrderController {
  @CommandHandler(OrderCmd)
  order(command: OrderCmd) {
    return new Answer(`${command.constructor.name}: ${Object.keys(command).join()}: ${command.label}`);
  }
}

@UsePipes(new ValidationPipe())
@Controller()
class PipedController extends OrderController {}

interface Setup {
  readonly controller: Type;
  readonly pipe?: ValidationPipe;
  /** By default every error becomes an Answer with what the pipe or filter made of it. */
  readonly plain?: boolean;
}

async function serve({ controller, pipe, plain = false }: Setup): Promise<NestServer> {
  return own(
    await NestServer.listen({
      module: { controllers: [controller], providers: [Receiver] },
      options: { contract, ...(plain ? {} : { onPlainError: (error) => new Answer(JSON.stringify(error)) }) },
      before: (app: INestMicroservice) => pipe && app.useGlobalPipes(pipe),
    }),
  );
}

async function order(setup: Setup, ...args: [number, string]): Promise<string> {
  const server = await serve(setup);
  const client = own(new HandMadeClient(server.port, { contract }));
  return (await client.execute(new OrderCmd(...args))).text;
}

describe('a ValidationPipe before a handler', () => {
  const pipes = {
    'without options': new ValidationPipe(),
    'with transform': new ValidationPipe({ transform: true }),
    'with transform and whitelist': new ValidationPipe({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
    }),
  };

  it.each(Object.entries(pipes))('lets a good Command pass %s', async (_, pipe) => {
    expect(await order({ controller: OrderController, pipe }, 3, 'eggs')).toBe('OrderCmd: Count,Name: 3 eggs');
  });

  it.each(Object.entries(pipes))('refuses a bad Command %s', async (_, pipe) => {
    const answer = await order({ controller: OrderController, pipe }, 11, 'eggs');
    expect(JSON.parse(answer)).toEqual({ status: 'error', message: 'Internal server error' });
  });

  it('may stand on the controller', async () => {
    expect(await order({ controller: PipedController }, 3, 'eggs')).toBe('OrderCmd: Count,Name: 3 eggs');
    expect(await order({ controller: PipedController }, 3, 'too long')).toContain('Internal server error');
  });

  it('sees a key that is not of the class', async () => {
    const pipe = pipes['with transform and whitelist'];
    const server = await serve({ controller: OrderController, pipe });
    const peer = own(await server.connect());
    peer.write(frame(1, 0, '{"Count":1,"Name":"a","Other":true}'));
    await peer.receives(
      GREETING + frame(1, 0, JSON.stringify({ text: '{"status":"error","message":"Internal server error"}' })),
    );
  });

  it('ends the connection of a plain peer that sends a bad Command, if nothing maps its error', async () => {
    const server = await serve({ controller: OrderController, pipe: new ValidationPipe(), plain: true });
    const peer = own(await server.connect());
    peer.write(frame(1, 0, '{"Count":1,"Name":"far too long"}'));
    await peer.ends();
    expect(peer.hex).toBe(GREETING);
    expect(await server.logger.line('HANDLER_ERROR')).toContain('Internal server error');
  });
});

describe('a ValidationPipe before an Invoker', () => {
  const controller = Invoker(Receiver, [OrderCmd]);

  it.each([
    ['without options', new ValidationPipe()],
    ['with transform', new ValidationPipe({ transform: true })],
  ])('lets a good Command pass %s', async (_, pipe) => {
    expect(await order({ controller, pipe }, 3, 'eggs')).toBe('the Receiver: 3 eggs');
  });

  it('refuses a bad Command', async () => {
    const pipe = new ValidationPipe({ transform: true });
    expect(await order({ controller, pipe }, 3, 'too long')).toContain('Internal server error');
  });

  it('that hands over a plain object fails with a hint', async () => {
    const server = await serve({ controller, pipe: new ValidationPipe({ whitelist: true }) });
    const client = own(new HandMadeClient(server.port, { contract }));
    expect((await client.execute(new OrderCmd(3, 'eggs'))).text).toContain('Internal server error');
    const line = await server.logger.line('OrderCmd has lost its method exec');
    expect(line).toContain('`transform: true`');
  });
});

describe('a Command with a schema', () => {
  it('is given to its handler as the schema made it, or refused with its messages', async () => {
    @UseFilters(CmdStreamExceptionFilter)
    @UsePipes(new CommandValidationPipe())
    @Controller()
    class ParcelController {
      @CommandHandler(ParcelCmd)
      take(parcel: ParcelCmd) {
        return new Answer(parcel.label());
      }
    }
    const server = await serve({ controller: ParcelController, plain: true });
    const client = own(new HandMadeClient(server.port, { contract, extension: true }));
    expect(await client.execute(new ParcelCmd(3, ' eggs '))).toEqual(new Answer('3 <eggs>'));
    const message = ['weight: Too big: expected number to be <=30'];
    await expect(client.execute(new ParcelCmd(31))).rejects.toMatchObject({
      code: 'REMOTE',
      payload: { statusCode: 400, details: { statusCode: 400, error: 'Bad Request', message } },
    });
  });
});

describe('a ValidationPipe before the CommandValidationPipe', () => {
  const takes = jest.fn<(command: object) => void>();

  @Controller()
  class StockController {
    @CommandHandler(OrderCmd)
    order(command: OrderCmd) {
      takes(command);
      return new Answer(command.label);
    }

    @CommandHandler(ParcelCmd)
    parcel(command: ParcelCmd) {
      takes(command);
      return new Answer(command.label());
    }
  }

  async function clientBehind(first: ValidationPipe) {
    takes.mockClear();
    const server = own(
      await NestServer.listen({
        module: { controllers: [StockController] },
        options: { contract },
        before: (app) => {
          app.useGlobalPipes(first, new CommandValidationPipe());
          app.useGlobalFilters(new CmdStreamExceptionFilter());
        },
      }),
    );
    return { server, client: own(new HandMadeClient(server.port, { contract, extension: true })) };
  }

  it.each([
    ['a schema', new ParcelCmd(31), 'ParcelCmd'],
    ['rules', new OrderCmd(3, 'eggs'), 'OrderCmd'],
  ])('that makes a plain copy lets no Command with %s reach its handler', async (_, command, name) => {
    const { server, client } = await clientBehind(new ValidationPipe({ whitelist: true }));
    await expect(client.execute(command)).rejects.toMatchObject({ code: 'REMOTE' });
    expect(takes).not.toHaveBeenCalled();
    expect(await server.logger.line(`a parameter of type ${name} is no`)).toContain('with transform: true');
  });

  it('with transform lets both check', async () => {
    const { client } = await clientBehind(new ValidationPipe({ transform: true }));
    expect(await client.execute(new ParcelCmd(3, ' eggs '))).toEqual(new Answer('3 <eggs>'));
    await expect(client.execute(new ParcelCmd(31))).rejects.toMatchObject({ code: 'REMOTE' });
    expect(takes).toHaveBeenCalledTimes(1);
  });

  it('with whitelist takes away what only a schema knows, which the schema then misses', async () => {
    const { client } = await clientBehind(new ValidationPipe({ transform: true, whitelist: true }));
    await expect(client.execute(new ParcelCmd(3, 'eggs'))).rejects.toMatchObject({
      payload: {
        details: { message: expect.arrayContaining([expect.stringMatching(/^weight: .*received undefined$/)]) },
      },
    });
    expect(takes).not.toHaveBeenCalled();
  });
});

describe('an event that a pipe refuses', () => {
  it('is logged in one message with its handler, and the stack of the exception', async () => {
    @UseFilters(CmdStreamExceptionFilter)
    @UsePipes(new CommandValidationPipe())
    @Controller()
    class OrdersController {
      @CommandHandler(OrderCmd)
      take(_command: OrderCmd) {
        return new Answer('');
      }
    }
    const server = await serve({ controller: OrdersController, plain: true });
    const logged = jest.spyOn(server.logger, 'error');
    const client = own(new HandMadeClient(server.port, { contract, extension: true }));
    await lastValueFrom(client.emit(new OrderCmd(11, 'eggs')), { defaultValue: undefined });
    const reason = 'BadRequestException: Count must not be greater than 10';
    await server.logger.line(`OrdersController.take, the handler of the event OrderCmd, failed: ${reason}`);
    const stack = expect.stringMatching(/^BadRequestException: .*\n +at .*command-validation/s);
    expect(logged.mock.calls).toEqual([[expect.any(String), stack, 'CmdStreamServer']]);
  });
});
