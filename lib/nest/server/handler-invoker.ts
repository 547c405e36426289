// The Invoker that the core server is given: finds the Nest handler of a Command, runs Nest's pipeline, and gives what
// comes out of it to the sink. Messages by pattern are the PatternInvoker's.
import { Server, Transport, type MessageHandler } from '@nestjs/microservices';
import { isObservable, takeWhile } from 'rxjs';
import { PatternMessage } from '../../codec/pattern-message.js';
import { resultCountOf, type CommandContext } from '../../contract/command.js';
import { tracedCommandOf, tracedTypeOf } from '../../contract/trace-command.js';
import { emptyContract } from '../../contract/contract.js';
import { isReserved } from '../../contract/type-numbers.js';
import { isClass, type ContractType, type TypeTable } from '../../contract/type-table.js';
import { CmdStreamError } from '../../errors.js';
import { subscribe } from '../../server/call/result-source.js';
import type { CommandInvoker, ResultSink } from '../../server/invoker.js';
import { CmdStreamContext } from './cmd-stream.context.js';
import { cqrsHandledIn, isGivenToCqrs, markedFor, type MarkedMethod } from './command-handler.decorator.js';
import { askToWait } from './lifted-iterable.js';
import type { PatternInvoker, RunHandler } from './pattern-invoker.js';

export interface HandlerInvokerConfig {
  readonly commands: TypeTable;
  /** Of Nest; a subclass of the server may have its own way to find one. */
  readonly handlers: Pick<Server, 'getHandlerByPattern'>;
  readonly patterns: PatternInvoker;
  readonly run: RunHandler;
  readonly failureOf: (error: unknown) => unknown;
}

/** A handler, as Nest has found it for a type of Commands. */
export interface CommandRoute {
  readonly pattern: string;
  readonly handler: MessageHandler;
  readonly method: string | undefined;
  /** How long it may run; undefined: as long as the server says. */
  readonly timeoutMs?: number | undefined;
  /** What the method belongs to. */
  readonly controller: object | undefined;
}

/** Of two decorators with one name. */
const CQRS_MIX_UP = "'@nestjs/cqrs', which serves no caller: methods of controllers take that of 'nestjs-cmd-stream'";

export class HandlerInvoker implements CommandInvoker {
  readonly failureOf: (error: unknown) => unknown;
  /** There only if a handler has a limit of its own: else no Command has to be asked for. */
  declare timeoutMsOf?: (command: unknown) => number | undefined;
  readonly #config: HandlerInvokerConfig;
  readonly #commands: TypeTable;
  /** By type number. */
  readonly #routes: (CommandRoute | undefined)[] = [];

  constructor(config: HandlerInvokerConfig) {
    this.failureOf = config.failureOf;
    this.#config = config;
    this.#commands = config.commands;
  }

  /**
   * @throws {CmdStreamError} INVALID_HANDLER when the Command is not in the contract or has a handler already, or a
   * handler of @nestjs/cqrs stands beside it
   */
  add(command: ContractType, route: CommandRoute): void {
    const index = this.#commands.indexOfType(command);
    const fault = mixedUp(route) ?? this.#faultOf(index, command, route.method ?? 'a handler');
    if (fault !== undefined) throw new CmdStreamError('INVALID_HANDLER', fault);
    this.#routes[index] = route;
    if (route.timeoutMs === undefined) return;
    this.timeoutMsOf = (given) => this.#routeOf(given)?.timeoutMs;
  }

  #faultOf(index: number, command: ContractType, method: string): string | undefined {
    const { name } = command;
    if (this.#commands === emptyContract.commands)
      return `CmdStreamServer has no option \`contract\`, but ${method} handles ${name}`;
    if (index < 0) return `${method} handles ${name}, but ${name} is not in the contract's commands${foreign(command)}`;
    const first = this.#routes[index];
    return first && `${method} handles ${name}, but ${name} has a handler already: ${first.method ?? 'another one'}`;
  }

  removeAll(): void {
    this.#routes.length = 0;
    delete this.timeoutMsOf;
  }

  /** How many Commands have a handler. */
  get size(): number {
    return this.#routes.filter((route) => route !== undefined).length;
  }

  /** What is to be said of the Commands of the contract without a handler, one line for each reason. */
  warnings(transportId: Transport | symbol): readonly string[] {
    const missing = this.#missing.map((type) => missingOf(type, transportId));
    return reasons.flatMap(({ why, text }) => {
      const these = missing.filter((one) => one.why === why);
      const names = these.map(({ name }) => name).join(', ');
      return these.length === 0 ? [] : [`no handler for ${names} of the contract: ${text(these, transportId)}`];
    });
  }

