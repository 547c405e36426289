// Messages and events by pattern: finds the handler by its route, through Nest's deserializer if there is one.
import type { LoggerService } from '@nestjs/common';
import type { Deserializer, MessageHandler, Serializer } from '@nestjs/microservices';
import { EMPTY, type Observable } from 'rxjs';
import type { CommandContext } from '../codec/command-context.js';
import { dataText, PatternMessage } from '../codec/pattern-message.js';
import { CmdStreamError, peerText } from '../errors.js';
import type { ResultSink } from '../server/invoker.js';
import { isAbandonment } from './abandonment.js';
import { CmdStreamContext } from './cmd-stream.context.js';
import type { CommandHandlerExtras } from './command-handler.decorator.js';
import { shapedByNest } from './handler-failure.js';
import { liftItems } from './lifted-iterable.js';
import { SerializedResponses, type FailureShaper } from './serialized-responses.js';

// Nest's own texts: clients and operators look for them.
const NO_MESSAGE_HANDLER = 'There is no matching message handler defined in the remote service.';
const NO_EVENT_HANDLER = 'There is no matching event handler defined in the remote service. Event pattern: ';

type Handle = (handler: MessageHandler, data: unknown, context: CmdStreamContext, sink: ResultSink) => void;

interface IncomingPacket {
  readonly pattern?: unknown;
  readonly data?: unknown;
}

/** Nest's own table of handlers. */
export interface HandlerTable extends FailureShaper {
  getHandlers(): ReadonlyMap<string, MessageHandler>;
  /** Finds a handler by a pattern that is not normalized. */
  getHandlerByPattern(pattern: string): MessageHandler | null;
}

export class PatternInvoker {
  readonly #handlers: HandlerTable;
  readonly #logger: LoggerService;
  readonly #serializer: Serializer | undefined;
  readonly #deserializer: Deserializer | undefined;

  constructor(
    handlers: HandlerTable,
    logger: LoggerService,
    serializer: Serializer | undefined,
    deserializer: Deserializer | undefined,
  ) {
    this.#handlers = handlers;
    this.#logger = logger;
    this.#serializer = serializer;
    this.#deserializer = deserializer;
  }

  invoke(message: PatternMessage, running: CommandContext, sink: ResultSink, handle: Handle): void {
    const answers = this.#serializer
      ? new SerializedResponses(sink, this.#serializer, String(running.seq), this.#handlers)
      : sink;
    if (!message.isPacket && !this.#deserializer) {
      return this.#dispatch(this.#handlers.getHandlers().get(message.route), message, running, answers, handle);
    }
    // One handler of failures behind both steps: what the second one throws must not be lost either.
    this.#unwrap(message, running)
      .then((unwrapped) =>
        this.#dispatch(this.#handlers.getHandlerByPattern(unwrapped.route), unwrapped, running, answers, handle),
      )
      .then(undefined, (error: unknown) => sink.error(error));
  }

  /** The message as Nest's deserializer sees it. */
  async #unwrap({ kind, route, data, isPacket }: PatternMessage, { seq }: CommandContext): Promise<PatternMessage> {
    const received = isPacket ? data : { pattern: route, data, ...(kind === 'message' && { id: String(seq) }) };
    const packet: unknown = await (this.#deserializer ? this.#deserializer.deserialize(received) : received);
    const { pattern, data: unwrapped } = (packet ?? {}) as IncomingPacket;
    return new PatternMessage(kind, typeof pattern === 'string' ? pattern : dataText(pattern), unwrapped);
  }

  /** Handlers of Commands are not for patterns: what comes by pattern is past the contract, and past validation. */
  #dispatch(
    found: MessageHandler | null | undefined,
    { kind, route, data }: PatternMessage,
    running: CommandContext,
    sink: ResultSink,
    handle: Handle,
  ): void {
    const handler = isForCommand(found) ? undefined : found;
    if (handler) {
      const lifting: MessageHandler = async (payload, context: CmdStreamContext) =>
        liftItems(await handler(payload, context), handler, context, (error) => this.#lateError(error, context));
      return handle(lifting, data, new CmdStreamContext([running, route], sink), sink);
    }
    if (kind === 'message') {
      return sink.error(new CmdStreamError('REMOTE', NO_MESSAGE_HANDLER, { payload: NO_MESSAGE_HANDLER }));
    }
    this.#logger.error(NO_EVENT_HANDLER + peerText(route));
    sink.complete();
  }

  /** Nest has let the AsyncIterable pass as a value: its exception layer is behind it. */
  #lateError(error: unknown, context: CmdStreamContext): Observable<never> {
    return isAbandonment(error, [context]) ? EMPTY : shapedByNest(error, (unsaid) => this.#logger.error(unsaid));
  }
}

function isForCommand(handler: MessageHandler | null | undefined): boolean {
  return (handler?.extras as Partial<CommandHandlerExtras> | undefined)?.command !== undefined;
}
