// What a handler gives back, in every form it may have, and what the client sees of it.
import { describe, expect, it } from '@jest/globals';
import { Controller, type Type } from '@nestjs/common';
import { Command, CommandHandler, defineContract, VoidCommand } from 'nestjs-cmd-stream';
import { EMPTY, from, lastValueFrom, of, toArray, type Observable } from 'rxjs';
import { turns, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, CountCmd, CountResult, EchoCmd, EchoResult } from './calc.contract.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();

async function clientOf(...controllers: Type[]): Promise<HandMadeClient> {
  const server = own(await NestServer.listen({ module: { controllers } }));
  return own(new HandMadeClient(server.port));
}

async function* countTo(N: number): AsyncGenerator<CountResult> {
  for (let i = 1; i <= N; i++) yield new CountResult(i, i === N);
}

function collect<T>(results: Observable<T>): Promise<T[]> {
  return lastValueFrom(results.pipe(toArray()));
}

@Controller()
class ValueController {
  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    return new CalcResult(A + B);
  }
}

@Controller()
class PromiseController {
  @CommandHandler(AddCmd)
  async add({ A, B }: AddCmd) {
    await turns(1);
    return new CalcResult(A + B);
  }
}

@Controller()
class ObservableController {
  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    return of(new CalcResult(A + B));
  }

  @CommandHandler(CountCmd)
  count({ N }: CountCmd) {
    return from(countTo(N));
  }
}

@Controller()
class PromisedObservableController {
  @CommandHandler(AddCmd)
  async add({ A, B }: AddCmd) {
    return of(new CalcResult(A + B));
  }

  @CommandHandler(CountCmd)
  async count({ N }: CountCmd) {
    await turns(1);
    return from(countTo(N));
  }
}

@Controller()
class GeneratorController {
  @CommandHandler(CountCmd)
  async *count({ N }: CountCmd) {
    for (let i = 1; i <= N; i++) {
      await turns(1);
      yield new CountResult(i, i === N);
    }
  }
}

@Controller()
class IterableController {
  @CommandHandler(CountCmd)
  count({ N }: CountCmd): AsyncIterable<CountResult> {
    let i = 0;
    const next = async () =>
      i++ < N
        ? { done: false as const, value: new CountResult(i, i === N) }
        : { done: true as const, value: undefined };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }
}

@Controller()
class PromisedIterableController {
  @CommandHandler(CountCmd)
  async count({ N }: CountCmd): Promise<AsyncIterable<CountResult>> {
    await turns(1);
    return countTo(N);
  }
}

describe('a handler with one Result', () => {
  it.each([ValueController, PromiseController, ObservableController, PromisedObservableController])(
    'answers when it is that of %p',
    async (controller) => {
      const client = await clientOf(controller);
      const result = await client.execute(new AddCmd(2, 3));
      expect(result).toBeInstanceOf(CalcResult);
      expect(result.value).toBe(5);
      expect(await collect(client.send(new AddCmd(8, -4)))).toEqual([new CalcResult(4)]);
    },
  );
});

describe('a handler with several Results', () => {
  it.each([
    ObservableController,
    PromisedObservableController,
    GeneratorController,
    IterableController,
    PromisedIterableController,
  ])('answers in order and ends with the last one when it is that of %p', async (controller) => {
    const client = await clientOf(controller);
    const results = await collect(client.send(new CountCmd(4)));
    expect(results.map(({ I }) => I)).toEqual([1, 2, 3, 4]);
    expect(results.every((result) => result instanceof CountResult)).toBe(true);
  });

  it('answers many Commands at a time, each with its own Results', async () => {
    const client = await clientOf(GeneratorController);
    const lengths = [7, 1, 5, 3];
    const all = await Promise.all(lengths.map((N) => collect(client.send(new CountCmd(N)))));
    expect(all.map((results) => results.map(({ I }) => I))).toEqual([
      [1, 2, 3, 4, 5, 6, 7],
      [1],
      [1, 2, 3, 4, 5],
      [1, 2, 3],
    ]);
  });

  it('is not listened to beyond the last one', async () => {
    @Controller()
    class Talkative {
      @CommandHandler(CountCmd)
      count() {
        return of(new CountResult(1), new CountResult(2, true), new CountResult(3), new CountResult(4, true));
      }

      @CommandHandler(EchoCmd)
      echo({ text }: EchoCmd) {
        return new EchoResult(text);
      }
    }
    const client = await clientOf(Talkative);
    const results = await collect(client.send(new CountCmd(9)));
    expect(results.map(({ I }) => I)).toEqual([1, 2]);
    expect(await client.execute(new EchoCmd('after it'))).toEqual(new EchoResult('after it'));
  });
});

