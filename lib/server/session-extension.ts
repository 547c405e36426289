// What a session knows beyond plain cmd-stream once its peer has knocked: HELLO, META, messages by pattern,
// cancellation, credit, the goodbye. Late frames are counted, lies end the connection.
import { dataOf, PatternMessage } from '../codec/pattern-message.js';
import { checkFingerprint } from '../codec/fingerprint.js';
import type { Connection } from '../connection/connection.js';
import { lie } from '../connection/seq-window.js';
import { CmdStreamError } from '../errors.js';
import type { ByteReader } from '../wire/byte-reader.js';
import {
  Control,
  EXTENSION_VERSION,
  writeError,
  writeGoaway,
  writeHello,
  type Hello,
  type Message,
  type Meta,
} from '../wire/control-frame.js';
import { readCancel, readCredit, readEvent, readHello, readMessage, readMeta } from '../wire/control-reader.js';
import type { Seq } from '../wire/frame.js';
import { EventCommand } from './event-command.js';
import { EventQueue } from './event-queue.js';
import { ExtendedCommand, type ExtendedHome } from './extended-command.js';
import { FrameOrder } from './frame-order.js';
import { tooLate, type CommandHome, type RunningCommand } from './running-command.js';
import type { SessionConfig } from './session-config.js';
import { WaitingResults } from './waiting-results.js';
import { wireErrorOf } from './wire-error.js';

/** The session as its extension sees it. */
export interface ExtensionHost extends CommandHome {
  readonly connection: Connection;
  readonly config: SessionConfig;
  /** Commands that are running. */
  readonly inFlight: number;
  run(command: RunningCommand): void;
  /** A frame for a Command that was over. */
  onLateFrame(): void;
}

export class SessionExtension implements ExtendedHome {
  readonly waiting: WaitingResults;
  readonly #session: ExtensionHost;
  readonly #events: EventQueue;
  readonly #live = new Map<number, ExtendedCommand>();
  readonly #order = new FrameOrder();
  #isGoingAway = false;

  constructor(session: ExtensionHost) {
    this.#session = session;
    this.waiting = new WaitingResults(session, session.config.options.maxSendBufferBytes);
    this.#events = new EventQueue(session.config.maxInFlight, (event) => session.run(event));
    const { fingerprint, options, maxInFlight } = session.config;
    const hello = {
      version: EXTENSION_VERSION,
      features: 0,
      maxFrameBytes: options.maxCommandBytes,
      maxInFlight,
      timeoutMs: 0,
    };
    session.connection.sendControl((writer) => writeHello(writer, { ...hello, ...fingerprint }));
  }

  /** True if no Command follows, and none waits. */
  get isQuiet(): boolean {
    return this.isDone && this.#events.length === 0;
  }

  /** True once the peer has said that no Command follows. */
  get isDone(): boolean {
    return this.#order.isDone;
  }

  goAway(reason: string): void {
    if (this.#isGoingAway || !this.#session.connection.isOpen) return;
    this.#isGoingAway = true;
    this.connection.sendControl((writer) => writeGoaway(writer, reason));
  }

  onValue(seq: Seq, value: unknown, bytesRead: number): void {
    const meta = this.#order.takeMeta(seq);
    this.#start(this.#order.claim(seq), value, bytesRead, meta);
  }

  /** A body that was refused costs its Command only. */
  onRefused(seq: Seq, error: CmdStreamError): void {
    this.#order.takeMeta(seq);
    this.#reject(this.#order.claim(seq), error);
  }

  /** A ping has come; not between META and its Command. */
  onPing(): void {
    this.#order.checkMeta();
  }

  onControl(kind: number, reader: ByteReader): void {
    this.#order.checkMeta();
    if (this.#order.hello === undefined) {
      if (kind !== Control.HELLO) throw lie(`the first control frame must be HELLO, not ${kind}`);
      return this.#onHello(readHello(reader));
    }
    switch (kind) {
      case Control.META:
        return this.#order.onMeta(readMeta(reader));
      case Control.MESSAGE:
        return this.#onMessage(reader);
      case Control.EVENT:
        return this.#onEvent(readEvent(reader), reader.consumed);
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
        throw lie(`a client does not send the control frame ${kind} here`);
      default: // A later version's.
    }
  }

  /** A peer that does not check the contract hears why its connection ends. */
  #onHello(hello: Hello): void {
    this.#order.onHello(hello);
    this.connection.limitSending(hello.maxFrameBytes);
    const { contract, fingerprint, contractCheck } = this.#session.config;
    if (!contractCheck) return;
    try {
      checkFingerprint(contract, fingerprint, hello);
    } catch (error) {
      this.goAway('CONTRACT_MISMATCH');
      throw error;
    }
  }

