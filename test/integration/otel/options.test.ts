// What otel() does besides: names and attributes of one's own, providers that come late, what peers make up.
import {
  context,
  INVALID_SPANID,
  INVALID_TRACEID,
  metrics,
  propagation,
  trace,
  TraceFlags,
  type SpanContext,
} from '@opentelemetry/api';
import type { Histogram } from '@opentelemetry/sdk-metrics';
import { AlwaysOnSampler } from '@opentelemetry/sdk-trace-node';
import { afterEach, describe, expect, it } from '@jest/globals';
import { CmdStreamError, type CommandInvoker } from '../../../lib/core.js';
import { otel, type OtelOptions } from '../../../lib/otel.js';
import { until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { OtelMemory, parentOf } from '../../support/otel-memory.js';
import {
  AddCmd,
  CountCmd,
  execInvoker,
  failureOf,
  FailCmd,
  SlowCmd,
  watchedClient,
  watchedServer,
} from '../../support/watched-pair.js';

const own = guardLeaks();

afterEach(() => {
  trace.disable();
  metrics.disable();
  context.disable();
  propagation.disable();
});

async function watched(options: OtelOptions = {}, onRun?: Parameters<typeof execInvoker>[0]) {
  const memory = new OtelMemory();
  const { tracerProvider, meterProvider } = memory;
  const instrumentation = otel({ tracerProvider, meterProvider, ...options });
  const server = await watchedServer(own, { instrumentation, invoker: execInvoker(onRun) });
  const client = watchedClient(own, server.address!.port, { instrumentation });
  return { memory, server, client };
}

describe('a span', () => {
  it('says where the call went, and how large it was', async () => {
    const { memory, client, server } = await watched();
    await client.execute(new AddCmd(2, 3));
    const { port } = server.address!;
    const sent = await memory.span('Send AddCmd');
    expect(sent.attributes).toEqual({
      'rpc.system.name': 'cmd-stream',
      'rpc.method': 'AddCmd',
      'rpc.response.status_code': 'OK',
      'server.address': '127.0.0.1',
      'server.port': port,
      'network.peer.address': '127.0.0.1',
      'network.peer.port': port,
      'network.protocol.name': 'tcp',
      'network.transport': 'tcp',
      'cmd-stream.command.seq': 1,
      'cmd-stream.command.size': expect.any(Number),
    });
    const invoked = await memory.span('Invoke AddCmd');
    expect(invoked.attributes).toMatchObject({
      'network.peer.address': '127.0.0.1',
      'network.protocol.name': 'tcp',
      'cmd-stream.command.seq': 1,
      'cmd-stream.command.size': expect.any(Number),
    });
    expect(invoked.attributes['network.peer.port']).not.toBe(port);
    expect(invoked.events).toEqual([
      expect.objectContaining({
        name: 'result',
        attributes: {
          'cmd-stream.result.seq': 1,
          'cmd-stream.result.size': expect.any(Number),
          'cmd-stream.result.type': 'Sum',
        },
      }),
    ]);
    expect(sent.events).toEqual([]);
  });

  it('of a failed Command says what the error was', async () => {
    const { memory, client } = await watched();
    await failureOf(client.execute(new FailCmd()));
    expect((await memory.span('Invoke FailCmd')).status.message).toBe('it has failed');
    expect((await memory.span('Send FailCmd')).status.message).toMatch(/FailCmd/);
  });

  it('has an event for each Result of a stream, unless that is switched off', async () => {
    const { memory, client } = await watched();
    for await (const _ of client.iterate(new CountCmd(3)));
    expect((await memory.span('Invoke CountCmd')).events).toHaveLength(3);
    const quiet = await watched({ resultEvents: false });
    for await (const _ of quiet.client.iterate(new CountCmd(3)));
    expect((await quiet.memory.span('Invoke CountCmd')).events).toEqual([]);
  });

  it('has a name and attributes of the user', async () => {
    const { memory, client } = await watched({
      spanName: ({ side, name }) => `${side}: ${name}`,
      spanOptions: () => ({ attributes: { early: 1 } }),
      spanAttributes: (_subject, { how }) => ({ late: how }),
      resultEventAttributes: ({ side }) => ({ side }),
      commandMetricAttributes: (_subject, { how }) => ({ how }),
      resultMetricAttributes: ({ kind }) => ({ kind }),
    });
    await client.execute(new AddCmd());
    const sent = await memory.span('client: AddCmd');
    expect(sent.attributes).toMatchObject({ early: 1, late: 'completed', 'rpc.method': 'AddCmd' });
    expect(sent.events.map(({ attributes }) => attributes?.['side'])).toEqual(['client']);
    await memory.span('server: AddCmd');
    const [command] = await memory.points('cmd-stream.server.command.count');
    expect(command!.attributes).toMatchObject({ how: 'completed', 'cmd-stream.command.type': 'AddCmd' });
    const [result] = await memory.points('cmd-stream.client.result.count');
    expect(result!.attributes).toMatchObject({ kind: 'command', 'cmd-stream.result.type': 'Sum' });
  });

  it('is there all the same where functions of the user throw', async () => {
    const fail = (): never => {
      throw new Error('it throws');
    };
    const { memory, client } = await watched({
      spanName: fail,
      spanOptions: fail,
      spanAttributes: fail,
      resultEventAttributes: fail,
      commandMetricAttributes: fail,
      resultMetricAttributes: fail,
    });
    await client.execute(new AddCmd());
    await memory.span('Send AddCmd');
    await memory.span('Invoke AddCmd');
    expect(await memory.points('cmd-stream.client.command.count')).toHaveLength(1);
  });
});

describe('the context of a call', () => {
  it('is that of its caller, and goes on in the handler and in what that calls', async () => {
    const memory = new OtelMemory();
    memory.tracerProvider.register();
    const instrumentation = otel();
    const inner = await watchedServer(own, { instrumentation });
    const next = watchedClient(own, inner.address!.port, { instrumentation });
    const invoker = { invoke: async () => void (await next.execute(new AddCmd(1, 1))) };
    const outer = await watchedServer(own, { instrumentation, invoker });
    const client = watchedClient(own, outer.address!.port, { instrumentation });
    const tracer = trace.getTracer('test');
    await tracer.startActiveSpan('the caller', async (span) => {
      await client.execute(new FailCmd()).catch(() => {});
      span.end();
    });
    await until('all have ended', () => memory.spans.length === 5);
    const [caller, sent, invoked, sentOn, invokedLast] = await Promise.all(
      ['the caller', 'Send FailCmd', 'Invoke FailCmd', 'Send AddCmd', 'Invoke AddCmd'].map((name) => memory.span(name)),
    );
    expect([sent, invoked, sentOn, invokedLast].map((span) => parentOf(span!))).toEqual(
      [caller, sent, invoked, sentOn].map((span) => span!.spanContext().spanId),
    );
    expect(new Set(memory.spans.map((span) => span.spanContext().traceId)).size).toBe(1);
  });

  it('travels though nothing is recorded', async () => {
    const memory = new OtelMemory();
    memory.tracerProvider.register();
    let metadata: Readonly<Record<string, string>> = {};
    const server = await watchedServer(own, { invoker: execInvoker((_command, given) => ({ metadata } = given)) });
    const client = watchedClient(own, server.address!.port, { instrumentation: otel({ metrics: false }) });
    await client.execute(new AddCmd(), { metadata: { traceparent: 'of another call', tenant: 'a' } });
    const { traceId, spanId } = (await memory.span('Send AddCmd')).spanContext();
    expect(metadata).toEqual({ traceparent: `00-${traceId}-${spanId}-01`, tenant: 'a' });
  });
});

describe("otel({ traces: 'sampled' })", () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const spanId = 'b7ad6b7169203331';

  /** A handler that calls another server, and what that and it were given. */
  async function chain(options: OtelOptions = { traces: 'sampled', metrics: false }) {
    // It would record everything.
    const memory = new OtelMemory(new AlwaysOnSampler());
    memory.tracerProvider.register();
    const instrumentation = otel(options);
    const seen: { metadata: Readonly<Record<string, string>>; active: SpanContext | undefined }[] = [];
    const see = (given: { metadata: Readonly<Record<string, string>> }) =>
      void seen.push({ metadata: given.metadata, active: trace.getSpanContext(context.active()) });
    const inner = await watchedServer(own, { instrumentation, invoker: execInvoker((_command, given) => see(given)) });
    const next = watchedClient(own, inner.address!.port, { instrumentation });
    const invoker: CommandInvoker = {
      async invoke(_command, given, sink) {
        see(given);
        sink.complete(await next.execute(new AddCmd(1, 1)));
      },
    };
    const outer = await watchedServer(own, { instrumentation, invoker });
    const client = watchedClient(own, outer.address!.port, { instrumentation });
    const call = (parent: SpanContext | undefined) =>
      context.with(parent ? trace.setSpanContext(context.active(), parent) : context.active(), () =>
        client.execute(new AddCmd(1, 1)),
      );
    return { memory, seen, call, outer };
  }

  it('asks for no span in a trace that is not sampled, whose context reaches all handlers', async () => {
    const { memory, seen, call } = await chain();
    await call({ traceId, spanId, traceFlags: TraceFlags.NONE });
    expect(seen.map(({ metadata }) => metadata['traceparent'])).toEqual(Array(2).fill(`00-${traceId}-${spanId}-00`));
    expect(seen.map(({ active }) => [active?.traceId, active?.spanId])).toEqual([
      [traceId, spanId],
      [traceId, spanId],
    ]);
    expect(memory.spans).toEqual([]);
  });

  it('has all spans of a trace that is sampled, and of one that begins', async () => {
    const { memory, call } = await chain();
    await call({ traceId, spanId, traceFlags: TraceFlags.SAMPLED });
    await until('four have ended', () => memory.spans.length === 4);
    expect(new Set(memory.spans.map((span) => span.spanContext().traceId))).toEqual(new Set([traceId]));
    await call(undefined);
    await until('eight have ended', () => memory.spans.length === 8);
    // Nothing comes before the first span of a trace.
    await call({ traceId: INVALID_TRACEID, spanId: INVALID_SPANID, traceFlags: TraceFlags.NONE });
    await until('twelve have ended', () => memory.spans.length === 12);
    expect(memory.spans.filter((span) => parentOf(span) === undefined)).toHaveLength(2);
  });

  it('asks for spans at a server whose caller says nothing, or nothing that can be read', async () => {
    const { memory, outer } = await chain();
    const client = watchedClient(own, outer.address!.port);
    for (const traceparent of [
      '',
      `00-${traceId}-${spanId}-0`,
      `01-${traceId}-${spanId}-00`,
      `00-${traceId}-${spanId}-01`,
    ]) {
      memory.clear();
      await client.execute(new AddCmd(1, 1), { metadata: { traceparent } });
      await until(`spans for "${traceparent}"`, () => memory.spans.length >= 3);
      const names = memory.spans.map(({ name }) => name).toSorted();
      expect(names).toEqual(['Invoke AddCmd', 'Invoke AddCmd', 'Send AddCmd']);
    }
  });

  it('measures calls and Commands that have no span', async () => {
    const memory = new OtelMemory();
    const { meterProvider } = memory;
    const { call } = await chain({ traces: 'sampled', meterProvider });
    await call({ traceId, spanId, traceFlags: TraceFlags.NONE });
    for (const name of ['rpc.client.call.duration', 'rpc.server.call.duration']) {
      const counts = (await memory.points(name)).map(({ value }) => (value as Histogram).count);
      expect(counts.reduce((sum, count) => sum + count)).toBe(2);
    }
  });
});

