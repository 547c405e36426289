// Messages and events by pattern: finds the handler by its route, through Nest's deserializer if there is one.
import {
  Server,
  type BaseRpcContext,
  type Deserializer,
  type MessageHandler,
  type ReadPacket,
} from '@nestjs/microservices';
import { EMPTY, type Observable } from 'rxjs';
import type { CommandContext } from '../../contract/command.js';
import { dataText, PatternMessage } from '../../codec/pattern-message.js';
import { CmdStreamError, peerText } from '../../errors.js';
import type { ResultSink } from '../../server/invoker.js';
import { CmdStreamContext, isAbandonment, sinkOf } from './cmd-stream.context.js';
import type { CommandHandlerExtras } from './command-handler.decorator.js';
import { shapedByNest } from './handler-failure.js';
import { PromisedEnd, SerializedResponses } from './response-sinks.js';
import { liftItems } from './lifted-iterable.js';
import type { PacketForms } from '../packet-forms.js';
import type { PeerLog } from '../peer-log.js';

// Nest's own texts: clients and operators look for them.
const NO_MESSAGE_HANDLER = 'There is no matching message handler defined in the remote service.';
const NO_EVENT_HANDLER = 'There is no matching event handler defined in the remote service. Event pattern: ';

interface IncomingPacket {
  readonly pattern?: unknown;
  readonly data?: unknown;
}

/** Nest's own table of handlers. */
export interface HandlerTable {
  getHandlers(): ReadonlyMap<string, MessageHandler>;
  /** Finds a handler by a pattern that is not normalized. */
  getHandlerByPattern(pattern: string): MessageHandler | null;
  handleEvent(pattern: string, packet: ReadPacket, context: BaseRpcContext): Promise<unknown>;
}

/** Runs a handler, with Nest's hooks around it if there are any. */
export type RunHandler = (handler: MessageHandler, data: unknown, context: CmdStreamContext, sink: ResultSink) => void;

export interface PatternInvokerConfig {
  readonly handlers: HandlerTable;
  /** Subclasses of the server may change them at any time. */
  readonly forms: () => PacketForms;
  readonly run: RunHandler;
  /** What of an error is meant for the caller. */
  readonly failureOf: (error: unknown) => unknown;
  /** Is given exceptions that come too late for Nest's exception layer to log them. */
  readonly onUnsaid: (exception: unknown) => void;
  readonly log: PeerLog;
}

export class PatternInvoker {
  readonly #config: PatternInvokerConfig;
  /** Routes with several handlers, of which one is called. */
  readonly #contested = new Set<string>();
  /** Patterns that no message has. */
  readonly #unasked: unknown[] = [];

  constructor(config: PatternInvokerConfig) {
    this.#config = config;
  }

  /** A handler is about to be added; Nest calls all those of an event, and of anything else one. */
  onHandler(pattern: unknown, route: string, isEventHandler: boolean): void {
    const others = this.#config.handlers.getHandlers().get(route);
    if (others !== undefined && !(isEventHandler && others.isEventHandler)) this.#contested.add(route);
    if (pattern instanceof RegExp) this.#unasked.push(pattern);
  }

  removeAll(): void {
    this.#contested.clear();
    this.#unasked.length = 0;
  }

