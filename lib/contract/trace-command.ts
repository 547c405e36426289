// A Command in an envelope that carries the context of a trace, for peers that know no metadata: the TraceCmd of
// cmd-stream-go. It is a type of its own in the contract, with a number of its own.
//
//   JSON: {"MapCarrier":{"traceparent":"00-…"},"Cmd":{…}}      MUS: pointer to a map of strings, then the Command
import { CmdStreamError } from '../errors.js';
import {
  Command,
  resultCountOf,
  StreamCommand,
  VoidCommand,
  type CommandContext,
  type CountedCommand,
  type ResultCount,
} from './command.js';
import { isClass, type ContractType } from './type-table.js';

const baseOf: Readonly<Record<ResultCount, abstract new () => object>> = Object.freeze({
  'one Result': Command,
  'many Results': StreamCommand,
  'no Result': VoidCommand,
});

const TRACED: unique symbol = Symbol.for('nestjs-cmd-stream.traced') as never;

/** What an envelope of {@link traceCommand} holds. @publicApi */
export interface TraceCommand<C = unknown> {
  /** The context of the trace, such as `traceparent`; `null` where the sender has set none. */
  carrier: Map<string, string> | null;
  /** The Command that is meant. */
  command: C;
}

/** The count and the Results of a Command, without its fields. */
type SameCount<C> =
  C extends StreamCommand<infer R, infer Receiver>
    ? StreamCommand<R, Receiver>
    : C extends VoidCommand<infer Receiver>
      ? VoidCommand<Receiver>
      : C extends Command<infer R, infer Receiver>
        ? Command<R, Receiver>
        : never;

/** A class of envelopes, to be extended by one with a name. @publicApi */
export interface TraceCommandClass<C> {
  /** Puts a Command into an envelope, whose carrier is empty. */
  new (command?: C): SameCount<C> & TraceCommand<C>;
  /** What the class of the Command says. */
  readonly idempotent?: boolean | undefined;
}

/**
 * The class of a traced Command, as cmd-stream-go has it: a peer that knows no metadata gets the context of the trace
 * within it. It has the Results of the Command that it holds, and runs it; where it has no handler of its own, that
 * of the Command is called with the Command. `otel()` writes and reads the carrier by itself.
 *
 * @example
 * import { Command, defineContract, Result, traceCommand } from 'nestjs-cmd-stream';
 *
 * export class Sum extends Result {
 *   constructor(readonly value = 0) {
 *     super();
 *   }
 * }
 *
 * export class AddCmd extends Command<Sum> {
 *   constructor(readonly A = 0, readonly B = 0) {
 *     super();
 *   }
 * }
 *
 * // Go: otelcmd.TraceCmd[Calc, AddCmd]. `client.execute(new TracedAddCmd(new AddCmd(2, 3)))`
 * export class TracedAddCmd extends traceCommand(AddCmd) {}
 *
 * export const contract = defineContract({ commands: [AddCmd, TracedAddCmd], results: [Sum] });
 *
 * @throws {CmdStreamError} INVALID_CONTRACT when it is no class of Commands
 * @publicApi
 */
export function traceCommand<C extends CountedCommand>(type: new () => C): TraceCommandClass<C> {
  const count = isClass(type) ? resultCountOf(type.prototype) : undefined;
  if (count === undefined) {
    const text = `traceCommand() takes a class that extends Command, StreamCommand or VoidCommand`;
    throw new CmdStreamError('INVALID_CONTRACT', text);
  }
  class Traced extends (baseOf[count] as new () => object) implements TraceCommand<C> {
    static readonly idempotent = (type as { idempotent?: boolean }).idempotent;
    carrier: Map<string, string> | null = new Map();
    command: C;

    constructor(command = new type()) {
      super();
      this.command = command;
    }

    toJSON(): object {
      return { MapCarrier: this.carrier && Object.fromEntries(this.carrier), Cmd: this.command };
    }

    declare exec?: (receiver: unknown, context: CommandContext) => unknown;
  }
  Object.defineProperty(Traced.prototype, TRACED, { value: type });
  if (typeof (type.prototype as { exec?: unknown }).exec === 'function')
    Object.defineProperty(Traced.prototype, 'exec', { value: execInner, configurable: true, writable: true });
  return Traced as unknown as TraceCommandClass<C>;
}

function execInner(this: TraceCommand<Executable>, receiver: unknown, context: CommandContext): unknown {
  return this.command.exec(receiver, context);
}

interface Executable {
  exec(receiver: unknown, context: CommandContext): unknown;
}

/** The class of the Commands that envelopes of this class hold; undefined of any other class. */
export function tracedTypeOf(type: ContractType): (new () => object) | undefined {
  return isClass(type) ? ((type.prototype as Record<symbol, unknown>)[TRACED] as new () => object) : undefined;
}

/** The Command in an envelope; undefined of any other Command. */
export function tracedCommandOf(command: unknown): unknown {
  return isTraced(command) ? command.command : undefined;
}

/** Where the context of a trace stands in an envelope, which may have none yet; undefined of any other Command. */
export function carrierOf(command: unknown): Map<string, string> | undefined {
  if (!isTraced(command)) return undefined;
  command.carrier ??= new Map();
  return command.carrier;
}

function isTraced(command: unknown): command is TraceCommand {
  return typeof command === 'object' && command !== null && TRACED in command;
}
