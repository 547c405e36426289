// What a session knows beyond plain cmd-stream once its peer has probed: HELLO, META, messages by pattern,
// cancellation, credit, the goodbye. Late frames are counted, lies end the connection.
import type { AsyncScope } from '../../async-scope.js';
import { dataOf, PatternMessage } from '../../codec/pattern-message.js';
import type { Connection } from '../../connection/connection.js';
import { protocolError } from '../../connection/seq-window.js';
import { GREETING_LIMIT } from '../../connection/codec-direction.js';
import { CmdStreamError, decodeError } from '../../errors.js';
import type { ByteReader } from '../../wire/byte-reader.js';
import {
  Control,
  EXTENSION_VERSION,
  writeGoaway,
  writeHello,
  type Hello,
  type Message,
  type Meta,
  type Metadata,
} from '../../wire/control-frame.js';
import { readCancel, readCredit, readEvent, readHello, readMessage, readMeta } from '../../wire/control-reader.js';
import type { Seq } from '../../wire/frame.js';
import { EventQueue, nameOfEvent, type EventHost } from '../call/event-queue.js';
import { ExtendedCall, type ExtendedHome } from '../call/extended-call.js';
import { FrameSequence } from './frame-sequence.js';
import { tooLate, type CommandHome, type HandlerNames, type ServerCall } from '../call/server-call.js';
import type { SessionConfig } from './session-config.js';
import type { ArrivedEvent } from '../call/waiting-events.js';
import { SendScheduler, type WaitingHost } from './send-scheduler.js';
import { encodeErrorFrame, sessionError } from '../call/wire-error.js';

/** The session as its extension sees it. */
export interface ExtensionHost extends CommandHome, HandlerNames, EventHost, WaitingHost {
  readonly connection: Connection;
  readonly config: SessionConfig;
  readonly drained: Promise<void> | undefined;
  /** The connection has ended, perhaps: looks whether anything of it still runs. */
  endIfDone(): void;
  /** A frame for a Command that was over. */
  onLateFrame(): void;
}

export class SessionExtension implements ExtendedHome {
  readonly waiting: SendScheduler;
  readonly #session: ExtensionHost;
  readonly #events: EventQueue;
  readonly #live = new Map<number, ExtendedCall>();
  readonly #order = new FrameSequence();
  /** Commands and events of this read, which start behind it, in their order. */
  #arrived: (ExtendedCall | ArrivedEvent)[] = [];
  #eventsArrived = 0;
  /** Commands that have started and are not settled. */
  #running = 0;
  #isStarting = false;
  #isGoingAway = false;

  constructor(session: ExtensionHost) {
    this.#session = session;
    const { fingerprint, options, maxInFlight, eventRoom } = session.config;
    this.waiting = new SendScheduler(session);
    this.#events = new EventQueue(session, maxInFlight, eventRoom);
    const hello = {
      version: EXTENSION_VERSION,
      features: 0,
      maxFrameBytes: options.maxCommandBytes,
      maxInFlight,
      timeoutMs: 0,
    };
    session.connection.sendControl((writer) => writeHello(writer, { ...hello, ...fingerprint }), GREETING_LIMIT);
  }

  /** True if no Command follows, and none waits. */
  get isQuiet(): boolean {
    return this.isDone && !this.hasEvents;
  }

  /** True once the peer has said that no Command follows. */
  get isDone(): boolean {
    return this.#order.isDone;
  }

  /** True if events wait to be run, with or without a connection. */
  get hasEvents(): boolean {
    return this.#events.length > 0 || this.#eventsArrived > 0;
  }