class NoteCmd extends VoidCommand {}
class NoteLaterCmd extends VoidCommand {}

/** As a plain peer may have them, for which they have a Result. */
class AnsweredNoteCmd extends Command<EchoResult> {}
class AnsweredNoteLaterCmd extends Command<EchoResult> {}

describe('a handler of a Command that has one Result', () => {
  it('has failed when it gives none, which the server logs with its name', async () => {
    @Controller()
    class Forgetful {
      @CommandHandler(EchoCmd)
      echo() {
        return undefined as unknown as EchoResult;
      }

      @CommandHandler(AddCmd)
      add() {
        return EMPTY as Observable<CalcResult>;
      }
    }
    const server = own(await NestServer.listen({ module: { controllers: [Forgetful] } }));
    const client = own(new HandMadeClient(server.port, { extension: true }));
    for (const [command, name] of [
      [new EchoCmd(), 'Forgetful.echo, the handler of EchoCmd,'],
      [new AddCmd(), 'Forgetful.add, the handler of AddCmd,'],
    ] as const) {
      const message = expect.stringContaining(`${name} gave no Result`);
      await expect(client.execute(command)).rejects.toMatchObject({ code: 'NO_RESULT', sent: true, message });
      await server.logger.line(`${name} gave no Result`);
    }
    const plain = own(new HandMadeClient(server.port));
    await expect(plain.execute(new EchoCmd())).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
    await server.logger.line('the handler of EchoCmd ended without a last Result');
  });
});

describe('a handler that returns nothing', () => {
  it('answers a peer of this package with nothing, and has failed where a plain peer waits for a Result', async () => {
    const ended: string[] = [];
    @Controller()
    class Silent {
      @CommandHandler(NoteCmd)
      note(): void {
        ended.push('void');
      }

      @CommandHandler(NoteLaterCmd)
      async noteLater(): Promise<void> {
        ended.push('Promise<void>');
      }

      @CommandHandler(EchoCmd)
      echo({ text }: EchoCmd) {
        return new EchoResult(text);
      }
    }
    const contract = defineContract({ commands: [NoteCmd, NoteLaterCmd, EchoCmd], results: [EchoResult] });
    const server = own(await NestServer.listen({ module: { controllers: [Silent] }, options: { contract } }));
    const client = own(new HandMadeClient(server.port, { contract, extension: true }));
    expect(await client.execute(new NoteCmd())).toBeUndefined();
    expect(await client.execute(new NoteLaterCmd())).toBeUndefined();
    expect(await client.execute(new EchoCmd('still here'))).toEqual(new EchoResult('still here'));
    expect(ended).toEqual(['void', 'Promise<void>']);
    const commands = [AnsweredNoteCmd, AnsweredNoteLaterCmd, EchoCmd] as const;
    const waiting = defineContract({ commands, results: [EchoResult] });
    const plain = own(new HandMadeClient(server.port, { contract: waiting }));
    for (const [name, command] of [
      ['NoteCmd', new AnsweredNoteCmd()],
      ['NoteLaterCmd', new AnsweredNoteLaterCmd()],
    ] as const) {
      await expect(plain.execute(command)).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
      await until('the Command has ended', () => server.core.inFlight === 0);
      expect(server.core.inFlight).toBe(0);
      if (name === 'NoteCmd') await server.logger.line(`the handler of ${name} ended without a last Result`);
    }
  });
});
