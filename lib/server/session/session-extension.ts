// What a session knows beyond plain cmd-stream once its peer has probed: HELLO, META, messages by pattern,
// cancellation, credit, the goodbye. Late frames are counted; a frame that breaks the protocol ends the connection.
import { PatternMessage } from '../../codec/pattern-message.js';
import { GREETING_LIMIT } from '../../connection/codec-direction.js';
import type { Connection } from '../../connection/connection.js';
import { protocolError, SeqWindow } from '../../connection/seq-window.js';
import { CmdStreamError, decodeError } from '../../errors.js';
import type { ByteReader } from '../../wire/byte-reader.js';
import {
  Control,
  EXTENSION_VERSION,
  NO_METADATA,
  writeGoaway,
  writeHello,
  type Hello,
  type MessageHead,
  type Meta,
} from '../../wire/control-frame.js';
import { readCancel, readCredit, readEvent, readHello, readMessage, readMeta } from '../../wire/control-reader.js';
import type { Seq } from '../../wire/frame.js';
import { RateLimit } from './rate-limit.js';
import { EventQueue, nameOfEvent } from '../call/event-queue.js';
import { ExtendedCall } from '../call/extended-call.js';
import { NumberedCalls } from '../call/running-calls.js';
import { tooLate, type ArrivedCommand, type CallSession } from '../call/server-call.js';
import type { ArrivedEvent } from '../call/waiting-events.js';
import { encodeErrorFrame, sessionError } from '../call/wire-error.js';

export class SessionExtension {
  /** Commands that run or are about to, by their numbers. */
  readonly calls = new NumberedCalls<ExtendedCall>();
  readonly #session: CallSession;
  readonly #connection: Connection;
  readonly #events: EventQueue;
  readonly #sequence = new FrameSequence();
  /** Of control frames that belong to no new Command and to no Result. */
  readonly #controlRate: RateLimit;
  /** Commands and events of this read, which start behind it, in their order. */
  #arrived: (ExtendedCall | ArrivedEvent)[] = [];
  #eventsArrived = 0;
  #isStarting = false;
  #isGoingAway = false;

