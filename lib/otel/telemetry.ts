// What both sides of otel() share: the tracer, the instruments of the meter provider that is set now, and what is known
// of each type of Commands.
import {
  createNoopMeter,
  INVALID_TRACEID,
  ProxyTracerProvider,
  SpanKind,
  metrics,
  propagation,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanOptions,
  type TextMapPropagator,
  type Tracer,
} from '@opentelemetry/api';
import { notify } from '../callbacks.js';
import type { CallOutcome } from '../instrumentation/instrumentation.js';
import type { Complete } from '../options.js';
import { Instruments, type Side } from './instruments.js';
import type { OtelOptions, OtelSubject } from './otel-options.js';
import {
  errorTextOf,
  errorTypeOf,
  namesOf,
  OTHER,
  resultTypeOf,
  SCOPE,
  serverAttributes,
  statuses,
  SYSTEM,
  type CommandNames,
} from './telemetry-names.js';

export type ResolvedOtelOptions = Readonly<Complete<OtelOptions, 'traces' | 'metrics' | 'resultEvents'>>;

/** So many names are known; what has another one is `_OTHER`. */
const MOST_NAMES = 1000;
/** `SpanStatusCode.ERROR`, which is an enum at run time. */
const ERROR = 2;
/** `TraceFlags.SAMPLED`. */
const SAMPLED = 1;

/** What is made once for all Commands of a type. */
export interface TypeTelemetry extends CommandNames {
  readonly spanName: string;
  /** What the spans of all begin with. */
  readonly spanOptions: SpanOptions;
  readonly attributes: Attributes;
  /** By status. */
  readonly ends: Map<string, { readonly command: Attributes; readonly rpc: Attributes }>;
  /** By type of Results. */
  readonly results: Map<string, Attributes>;
}

export class Telemetry {
  readonly side: Side;
  readonly options: ResolvedOtelOptions;
  readonly #types = new Map<string, TypeTelemetry>();
  readonly #places = new Map<string | undefined, Attributes>();
  readonly #onInstruments: (instruments: Instruments) => void;
  #tracer: Tracer | undefined;
  /** Of the meter provider that was set when they were made. */
  #instruments: Instruments | undefined;
  #provider: unknown;
  /** What stands in the place of a global tracer provider that is not set. */
  readonly #noProvider = new ProxyTracerProvider().getDelegate();

  /** `onInstruments`: they are there, for a meter provider that has not had any before. */
  constructor(side: Side, options: ResolvedOtelOptions, onInstruments: (instruments: Instruments) => void) {
    this.side = side;
    this.options = options;
    this.#onInstruments = onInstruments;
  }

  get propagator(): Pick<TextMapPropagator, 'inject' | 'extract'> {
    return this.options.propagator ?? propagation;
  }

  /** Is there a provider that makes spans? */
  get areSpansOn(): boolean {
    const { traces, tracerProvider } = this.options;
    if (traces === false || tracerProvider) return traces !== false;
    const provider = trace.getTracerProvider();
    return !(provider instanceof ProxyTracerProvider) || provider.getDelegate() !== this.#noProvider;
  }

