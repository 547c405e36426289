// The context of a Command as Nest hands it to handlers, guards, interceptors, pipes and filters.
import { BaseRpcContext } from '@nestjs/microservices';
import type { CommandContext } from '../codec/command-context.js';
import type { Seq } from '../wire/frame.js';

const NO_METADATA: Readonly<Record<string, string>> = Object.freeze({});

/**
 * What a handler may know about its Command; the second parameter of handlers and of `exec`.
 *
 * @publicApi
 */
export class CmdStreamContext extends BaseRpcContext<[CommandContext, string]> implements CommandContext {
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

  get signal(): AbortSignal {
    return this.args[0].signal;
  }

  /** The route of the handler. */
  getPattern(): string {
    return this.args[1];
  }

  /** What the caller sent along; a plain cmd-stream peer cannot send any. */
  getMetadata(): Readonly<Record<string, string>> {
    return NO_METADATA;
  }
}