describe('a provider that is set after otel() was called, and after the client has connected', () => {
  it('gets spans and metrics', async () => {
    const instrumentation = otel();
    const server = await watchedServer(own, { instrumentation });
    const client = watchedClient(own, server.address!.port, { instrumentation });
    await client.execute(new AddCmd());
    const memory = new OtelMemory();
    memory.tracerProvider.register();
    metrics.setGlobalMeterProvider(memory.meterProvider);
    await client.execute(new AddCmd());
    await memory.span('Send AddCmd');
    await memory.span('Invoke AddCmd');
    expect((await memory.points('cmd-stream.client.command.count'))[0]).toMatchObject({ value: 1 });
    expect((await memory.points('cmd-stream.client.connection.open'))[0]).toMatchObject({ value: 1 });
  });
});

describe('instruments', () => {
  it('are made once, however many clients and calls there are', async () => {
    const made: string[] = [];
    const memory = new OtelMemory();
    const meterProvider = {
      getMeter: (name: string) => {
        const meter = memory.meterProvider.getMeter(name);
        const createHistogram: typeof meter.createHistogram = (...args) => {
          made.push(args[0]);
          return meter.createHistogram(...args);
        };
        return Object.assign(Object.create(meter) as typeof meter, { createHistogram });
      },
    };
    const instrumentation = otel({ meterProvider, tracerProvider: memory.tracerProvider });
    const server = await watchedServer(own, { instrumentation });
    for (let count = 0; count < 3; count++) {
      const client = watchedClient(own, server.address!.port, { instrumentation });
      await client.execute(new AddCmd());
      await client.execute(new AddCmd());
    }
    expect(made.filter((name) => name === 'rpc.client.call.duration')).toHaveLength(1);
    expect(made.filter((name) => name === 'rpc.server.call.duration')).toHaveLength(1);
  });
});