  get #missing(): readonly ContractType[] {
    return this.#commands.types.flatMap((type, index) =>
      isReserved(type) || this.#routes[index] !== undefined || this.#hasInnerRoute(type) ? [] : [type],
    );
  }

  #hasInnerRoute(type: ContractType): boolean {
    const traced = tracedTypeOf(type);
    return traced !== undefined && this.#routes[this.#commands.indexOfType(traced)] !== undefined;
  }

  /** That of the Command itself, or of the one in its envelope. */
  #routeOf(command: unknown): CommandRoute | undefined {
    return (
      this.#routes[this.#commands.indexOf(command)] ?? this.#routes[this.#commands.indexOf(tracedCommandOf(command))]
    );
  }

  invoke(command: unknown, commandContext: CommandContext, sink: ResultSink): void {
    const index = this.#commands.indexOf(command);
    const route = this.#routes[index];
    const handler = route && this.#handlerOf(route);
    if (handler) {
      const context = new CmdStreamContext([commandContext, route.pattern], sink);
      return this.#config.run(handler, command, context, sink);
    }
    if (!(command instanceof PatternMessage)) {
      const traced = tracedCommandOf(command);
      if (traced !== undefined) return this.invoke(traced, commandContext, sink);
      throw new CmdStreamError('NO_HANDLER', `no handler for ${this.#commands.nameAt(index)}`);
    }
    return this.#config.patterns.invoke(command, commandContext, sink);
  }

  /** A subclass of the server may find another one, or wrap it. */
  #handlerOf({ handler, pattern }: CommandRoute): MessageHandler | null {
    const { handlers } = this.#config;
    const isNests = handlers.getHandlerByPattern === Server.prototype.getHandlerByPattern;
    return isNests ? handler : handlers.getHandlerByPattern(pattern);
  }

  handles(command: unknown): boolean {
    if (command instanceof PatternMessage) return this.#config.patterns.handles(command);
    return this.#routeOf(command) !== undefined;
  }

  handlerOf(command: unknown): string | undefined {
    return this.#routeOf(command)?.method;
  }
}

/** A Command without a handler: why, and the method that might be one. */
interface Missing {
  readonly name: string;
  readonly why: (typeof reasons)[number]['why'];
  readonly method?: MarkedMethod | undefined;
}

const methodsOf = (missing: readonly Missing[]): string => missing.map(({ method }) => method!.method).join(', ');

const reasons = [
  { why: 'unmarked', text: () => 'no class that is loaded has a @CommandHandler() for it' },
  { why: 'cqrs', text: () => `handled by the @CommandHandler of ${CQRS_MIX_UP}` },
  {
    why: 'elsewhere',
    text: (missing: readonly Missing[], own: Transport | symbol) => {
      const bound = missing.map(
        ({ method }) => `${method!.method} is for the transport ${nameOf(method!.transportId!)}`,
      );
      return `${bound.join(', ')}, and the transportId of this server is ${nameOf(own)}`;
    },
  },
  {
    why: 'no controller',
    text: (missing: readonly Missing[]) => `a class with ${methodsOf(missing)} has to be a @Controller()`,
  },
  {
    why: 'unlisted',
    text: (missing: readonly Missing[]) =>
      `is the class with ${methodsOf(missing)} among the \`controllers\` of a module?`,
  },
] as const;

/** Of the methods that are marked for a Command the one that comes nearest to being its handler says why it is none. */
function missingOf(type: ContractType, own: Transport | symbol): Missing {
  const { name } = type;
  const marked = markedFor(type);
  const here = marked.filter(({ transportId }) => transportId === undefined || transportId === own);
  const listable = here.find(({ controller }) => isController(controller.constructor));
  if (listable !== undefined) return { name, why: 'unlisted', method: listable };
  if (here.length > 0) return { name, why: 'no controller', method: here[0] };
  if (marked.length > 0) return { name, why: 'elsewhere', method: marked[0] };
  return { name, why: isGivenToCqrs(type) ? 'cqrs' : 'unmarked' };
}

/** Nest's own mark, which is no public constant in all supported versions. */
function isController(given: object): boolean {
  return Reflect.hasOwnMetadata('__controller__', given);
}

/** How the log names a transport: `TCP`, `Symbol(another)`. */
export function nameOf(transportId: Transport | symbol): string {
  return typeof transportId === 'symbol' ? String(transportId) : (Transport[transportId] ?? String(transportId));
}

/** The decorator of another package leaves a method without a handler, and says nothing. */
function mixedUp({ controller, method }: CommandRoute): string | undefined {
  const command = controller && cqrsHandledIn(controller);
  if (command === undefined) return undefined;
  return `the controller of ${method} has a method with the @CommandHandler(${command.name}) of ${CQRS_MIX_UP}`;
}

/** What a Command that nothing here knows may be. */
function foreign(command: ContractType): string {
  const isForeign = isClass(command) && resultCountOf(command.prototype) === undefined;
  return isForeign ? "; it extends no Command of 'nestjs-cmd-stream': is it one of '@nestjs/cqrs'?" : '';
}

/** Runs one Nest handler and gives what comes out of Nest's pipeline to the sink. */
export function runHandler(handler: MessageHandler, data: unknown, context: CmdStreamContext, sink: ResultSink): void {
  handler(data, context).then(
    (given: unknown) => {
      try {
        give(given, context, sink);
      } catch (error) {
        // What is given may throw when it is looked at.
        sink.error(error);
      }
    },
    (error: unknown) => sink.error(error),
  );
}

function give(given: unknown, context: CmdStreamContext, sink: ResultSink): void {
  if (!isObservable(given)) return sink.complete(given);
  // One that pushes all at once can only be stopped from within; the sink says what becomes of what it pushes.
  const results = given.pipe(takeWhile((result) => sink.isOpen || sink.next(result) > 0));
  const commandContext = context.getArgByIndex(0);
  subscribe(results, commandContext, sink, askToWait);
}