  #onMessage(reader: ByteReader): void {
    const message = readMessage(reader);
    const seq = this.#order.claim(message.seq);
    const value = this.#patternOf('message', message, (error) => this.#reject(seq, error));
    if (value) this.#start(seq, value, reader.consumed, { ...message, remainingMs: message.remainingMs ?? 0 });
  }

  #onEvent(message: Message, bytesRead: number): void {
    const value = this.#patternOf('event', message, (error) => this.#session.report(error));
    if (!value) return;
    const event = new EventCommand(value, bytesRead, this.#session.connection.receivedAt, message.metadata, this);
    if (this.config.load.isFull || !this.#events.add(event))
      this.#session.report(new CmdStreamError('OVERLOADED', 'an event was dropped: too many run or wait'));
  }

  /** Data that cannot be read costs this message only. */
  #patternOf(
    kind: 'message' | 'event',
    message: Message,
    refuse: (error: unknown) => void,
  ): PatternMessage | undefined {
    try {
      return new PatternMessage(kind, message.route, dataOf(message.data), message.packet);
    } catch (error) {
      refuse(error);
      return undefined;
    }
  }

  #cancel({ seq, code }: { readonly seq: Seq; readonly code: string }): void {
    this.#find(seq)?.abort(code === 'TIMEOUT' ? tooLate : undefined);
  }

  #grant({ seq, credit }: { readonly seq: Seq; readonly credit: number }): void {
    this.#find(seq)?.grant(credit);
  }

  /** The Command a control frame is for; undefined if it is over already. */
  #find(seq: Seq): ExtendedCommand | undefined {
    this.#order.check(seq);
    const command = this.#live.get(Number(seq));
    if (command === undefined) this.#session.onLateFrame();
    return command;
  }

  #start(seq: number, value: unknown, bytesRead: number, { remainingMs, credit, metadata }: Meta): void {
    const { connection } = this.#session;
    const overload = this.#overload();
    if (overload) return this.#reject(seq, overload);
    const limitMs = remainingMs ?? this.#order.hello!.timeoutMs;
    const deadline = limitMs > 0 ? connection.receivedAt + limitMs : undefined;
    if (deadline !== undefined && deadline <= Date.now()) {
      return this.#reject(seq, new CmdStreamError('TIMEOUT', 'the time limit was over before the Command started'));
    }
    const allowed = credit > 0 ? credit : Number.POSITIVE_INFINITY;
    const command = new ExtendedCommand(
      seq,
      value,
      bytesRead,
      connection.receivedAt,
      deadline,
      metadata,
      allowed,
      this,
    );
    this.#live.set(seq, command);
    this.#session.run(command);
  }

  #overload(): CmdStreamError | undefined {
    const { config, inFlight } = this.#session;
    const { load, maxInFlight } = config;
    if (inFlight >= maxInFlight) {
      const limit = `maxInFlightPerConnection (${maxInFlight})`;
      return new CmdStreamError('OVERLOADED', `the server runs ${limit} Commands of this connection already`);
    }
    if (!load.isFull) return undefined;
    return new CmdStreamError('OVERLOADED', `the server runs maxInFlight (${load.maxInFlight}) Commands already`);
  }

  #reject(seq: number, error: unknown): void {
    const { code, data } = wireErrorOf(error, (hidden) => this.#session.report(hidden));
    this.connection.sendControl((writer) => writeError(writer, seq, code, data));
  }

  /** The socket has room: commands that wait for it take turns. */
  onFlushed(): void {
    if (this.drained !== undefined) return;
    for (const command of this.#live.values()) command.pump();
  }

  settled(command: RunningCommand): void {
    this.#live.delete(command.seq as number);
    this.#session.settled(command);
    if (command instanceof EventCommand) this.#events.ended();
  }

  watch(command: RunningCommand): void {
    this.#session.watch(command);
  }

  /** Answers what is still running with an error. */
  shutDown(cause: CmdStreamError): void {
    for (const command of this.#live.values()) command.shutDown(cause);
  }

  onEnd(cause: CmdStreamError): void {
    this.#events.clear();
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
}