  goAway(reason: string): void {
    if (this.#isGoingAway) return;
    this.#isGoingAway = true;
    this.connection.post((writer) => writeGoaway(writer, reason));
  }

  onValue(seq: Seq, value: unknown, bytesRead: number, frame: Buffer | undefined): void {
    const meta = this.#order.takeMeta(seq);
    const own = this.#order.claim(seq);
    if (meta.noAnswer) this.#hear(own, value, bytesRead, meta.metadata, frame);
    else this.#start(own, value, bytesRead, meta);
  }

  /** A body that was refused costs its Command only. */
  onRefused(seq: Seq, error: CmdStreamError): void {
    const { noAnswer } = this.#order.takeMeta(seq);
    const own = this.#order.claim(seq);
    if (noAnswer) this.report(error);
    else this.#reject(own, error);
  }

  /** So many pings have come; not between META and its Command. */
  onPing(count: number): void {
    this.#order.checkMeta();
    this.waiting.post((writer) => writer.writeZeros(count));
  }

  onControl(kind: number, reader: ByteReader): void {
    this.#order.checkMeta();
    if (this.#order.hello === undefined) {
      if (kind !== Control.HELLO) throw protocolError(`the first control frame must be HELLO, not ${kind}`);
      return this.#onHello(readHello(reader));
    }
    switch (kind) {
      case Control.META:
        return this.#onMeta(readMeta(reader));
      case Control.MESSAGE:
        return this.#onMessage(reader);
      case Control.EVENT:
        return this.#onEvent(readEvent(reader), reader);
      case Control.CANCEL:
        return this.#cancel(readCancel(reader));
      case Control.CREDIT:
        return this.#grant(readCredit(reader));
      case Control.DONE:
        return this.#order.onDone();
      case Control.HELLO:
      case Control.STREAM:
      case Control.VALUE:
      case Control.END:
      case Control.ERROR:
      case Control.GOAWAY:
        throw protocolError(`a client does not send the control frame ${kind} here`);
      default: // A later version's.
    }
  }

  /** A peer that does not check the contract hears why its connection ends. */
  #onHello(hello: Hello): void {
    this.#order.onHello(hello);
    this.connection.limitSending(hello.maxFrameBytes);
    try {
      this.#session.config.fingerprint.check(hello);
    } catch (error) {
      this.goAway('CONTRACT_MISMATCH');
      throw error;
    }
  }

  #onMeta(meta: Meta & { readonly seq: Seq }): void {
    this.#order.onMeta(meta);
    if (meta.noAnswer && this.#mayWait) this.connection.copyNext();
  }