  /** What is to be said of handlers that are never called, one line for each reason. */
  get warnings(): readonly string[] {
    const contested = [...this.#contested].join(', ');
    const unasked = this.#unasked.join(', ');
    const events = 'only those of events may share one';
    return [
      ...(contested ? [`several handlers for the patterns ${contested}: only one of each is called; ${events}`] : []),
      ...(unasked ? [`no message has the pattern ${unasked}: a RegExp is for Transport.KAFKA alone`] : []),
    ];
  }

  invoke(message: PatternMessage, commandContext: CommandContext, sink: ResultSink): void {
    const { forms, failureOf } = this.#config;
    const { serializer, deserializer } = forms();
    const answers = serializer
      ? new SerializedResponses(sink, serializer, String(commandContext.seq), failureOf)
      : sink;
    if (!message.isPacket && !deserializer) return this.#dispatch(message, commandContext, answers);
    // One handler of failures behind both steps: what the second one throws must not be lost either.
    this.#unwrap(message, commandContext, deserializer)
      .then((unwrapped) => this.#dispatch(unwrapped, commandContext, answers))
      .then(undefined, (error: unknown) => sink.error(error));
  }

  /** The message as Nest's deserializer sees it. */
  async #unwrap(
    { kind, route, data, isPacket }: PatternMessage,
    { seq }: CommandContext,
    deserializer: Deserializer | undefined,
  ): Promise<PatternMessage> {
    const received = isPacket ? data : { pattern: route, data, ...(kind === 'message' && { id: String(seq) }) };
    const packet: unknown = await (deserializer ? deserializer.deserialize(received) : received);
    const { pattern, data: unwrapped } = (packet ?? {}) as IncomingPacket;
    return new PatternMessage(kind, typeof pattern === 'string' ? pattern : dataText(pattern), unwrapped);
  }

  #dispatch({ kind, route, data }: PatternMessage, commandContext: CommandContext, sink: ResultSink): void {
    const context = new CmdStreamContext([commandContext, route], sink);
    if (kind === 'event') {
      this.#config.handlers.handleEvent(route, { pattern: route, data }, context).then(
        () => sink.complete(),
        (error: unknown) => sink.error(error),
      );
      return;
    }
    const handler = this.#find(route);
    if (handler) return this.#run(handler, data, context, sink);
    this.#config.log.noMessageHandler(peerText(route));
    sink.error(new CmdStreamError('REMOTE', NO_MESSAGE_HANDLER, { payload: NO_MESSAGE_HANDLER }));
  }

  /** Is there a handler? Of a packet that is not known before it is unwrapped. */
  handles({ route, isPacket }: PatternMessage): boolean {
    return !isPacket && this.#find(route) !== undefined;
  }

  /** Runs the handlers of an event; resolves when they have ended. */
  handleEvent(route: string, { data }: ReadPacket, context: CmdStreamContext): Promise<void> {
    const handler = this.#find(route);
    if (handler === undefined) {
      this.#config.log.noEventHandler(NO_EVENT_HANDLER + peerText(route));
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.#run(handler, data, context, new PromisedEnd(sinkOf(context)!, resolve, reject));
    });
  }

  /**
   * By the route as it is, or as Nest finds it, which a subclass may have changed. Handlers of Commands are not for
   * patterns: what comes by pattern is past the contract, and past validation.
   */
  #find(route: string): MessageHandler | undefined {
    const { handlers } = this.#config;
    const isNests = handlers.getHandlerByPattern === Server.prototype.getHandlerByPattern;
    const exact = isNests ? handlers.getHandlers().get(route) : undefined;
    const found = exact ?? handlers.getHandlerByPattern(route) ?? undefined;
    return isForCommand(found) ? undefined : found;
  }

  #run(handler: MessageHandler, data: unknown, context: CmdStreamContext, sink: ResultSink): void {
    const lifting: MessageHandler = async (payload, given: CmdStreamContext) =>
      liftItems(await handler(payload, given), handler, given, (error) => this.#lateError(error, given));
    this.#config.run(lifting, data, context, sink);
  }

  /** Nest has let the AsyncIterable pass as a value: its exception layer is behind it. */
  #lateError(error: unknown, context: CmdStreamContext): Observable<never> {
    return isAbandonment(error, [context]) ? EMPTY : shapedByNest(error, this.#config.onUnsaid);
  }
}

function isForCommand(handler: MessageHandler | null | undefined): boolean {
  return (handler?.extras as Partial<CommandHandlerExtras> | undefined)?.command !== undefined;
}
