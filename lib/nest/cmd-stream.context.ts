// The context of a Command as Nest hands it to handlers, guards, interceptors, pipes and filters.
import { BaseRpcContext } from '@nestjs/microservices';
import type { CommandContext } from '../codec/command-context.js';
import type { ResultSink } from '../server/invoker.js';
import type { Seq } from '../wire/frame.js';

/**
 * What a handler may know about its Command; the second parameter of handlers and of `exec`.
 *
 * @publicApi
 */
export class CmdStreamContext extends BaseRpcContext<[CommandContext, string]> implements CommandContext {
  readonly #sink: ResultSink | undefined;

  /** `sink`: takes the Results of the Command; not for applications. */
  constructor(args: [CommandContext, string], sink?: ResultSink) {
    super(args);
    this.#sink = sink;
  }

  /** @internal */
  static sinkOf(context: CmdStreamContext): ResultSink | undefined {
    return context.#sink;
  }

  get seq(): Seq {
    return this.args[0].seq;
  }

  get receivedAt(): number {
    return this.args[0].receivedAt;
  }

  get bytesRead(): number {
    return this.args[0].bytesRead;
  }

  get remoteAddress(): string {
    return this.args[0].remoteAddress;
  }

  get localAddress(): string {
    return this.args[0].localAddress;
  }

  get deadline(): number | undefined {
    return this.args[0].deadline;
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.args[0].metadata;
  }

  get signal(): AbortSignal {
    return this.args[0].signal;
  }

  /** The route of the handler. */
  getPattern(): string {
    return this.args[1];
  }

  /** What the caller sent along; empty from a plain cmd-stream peer. */
  getMetadata(): Readonly<Record<string, string>> {
    return this.args[0].metadata;
  }
}