  /** Undefined where there are no metrics, or no provider that takes them yet. */
  get instruments(): Instruments | undefined {
    const which = this.options.metrics;
    if (which === false) return undefined;
    const provider = this.options.meterProvider ?? metrics.getMeterProvider();
    if (provider !== this.#provider) {
      this.#provider = provider;
      const meter = provider.getMeter(SCOPE);
      this.#instruments =
        meter === createNoopMeter() ? undefined : new Instruments(meter, this.side, which === 'rpc' ? which : true);
      if (this.#instruments) this.#onInstruments(this.#instruments);
    }
    return this.#instruments;
  }

  typeOf(command: unknown, name: string): TypeTelemetry {
    const known = this.#types.get(name);
    if (known) return known;
    if (this.#types.size >= MOST_NAMES && name !== OTHER) return this.typeOf(undefined, OTHER);
    const names = namesOf(command, name);
    const attributes = Object.freeze({ 'rpc.system.name': SYSTEM, 'rpc.method': names.method });
    const isClient = this.side === 'client';
    const made: TypeTelemetry = {
      ...names,
      spanName: `${isClient ? 'Send' : 'Invoke'} ${names.type}`,
      spanOptions: { kind: isClient ? SpanKind.CLIENT : SpanKind.SERVER, attributes },
      attributes,
      ends: new Map(),
      results: new Map(),
    };
    this.#types.set(name, made);
    return made;
  }

  /** Of a server of clients, which are few. */
  placeOf(server: string | undefined): Attributes {
    let place = this.#places.get(server);
    if (place === undefined) this.#places.set(server, (place = serverAttributes(server)));
    return place;
  }

  /** Is none made of what has this parent, since that is not sampled? */
  leavesOut(parent: Context): boolean {
    if (this.options.traces !== 'sampled') return false;
    const span = trace.getSpanContext(parent);
    return span !== undefined && (span.traceFlags & SAMPLED) === 0 && span.traceId !== INVALID_TRACEID;
  }

  startSpan(type: TypeTelemetry, subject: OtelSubject, parent: Context): Span {
    const { tracerProvider, spanName, spanOptions } = this.options;
    this.#tracer ??= (tracerProvider ?? trace).getTracer(SCOPE);
    const name = (spanName && asked(() => spanName(subject))) ?? type.spanName;
    const given = spanOptions && asked(() => spanOptions(subject));
    if (given === undefined) return this.#tracer.startSpan(name, type.spanOptions, parent);
    const attributes = { ...type.attributes, ...given.attributes };
    return this.#tracer.startSpan(name, { ...type.spanOptions, ...given, attributes }, parent);
  }

  /** Ends a span. A call that its caller has given up is no error. */
  endSpan(span: Span, subject: OtelSubject, { how, error }: CallOutcome, code: string | undefined): void {
    if (span.isRecording()) {
      const { spanAttributes } = this.options;
      const given = spanAttributes && asked(() => spanAttributes(subject, { how, error }));
      if (given) span.setAttributes(given);
      if (code !== undefined) span.setAttribute('rpc.response.status_code', code);
      if (how === 'failed' || how === 'timed out') {
        span.setAttribute('error.type', errorTypeOf(error, code));
        span.setStatus({ code: ERROR, message: errorTextOf(error) });
      }
    }
    span.end();
  }

  /** The attributes of the two kinds of metrics that a Command has. `code`: what it ended with. */
  endAttributes(
    type: TypeTelemetry,
    subject: OtelSubject,
    { how, error }: CallOutcome,
    code: string | undefined,
    place: Attributes,
    placeKey: string | undefined,
  ): { readonly command: Attributes; readonly rpc: Attributes } {
    const { commandMetricAttributes } = this.options;
    const isError = how === 'failed' || how === 'timed out';
    const errorType = isError ? errorTypeOf(error, code) : undefined;
    const key = `${how} ${code} ${errorType} ${placeKey}`;
    let attributes = type.ends.get(key);
    if (attributes === undefined) {
      const outcome: Attributes = {};
      if (code !== undefined) outcome['rpc.response.status_code'] = code;
      if (errorType !== undefined) outcome['error.type'] = errorType;
      attributes = {
        command: { 'cmd-stream.command.type': type.type, 'cmd-stream.command.status': statuses[how] },
        rpc: { ...type.attributes, ...place, ...outcome },
      };
      // Errors of classes that are made anew each time have no end.
      if (type.ends.size < MOST_NAMES) type.ends.set(key, attributes);
    }
    const given = commandMetricAttributes && asked(() => commandMetricAttributes(subject, { how, error }));
    return given ? { command: { ...given, ...attributes.command }, rpc: attributes.rpc } : attributes;
  }

  resultAttributes(type: TypeTelemetry, subject: OtelSubject, result: unknown): Attributes {
    const { resultMetricAttributes } = this.options;
    const name = resultTypeOf(result);
    let attributes = type.results.get(name);
    if (attributes === undefined) {
      attributes = { 'cmd-stream.command.type': type.type, 'cmd-stream.result.type': name };
      if (type.results.size < MOST_NAMES) type.results.set(name, attributes);
    }
    const given = resultMetricAttributes && asked(() => resultMetricAttributes(subject, result));
    return given ? { ...given, ...attributes } : attributes;
  }

  /** An event on the span, for a Result. */
  addResultEvent(span: Span, subject: OtelSubject, seq: number, result: unknown, bytes: number): void {
    const { resultEventAttributes } = this.options;
    span.addEvent('result', {
      ...(resultEventAttributes && asked(() => resultEventAttributes(subject, result))),
      'cmd-stream.result.seq': seq,
      'cmd-stream.result.size': bytes,
      'cmd-stream.result.type': resultTypeOf(result),
    });
  }
}

/** What a function of the user gives; what it throws is ignored. */
function asked<T>(give: () => T): T | undefined {
  let given: T | undefined;
  notify(() => {
    given = give();
  });
  return given;
}
