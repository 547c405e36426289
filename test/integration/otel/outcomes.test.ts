// Spans and metrics by outcome, at the client and at the server: a table whose cells are tests.
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Histogram } from '@opentelemetry/sdk-metrics';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { CommandClient, CommandClientOptions, CommandServer, CommandServerOptions } from '../../../lib/core.js';
import { otel } from '../../../lib/otel.js';
import { until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { OtelMemory, parentOf } from '../../support/otel-memory.js';
import {
  AddCmd,
  CountCmd,
  failureOf,
  FailCmd,
  SlowCmd,
  watchedClient,
  watchedServer,
} from '../../support/watched-pair.js';

const own = guardLeaks();

interface Stage {
  readonly client: CommandClient;
  readonly server: CommandServer;
  /** Resolves when so many Commands run. */
  runs(): Promise<void>;
}

interface Side {
  readonly how: 'ok' | 'error' | 'unset';
  readonly status: string;
  readonly code?: string;
  readonly errorType?: string;
  /** Undefined: it depends. */
  readonly results: number | undefined;
}

interface Outcome {
  readonly name: string;
  readonly type: string;
  readonly client: Side;
  /** None where no Command reaches it. */
  readonly server: Side | undefined;
  readonly clientOptions?: Partial<CommandClientOptions>;
  readonly serverOptions?: Partial<CommandServerOptions>;
  run(stage: Stage): Promise<unknown>;
}

const ok: Side = { how: 'ok', status: 'OK', code: 'OK', results: 1 };
const failed = (code: string, errorType = code): Side => ({
  how: 'error',
  status: 'FAILED',
  code,
  errorType,
  results: 0,
});

const outcomes: readonly Outcome[] = [
  { name: 'ok', type: 'AddCmd', client: ok, server: ok, run: ({ client }) => client.execute(new AddCmd(2, 3)) },
  {
    name: 'an error of the handler',
    type: 'FailCmd',
    client: failed('INTERNAL'),
    server: failed('INTERNAL', 'BadError'),
    run: ({ client }) => failureOf(client.execute(new FailCmd())),
  },
  {
    name: 'the time limit of the caller',
    type: 'SlowCmd',
    client: { how: 'error', status: 'TIMEOUT', code: 'TIMEOUT', errorType: 'TIMEOUT', results: 0 },
    server: { how: 'error', status: 'TIMEOUT', code: 'TIMEOUT', errorType: 'TIMEOUT', results: 0 },
    run: ({ client }) => failureOf(client.execute(new SlowCmd(), { timeoutMs: 500 })),
  },
  {
    name: 'the time limit of the server',
    type: 'SlowCmd',
    client: failed('TIMEOUT'),
    server: { how: 'error', status: 'TIMEOUT', code: 'TIMEOUT', errorType: 'TIMEOUT', results: 0 },
    serverOptions: { commandTimeoutMs: 30 },
    run: ({ client }) => failureOf(client.execute(new SlowCmd())),
  },
  {
    name: 'cancel',
    type: 'SlowCmd',
    client: { how: 'unset', status: 'CANCELLED', code: 'CANCELLED', results: 0 },
    server: { how: 'unset', status: 'CANCELLED', code: 'CANCELLED', results: 0 },
    async run({ client, runs }) {
      const controller = new AbortController();
      const failure = failureOf(client.execute(new SlowCmd(), { signal: controller.signal }));
      await runs();
      controller.abort(new Error('not needed any more'));
      await failure;
    },
  },
  {
    name: 'loss of the connection',
    type: 'SlowCmd',
    client: failed('CONNECTION_LOST'),
    server: { how: 'unset', status: 'CANCELLED', code: 'CLOSED', results: 0 },
    async run({ client, server, runs }) {
      const failure = failureOf(client.execute(new SlowCmd()));
      await runs();
      server.destroy();
      await failure;
    },
  },
  {
    name: 'an open circuit',
    type: 'AddCmd',
    client: failed('CIRCUIT_OPEN'),
    server: undefined,
    clientOptions: {
      circuitBreaker: () => ({ state: 'open', acquire: () => undefined }) as never,
    },
    run: ({ client }) => failureOf(client.execute(new AddCmd())),
  },
  {
    name: 'a Command that cannot be sent',
    type: 'AddCmd',
    client: failed('ENCODE_FAILED'),
    server: undefined,
    run: ({ client }) =>
      failureOf(client.execute(Object.assign(new AddCmd(), { a: 5n as unknown as number, b: Symbol('no') as never }))),
  },
  {
    name: 'a client that is closed',
    type: 'AddCmd',
    client: failed('CLOSED'),
    server: undefined,
    run: async ({ client }) => {
      // Observers see calls until it is closed.
      const closed = client.close();
      await failureOf(client.execute(new AddCmd()));
      await closed;
    },
  },
  {
    name: 'a stream of three',
    type: 'CountCmd',
    client: { ...ok, results: 3 },
    server: { ...ok, results: 3 },
    async run({ client }) {
      for await (const _ of client.iterate(new CountCmd(3)));
    },
  },
  {
    name: 'an empty stream',
    type: 'CountCmd',
    client: { ...ok, results: 0 },
    server: { ...ok, results: 0 },
    async run({ client }) {
      for await (const _ of client.iterate(new CountCmd(0)));
    },
  },
  {
    name: 'a stream that is left after the first',
    type: 'CountCmd',
    client: { how: 'unset', status: 'CANCELLED', code: 'CANCELLED', results: undefined },
    server: { how: 'unset', status: 'CANCELLED', code: 'CANCELLED', results: undefined },
    async run({ client }) {
      for await (const _ of client.iterate(new CountCmd(1_000_000))) break;
    },
  },
  {
    name: 'one that is emitted',
    type: 'AddCmd',
    client: { how: 'ok', status: 'OK', results: 0 },
    server: { how: 'ok', status: 'OK', code: 'OK', results: 0 },
    run: ({ client }) => client.emit(new AddCmd(2, 3)),
  },
];

async function run({ run: act, clientOptions, serverOptions }: Outcome): Promise<OtelMemory> {
  const memory = new OtelMemory();
  const { tracerProvider, meterProvider } = memory;
  const instrumentation = otel({ tracerProvider, meterProvider });
  const server = await watchedServer(own, { instrumentation, ...serverOptions });
  const client = watchedClient(own, server.address!.port, { instrumentation, ...clientOptions });
  await client.connect();
  await act({ client, server, runs: () => until('it runs', () => server.inFlight > 0) });
  return memory;
}

const spanStatus = { ok: SpanStatusCode.UNSET, error: SpanStatusCode.ERROR, unset: SpanStatusCode.UNSET };

describe.each(outcomes)('$name', (outcome) => {
  const sides = (['client', 'server'] as const).filter((side) => outcome[side] !== undefined);

  it.each(sides)('ends the span of the %s with its status', async (side) => {
    const { how, code, errorType } = outcome[side]!;
    const memory = await run(outcome);
    const span = await memory.span(`${side === 'client' ? 'Send' : 'Invoke'} ${outcome.type}`);
    expect(span.kind).toBe(side === 'client' ? SpanKind.CLIENT : SpanKind.SERVER);
    expect(span.status.code).toBe(spanStatus[how]);
    expect(span.attributes).toMatchObject({ 'rpc.system.name': 'cmd-stream', 'rpc.method': outcome.type });
    expect(span.attributes['rpc.response.status_code']).toBe(code);
    expect(span.attributes['error.type']).toBe(errorType);
  });

  it.each(sides)('is counted and measured at the %s, in seconds and bytes', async (side) => {
    const { status, results, code, errorType } = outcome[side]!;
    const memory = await run(outcome);
    await memory.span(`${side === 'client' ? 'Send' : 'Invoke'} ${outcome.type}`);
    const metrics = await memory.metrics();
    const attributes = { 'cmd-stream.command.type': outcome.type, 'cmd-stream.command.status': status };
    const count = metrics.get(`cmd-stream.${side}.command.count`)!;
    expect(count.descriptor.unit).toBe('{command}');
    expect(count.dataPoints).toEqual([expect.objectContaining({ value: 1, attributes })]);
    for (const name of [`cmd-stream.${side}.command.duration`, `rpc.${side}.call.duration`]) {
      const { descriptor, dataPoints } = metrics.get(name)!;
      expect(descriptor.unit).toBe('s');
      expect(dataPoints).toHaveLength(1);
      expect((dataPoints[0]!.value as Histogram).count).toBe(1);
    }
    const rpc = metrics.get(`rpc.${side}.call.duration`)!.dataPoints[0]!.attributes;
    expect(rpc).toMatchObject({ 'rpc.system.name': 'cmd-stream', 'rpc.method': outcome.type });
    expect([rpc['rpc.response.status_code'], rpc['error.type']]).toEqual([code, errorType]);
    if (results === undefined) return;
    const counted = metrics.get(`cmd-stream.${side}.result.count`)?.dataPoints[0]?.value ?? 0;
    expect(counted).toBe(results);
    if (results === 0) return;
    const sizes = metrics.get(`cmd-stream.${side}.result.size`)!;
    expect(sizes.descriptor.unit).toBe('By');
    expect((sizes.dataPoints[0]!.value as Histogram).count).toBe(results);
  });
});

describe('a Command that a server refuses, which runs as many as it may', () => {
  afterEach(() => {
    trace.disable();
    context.disable();
    propagation.disable();
  });

  it('has a span there for each attempt, and one at its client', async () => {
    // For the propagator.
    new OtelMemory().tracerProvider.register();
    const memory = await run({
      name: 'refused',
      type: 'AddCmd',
      client: failed('OVERLOADED'),
      server: failed('OVERLOADED'),
      serverOptions: { maxInFlight: 1 },
      async run({ client, server, runs }) {
        const other = watchedClient(own, server.address!.port);
        const slow = other.dispatch(new SlowCmd(), { next: () => {}, complete: () => {}, error: () => {} });
        await runs();
        await failureOf(client.execute(new AddCmd()));
        slow.cancel();
      },
    });
    const sent = await memory.span('Send AddCmd');
    expect(sent.attributes).toMatchObject({ 'error.type': 'OVERLOADED', 'cmd-stream.command.attempts': 6 });
    const refused = memory.spans.filter(({ name }) => name === 'Invoke AddCmd');
    expect(refused.map(({ attributes }) => attributes['error.type'])).toEqual(Array(6).fill('OVERLOADED'));
    expect(new Set(refused.map(parentOf))).toEqual(new Set([sent.spanContext().spanId]));
  });
});

describe('the duration of a call', () => {
  it('is that of its span, in seconds', async () => {
    const memory = await run(outcomes.find(({ name }) => name === 'the time limit of the caller')!);
    const { duration } = await memory.span('Send SlowCmd');
    const [point] = await memory.points('cmd-stream.client.command.duration');
    const { sum } = point!.value as Histogram;
    expect(sum).toBeGreaterThanOrEqual(0.49);
    expect(sum! - (duration[0] + duration[1] / 1e9)).toBeLessThan(0.5);
  });
});
