// Commands of servers: the span of each, which its handler runs in, and its measurements.
import {
  context,
  defaultTextMapGetter,
  ROOT_CONTEXT,
  SpanKind,
  trace,
  type Context,
  type Span,
} from '@opentelemetry/api';
import { carrierOf } from '../contract/trace-command.js';
import { isCmdStreamError } from '../errors.js';
import type {
  CommandObserver,
  CommandOutcome,
  ObservedServer,
  ServerObserver,
  StartedCommand,
} from '../instrumentation/instrumentation.js';
import { Open, ServerMetrics } from './connection-metrics.js';
import type { Instruments } from './instruments.js';
import type { OtelSubject } from './otel-options.js';
import { Telemetry, type ResolvedOtelOptions, type TypeTelemetry } from './telemetry.js';
import { OTHER, peerAttributes, SYSTEM } from './telemetry-names.js';

/** Of the name of what a peer asks for and is not there, so much is kept. */
const MAX_NAME = 256;

const mapGetter = Object.freeze({
  get: (carrier: Map<string, string>, key: string): string | undefined => carrier.get(key),
  keys: (carrier: Map<string, string>): string[] => [...carrier.keys()],
});

export class ServersTelemetry {
  readonly #telemetry: Telemetry;
  readonly #servers = new Open<ObservedServer>();
  /** Of the meter provider that is set now. */
  #metrics: ServerMetrics | undefined;

  constructor(options: ResolvedOtelOptions) {
    this.#telemetry = new Telemetry('server', options, ({ meter }) => {
      this.#metrics = new ServerMetrics(meter, this.#servers);
    });
  }

  observe(server: ObservedServer): ServerObserver {
    this.#servers.add(server);
    return {
      onCommand: (command) => this.#onCommand(command),
      onConnection: () => this.#meters?.opened(),
      onDisconnect: (_connection, cause) => this.#meters?.ended(cause),
      onConnectionRefused: (_client, cause) => this.#meters?.refused(cause),
      onClose: () => this.#servers.delete(server),
    };
  }

  get #meters(): ServerMetrics | undefined {
    return this.#telemetry.instruments && this.#metrics;
  }

  #onCommand(begun: StartedCommand): CommandObserver | undefined {
    const telemetry = this.#telemetry;
    const { instruments } = telemetry;
    const { areSpansOn } = telemetry;
    if (!areSpansOn && instruments === undefined) return undefined;
    const { command, kind, name, isHandled, context: own } = begun;
    const subject: OtelSubject = { side: 'server', command, kind, name };
    const type = isHandled ? telemetry.typeOf(command, name) : telemetry.typeOf(undefined, OTHER);
    const started = { command, bytes: own.bytesRead, seq: Number(own.seq) };
    const parent = this.#parentOf(command, own.metadata);
    if (!areSpansOn) return new CommandTelemetry(telemetry, type, subject, started, instruments, undefined, parent);
    const attributes = peerAttributes(own.remoteAddress, own.remotePort);
    attributes['rpc.system.name'] = SYSTEM;
    attributes['rpc.method'] = type.method;
    attributes['cmd-stream.command.seq'] = started.seq;
    attributes['cmd-stream.command.size'] = started.bytes;
    if (!isHandled) attributes['rpc.method_original'] = name.slice(0, MAX_NAME);
    const span = telemetry.startSpan(subject, type, attributes, SpanKind.SERVER, parent);
    const at = trace.setSpan(parent, span);
    return new CommandTelemetry(telemetry, type, subject, started, instruments, span, at);
  }

  /** What a traced Command carries comes from its very sender, who may be written in Go. */
  #parentOf(command: unknown, metadata: Readonly<Record<string, string>>): Context {
    const { propagator } = this.#telemetry;
    const carrier = carrierOf(command);
    return carrier !== undefined && carrier.size > 0
      ? propagator.extract(ROOT_CONTEXT, carrier, mapGetter)
      : propagator.extract(ROOT_CONTEXT, metadata, defaultTextMapGetter);
  }
}

interface Started {
  readonly bytes: number;
  readonly seq: number;
}

class CommandTelemetry implements CommandObserver {
  readonly #telemetry: Telemetry;
  readonly #type: TypeTelemetry;
  readonly #subject: OtelSubject;
  readonly #started: Started;
  readonly #instruments: Instruments | undefined;
  readonly #span: Span | undefined;
  readonly #context: Context;
  readonly #start = performance.now();

  constructor(
    telemetry: Telemetry,
    type: TypeTelemetry,
    subject: OtelSubject,
    started: Started,
    instruments: Instruments | undefined,
    span: Span | undefined,
    at: Context,
  ) {
    this.#telemetry = telemetry;
    this.#type = type;
    this.#subject = subject;
    this.#started = started;
    this.#instruments = instruments;
    this.#span = span;
    this.#context = at;
  }

  get #seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  enter<T>(work: () => T): T {
    return context.with(this.#context, work);
  }

  onResult(result: unknown, bytes: number): void {
    const telemetry = this.#telemetry;
    const span = this.#span;
    if (telemetry.options.resultEvents && span?.isRecording())
      telemetry.addResultEvent(span, this.#subject, this.#started.seq, result, bytes);
    const attributes = this.#instruments && telemetry.resultAttributes(this.#type, this.#subject, result);
    if (attributes) this.#instruments?.result(bytes, this.#seconds, attributes, this.#context);
  }

  onEnd(outcome: CommandOutcome): void {
    const telemetry = this.#telemetry;
    const code = codeOf(outcome);
    const instruments = this.#instruments;
    if (instruments) {
      const { command, rpc } = telemetry.endAttributes(this.#type, this.#subject, outcome, code, {}, undefined);
      instruments.command(this.#started.bytes, this.#seconds, command, rpc, this.#context);
    }
    if (this.#span) telemetry.endSpan(this.#span, this.#subject, outcome, code);
  }
}

/** What its caller gets, or why there is none any more. */
function codeOf({ how, error, code }: CommandOutcome): string | undefined {
  if (how === 'completed') return 'OK';
  if (code !== undefined) return code;
  return isCmdStreamError(error) ? error.code : undefined;
}