describe('the metrics of connections', () => {
  it('say what is open, pending and sent, and count what opens, ends and is opened anew', async () => {
    const { memory, client, server } = await watched();
    await client.execute(new AddCmd());
    const valueOf = async (name: string) => (await memory.points(`cmd-stream.${name}`))[0]?.value;
    expect(await valueOf('client.connection.open')).toBe(1);
    expect(await valueOf('server.connection.open')).toBe(1);
    expect(await valueOf('client.command.pending')).toBe(0);
    expect(await valueOf('client.command.queued')).toBe(0);
    expect(await valueOf('server.command.in_flight')).toBe(0);
    expect(await valueOf('server.buffer.size')).toBe(0);
    expect(await valueOf('client.connection.opened')).toBe(1);
    expect(await valueOf('client.connection.reconnects')).toBeUndefined();
    const io = await memory.points('cmd-stream.client.network.io');
    expect(io.map(({ attributes }) => attributes['network.io.direction'])).toEqual(['transmit', 'receive']);
    expect(Math.min(...io.map(({ value }) => value as number))).toBeGreaterThan(0);
    const { port } = server.address!;
    server.destroy();
    await until('the client has noticed', () => client.status === 'disconnected');
    const again = await watchedServer(own, { port });
    await client.execute(new AddCmd());
    expect(again.connections).toBe(1);
    expect(await valueOf('client.connection.opened')).toBe(2);
    expect(await valueOf('client.connection.reconnects')).toBe(1);
    const [failure] = await memory.points('cmd-stream.client.connection.failures');
    expect(failure).toMatchObject({ value: 1, attributes: { 'server.address': '127.0.0.1', 'server.port': port } });
    expect((await memory.points('cmd-stream.server.connection.ended'))[0]!.attributes).toEqual({
      'error.type': 'CLOSED',
    });
  });

  it('say how many calls wait for an answer, for a connection, and run', async () => {
    const { memory, client, server } = await watched();
    const valueOf = async (name: string) => (await memory.points(`cmd-stream.${name}`))[0]?.value;
    const controller = new AbortController();
    const calls = [1, 2].map(() => failureOf(client.execute(new SlowCmd(), { signal: controller.signal })));
    await until('both run', () => server.inFlight === 2);
    expect(await valueOf('client.command.pending')).toBe(2);
    expect(await valueOf('client.command.queued')).toBe(0);
    expect(await valueOf('server.command.in_flight')).toBe(2);
    expect(await valueOf('server.buffer.size')).toBeGreaterThan(0);
    controller.abort();
    await Promise.all(calls);
    await until('none runs', () => server.inFlight === 0);
    expect(await valueOf('client.command.pending')).toBe(0);
    expect(await valueOf('server.command.in_flight')).toBe(0);
    server.destroy();
    await until('the client has noticed', () => client.status === 'disconnected');
    const waiting = [1, 2, 3].map(() => failureOf(client.execute(new AddCmd())));
    expect(await valueOf('client.command.queued')).toBe(3);
    expect(await valueOf('client.connection.open')).toBe(0);
    client.destroy();
    await Promise.all(waiting);
  });

  it('never count back when a client is closed, or opened anew', async () => {
    const { memory, client } = await watched();
    const sent = async () => (await memory.points('cmd-stream.client.network.io'))[0]!.value as number;
    await client.execute(new AddCmd());
    const first = await sent();
    await client.close();
    expect(await sent()).toBeGreaterThanOrEqual(first);
    const closed = await sent();
    await client.reopen();
    await client.execute(new AddCmd());
    expect(await sent()).toBeGreaterThan(closed);
    expect(await sent()).toBeLessThan(3 * closed);
  });

  it('say whether a circuit is open, and the round-trip time in seconds', async () => {
    const memory = new OtelMemory();
    const { tracerProvider, meterProvider } = memory;
    const instrumentation = otel({ tracerProvider, meterProvider });
    const server = await watchedServer(own);
    const circuitBreaker = () => ({ state: 'open', acquire: () => undefined }) as never;
    const keepalive = { intervalMs: 250, timeoutMs: 5000 };
    const options = { instrumentation, circuitBreaker, keepalive };
    const client = watchedClient(own, server.address!.port, options);
    await client.connect();
    await until('a pong has come', () => client.servers[0]!.roundTripMs !== undefined);
    expect((await memory.points('cmd-stream.client.circuit.open'))[0]!.value).toBe(1);
    const [roundTrip] = await memory.points('cmd-stream.client.connection.round_trip_time');
    expect(roundTrip!.value).toBe(client.servers[0]!.roundTripMs! / 1000);
  });
});

