// A caller that stops waiting reaches the handler: its signal, its Observable, its generator; and it knows how long it
// has.
import { describe, expect, it } from '@jest/globals';
import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { CmdStreamContext, CommandHandler, type CallOptions } from 'nestjs-cmd-stream';
import { firstValueFrom, Observable, take } from 'rxjs';
import { inTime, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, CountCmd, CountResult, EchoCmd, EchoResult, SubCmd } from './calc.contract.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();

let log: string[] = [];
let seen: CmdStreamContext | undefined;

function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Gives one item and then nothing, until it is unsubscribed. */
function endless<T>(first: T): Observable<T> {
  return new Observable<T>((subscriber) => {
    log.push('started');
    subscriber.next(first);
    return () => log.push('unsubscribed');
  });
}

@Controller()
class Waiting {
  @CommandHandler(AddCmd)
  async untilAborted(_command: AddCmd, context: CmdStreamContext) {
    seen = context;
    log.push('started');
    await abortOf(context.signal);
    log.push(`aborted: ${(context.signal.reason as { code?: string }).code}`);
    return new CalcResult();
  }

  @CommandHandler(SubCmd)
  observable() {
    return endless(new CalcResult(1));
  }

  @CommandHandler(CountCmd)
  async *generator() {
    try {
      for (let I = 1; ; I++) yield new CountResult(I);
    } finally {
      log.push('finally');
    }
  }

  @CommandHandler(EchoCmd)
  deadline(_command: EchoCmd, { deadline, receivedAt, signal }: CmdStreamContext) {
    return new EchoResult(JSON.stringify({ left: deadline && deadline - receivedAt, aborted: signal.aborted }));
  }

  @MessagePattern('observable')
  byPattern(): Observable<string> {
    return endless('one');
  }

  @MessagePattern('signal')
  async signalByPattern(@Payload() _data: unknown, @Ctx() context: CmdStreamContext): Promise<void> {
    log.push('started');
    await abortOf(context.signal);
    log.push('aborted');
  }
}

interface Pair {
  readonly server: NestServer;
  readonly client: HandMadeClient;
}

async function pair(timeoutMs?: number): Promise<Pair> {
  log = [];
  seen = undefined;
  const server = own(await NestServer.listen({ module: { controllers: [Waiting] } }));
  const client = own(
    new HandMadeClient(server.port, { extension: true, ...(timeoutMs !== undefined && { timeoutMs }) }),
  );
  return { server, client };
}

function logged(line: string): Promise<void> {
  return until(`"${line}" is logged`, () => log.includes(line));
}

describe('a caller who stops waiting', () => {
  it('by unsubscribing aborts the signal of the handler', async () => {
    const { client, server } = await pair();
    const subscription = client.send(new AddCmd()).subscribe();
    await logged('started');
    expect(seen!.signal.aborted).toBe(false);
    subscription.unsubscribe();
    await logged('aborted: CANCELLED');
    await until('the server is idle', () => server.core.inFlight === 0);
  });

  it.each([
    ['a Command', (client: HandMadeClient) => client.send(new SubCmd())],
    ['a pattern', (client: HandMadeClient) => client.send('observable', {})],
  ])('by unsubscribing unsubscribes the Observable of the handler of %s', async (_, send) => {
    const { client } = await pair();
    const items: Observable<unknown> = send(client);
    await firstValueFrom(items.pipe(take(1)));
    await logged('unsubscribed');
    expect(log).toEqual(['started', 'unsubscribed']);
  });

  it('by unsubscribing aborts the signal of the handler of a pattern', async () => {
    const { client } = await pair();
    const subscription = client.send('signal', {}).subscribe();
    await logged('started');
    subscription.unsubscribe();
    await logged('aborted');
    expect(log).toEqual(['started', 'aborted']);
  });

  it('by unsubscribing ends the generator', async () => {
    const { client, server } = await pair();
    await firstValueFrom(client.send(new CountCmd()).pipe(take(3)));
    await logged('finally');
    await until('the server is idle', () => server.core.inFlight === 0);
    expect(log).toEqual(['finally']);
  });

  it('by leaving the loop ends the generator', async () => {
    const { client } = await pair();
    for await (const { I } of client.iterate(new CountCmd())) if (I === 3) break;
    await logged('finally');
    expect(log).toEqual(['finally']);
  });

  it('by an AbortSignal aborts the signal of the handler', async () => {
    const { client } = await pair();
    const controller = new AbortController();
    const sum = client.execute(new AddCmd(), { signal: controller.signal });
    await logged('started');
    controller.abort('enough');
    await expect(sum).rejects.toBe('enough');
    await logged('aborted: CANCELLED');
  });

  it.each([
    ['of the call', undefined, { timeoutMs: 40 }],
    ['of the client', 40, undefined],
  ])('by the time limit %s aborts the signal of the handler', async (_, timeoutMs, options?: CallOptions) => {
    const { client } = await pair(timeoutMs);
    // The time is to run out at the handler, not while the first connection is opened.
    await client.connect();
    await expect(client.execute(new AddCmd(), options)).rejects.toMatchObject({ code: 'TIMEOUT', sent: true });
    await until('the signal is aborted', () => log.some((line) => /aborted: (TIMEOUT|CANCELLED)/.test(line)));
  });

  it('by losing the connection stops all of them', async () => {
    const { client } = await pair();
    const subscriptions = [new AddCmd(), new SubCmd(), new CountCmd()].map((command) =>
      client.send(command).subscribe({ error: () => log.push('lost') }),
    );
    await until('both have started', () => log.length === 2);
    client.destroy();
    for (const line of ['unsubscribed', 'finally']) await logged(line);
    await until('the signal is aborted', () => log.some((line) => line.startsWith('aborted: ')));
    expect(log.filter((line) => line === 'lost')).toHaveLength(3);
    subscriptions.forEach((subscription) => subscription.unsubscribe());
  });

  it('leaves the connection to the others', async () => {
    const { client } = await pair();
    for (let n = 0; n < 20; n++) client.send(new CountCmd()).pipe(take(1)).subscribe();
    expect(await inTime('it is answered', client.execute(new EchoCmd()))).toBeInstanceOf(EchoResult);
    await until('all generators have ended', () => log.filter((line) => line === 'finally').length === 20);
  });
});

describe('the deadline', () => {
  async function leftOf(client: HandMadeClient, options?: CallOptions): Promise<{ left?: number; aborted: boolean }> {
    const { text } = await client.execute(new EchoCmd(), options);
    return JSON.parse(text) as { left?: number; aborted: boolean };
  }

  it('is what is left of the time limit of the call', async () => {
    const { client } = await pair();
    const { left, aborted } = await leftOf(client, { timeoutMs: 50_000 });
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(50_000);
    expect(aborted).toBe(false);
  });

  it('comes from the client when the call says nothing', async () => {
    const { client } = await pair(45_000);
    const { left } = await leftOf(client);
    expect(left).toBeGreaterThan(30_000);
    expect(left).toBeLessThanOrEqual(45_000);
  });

  it('is not there without a time limit', async () => {
    const { client } = await pair();
    expect(await leftOf(client, { timeoutMs: 0 })).toEqual({ aborted: false });
    expect(JSON.parse((await firstValueFrom(client.send(new EchoCmd()))).text)).toEqual({ aborted: false });
  });
});