  #onMessage(reader: ByteReader): void {
    const message = readMessage(reader);
    const seq = this.#order.claim(message.seq);
    const value = this.#patternOf('message', message, (error) => this.#reject(seq, error));
    if (value) this.#start(seq, value, reader.consumed, { ...message, remainingMs: message.remainingMs ?? 0 });
  }

  #onEvent(message: Message, reader: ByteReader): void {
    const value = this.#patternOf('event', message, (error) => this.#session.report(error));
    if (value === undefined) return;
    this.#hear(0, value, reader.consumed, message.metadata, this.#mayWait ? reader.copyFrame() : undefined);
  }

  /** May an event that comes now have to wait? */
  get #mayWait(): boolean {
    return this.#events.mayWait(this.#eventsArrived);
  }

  #hear(seq: number, value: unknown, bytesRead: number, metadata: Metadata, frame: Buffer | undefined): void {
    this.#arrived.push({ seq, value, bytesRead, receivedAt: this.connection.receivedAt, metadata, frame });
    this.#eventsArrived++;
  }

  /** Data that cannot be read costs this message only. */
  #patternOf(
    kind: 'message' | 'event',
    message: Message,
    refuse: (error: CmdStreamError) => void,
  ): PatternMessage | undefined {
    try {
      return new PatternMessage(kind, message.route, dataOf(message.data, this.connection.dataLimits), message.packet);
    } catch (error) {
      refuse(decodeError(error));
      return undefined;
    }
  }

  #cancel({ seq, code }: { readonly seq: Seq; readonly code: string }): void {
    this.#find(seq)?.abort(code === 'TIMEOUT' ? tooLate() : undefined);
  }

  #grant({ seq, credit }: { readonly seq: Seq; readonly credit: number }): void {
    this.#find(seq)?.grant(credit);
  }

  /** The Command a control frame is for; undefined if it is over already. */
  #find(seq: Seq): ExtendedCall | undefined {
    this.#order.check(seq);
    const command = this.#live.get(Number(seq));
    if (command === undefined) this.#session.onLateFrame();
    return command;
  }

  #start(seq: number, value: unknown, bytesRead: number, { remainingMs, credit, metadata }: Meta): void {
    const { connection } = this.#session;
    const limitMs = remainingMs ?? this.#order.hello!.timeoutMs;
    // The deadline is for the application to read: what is measured here does not jump with the clock on the wall.
    const deadline = limitMs > 0 ? connection.receivedAt + limitMs : undefined;
    const overAt = limitMs > 0 ? connection.arrivedAt + limitMs : Infinity;
    const allowed = credit > 0 ? credit : Number.POSITIVE_INFINITY;
    const command = new ExtendedCall(
      seq,
      value,
      bytesRead,
      connection.receivedAt,
      deadline,
      overAt,
      metadata,
      allowed,
      this,
    );
    this.#live.set(seq, command);
    this.#arrived.push(command);
  }

  /** Starts what this read has brought, but for that whose CANCEL came along. */
  onReadEnd(): void {
    if (!this.#isStarting && this.#arrived.length > 0) this.scope.run(this.#startArrived, this);
  }

  #startArrived(): void {
    this.#isStarting = true;
    // What is started may make more arrive.
    for (let at = 0; at < this.#arrived.length; at++) {
      const next = this.#arrived[at]!;
      if (next instanceof ExtendedCall) this.#startNow(next);
      else this.#hearNow(next);
    }
    this.#arrived = [];
    this.#isStarting = false;
    // What has ended the connection may have been the last to run.
    if (this.endCause !== undefined) this.#session.endIfDone();
  }

  #startNow(command: ExtendedCall): void {
    if (!command.isOpen) return command.complete();
    const refusal = this.#overload() ?? overBefore(command);
    if (refusal) {
      this.#live.delete(command.seq as number);
      return this.#reject(command.seq as number, refusal);
    }
    command.isStarted = true;
    this.#running++;
    this.#session.run(command);
  }

  #hearNow(heard: ArrivedEvent): void {
    const { load } = this.config;
    this.#eventsArrived--;
    if (!load.isFull) return this.#events.add(heard);
    const text = `${nameOfEvent(heard.value)} was dropped: the server runs maxInFlight (${load.maxInFlight}) Commands and events`;
    this.report(new CmdStreamError('OVERLOADED', text));
  }

  #overload(): CmdStreamError | undefined {
    const { load, maxInFlight } = this.config;
    if (this.#running >= maxInFlight) {
      const limit = `maxInFlightPerConnection (${maxInFlight})`;
      return new CmdStreamError('OVERLOADED', `the server runs ${limit} Commands of this connection already`);
    }
    if (!load.isFull) return undefined;
    return new CmdStreamError('OVERLOADED', `the server runs maxInFlight (${load.maxInFlight}) Commands already`);
  }

  /** The Command is not begun. */
  #reject(seq: number, error: CmdStreamError): void {
    const report = (hidden: unknown): void => this.report(hidden);
    const bytes = encodeErrorFrame(this.connection, seq, sessionError(error, report), report);
    this.waiting.post((writer) => writer.writeBytes(bytes));
  }

  /** The socket has room: Commands that wait for it take turns. */
  onFlushed(): void {
    this.waiting.onFlushed();
  }

  settled(command: ExtendedCall): void {
    this.#live.delete(command.seq as number);
    if (!command.isStarted) return;
    this.#running--;
    this.#session.settled(command);
  }

  watch(command: ServerCall): void {
    this.#session.watch(command);
  }

  /** Answers what is still running with an error. */
  shutDown(cause: CmdStreamError): void {
    for (const command of this.#live.values()) command.shutDown(cause);
    this.stopEvents(cause);
  }

  stopEvents(cause: CmdStreamError): void {
    this.#events.stop(cause);
  }

  /** Events go on: nobody on the connection waits for them. */
  onEnd(cause: CmdStreamError): void {
    for (const command of this.#live.values()) command.abort(cause);
  }

  get remoteAddress(): string {
    return this.#session.remoteAddress;
  }

  get localAddress(): string {
    return this.#session.localAddress;
  }

  get endCause(): CmdStreamError | undefined {
    return this.#session.endCause;
  }

  get scope(): AsyncScope {
    return this.config.scope;
  }

  get drained(): Promise<void> | undefined {
    return this.#session.drained;
  }

  get connection(): Connection {
    return this.#session.connection;
  }

  get config(): SessionConfig {
    return this.#session.config;
  }

  report(error: unknown): void {
    this.#session.report(error);
  }

  handlerOf(command: unknown): string {
    return this.#session.handlerOf(command);
  }

  failureOf(error: unknown): unknown {
    return this.#session.failureOf(error);
  }
}

function overBefore({ overAt }: ExtendedCall): CmdStreamError | undefined {
  if (overAt === Infinity || overAt > performance.now()) return undefined;
  return new CmdStreamError('TIMEOUT', 'the time limit was over before the Command started');
}
