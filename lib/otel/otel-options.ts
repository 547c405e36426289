// The options of otel(): where traces and metrics go to, and what is added to them.
import type { Attributes, MeterProvider, SpanOptions, TextMapPropagator, TracerProvider } from '@opentelemetry/api';
import type { CallOutcome, ObservedCommand } from '../instrumentation/instrumentation.js';
import { boolean, callback, objectWith, oneOf, type OptionRules } from '../options.js';

/** What a span or a measurement is about. @publicApi */
export interface OtelSubject extends ObservedCommand {
  /** Whose it is: that of the call, or that of the Command at its server. */
  readonly side: 'client' | 'server';
}

/**
 * The options of {@link otel}. What its functions throw is ignored.
 *
 * @publicApi
 */
export interface OtelOptions {
  /**
   * Spans: one for each call, one for each Command that a server runs or refuses. `'sampled'`: none is asked for where
   * the span it would be a part of is not sampled, whatever the sampler would say; its context travels all the same.
   * That is what `ParentBasedSampler` decides, the default of SDKs, at a part of the cost.
   * @default true
   */
  traces?: boolean | 'sampled' | undefined;
  /**
   * Metrics of calls, Commands, Results and connections. `'rpc'`: of calls and Commands the duration by the conventions
   * for RPC alone, since each measurement costs about as much as the rest of a small call.
   * @default true
   */
  metrics?: boolean | 'rpc' | undefined;
  /**
   * An event on the server's span for each Result that it sends.
   * @default true
   */
  resultEvents?: boolean | undefined;
  /**
   * Where spans go to.
   * @default the global one of `@opentelemetry/api`, whenever that is set
   */
  tracerProvider?: TracerProvider | undefined;
  /**
   * Where measurements go to.
   * @default the global one of `@opentelemetry/api`, whenever that is set
   */
  meterProvider?: MeterProvider | undefined;
  /**
   * What writes the context of a call into its metadata, and reads that of a Command.
   * @default the global one of `@opentelemetry/api`, whenever that is set
   */
  propagator?: TextMapPropagator | undefined;
  /**
   * The name of a span.
   * @default `Send <type>` at the client, `Invoke <type>` at the server
   */
  spanName?: ((subject: OtelSubject) => string) | undefined;
  /**
   * What a span begins with besides, such as links, `root`, or attributes that a sampler looks at.
   * @default none
   */
  spanOptions?: ((subject: OtelSubject) => SpanOptions) | undefined;
  /**
   * Attributes of a span, asked for at its end.
   * @default none
   */
  spanAttributes?: ((subject: OtelSubject, outcome: Pick<CallOutcome, 'how' | 'error'>) => Attributes) | undefined;
  /**
   * Attributes of the event of a Result. With it the client's span has such events, too.
   * @default none
   */
  resultEventAttributes?: ((subject: OtelSubject, result: unknown) => Attributes) | undefined;
  /**
   * Attributes of the metrics of calls and Commands. Each combination of values is a time series of its own.
   * @default none
   */
  commandMetricAttributes?:
    ((subject: OtelSubject, outcome: Pick<CallOutcome, 'how' | 'error'>) => Attributes) | undefined;
  /**
   * Attributes of the metrics of Results. Each combination of values is a time series of its own.
   * @default none
   */
  resultMetricAttributes?: ((subject: OtelSubject, result: unknown) => Attributes) | undefined;
}

export const otelDefaults = Object.freeze({
  traces: true as boolean | 'sampled',
  metrics: true as boolean | 'rpc',
  resultEvents: true,
});

export const otelRules: OptionRules<OtelOptions> = Object.freeze({
  traces: oneOf(true, false, 'sampled'),
  metrics: oneOf(true, false, 'rpc'),
  resultEvents: boolean,
  tracerProvider: objectWith('a TracerProvider of OpenTelemetry', 'getTracer'),
  meterProvider: objectWith('a MeterProvider of OpenTelemetry', 'getMeter'),
  propagator: objectWith('a TextMapPropagator of OpenTelemetry', 'inject', 'extract'),
  spanName: callback,
  spanOptions: callback,
  spanAttributes: callback,
  resultEventAttributes: callback,
  commandMetricAttributes: callback,
  resultMetricAttributes: callback,
});
