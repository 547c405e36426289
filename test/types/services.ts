// Compiled, never run: what the methods of a service take and give, and what their handlers must be.
import type { CommandClient } from 'nestjs-cmd-stream/core';
import {
  Command,
  CommandHandler,
  defineContract,
  type CmdStreamContext,
  Result,
  serviceOf,
  StreamCommand,
  VoidCommand,
  type CmdStreamClient,
  type HandlersOf,
  type ServiceOf,
} from 'nestjs-cmd-stream';
import { of, type Observable } from 'rxjs';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function assert<T extends true>(): T | undefined {
  return undefined;
}

class Sum extends Result {
  constructor(readonly value = 0) {
    super();
  }
}

class Prime extends Result {
  constructor(readonly prime = 0) {
    super();
  }
}

class Add extends Command<Sum> {
  constructor(
    readonly a = 0,
    readonly b = 0,
  ) {
    super();
  }
}

class Shout extends Command<Sum> {
  constructor(readonly text = '') {
    super();
  }
}

class Primes extends StreamCommand<Prime> {
  constructor(readonly count = 0) {
    super();
  }
}

class Note extends VoidCommand {
  constructor(readonly text = '') {
    super();
  }
}

abstract class Half extends Command<Sum> {}

const methods = { add: Add, shout: Shout, primes: Primes, note: Note };

export async function calls(core: CommandClient, nest: CmdStreamClient): Promise<void> {
  const calc = serviceOf(core, methods);
  assert<Equal<typeof calc, ServiceOf<typeof methods>>>();
  assert<Equal<Parameters<typeof calc.add>, [a?: number | undefined, b?: number | undefined]>>();
  const sum = calc.add(2, 3);
  const primes = calc.primes(10);
  const noted = calc.note('text');
  assert<Equal<typeof sum, Promise<Sum>>>();
  assert<Equal<typeof primes, AsyncIterableIterator<Prime, undefined>>>();
  assert<Equal<typeof noted, Promise<void>>>();
  for await (const { prime } of calc.primes(10)) assert<Equal<typeof prime, number>>();
  const within = calc.$with({ timeoutMs: 100 }).$with({ metadata: { tenant: 'a' } });
  assert<Equal<typeof within, typeof calc>>();

  const inNest: ServiceOf<{ add: typeof Add }> = serviceOf(nest, { add: Add });
  await inNest.add(2, 3);

  // @ts-expect-error: an argument of another type
  await calc.add('2', 3);
  // @ts-expect-error: too many arguments
  await calc.add(2, 3, 4);
  // @ts-expect-error: a method that is not there
  await calc.sub(2, 3);
  // @ts-expect-error: nor behind $with()
  await calc.$with({ timeoutMs: 100 }).sub(2, 3);
  // @ts-expect-error: a stream has no one Result to await
  (await calc.primes(10)).prime.toFixed();
  // @ts-expect-error: one Result is nothing to loop over
  for await (const { value } of calc.add(2, 3)) value.toFixed();
  // @ts-expect-error: an option that does not exist
  calc.$with({ timeout: 100 });
  // @ts-expect-error: a method is not given anew
  calc.add = async () => new Sum(5);
}

export function refused(client: CommandClient): void {
  // @ts-expect-error: a Result is no Command
  serviceOf(client, { sum: Sum });
  // @ts-expect-error: nor is an instance of a Command a class of them
  serviceOf(client, { add: new Add() });
  // @ts-expect-error: nor can an abstract class be sent
  serviceOf(client, { half: Half });
  // @ts-expect-error: an await would take the service for a promise
  // oxlint-disable-next-line unicorn/no-thenable -- that is the point
  serviceOf(client, { then: Add });
  // @ts-expect-error: $ is for what is no method of the service
  serviceOf(client, { add: Add, $add: Add });
  // @ts-expect-error: every object has such a method
  serviceOf(client, { toString: Add });
  // @ts-expect-error: nothing that sends
  serviceOf({}, methods);
}

const addOnly = defineContract({ commands: [Add, Primes], results: [Sum, Prime] });

export function ofContract(core: CommandClient<typeof addOnly>, nest: CmdStreamClient<typeof addOnly>): void {
  void serviceOf(core, { add: Add, primes: Primes }).add(2, 3);
  void serviceOf(nest, { add: Add, primes: Primes }).add(2, 3);
  // @ts-expect-error: a Command outside of the contract of the client
  serviceOf(core, { shout: Shout });
  // @ts-expect-error: nor over the client of Nest
  serviceOf(nest, methods);
}

export class CalcController implements HandlersOf<typeof methods> {
  @CommandHandler(Add)
  add({ a, b }: Add) {
    return new Sum(a + b);
  }

  @CommandHandler(Shout)
  async shout({ text }: Shout, context: CmdStreamContext): Promise<Sum> {
    return new Sum(text.length + context.bytesRead);
  }

  @CommandHandler(Primes)
  async *primes({ count }: Primes) {
    yield new Prime(count);
  }

  @CommandHandler(Note)
  note(_note: Note) {}
}

export class OtherController implements HandlersOf<typeof methods> {
  add(): Observable<Sum> {
    return of(new Sum(1));
  }

  async shout() {
    return of(new Sum(1));
  }

  primes({ count }: Primes): Observable<Prime> {
    return of(new Prime(count));
  }

  async note() {}
}

// @ts-expect-error: a method has no handler
export class Forgetful implements HandlersOf<{ add: typeof Add; shout: typeof Shout }> {
  add() {
    return new Sum(1);
  }
}

export class Misfits implements HandlersOf<typeof methods> {
  // @ts-expect-error: a handler gives the Results of its Command
  add() {
    return new Prime(1);
  }

  // @ts-expect-error: it takes its own Command
  shout({ a, b }: Add) {
    return new Sum(a + b);
  }

  // @ts-expect-error: a stream is of Results of its Command
  async *primes() {
    yield new Sum(1);
  }

  // @ts-expect-error: nothing is expected
  note() {
    return new Sum(1);
  }
}
