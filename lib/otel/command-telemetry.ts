// Commands of servers: the span of each, which its handler runs in, and its measurements.
import { context, defaultTextMapGetter, ROOT_CONTEXT, trace, type Context, type Span } from '@opentelemetry/api';
import type { CommandContext } from '../contract/command.js';
import { carrierOf } from '../contract/trace-command.js';
import { isCmdStreamError } from '../errors.js';
import type {
  CommandObserver,
  CommandOutcome,
  ObservedServer,
  ServerObserver,
  StartedCommand,
} from '../instrumentation/instrumentation.js';
import type { Metadata } from '../wire/control-frame.js';
import { Open, ServerMetrics } from './connection-metrics.js';
import type { Instruments } from './instruments.js';
import type { OtelSubject } from './otel-options.js';
import { Telemetry, type ResolvedOtelOptions, type TypeTelemetry } from './telemetry.js';
import { OTHER, peerAttributes } from './telemetry-names.js';

/** Of the name of what a peer asks for and is not there, so much is kept. */
const MAX_NAME = 256;
const TRACEPARENT_LENGTH = '00-'.length + 32 + '-'.length + 16 + '-00'.length;

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
    const { command, context: own } = begun;
    const { traces } = telemetry.options;
    const isLeftOut = traces === 'sampled' && areSpansOn && isUnsampled(traceparentOf(command, own.metadata));
    const parent = isLeftOut ? new LaterContext(() => this.#parentOf(begun)) : this.#parentOf(begun);
    if (isLeftOut && instruments === undefined) return new Entered(parent);
    const { kind, name, isHandled } = begun;
    const subject: OtelSubject = { side: 'server', command, kind, name };
    const type = isHandled ? telemetry.typeOf(command, name) : telemetry.typeOf(undefined, OTHER);
    const span = areSpansOn && !isLeftOut ? telemetry.startSpan(type, subject, parent) : undefined;
    const at = span ? trace.setSpan(parent, span) : parent;
    if (span?.isRecording()) {
      span.setAttributes(peerAttributes(own.remoteAddress, own.remotePort));
      span.setAttributes({ 'cmd-stream.command.seq': Number(own.seq), 'cmd-stream.command.size': own.bytesRead });
      if (!isHandled) span.setAttribute('rpc.method_original', name.slice(0, MAX_NAME));
    } else if (instruments === undefined) return new Entered(at);
    return new CommandTelemetry(telemetry, type, subject, own, instruments, span, at);
  }

  /** What a traced Command carries comes from its very sender, who may be written in Go. */
  #parentOf({ command, context: { metadata } }: StartedCommand): Context {
    const { propagator } = this.#telemetry;
    const carrier = carrierOf(command);
    return carrier !== undefined && carrier.size > 0
      ? propagator.extract(ROOT_CONTEXT, carrier, mapGetter)
      : propagator.extract(ROOT_CONTEXT, metadata, defaultTextMapGetter);
  }
}

function traceparentOf(command: unknown, metadata: Metadata): string | undefined {
  const carrier = carrierOf(command);
  return carrier !== undefined && carrier.size > 0 ? carrier.get('traceparent') : metadata['traceparent'];
}

/** Does the W3C's `00-<trace>-<span>-<flags>` say that its caller is not sampled? The last bit does. */
function isUnsampled(traceparent: string | undefined): boolean {
  if (traceparent?.length !== TRACEPARENT_LENGTH || !traceparent.startsWith('00-')) return false;
  return '02468aceACE'.includes(traceparent.at(-1)!);
}

/** Read when it is asked for: of what is not sampled hardly anything asks. */
class LaterContext implements Context {
  readonly #read: () => Context;
  #context: Context | undefined;

  constructor(read: () => Context) {
    this.#read = read;
  }

  get #real(): Context {
    this.#context ??= this.#read();
    return this.#context;
  }

  getValue(key: symbol): unknown {
    return this.#real.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return this.#real.setValue(key, value);
  }

  deleteValue(key: symbol): Context {
    return this.#real.deleteValue(key);
  }
}

/** A Command of which nothing is kept: its handler runs in the context of its caller. */
class Entered implements CommandObserver {
  readonly #context: Context;

  constructor(at: Context) {
    this.#context = at;
  }

  enter<T>(work: () => T): T {
    return context.with(this.#context, work);
  }
}

class CommandTelemetry extends Entered {
  readonly #telemetry: Telemetry;
  readonly #type: TypeTelemetry;
  readonly #subject: OtelSubject;
  readonly #started: CommandContext;
  readonly #instruments: Instruments | undefined;
  readonly #span: Span | undefined;
  readonly #context: Context;
  readonly #start = performance.now();

  constructor(
    telemetry: Telemetry,
    type: TypeTelemetry,
    subject: OtelSubject,
    started: CommandContext,
    instruments: Instruments | undefined,
    span: Span | undefined,
    at: Context,
  ) {
    super(at);
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

  onResult(result: unknown, bytes: number): void {
    const telemetry = this.#telemetry;
    const span = this.#span;
    if (telemetry.options.resultEvents && span?.isRecording())
      telemetry.addResultEvent(span, this.#subject, Number(this.#started.seq), result, bytes);
    const attributes = this.#instruments && telemetry.resultAttributes(this.#type, this.#subject, result);
    if (attributes) this.#instruments?.result(bytes, this.#seconds, attributes, this.#context);
  }

  onEnd(outcome: CommandOutcome): void {
    const telemetry = this.#telemetry;
    const code = codeOf(outcome);
    const instruments = this.#instruments;
    if (instruments) {
      const { command, rpc } = telemetry.endAttributes(this.#type, this.#subject, outcome, code, {}, undefined);
      instruments.command(this.#started.bytesRead, this.#seconds, command, rpc, this.#context);
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
