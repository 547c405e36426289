// A server whose answers a test gives, for tests of what calls it: all but the server's application is real.
import { PatternMessage } from '../codec/pattern-message.js';
import type { Codec, CodecFactory } from '../codec/codec.js';
import type { Answered, CommandContext, CommandEntry, HandlerResult, ResultOf } from '../contract/command.js';
import { tablesOf, type Contract, type ContractTables } from '../contract/contract.js';
import { nameOf, type ContractType, type TypeClass } from '../contract/type-table.js';
import { CmdStreamError, isError } from '../errors.js';
import { CommandServer } from '../server/command-server.js';
import { deliver } from '../server/call/result-source.js';
import type { CommandInvoker, ResultSink } from '../server/invoker.js';
import { MemoryTransport } from './memory-transport.js';

/** What a {@link ScriptedServer} is made for. @publicApi */
export interface ScriptedServerOptions {
  /** The contract of its clients. */
  contract: Contract;
  /**
   * Their codec.
   * @default jsonCodec()
   */
  codec?: Codec | CodecFactory | undefined;
  /**
   * Is it a peer of this package? `false`: it answers as one written in Go does.
   * @default true
   */
  extension?: boolean | undefined;
}

/**
 * How a {@link ScriptedServer} answers a Command: with a Result, with an error that it throws, or with what a function
 * gives or throws, as a handler would.
 *
 * @publicApi
 */
export type ScriptedAnswer<C, R> = R | Error | ((command: C, context: CommandContext) => HandlerResult<R> | void);

/** A message or an event by pattern that a {@link ScriptedServer} has got. @publicApi */
export interface ScriptedMessage {
  /** `message` wants an answer, `event` wants none. */
  readonly kind: 'message' | 'event';
  /** As Nest writes patterns that are objects, `{"cmd":"sum"}`; a text is itself. */
  readonly pattern: string;
  /** What came with it. */
  readonly data: unknown;
}

/** What {@link ScriptedServer} answers a message by pattern: any JSON value, an error, or a function that gives it. */
export type PatternAnswer =
  | ((data: unknown, context: CommandContext) => unknown)
  | Error
  // oxlint-disable-next-line typescript/no-empty-object-type -- whatever is no function
  | {}
  | null
  | undefined;

type AnyAnswer = ScriptedAnswer<unknown, unknown>;

/**
 * Stands for a server in tests of code that calls one: answers what the test says, with the types of the contract, and
 * keeps what it has got. It is connected in memory; its `transport` can fail.
 *
 * @example
 * import { CmdStreamClient } from 'nestjs-cmd-stream';
 * import { ScriptedServer } from 'nestjs-cmd-stream/testing';
 * import { AddCmd, calcContract, CalcResult } from './calc.contract.js';
 *
 * const server = await ScriptedServer.start({ contract: calcContract });
 * server.answer(AddCmd, ({ A, B }) => new CalcResult(A + B));
 * export const client = new CmdStreamClient({ contract: calcContract, ...server.client });
 *
 * @publicApi
 */
export class ScriptedServer implements CommandInvoker {
  /** How it is reached, and what may happen on the way. */
  readonly transport = new MemoryTransport();
  /** The Commands it has got, in their order. */
  readonly commands: unknown[] = [];
  /** The messages and events by pattern it has got, in their order. */
  readonly messages: ScriptedMessage[] = [];
  readonly #contract: ContractTables;
  readonly #server: CommandServer;
  readonly #answers = new Map<ContractType, AnyAnswer>();
  readonly #byPattern = new Map<string, AnyAnswer>();

  private constructor(options: ScriptedServerOptions) {
    this.#server = new CommandServer({ ...options, invoker: this, ...this.transport.server });
    this.#contract = tablesOf(options.contract);
  }

  /**
   * A server that listens in memory.
   *
   * @throws {CmdStreamError} by its promise, INVALID_OPTION when its options make no sense
   */
  static async start(options: ScriptedServerOptions): Promise<ScriptedServer> {
    const server = new ScriptedServer(options);
    await server.#server.listen();
    return server;
  }

  /** Options of a client of it: `new CmdStreamClient({ contract, ...server.client })`. */
  get client(): MemoryTransport['client'] {
    return this.transport.client;
  }

  /**
   * Says how it answers the Commands of a class from now on; what has no answer fails with NO_HANDLER.
   *
   * @throws {CmdStreamError} COMMAND_NOT_IN_CONTRACT when the contract does not list the type
   */
  answer<C extends Answered<unknown>>(type: TypeClass<C>, answer: ScriptedAnswer<C, ResultOf<C>>): this;
  /** The same for a type of messages, such as `protobufType()` gives. */
  answer<M extends object, R>(type: CommandEntry<M, R>, answer: ScriptedAnswer<M, R>): this;
  /** The same for a message by pattern: a text, or how Nest writes a pattern that is an object, `{"cmd":"sum"}`. */
  answer(pattern: string, answer: PatternAnswer): this;
  answer(type: ContractType | string, answer: unknown): this {
    if (typeof type === 'string') this.#byPattern.set(type, answer as AnyAnswer);
    else if (this.#contract.commands.indexOfType(type) >= 0) this.#answers.set(type, answer as AnyAnswer);
    else throw new CmdStreamError('COMMAND_NOT_IN_CONTRACT', `${nameOf(type)} is not in the contract's \`commands\``);
    return this;
  }

  /** Answers one Command or message; the server calls it. */
  invoke(value: unknown, context: CommandContext, sink: ResultSink): void {
    if (value instanceof PatternMessage) {
      const { kind, route: pattern, data } = value;
      this.messages.push({ kind, pattern, data });
      if (kind === 'event' && !this.#byPattern.has(pattern)) return sink.complete();
      deliver(answerOf(this.#byPattern, pattern, `'${pattern}'`)(data, context), context, sink);
    } else {
      this.commands.push(value);
      const { commands } = this.#contract;
      const type = commands.types[commands.indexOf(value)] as ContractType;
      deliver(answerOf(this.#answers, type, nameOf(type))(value, context), context, sink);
    }
  }

  /** An RpcException of Nest travels as it does from a handler; the server asks. */
  failureOf(error: unknown): unknown {
    const { getError } = error as { getError?: unknown };
    if (typeof getError !== 'function') return error;
    return CmdStreamError.remote(getError.call(error) as unknown, { cause: error });
  }

  /** Ends it, and the connections of its clients. */
  async close(): Promise<void> {
    await this.#server.close({ gracePeriodMs: 0 });
  }

  /** As {@link close}: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What runs as a handler would. */
function answerOf<K>(answers: ReadonlyMap<K, AnyAnswer>, key: K, name: string): (...args: unknown[]) => unknown {
  if (!answers.has(key)) throw new CmdStreamError('NO_HANDLER', `the test gives no answer: answer(${name}, …)`);
  const answer = answers.get(key);
  if (typeof answer === 'function') return answer as (...args: unknown[]) => unknown;
  if (isError(answer)) throw answer;
  return () => answer;
}
