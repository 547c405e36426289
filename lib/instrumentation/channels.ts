// Calls and Commands on the channels of node:diagnostics_channel, where tools find them that know nothing of this
// package's options. The names and what is published there are public: docs/observability.md.
import { channel, tracingChannel, type TracingChannel } from 'node:diagnostics_channel';
import type { CommandContext, ConnectionAddresses } from '../contract/command.js';
import type { CmdStreamError } from '../errors.js';
import type { Metadata } from '../wire/control-frame.js';
import type {
  CallObserver,
  CallOutcome,
  CommandObserver,
  CommandOutcome,
  ConnectionChange,
  SentCommand,
  StartedCall,
  StartedCommand,
} from './instrumentation.js';

/** What the tracing channel `nestjs-cmd-stream:call` publishes, one object for all messages of a call. @publicApi */
export interface CallMessage {
  /** What is sent. */
  readonly command: unknown;
  /** `message` and `event` go by pattern. */
  readonly kind: StartedCall['kind'];
  /** The name of its type; by pattern the route. */
  readonly name: string;
  /** Subscribers of `start` may add to it: it travels with the call to servers of this package. */
  readonly metadata: Record<string, string>;
  /** From `asyncStart` on: the number of the Command; 0 if it was never written. */
  seq: number;
  /** Bytes of its frame. */
  bytes: number;
  /** Results that have come. */
  results: number;
  /** Where it was sent to, `host:port` or the path of a socket. */
  server: string | undefined;
  /** How it has ended; undefined before `asyncStart`. */
  outcome: CallOutcome['how'] | undefined;
  /** The last Result. */
  result: unknown;
  /** What its caller gets instead. */
  error: unknown;
}

/** What the tracing channel `nestjs-cmd-stream:command` publishes, one object for all of a Command. @publicApi */
export interface CommandMessage {
  /** What has arrived. */
  readonly command: unknown;
  /** `message` and `event` go by pattern. */
  readonly kind: StartedCommand['kind'];
  /** The name of its type; by pattern the route, which a peer may choose. */
  readonly name: string;
  /** What its handler knows about it: peer, metadata, time limit. */
  readonly context: CommandContext;
  /** Results that were sent. */
  results: number;
  /** How it has ended; undefined before `asyncStart`. */
  outcome: CommandOutcome['how'] | undefined;
  /** The last Result. */
  result: unknown;
  /** What it failed with. */
  error: unknown;
}

/** What `nestjs-cmd-stream:client:connection` and `nestjs-cmd-stream:server:connection` publish. @publicApi */
export interface ConnectionMessage {
  /** What has become of the connection: `refused` is one that a server did not take. */
  readonly status: ConnectionChange['status'] | 'refused';
  /** At a client: `host:port` of the server, or the path of its socket. */
  readonly server?: string | undefined;
  /** At a server: the two ends of the connection. */
  readonly connection?: ConnectionAddresses | undefined;
  /** Why it has ended, was refused, or could not be opened. */
  readonly cause: CmdStreamError | undefined;
}

const nothing = (): void => {};

export class ClientChannels {
  readonly #calls = tracingChannel<CallMessage>('nestjs-cmd-stream:call');
  readonly #connections = channel('nestjs-cmd-stream:client:connection');

  /** Does a tool listen to calls now? */
  get areOn(): boolean {
    return this.#calls.hasSubscribers;
  }

  onCall({ command, kind, name }: StartedCall): CallObserver {
    const message: CallMessage = {
      command,
      kind,
      name,
      metadata: {},
      seq: 0,
      bytes: 0,
      results: 0,
      server: undefined,
      outcome: undefined,
      result: undefined,
      error: undefined,
    };
    this.#calls.start.runStores(message, nothing);
    this.#calls.end.publish(message);
    return new PublishedCall(this.#calls, message);
  }

  onConnection({ server, status, cause }: ConnectionChange): void {
    this.#connections.publish({ server, status, cause } satisfies ConnectionMessage);
  }
}

class PublishedCall implements CallObserver {
  readonly #channel: TracingChannel<CallMessage>;
  readonly #message: CallMessage;

  constructor(calls: TracingChannel<CallMessage>, message: CallMessage) {
    this.#channel = calls;
    this.#message = message;
  }

  get metadata(): Metadata {
    return this.#message.metadata;
  }

  onResult(_sent: SentCommand, result: unknown): void {
    this.#message.results++;
    this.#message.result = result;
  }

  onEnd({ seq, bytes, server }: SentCommand, { how, error }: CallOutcome): void {
    publishEnd(this.#channel, Object.assign(this.#message, { seq, bytes, server, outcome: how, error }));
  }
}

export class ServerChannels {
  readonly #commands = tracingChannel<CommandMessage>('nestjs-cmd-stream:command');
  readonly #connections = channel('nestjs-cmd-stream:server:connection');

  /** Does a tool listen to Commands now? */
  get areOn(): boolean {
    return this.#commands.hasSubscribers;
  }

  onCommand({ command, kind, name, context }: StartedCommand): CommandObserver {
    const message: CommandMessage = {
      command,
      kind,
      name,
      context,
      results: 0,
      outcome: undefined,
      result: undefined,
      error: undefined,
    };
    return new PublishedCommand(this.#commands, message);
  }

  onConnection(connection: ConnectionAddresses): void {
    this.#publish({ status: 'connected', connection, cause: undefined });
  }

  onDisconnect(connection: ConnectionAddresses, cause: CmdStreamError): void {
    this.#publish({ status: 'disconnected', connection, cause });
  }

  onConnectionRefused(connection: ConnectionAddresses, cause: CmdStreamError): void {
    this.#publish({ status: 'refused', connection, cause });
  }

  #publish(message: ConnectionMessage): void {
    this.#connections.publish(message);
  }
}

class PublishedCommand implements CommandObserver {
  readonly #channel: TracingChannel<CommandMessage>;
  readonly #message: CommandMessage;

  constructor(commands: TracingChannel<CommandMessage>, message: CommandMessage) {
    this.#channel = commands;
    this.#message = message;
  }

  enter<T>(work: () => T): T {
    try {
      return this.#channel.start.runStores(this.#message, work);
    } finally {
      this.#channel.end.publish(this.#message);
    }
  }

  onResult(result: unknown): void {
    this.#message.results++;
    this.#message.result = result;
  }

  onEnd({ how, error }: CommandOutcome): void {
    publishEnd(this.#channel, Object.assign(this.#message, { outcome: how, error }));
  }
}

function publishEnd<M extends CallMessage | CommandMessage>(published: TracingChannel<M>, message: M): void {
  if (message.error !== undefined) published.error.publish(message);
  published.asyncStart.publish(message);
  published.asyncEnd.publish(message);
}