describe('otel()', () => {
  it('records no metrics where they are switched off, and no spans where those are', async () => {
    const noMetrics = await watched({ metrics: false });
    await noMetrics.client.execute(new AddCmd());
    await noMetrics.memory.span('Invoke AddCmd');
    expect((await noMetrics.memory.metrics()).size).toBe(0);
    const rpc = await watched({ metrics: 'rpc' });
    await rpc.client.execute(new AddCmd());
    await rpc.memory.span('Invoke AddCmd');
    expect(
      [...(await rpc.memory.metrics()).keys()].filter((name) => /\.(duration|count|size)$/.test(name)).toSorted(),
    ).toEqual(['cmd-stream.server.buffer.size', 'rpc.client.call.duration', 'rpc.server.call.duration']);
    const noTraces = await watched({ traces: false });
    await noTraces.client.execute(new AddCmd());
    expect(await noTraces.memory.points('cmd-stream.server.command.count')).toHaveLength(1);
    expect(noTraces.memory.spans).toEqual([]);
  });

  it.each([{ traces: 1 }, { tracerProvider: {} }, { propagator: {} }, { spanName: 'a' }, { unknown: 1 }])(
    'refuses %j',
    (options) => {
      expect(() => otel(options as OtelOptions)).toThrow(CmdStreamError);
    },
  );
});
