// Applications of Nest that are watched by OpenTelemetry: Commands, messages and events, beside what else observes
// them.
import { AsyncLocalStorage } from 'node:async_hooks';
import { context, propagation, trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Inject, Injectable, Module } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { CmdStreamClient, CmdStreamModule, type CommandClient, CommandHandler } from 'nestjs-cmd-stream';
import { otel } from 'nestjs-cmd-stream/otel';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { OtelMemory, parentOf } from '../support/otel-memory.js';
import { AddCmd, calcContract, CalcResult, CountCmd, CountResult } from './calc.contract.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();
const store = new AsyncLocalStorage<string>();

afterEach(() => {
  trace.disable();
  context.disable();
  propagation.disable();
});

/** What the handlers have found in their scope. */
const seen: { readonly span: string | undefined; readonly store: string | undefined }[] = [];
const look = (): unknown => seen.push({ span: trace.getActiveSpan()?.spanContext().spanId, store: store.getStore() });

@Controller()
class CalcController {
  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    look();
    return new CalcResult(A + B);
  }

  @CommandHandler(CountCmd)
  async *count({ N }: CountCmd) {
    for (let i = 1; i <= N; i++) yield new CountResult(i, i === N);
    look();
  }

  @MessagePattern('double')
  double(@Payload() value: number) {
    look();
    return 2 * value;
  }

  @EventPattern('doubled')
  doubled(@Payload() _value: number) {
    look();
  }
}

async function start(before?: (server: NestServer['strategy']) => void) {
  seen.length = 0;
  const memory = new OtelMemory();
  memory.tracerProvider.register();
  const instrumentation = otel();
  const server = own(
    await NestServer.listen({
      module: { controllers: [CalcController] },
      options: { instrumentation },
      before: (_app, strategy) => before?.(strategy),
    }),
  );
  const client = own(new HandMadeClient(server.port, { instrumentation, extension: true }));
  return { memory, client, server };
}

/** Each kind of call, and what its spans are called. */
const calls: readonly (readonly [name: string, send: (client: HandMadeClient) => Promise<unknown>])[] = [
  ['AddCmd', (client) => client.execute(new AddCmd(2, 3))],
  ['CountCmd', (client) => lastValueFrom(client.send(new CountCmd(3)).pipe(toArray()))],
  ['double', (client) => firstValueFrom(client.send('double', 2))],
  ['doubled', (client) => firstValueFrom(client.emit('doubled', 2), { defaultValue: undefined })],
];

describe.each(calls)('a call of %s', (name, send) => {
  it('has a span at each end, and its handler runs in that of the server', async () => {
    const { memory, client } = await start();
    await send(client);
    const [sent, invoked] = [await memory.span(`Send ${name}`), await memory.span(`Invoke ${name}`)];
    expect(parentOf(invoked)).toBe(sent.spanContext().spanId);
    expect([sent, invoked].map(({ attributes }) => attributes['rpc.method'])).toEqual([name, name]);
    await until('the handler has looked', () => seen.length === 1);
    expect(seen).toEqual([{ span: invoked.spanContext().spanId, store: undefined }]);
  });

  it("runs in the scope of Nest's processing hooks as well, whose end is in that of their start", async () => {
    const hooks: string[] = [];
    const note = (what: string): unknown => hooks.push(`${what} ${store.getStore() ?? '-'}`);
    const { memory, client } = await start((strategy) => {
      strategy.setOnProcessingStartHook((_transport, _context, done) => {
        note('start');
        return store.run('of the hook', done);
      });
      strategy.setOnProcessingEndHook(() => void note('end'));
    });
    await send(client);
    const invoked = await memory.span(`Invoke ${name}`);
    await until('the hooks are called', () => hooks.length === 2);
    expect(hooks).toEqual(['start -', 'end of the hook']);
    expect(seen).toEqual([{ span: invoked.spanContext().spanId, store: 'of the hook' }]);
  });
});

describe('a ping', () => {
  it('makes no span, asked for or not', async () => {
    const { memory, client } = await start();
    await client.unwrap<CommandClient>().ping();
    await client.execute(new AddCmd(1, 1));
    await memory.span('Invoke AddCmd');
    expect(memory.spans.map(({ name }) => name).toSorted()).toEqual(['Invoke AddCmd', 'Send AddCmd']);
  });
});

describe('one line in the options of a module', () => {
  it('has the clients of a service watched, whose calls are parts of what is active', async () => {
    const { memory, server } = await start();
    @Injectable()
    class Sums {
      constructor(@Inject('calc') readonly client: CmdStreamClient<typeof calcContract>) {}
    }
    const { port } = server;
    const options = { name: 'calc', contract: calcContract, host: '127.0.0.1', port, instrumentation: otel() };
    @Module({ imports: [CmdStreamModule.register([options])], providers: [Sums] })
    class SumsModule {}
    const app = await Test.createTestingModule({ imports: [SumsModule] }).compile();
    own({ destroy: () => app.close() });
    await app.init();
    await trace.getTracer('test').startActiveSpan('the service', async (span) => {
      await app.get(Sums).client.execute(new AddCmd(2, 3));
      span.end();
    });
    const service = await memory.span('the service');
    expect(parentOf(await memory.span('Send AddCmd'))).toBe(service.spanContext().spanId);
  });
});
