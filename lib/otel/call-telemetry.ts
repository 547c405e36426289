// Calls of clients: the span of each, its context in what is sent, and its measurements.
import { context, defaultTextMapSetter, trace, type Context, type Span } from '@opentelemetry/api';
import { carrierOf } from '../contract/trace-command.js';
import { isCmdStreamError } from '../errors.js';
import type {
  CallObserver,
  CallOutcome,
  ClientObserver,
  ConnectionChange,
  ObservedClient,
  SentCommand,
  StartedCall,
} from '../instrumentation/instrumentation.js';
import { ClientMetrics, Open } from './connection-metrics.js';
import type { Instruments } from './instruments.js';
import type { OtelSubject } from './otel-options.js';
import { Telemetry, type ResolvedOtelOptions, type TypeTelemetry } from './telemetry.js';
import { peerAttributes } from './telemetry-names.js';

const mapSetter = Object.freeze({
  set: (carrier: Map<string, string>, key: string, value: string): void => void carrier.set(key, value),
});

export class ClientsTelemetry {
  readonly #telemetry: Telemetry;
  readonly #clients = new Open<ObservedClient>();
  /** Of the meter provider that is set now. */
  #metrics: ClientMetrics | undefined;

  constructor(options: ResolvedOtelOptions) {
    this.#telemetry = new Telemetry('client', options, ({ meter }) => {
      this.#metrics = new ClientMetrics(meter, this.#clients);
    });
  }

  observe(client: ObservedClient): ClientObserver {
    this.#clients.add(client);
    void this.#telemetry.instruments;
    const servers = new Map<string, number>();
    return {
      onCall: (call) => this.#onCall(call),
      onConnection: (change) => this.#onConnection(client, servers, change),
      onClose: () => this.#clients.delete(client),
    };
  }

  /** `opened`: how many connections were, by server. Those beyond what a client has take the place of others. */
  #onConnection({ servers }: ObservedClient, opened: Map<string, number>, change: ConnectionChange): void {
    if (this.#telemetry.instruments === undefined || this.#metrics === undefined) return;
    const { server, status } = change;
    const before = opened.get(server) ?? 0;
    if (status === 'connected') opened.set(server, before + 1);
    const most = servers.find((one) => one.server === server)?.connections ?? 0;
    this.#metrics.connectionChanged(change, before >= most);
  }

  #onCall(call: StartedCall): CallObserver | undefined {
    const telemetry = this.#telemetry;
    const { instruments } = telemetry;
    const { areSpansOn } = telemetry;
    if (!areSpansOn && instruments === undefined) return undefined;
    const { command } = call;
    const parent = context.active();
    const isLeftOut = areSpansOn && telemetry.leavesOut(parent);
    if (isLeftOut && instruments === undefined) return { metadata: this.#inject(parent, command) };
    const { kind, name } = call;
    const subject: OtelSubject = { side: 'client', command, kind, name };
    const type = telemetry.typeOf(command, name);
    const span = areSpansOn && !isLeftOut ? telemetry.startSpan(type, subject, parent) : undefined;
    const at = span ? trace.setSpan(parent, span) : parent;
    const metadata = areSpansOn ? this.#inject(at, command) : undefined;
    if (instruments === undefined && !span?.isRecording()) return { metadata };
    return new CallTelemetry(telemetry, type, subject, call.awaitsAnswer, instruments, span, at, metadata);
  }

  /** What travels with a Command, or in it. */
  #inject(at: Context, command: unknown): Record<string, string> {
    const { propagator } = this.#telemetry;
    const metadata: Record<string, string> = {};
    propagator.inject(at, metadata, defaultTextMapSetter);
    const carrier = carrierOf(command);
    if (carrier) propagator.inject(at, carrier, mapSetter);
    return metadata;
  }
}

class CallTelemetry implements CallObserver {
  readonly metadata: Record<string, string> | undefined;
  readonly #telemetry: Telemetry;
  readonly #type: TypeTelemetry;
  readonly #subject: OtelSubject;
  readonly #awaitsAnswer: boolean;
  readonly #instruments: Instruments | undefined;
  readonly #span: Span | undefined;
  readonly #context: Context;
  readonly #start = performance.now();
  #results = 0;

  constructor(
    telemetry: Telemetry,
    type: TypeTelemetry,
    subject: OtelSubject,
    awaitsAnswer: boolean,
    instruments: Instruments | undefined,
    span: Span | undefined,
    at: Context,
    metadata: Record<string, string> | undefined,
  ) {
    this.#telemetry = telemetry;
    this.#type = type;
    this.#subject = subject;
    this.#awaitsAnswer = awaitsAnswer;
    this.#instruments = instruments;
    this.#span = span;
    this.#context = at;
    this.metadata = metadata;
  }

  get #seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  onResult(_sent: SentCommand, result: unknown, bytes: number): void {
    const span = this.#span;
    const telemetry = this.#telemetry;
    this.#results++;
    if (telemetry.options.resultEventAttributes && span?.isRecording())
      telemetry.addResultEvent(span, this.#subject, this.#results, result, bytes);
    const attributes = this.#instruments && telemetry.resultAttributes(this.#type, this.#subject, result);
    if (attributes) this.#instruments?.result(bytes, this.#seconds, attributes, this.#context);
  }

  onEnd({ seq, bytes, attempts, server }: SentCommand, outcome: CallOutcome): void {
    const telemetry = this.#telemetry;
    const code = this.#codeOf(outcome);
    const place = telemetry.placeOf(server);
    const instruments = this.#instruments;
    if (instruments) {
      const { command, rpc } = telemetry.endAttributes(this.#type, this.#subject, outcome, code, place, server);
      instruments.command(bytes, this.#seconds, command, rpc, this.#context);
    }
    const span = this.#span;
    if (span === undefined) return;
    if (span.isRecording()) {
      const address = place['server.address'] as string | undefined;
      span.setAttributes({
        ...place,
        ...peerAttributes(address, place['server.port'] as number | undefined),
        'cmd-stream.command.seq': seq,
        'cmd-stream.command.size': bytes,
      });
      if (attempts > 1) span.setAttribute('cmd-stream.command.attempts', attempts);
    }
    telemetry.endSpan(span, this.#subject, outcome, code);
  }

  /** That it was written is no answer. */
  #codeOf({ how, error }: CallOutcome): string | undefined {
    if (how === 'completed') return this.#awaitsAnswer ? 'OK' : undefined;
    if (how === 'cancelled') return 'CANCELLED';
    return isCmdStreamError(error) ? error.code : undefined;
  }
}
