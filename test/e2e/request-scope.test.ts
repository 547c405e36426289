// Request scope: a new controller or provider for each Command, who may ask for the Command itself.
import { describe, expect, it } from '@jest/globals';
import { Controller, Inject, Injectable, Scope, type Type } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import type { RequestContext } from '@nestjs/microservices';
import { CmdStreamContext, CommandHandler } from 'nestjs-cmd-stream';
import { lastValueFrom, toArray } from 'rxjs';
import { addFrame, countFrame, GREETING, sumFrame } from '../support/calc-frames.js';
import { turns, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, CountCmd, CountResult, SubCmd } from './calc.contract.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();

const made = { requests: [] as RequestContext[], controllers: 0 };

@Injectable({ scope: Scope.REQUEST })
class Caller {
  constructor(@Inject(REQUEST) readonly request: RequestContext<unknown, CmdStreamContext>) {
    made.requests.push(request);
  }
}

@Controller()
class CallerController {
  constructor(private readonly caller: Caller) {
    made.controllers++;
  }

  @CommandHandler(AddCmd)
  async add({ A, B }: AddCmd, context: CmdStreamContext) {
    await turns(1);
    return new CalcResult(this.caller.request.context === context ? A + B : NaN);
  }

  @CommandHandler(CountCmd)
  async *count({ N }: CountCmd) {
    for (let i = 1; i <= N; i++) {
      await turns(1);
      yield new CountResult(this.caller.request.context!.seq as number, i === N);
    }
  }

  @CommandHandler(SubCmd)
  sub(): CalcResult {
    throw new Error('out of scope');
  }
}

@Controller({ scope: Scope.REQUEST })
class ScopedController {
  #calls = 0;

  @CommandHandler(AddCmd)
  add() {
    return new CalcResult(++this.#calls);
  }
}

@Injectable({ scope: Scope.REQUEST })
class Unmakeable {
  constructor() {
    throw new Error('cannot be made');
  }
}

@Controller()
class UnmakeableController {
  constructor(readonly dependency: Unmakeable) {}

  @CommandHandler(AddCmd)
  add() {
    return new CalcResult(1);
  }
}

function serve(controller: Type, ...providers: Type[]): Promise<NestServer> {
  made.requests = [];
  made.controllers = 0;
  return NestServer.listen({
    module: { controllers: [controller], providers },
    options: { onPlainError: () => new CalcResult(-1) },
  });
}

describe('a handler in request scope', () => {
  it('has its own providers for each Command, and REQUEST is that Command', async () => {
    const server = own(await serve(CallerController, Caller));
    const client = own(new HandMadeClient(server.port));
    const sums = await Promise.all([1, 2, 3].map((n) => client.execute(new AddCmd(n, n))));
    expect(sums.map(({ value }) => value)).toEqual([2, 4, 6]);
    expect(made.controllers).toBe(3);
    const requests = made.requests.map(({ pattern, data, context }) => [
      (context as CmdStreamContext).seq,
      pattern,
      data,
    ]);
    expect(requests.toSorted()).toEqual([1, 2, 3].map((n) => [n, 'command:AddCmd', new AddCmd(n, n)]));
  });

  it('may be a generator', async () => {
    const server = own(await serve(CallerController, Caller));
    const client = own(new HandMadeClient(server.port));
    const [first, second] = await Promise.all(
      [2, 3].map((N) => lastValueFrom(client.send(new CountCmd(N)).pipe(toArray()))),
    );
    expect(first!.map(({ I }) => I)).toEqual([1, 1]);
    expect(second!.map(({ I }) => I)).toEqual([2, 2, 2]);
  });

  it('may be that of a controller in request scope itself', async () => {
    const server = own(await serve(ScopedController));
    const client = own(new HandMadeClient(server.port));
    expect(await client.execute(new AddCmd())).toEqual(new CalcResult(1));
    expect(await client.execute(new AddCmd())).toEqual(new CalcResult(1));
  });

  it('fails as any other', async () => {
    const server = own(await serve(CallerController, Caller));
    const client = own(new HandMadeClient(server.port));
    expect(await client.execute(new SubCmd())).toEqual(new CalcResult(-1));
    expect(server.logger.having('out of scope')).toHaveLength(1);
  });

  it('fails when its providers cannot be made, without harm to others', async () => {
    const server = own(await serve(UnmakeableController, Unmakeable));
    const peer = own(await server.connect());
    peer.write(addFrame(1, 1, 1) + addFrame(2, 1, 1));
    await peer.receives(GREETING + sumFrame(1, -1) + sumFrame(2, -1));
  });

  it('is notified of the loss of its connection', async () => {
    const server = own(await serve(CallerController, Caller));
    const peer = own(await server.connect());
    peer.write(countFrame(1, 1_000_000_000));
    await until('the stream runs', () => peer.received.length > 100);
    peer.reset();
    await until('the Command has ended', () => server.core.inFlight === 0);
    expect(server.core.connections).toBe(0);
  });
});
