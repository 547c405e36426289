// Guards, interceptors and exception filters around the handler of a Command, on the method, the controller or global.
import { describe, expect, it } from '@jest/globals';
import {
  Catch,
  Controller,
  Injectable,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, Reflector } from '@nestjs/core';
import { RpcException } from '@nestjs/microservices';
import { CmdStreamContext, CommandHandler } from 'nestjs-cmd-stream';
import { lastValueFrom, map, of, tap, throwError, toArray, type Observable } from 'rxjs';
import {
  addFrame,
  countFrame,
  countResultFrame,
  echoFrame,
  echoResultFrame,
  frame,
  GREETING,
  sumFrame,
} from '../support/calc-frames.js';
import { turns } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, CountCmd, CountResult, EchoCmd, EchoResult, FailCmd, SubCmd } from './calc.contract.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();

const Public = () => SetMetadata('public', true);

/** Lets through what is marked public. */
@Injectable()
class MembersGuard implements CanActivate {
  static asked: unknown[] = [];

  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const rpc = context.switchToRpc();
    MembersGuard.asked.push([context.getType(), rpc.getData(), rpc.getContext()]);
    return this.reflector.getAllAndOverride<boolean>('public', [context.getHandler(), context.getClass()]) ?? false;
  }
}

@UseGuards(MembersGuard)
@Controller()
class GuardedController {
  @Public()
  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    return new CalcResult(A + B);
  }

  @CommandHandler(FailCmd)
  @Public()
  fail() {
    return new CalcResult(7);
  }

  @CommandHandler(SubCmd)
  sub({ A, B }: SubCmd) {
    return new CalcResult(A - B);
  }
}

describe('a guard', () => {
  it('lets pass, and reads metadata from above and below the handler decorator', async () => {
    MembersGuard.asked = [];
    const server = own(await NestServer.listen({ module: { controllers: [GuardedController] } }));
    const client = own(new HandMadeClient(server.port));
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
    expect(await client.execute(new FailCmd())).toEqual(new CalcResult(7));
    expect(MembersGuard.asked).toStrictEqual([
      ['rpc', new AddCmd(2, 3), expect.any(CmdStreamContext)],
      ['rpc', new FailCmd(), expect.any(CmdStreamContext)],
    ]);
  });

  it('that refuses ends the connection of a plain peer and is logged', async () => {
    const server = own(await NestServer.listen({ module: { controllers: [GuardedController] } }));
    const client = own(new HandMadeClient(server.port));
    await expect(client.execute(new SubCmd(2, 3))).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
    expect(await server.logger.line('HANDLER_ERROR')).toContain('Forbidden resource');
  });

  it('that refuses is a Result where onPlainError maps it, and other Commands go on', async () => {
    const mapped: unknown[] = [];
    const server = own(
      await NestServer.listen({
        module: { controllers: [GuardedController] },
        options: {
          onPlainError: (error, command, context) => {
            mapped.push([error, command, context.seq]);
            return new CalcResult(-403);
          },
        },
      }),
    );
    const client = own(new HandMadeClient(server.port));
    const sums = await Promise.all(
      [new AddCmd(1, 2), new SubCmd(2, 3), new AddCmd(3, 4)].map((c) => client.execute(c)),
    );
    expect(sums.map(({ value }) => value)).toEqual([3, -403, 7]);
    expect(mapped).toEqual([[{ status: 'error', message: 'Forbidden resource' }, new SubCmd(2, 3), 2]]);
  });

  it('may be global', async () => {
    const module = { controllers: [OpenController], providers: [{ provide: APP_GUARD, useClass: MembersGuard }] };
    const server = own(await NestServer.listen({ module, options: { onPlainError: () => new CalcResult(-1) } }));
    const client = own(new HandMadeClient(server.port));
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(-1));
  });
});

@Controller()
class OpenController {
  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    return new CalcResult(A + B);
  }
}

/** Sees, and doubles, each item. */
class Doubling implements NestInterceptor {
  static seen: unknown[] = [];

  intercept(_context: ExecutionContext, next: CallHandler<CountResult>): Observable<CountResult> {
    return next.handle().pipe(
      tap((item) => Doubling.seen.push(item)),
      map(({ I, Last }) => new CountResult(2 * I, Last)),
    );
  }
}

class Cached implements NestInterceptor {
  intercept(): Observable<CalcResult> {
    return of(new CalcResult(42));
  }
}

class Async implements NestInterceptor {
  async intercept(_context: ExecutionContext, next: CallHandler<unknown>): Promise<Observable<unknown>> {
    await turns(1);
    return next.handle();
  }
}

@Controller()
class CountController {
  @UseInterceptors(Async, Doubling)
  @CommandHandler(CountCmd)
  async *count({ N }: CountCmd) {
    for (let i = 1; i <= N; i++) {
      await turns(1);
      yield new CountResult(i, i === N);
    }
  }
}