  constructor(session: CallSession) {
    this.#session = session;
    this.#connection = session.connection;
    const { fingerprint, options, maxInFlight } = session.config;
    this.#events = new EventQueue(session);
    const { maxControlFramesPerSecond } = session.config.rates;
    this.#controlRate = new RateLimit(
      maxControlFramesPerSecond,
      'TOO_MANY_CONTROL_FRAMES',
      'maxControlFramesPerSecond',
    );
    const hello = {
      version: EXTENSION_VERSION,
      features: 0,
      maxFrameBytes: options.maxCommandBytes,
      maxInFlight,
      timeoutMs: 0,
    };
    this.#connection.writer.send((writer) => writeHello(writer, { ...hello, ...fingerprint }), {
      limit: GREETING_LIMIT,
    });
    this.#connection.expect('no HELLO followed the probe');
  }

  /** True once the peer has said that no Command follows. */
  get isDone(): boolean {
    return this.#sequence.isDone;
  }

  /** True if events wait to be run, with or without a connection. */
  get hasEvents(): boolean {
    return this.#events.length > 0 || this.#eventsArrived > 0;
  }

  goAway(reason: string): void {
    if (this.#isGoingAway) return;
    this.#isGoingAway = true;
    this.#connection.writer.post((writer) => writeGoaway(writer, reason));
  }

  onCommand(seqOfFrame: Seq, command: unknown, bytesRead: number, frame: Buffer | undefined): void {
    const meta = this.#takeMeta(seqOfFrame);
    const seq = this.#sequence.claim(seqOfFrame);
    const { receivedAt } = this.#connection;
    const { metadata } = meta;
    if (meta.noAnswer) this.#addEvent({ seq, command, bytesRead, receivedAt, metadata, frame });
    else {
      const limitMs = meta.remainingMs ?? this.#sequence.hello!.timeoutMs;
      this.#addCall({ seq, command, bytesRead, receivedAt, metadata }, limitMs, meta.credit);
    }
  }

  /** A body that was refused costs its Command only. */
  onRefused(seq: Seq, error: CmdStreamError): void {
    const { noAnswer } = this.#takeMeta(seq);
    const own = this.#sequence.claim(seq);
    if (noAnswer) this.#session.report(error);
    else this.#reject(own, error);
  }

  #takeMeta(seq: Seq): Meta {
    this.#connection.expect(undefined);
    return this.#sequence.takeMeta(seq);
  }

  /** So many pings have come; not between META and its Command. */
  onPing(count: number): void {
    this.#sequence.checkMeta();
    this.#session.scheduler.post((writer) => writer.writeZeros(count));
  }

  onControl(kind: number, reader: ByteReader): void {
    this.#sequence.checkMeta();
    if (this.#sequence.hello === undefined) {
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
        this.#countControl();
        return this.#sequence.onDone();
      case Control.HELLO:
      case Control.STREAM:
      case Control.VALUE:
      case Control.END:
      case Control.ERROR:
      case Control.GOAWAY:
        throw protocolError(`a client does not send the control frame ${kind} here`);
      default: // A later version's.
        this.#countControl();
    }
  }

  /** A peer that does not check the contract itself is sent the reason why its connection ends. */
  #onHello(hello: Hello): void {
    this.#sequence.onHello(hello);
    this.#connection.expect(undefined);
    this.#connection.writer.limitFrames(hello.maxFrameBytes);
    try {
      this.#session.config.fingerprint.check(hello);
    } catch (error) {
      this.goAway('CONTRACT_MISMATCH');
      throw error;
    }
  }

  #onMeta(meta: Meta & { readonly seq: Seq }): void {
    this.#sequence.onMeta(meta);
    this.#connection.expect('no Command followed its META');
    if (meta.noAnswer && this.#mayWait) this.#connection.copyNext();
  }

  #onMessage(reader: ByteReader): void {
    const message = readMessage(reader);
    const { metadata } = message;
    const seq = this.#sequence.claim(message.seq);
    const command = this.#patternOf('message', message, reader, (error) => this.#reject(seq, error));
    if (command === undefined) return;
    const arrived = { seq, command, bytesRead: reader.consumed, receivedAt: this.#connection.receivedAt, metadata };
    this.#addCall(arrived, message.remainingMs ?? 0, message.credit);
  }

  #onEvent(message: MessageHead, reader: ByteReader): void {
    const { metadata } = message;
    const command = this.#patternOf('event', message, reader, (error) => this.#session.report(error));
    if (command === undefined) return;
    const frame = this.#mayWait ? reader.copyFrame() : undefined;
    const { receivedAt } = this.#connection;
    this.#addEvent({ seq: 0, command, bytesRead: reader.consumed, receivedAt, metadata, frame });
  }

  /** May an event that comes now have to wait? */
  get #mayWait(): boolean {
    return this.#events.mayWait(this.#eventsArrived);
  }

  #addEvent(event: ArrivedEvent): void {
    this.#arrived.push(event);
    this.#eventsArrived++;
  }

  /** Data that cannot be read costs this message only. */
  #patternOf(
    kind: 'message' | 'event',
    { route, packet }: MessageHead,
    reader: ByteReader,
    refuse: (error: CmdStreamError) => void,
  ): PatternMessage | undefined {
    try {
      return new PatternMessage(kind, route, this.#session.config.direction.dataCodec.read(route, reader), packet);
    } catch (error) {
      refuse(decodeError(error));
      return undefined;
    }
  }

  #countControl(): void {
    this.#controlRate.add(1, this.#connection.arrivedAt);
  }

  #cancel({ seq, code }: { readonly seq: Seq; readonly code: string }): void {
    this.#countControl();
    this.#callFor(seq)?.abort(code === 'TIMEOUT' ? tooLate() : undefined);
  }

  #grant({ seq, credit }: { readonly seq: Seq; readonly credit: number }): void {
    // What a client has taken was sent to it before: such credit bounds itself.
    if (!this.#callFor(seq)?.grant(credit)) this.#countControl();
  }

  /** The Command a control frame is for; undefined if it is over already, which counts as a late frame. */
  #callFor(seq: Seq): ExtendedCall | undefined {
    this.#sequence.check(seq);
    const call = this.calls.get(Number(seq));
    if (call === undefined) this.#session.onLateFrame();
    return call;
  }

  #addCall(arrived: ArrivedCommand & { readonly seq: number }, limitMs: number, credit: number): void {
    const call = new ExtendedCall(arrived, this.#session, limitMs, credit);
    this.calls.add(call);
    this.#arrived.push(call);
  }

  /** Starts what this read has brought, but for that whose CANCEL came along. */
  onReadEnd(): void {
    if (this.#isStarting || this.#arrived.length === 0) return;
    this.#session.config.scope.run(this.#startArrived, this);
  }

  #startArrived(): void {
    this.#isStarting = true;
    // What is started may make more arrive.
    for (let at = 0; at < this.#arrived.length; at++) {
      const next = this.#arrived[at]!;
      if (next instanceof ExtendedCall) this.#startCall(next);
      else this.#startEvent(next);
    }
    this.#arrived = [];
    this.#isStarting = false;
    // What has ended the connection may have been the last to run.
    if (this.#session.endCause !== undefined) this.#session.endIfDone();
  }

  #startCall(call: ExtendedCall): void {
    if (!call.isOpen) return call.complete();
    const refusal = this.#overload() ?? overBefore(call);
    if (refusal === undefined) return this.#session.run(call);
    this.calls.delete(call);
    call.refuse(refusal);
    this.#reject(Number(call.seq), refusal);
  }

  #startEvent(event: ArrivedEvent): void {
    const { load } = this.#session.config;
    this.#eventsArrived--;
    if (this.#session.hasTooMuch) return this.#drop(event, this.#session.account.tooMuch);
    if (load.makeRoomForSmall(this.#session.load)) return this.#events.add(event);
    this.#drop(event, `the server runs maxInFlight (${load.maxInFlight}) Commands and events`);
  }

  #drop(event: ArrivedEvent, why: string): void {
    this.#session.report(new CmdStreamError('OVERLOADED', `${nameOfEvent(event.command)} was dropped: ${why}`));
  }

  #overload(): CmdStreamError | undefined {
    const { load, maxInFlight } = this.#session.config;
    const { inFlight } = this.#session.load;
    // Events have a bound of their own.
    if (inFlight >= maxInFlight && inFlight - this.#events.running >= maxInFlight) {
      const limit = `maxInFlightPerConnection (${maxInFlight})`;
      return new CmdStreamError('OVERLOADED', `the server runs ${limit} Commands of this connection already`);
    }
    if (this.#session.hasTooMuch) return new CmdStreamError('OVERLOADED', this.#session.account.tooMuch);
    if (load.makeRoomForSmall(this.#session.load)) return undefined;
    return new CmdStreamError('OVERLOADED', `the server runs maxInFlight (${load.maxInFlight}) Commands already`);
  }

  /** The Command is not begun. */
  #reject(seq: number, error: CmdStreamError): void {
    const report = (hidden: unknown): void => this.#session.report(hidden);
    const bytes = encodeErrorFrame(this.#connection, seq, sessionError(error, report), report);
    this.#session.scheduler.post((writer) => writer.writeBytes(bytes));
  }

  /** Answers what is still running with an error. */
  abort(cause: CmdStreamError): void {
    for (const call of this.calls.all()) call.destroy(cause);
    this.stopEvents(cause);
  }

  stopEvents(cause: CmdStreamError): void {
    this.#events.stop(cause);
  }
}

function overBefore({ overAt }: ExtendedCall): CmdStreamError | undefined {
  if (overAt === Infinity || overAt > performance.now()) return undefined;
  return new CmdStreamError('TIMEOUT', 'the time limit was over before the Command started');
}

const NO_META: Meta = Object.freeze({ remainingMs: undefined, credit: 0, metadata: NO_METADATA });

/**
 * The order in which the frames of an extended client must come: HELLO first, META right before its Command, numbers
 * that grow, nothing behind DONE. Any other order breaks the protocol.
 */
export class FrameSequence {
  readonly #seqs = new SeqWindow();
  #meta: (Meta & { readonly seq: Seq }) | undefined;
  /** What the client has said of itself; undefined until it has. */
  #hello: Hello | undefined;
  /** True once the client has said that no Command follows. */
  #isDone = false;

  get hello(): Hello | undefined {
    return this.#hello;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  onHello(hello: Hello): void {
    this.#hello = hello;
  }

  onMeta(meta: Meta & { readonly seq: Seq }): void {
    this.#meta = meta;
  }

  onDone(): void {
    this.#isDone = true;
  }

  /** @throws {CmdStreamError} PROTOCOL_ERROR when META is followed by anything but its Command */
  checkMeta(): void {
    if (this.#meta) throw protocolError('META must be followed by its Command');
  }

  /**
   * What came before the Command of this number. @throws {CmdStreamError} PROTOCOL_ERROR when that is for another one
   */
  takeMeta(seq: Seq): Meta {
    const meta = this.#meta;
    this.#meta = undefined;
    if (meta && meta.seq !== seq) throw protocolError(`META for the Command ${meta.seq} before the Command ${seq}`);
    return meta ?? NO_META;
  }

  /** Takes the number of a new Command. @throws {CmdStreamError} PROTOCOL_ERROR when none may come, or not this one */
  claim(seq: Seq): number {
    if (this.#hello === undefined) throw protocolError('a Command before HELLO');
    if (this.#isDone) throw protocolError('a Command after DONE');
    return this.#seqs.use(seq);
  }

  /** @throws {CmdStreamError} PROTOCOL_ERROR when no Command ever had this number */
  check(seq: Seq): void {
    this.#seqs.check(seq);
  }
}
