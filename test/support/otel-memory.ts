// OpenTelemetry in memory: what would be exported is kept, and found by name.
import {
  AggregationTemporality,
  MeterProvider,
  MetricReader,
  type DataPoint,
  type Histogram,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
  type Sampler,
} from '@opentelemetry/sdk-trace-node';
import { until } from './deadline.js';

class Reader extends MetricReader {
  constructor() {
    super({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE });
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

export type Point = DataPoint<number> | DataPoint<Histogram>;

export class OtelMemory {
  readonly #exporter = new InMemorySpanExporter();
  readonly #reader = new Reader();
  readonly tracerProvider: NodeTracerProvider;
  readonly meterProvider = new MeterProvider({ readers: [this.#reader] });

  /** `sampler`: of the SDK, if it is not the usual one. */
  constructor(sampler?: Sampler) {
    const spanProcessors = [new SimpleSpanProcessor(this.#exporter)];
    this.tracerProvider = new NodeTracerProvider({ spanProcessors, ...(sampler && { sampler }) });
  }

  /** All that have ended, in that order. */
  get spans(): readonly ReadableSpan[] {
    return this.#exporter.getFinishedSpans();
  }

  /** The span of this name, as soon as it has ended; there must be one. */
  async span(name: string): Promise<ReadableSpan> {
    const named = (): readonly ReadableSpan[] => this.spans.filter((span) => span.name === name);
    await until(`a span ${name}`, () => named().length > 0);
    if (named().length > 1) throw new Error(`${named().length} spans are named ${name}`);
    return named()[0]!;
  }

  async metrics(): Promise<ReadonlyMap<string, MetricData>> {
    const { resourceMetrics, errors } = await this.#reader.collect();
    if (errors.length > 0) throw errors[0];
    const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
    return new Map(all.map((metric) => [metric.descriptor.name, metric]));
  }

  /** The points of a metric; none where it was never measured. */
  async points(name: string): Promise<readonly Point[]> {
    const metric = (await this.metrics()).get(name);
    return (metric?.dataPoints ?? []) as readonly Point[];
  }

  clear(): void {
    this.#exporter.reset();
  }
}

/** The id of the span it is a part of. */
export function parentOf(span: ReadableSpan): string | undefined {
  return span.parentSpanContext?.spanId;
}