describe('an interceptor', () => {
  it('sees and changes each item of a generator', async () => {
    Doubling.seen = [];
    const server = own(await NestServer.listen({ module: { controllers: [CountController] } }));
    const client = own(new HandMadeClient(server.port));
    const results = await lastValueFrom(client.send(new CountCmd(3)).pipe(toArray()));
    expect(results.map(({ I }) => I)).toEqual([2, 4, 6]);
    expect(Doubling.seen).toEqual([new CountResult(1), new CountResult(2), new CountResult(3, true)]);
  });

  it('may answer in place of the handler', async () => {
    const module = { controllers: [OpenController], providers: [{ provide: APP_INTERCEPTOR, useClass: Cached }] };
    const server = own(await NestServer.listen({ module }));
    const client = own(new HandMadeClient(server.port));
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(42));
  });

  it('that is global sees values too', async () => {
    const seen: unknown[] = [];
    const watching: NestInterceptor = { intercept: (_, next) => next.handle().pipe(tap((item) => seen.push(item))) };
    const server = own(
      await NestServer.listen({
        module: { controllers: [OpenController] },
        before: (app) => app.useGlobalInterceptors(watching),
      }),
    );
    const client = own(new HandMadeClient(server.port));
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
    expect(seen).toEqual([new CalcResult(5)]);
  });
});

class Shortage extends Error {}

@Catch(Shortage)
class ShortageFilter implements ExceptionFilter<Shortage> {
  static hosts: [string, unknown, unknown][] = [];

  catch(error: Shortage, host: ArgumentsHost): Observable<EchoResult> {
    const rpc = host.switchToRpc();
    ShortageFilter.hosts.push([host.getType(), rpc.getData(), rpc.getContext()]);
    return of(new EchoResult(`filtered: ${error.message}`));
  }
}

@Catch()
class CodeFilter implements ExceptionFilter<Error> {
  catch(error: Error): Observable<never> {
    return throwError(() => ({ code: 'MAPPED', text: error.message }));
  }
}

@Controller()
class FailingController {
  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    return new CalcResult(A + B);
  }

  @UseFilters(ShortageFilter)
  @CommandHandler(EchoCmd)
  echo({ text }: EchoCmd): EchoResult {
    throw new Shortage(text);
  }

  @UseFilters(ShortageFilter)
  @CommandHandler(CountCmd)
  async *count({ N }: CountCmd) {
    for (let i = 1; i < N; i++) yield new CountResult(i);
    await turns(1);
    throw new Shortage('in the middle of it');
  }

  @CommandHandler(SubCmd)
  sub(): CalcResult {
    throw new RpcException({ code: 'BELOW_ZERO' });
  }
}

describe('an exception filter', () => {
  it('may turn an error into a Result', async () => {
    ShortageFilter.hosts = [];
    const server = own(await NestServer.listen({ module: { controllers: [FailingController] } }));
    const client = own(new HandMadeClient(server.port));
    expect(await client.execute(new EchoCmd('no eggs'))).toEqual(new EchoResult('filtered: no eggs'));
    expect(ShortageFilter.hosts).toEqual([['rpc', new EchoCmd('no eggs'), expect.any(CmdStreamContext)]]);
  });

  it('may do so in the middle of a stream, behind the items that were sent', async () => {
    const server = own(await NestServer.listen({ module: { controllers: [FailingController] } }));
    const peer = own(await server.connect());
    peer.write(countFrame(1, 3));
    const last = echoResultFrame(1, 'filtered: in the middle of it');
    await peer.receives(GREETING + countResultFrame(1, 1, false) + countResultFrame(1, 2, false) + last);
    peer.write(addFrame(2, 2, 3));
    await peer.receives(peer.hex + sumFrame(2, 5));
  });

  it('decides what onPlainError is given', async () => {
    const errors: unknown[] = [];
    const server = own(
      await NestServer.listen({
        module: { controllers: [FailingController], providers: [{ provide: APP_FILTER, useClass: CodeFilter }] },
        options: {
          onPlainError: (error) => {
            errors.push(error);
            return new CalcResult(-1);
          },
        },
      }),
    );
    const client = own(new HandMadeClient(server.port));
    expect(await client.execute(new SubCmd(1, 2))).toEqual(new CalcResult(-1));
    expect(errors).toEqual([{ code: 'MAPPED', text: 'Rpc Exception' }]);
  });

  it('leaves an RpcException alone: onPlainError is given what it carries', async () => {
    const errors: unknown[] = [];
    const server = own(
      await NestServer.listen({
        module: { controllers: [FailingController] },
        options: { onPlainError: (error) => (errors.push(error), new CalcResult(-1)) },
      }),
    );
    const client = own(new HandMadeClient(server.port));
    await client.execute(new SubCmd(1, 2));
    expect(errors).toEqual([{ code: 'BELOW_ZERO' }]);
  });

  it('without a mapping leaves its mark on the line that says why the connection ended', async () => {
    const server = own(
      await NestServer.listen({
        module: { controllers: [FailingController] },
        before: (app) => app.useGlobalFilters(new CodeFilter()),
      }),
    );
    const peer = own(await server.connect());
    peer.write(addFrame(1, 2, 3) + echoFrame(2, 'x'));
    await peer.receives(GREETING + sumFrame(1, 5) + echoResultFrame(2, 'filtered: x'));
    const other = own(await server.connect());
    other.write(frame(1, 1, '{}'));
    await other.ends();
    expect(await server.logger.line('HANDLER_ERROR')).toContain("{ code: 'MAPPED', text: 'Rpc Exception' }");
  });
});
