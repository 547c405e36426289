// This package watched by OpenTelemetry: without an SDK, with one that samples, and what the same takes by hand. Each
// call is a part of a request, as in a gateway.
import { context, metrics, propagation, ROOT_CONTEXT, SpanKind, trace, type Context } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-node';
import type { Instrumentation } from 'nestjs-cmd-stream';
import { otel, type OtelOptions } from 'nestjs-cmd-stream/otel';
import { BusyController } from './busy-controller.js';
import { contestant, executeEcho, type Kind, type MakeCall } from './cmd-stream.js';
import { inTurn, type Contestant } from './contestant.js';

/** A tenth of all traces is recorded, as a busy service would have it. */
const SAMPLED = 0.1;
const REQUESTS = 1000;

/** Takes what has been recorded, and does nothing with it: a collector would do that in a process of its own. */
const nowhere: SpanExporter = {
  export: (_spans, done) => done({ code: 0 }),
  shutdown: () => Promise.resolve(),
};

class AskedReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** As `NodeSDK` does it. */
function startTraces(share: number): void {
  const sampler = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) });
  new NodeTracerProvider({ sampler, spanProcessors: [new BatchSpanProcessor(nowhere)] }).register();
}

function startMetrics(): void {
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [new AskedReader()] }));
}

type Start = () => void;

const noSdk: Start = () => {};
const traces = (): void => startTraces(SAMPLED);
const allTraces = (): void => startTraces(1);
const tracesAndMetrics = (): void => {
  traces();
  startMetrics();
};

/** Each call is a part of a request, which has a span of its own: a tenth of them are recorded. */
const executeInRequest: MakeCall = (client, workload) => {
  const call = executeEcho(client, workload);
  const tracer = trace.getTracer('requests');
  const requests = Array.from({ length: REQUESTS }, () => trace.setSpan(ROOT_CONTEXT, tracer.startSpan('GET /')));
  const request = inTurn(requests);
  return () => context.with(request(), call);
};

/** `options`: undefined, where nothing watches. */
function watched(start: Start, options: OtelOptions | undefined, kind: Kind = {}, make = executeInRequest): Contestant {
  const instrumentation = (): Instrumentation[] => {
    start();
    return options ? [otel(options)] : [];
  };
  return contestant(make, { ...kind, instrumentation });
}

export const noop = watched(noSdk, {}, {}, executeEcho);
export const sdk = watched(traces, undefined);
export const sampling = watched(traces, {});
export const sampledOnly = watched(traces, { traces: 'sampled' });
export const recording = watched(allTraces, {});
export const rpcMetrics = watched(tracesAndMetrics, { metrics: 'rpc' });
export const allMetrics = watched(tracesAndMetrics, {});

const busyKind: Kind = { controller: () => BusyController };
export const busy = watched(noSdk, undefined, busyKind, executeEcho);
export const busySampling = watched(traces, {}, busyKind);
export const busyRecording = watched(allTraces, {}, busyKind);
export const busyMetrics = watched(tracesAndMetrics, {}, busyKind);

/** Nothing but what any instrumentation has to ask of the SDK for a call and for a Command. */
const byHandInstrumentation = (): Instrumentation => {
  traces();
  const tracer = trace.getTracer('by hand');
  const attributes = { 'rpc.system.name': 'cmd-stream', 'rpc.method': 'EchoCmd' };
  const begin = (name: string, kind: SpanKind, parent: Context) => {
    const span = tracer.startSpan(name, { kind, attributes }, parent);
    return { span, at: trace.setSpan(parent, span) };
  };
  return {
    observeClient: () => ({
      onCall() {
        const { span, at } = begin('Send EchoCmd', SpanKind.CLIENT, context.active());
        const metadata: Record<string, string> = {};
        propagation.inject(at, metadata);
        return { metadata, onEnd: () => span.end() };
      },
    }),
    observeServer: () => ({
      onCommand({ context: { metadata } }) {
        const { span, at } = begin('Invoke EchoCmd', SpanKind.SERVER, propagation.extract(ROOT_CONTEXT, metadata));
        return { enter: (work) => context.with(at, work), onEnd: () => span.end() };
      },
    }),
  };
};

export const byHand = contestant(executeInRequest, { instrumentation: byHandInstrumentation });
