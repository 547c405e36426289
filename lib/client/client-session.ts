// The client's side of one connection, from ServerInfo to its end: finds out what the server can do, writes Commands,
// matches what comes back to the calls that wait for it. The pending table lives and dies with the connection.
//
//   greeting --> knocking --(00 | 80 00)--> agreeing --(plain, or HELLO fits)--> open --(GOAWAY)--> leaving --> ended
import type { Duplex } from 'node:stream';
import type { Contract } from '../codec/contract.js';
import { checkFingerprint, type Fingerprint } from '../codec/fingerprint.js';
import { Connection, type ConnectionConfig, type ConnectionOwner } from '../connection/connection.js';
import { lie, SeqWindow } from '../connection/seq-window.js';
import { CmdStreamError } from '../errors.js';
import type { ByteReader } from '../wire/byte-reader.js';
import {
  Control,
  EXTENSION_VERSION,
  writeCancel,
  writeControl,
  writeCredit,
  writeHello,
  type Hello,
} from '../wire/control-frame.js';
import { readGoaway, readHello } from '../wire/control-reader.js';
import type { Seq } from '../wire/frame.js';
import { checkServerInfo } from '../wire/server-info.js';
import { CallWriter } from './call-writer.js';
import { deliverControl, type CallFinder } from './control-results.js';
import type { CallHome, PendingCall } from './pending-call.js';
import { PendingTable } from './pending-table.js';
import { PingQueue } from './ping-queue.js';

export interface ClientSessionConfig extends ConnectionConfig {
  readonly contract: Contract;
  readonly fingerprint: Fingerprint;
  readonly serverInfo: Buffer;
  readonly extension: boolean | 'require';
  readonly contractCheck: boolean;
  /** The client's default time limit, which HELLO announces. */
  readonly timeoutMs: number;
  readonly maxPending: number;
  /** Commands that may wait because the socket takes no more. */
  readonly maxQueued: number;
}

/** What a session tells its link. */
export interface ClientSessionOwner {
  nextSeq(): number;
  onOpen(session: ClientSession): void;
  /** The server drains: new Commands go elsewhere. */
  onGoaway(session: ClientSession): void;
  /** A Command that was not executed may be sent again. */
  onNotStarted(call: PendingCall, error: CmdStreamError): void;
  onUnexpectedResult(seq: Seq, result: unknown, bytesRead: number): void;
  /** A frame for a Command that its caller had given up. */
  onLateFrame(): void;
  onIdle(): void;
  /** `hungUpOnKnock`: between ServerInfo and the answer to the knock. */
  onEnd(session: ClientSession, cause: CmdStreamError, hungUpOnKnock: boolean): void;
}

type State = 'greeting' | 'knocking' | 'agreeing' | 'open' | 'leaving' | 'ended';

export class ClientSession implements ConnectionOwner, CallHome, CallFinder {
  readonly connection: Connection;
  readonly #config: ClientSessionConfig;
  readonly #owner: ClientSessionOwner;
  readonly #knocks: boolean;
  readonly #pending = new PendingTable();
  /** Commands above what the server said it runs at a time. */
  readonly #waiting = new Set<PendingCall>();
  readonly #pings = new PingQueue();
  readonly #seqs = new SeqWindow();
  readonly #writer: CallWriter;
  #state: State = 'greeting';
  #hello: Hello | undefined;
  /** Why this side has ended it. */
  #ownCause: CmdStreamError | undefined;

  constructor(socket: Duplex, config: ClientSessionConfig, knocks: boolean, owner: ClientSessionOwner) {
    this.#config = config;
    this.#owner = owner;
    this.#knocks = knocks;
    this.connection = new Connection(socket, config, this);
    this.#writer = new CallWriter(this.connection, config.timeoutMs);
  }

  get isExtended(): boolean {
    return this.#hello !== undefined;
  }

  get pending(): number {
    return this.#pending.size + this.#waiting.size;
  }

  /** The call that waits for Results of this number. */
  find(seq: Seq): PendingCall | undefined {
    const call = this.#pending.get(seq);
    return call?.until === 'answered' ? call : undefined;
  }

  findLive(seq: Seq): PendingCall | undefined {
    const call = this.find(seq);
    if (call) return call;
    this.#seqs.check(seq);
    this.#owner.onLateFrame();
    return undefined;
  }

  notStarted(call: PendingCall, error: CmdStreamError): void {
    this.#pending.delete(call);
    this.#ended(call);
    this.#owner.onNotStarted(call, error);
  }

  /** Writes the call's Command in its turn: now, or when there is room. */
  submit(call: PendingCall): void {
    call.moveTo(this);
    const { maxPending, maxQueued } = this.#config;
    if (this.pending >= maxPending) {
      call.fail(new CmdStreamError('QUEUE_FULL', `maxPending (${maxPending}) Commands wait for an answer already`));
    } else if (this.#waiting.size === 0 && this.#hasRoom()) this.#write(call);
    else if (this.#waiting.size >= maxQueued && !this.#socketHasRoom()) {
      call.fail(
        new CmdStreamError('QUEUE_FULL', `maxQueuedCommands (${maxQueued}) Commands wait to be written already`),
      );
    } else this.#waiting.add(call);
  }

  /** Room at the server, which says how many Commands it runs at a time, and in the socket. */
  #hasRoom(): boolean {
    return this.#pending.size < (this.#hello?.maxInFlight || Infinity) && this.#socketHasRoom();
  }

  #socketHasRoom(): boolean {
    return this.connection.bufferedBytes <= this.#config.options.maxSendBufferBytes;
  }

  ping(): Promise<void> {
    this.connection.sendPings(1);
    return this.#pings.add();
  }

  destroy(cause: CmdStreamError): void {
    this.#ownCause = cause;
    this.connection.destroy(cause);
  }

  forget(call: PendingCall, abandoned?: string): void {
    if (call.seq === 0) this.#waiting.delete(call);
    else if (this.#pending.get(call.seq) === call) {
      this.#pending.delete(call);
      if (abandoned === undefined) this.#ended(call);
      else if (this.isExtended && this.connection.isOpen)
        this.connection.sendControl((writer) => writeCancel(writer, call.seq, abandoned));
    }
    this.#writeWaiting();
    if (this.pending === 0) this.#owner.onIdle();
  }

  /** The server has said its last word about the call; what follows for it is a lie. */
  #ended(call: PendingCall): void {
    if (call.until === 'answered') this.#seqs.end(call.seq);
  }

  grant(call: PendingCall, count: number): void {
    if (!this.isExtended || !this.connection.isOpen || call.seq === 0) return;
    this.connection.sendControl((writer) => writeCredit(writer, call.seq, count));
  }

  onServerInfo(info: Buffer): void {
    checkServerInfo(this.#config.serverInfo, info);
    if (!this.#knocks) return this.#open();
    this.#state = 'knocking';
    this.connection.knock();
  }

  onKnock(): boolean {
    return false;
  }

  onKnockAnswer(extended: boolean): void {
    this.#state = 'agreeing';
    if (extended) return;
    if (this.#config.extension === 'require') {
      return this.destroy(
        new CmdStreamError('EXTENSION_UNAVAILABLE', 'the server is a plain one, and option "extension" is "require"'),
      );
    }
    this.#open();
  }

  onPing(count: number): void {
    this.#pings.answered(count);
  }

  onValue(seq: Seq, result: unknown, bytesRead: number): void {
    const call = this.find(seq);
    if (call === undefined) return this.#owner.onUnexpectedResult(seq, result, bytesRead);
    try {
      const last = !call.isStream && this.#config.contract.results.isLast(result);
      call.next(result);
      if (last) call.complete();
    } catch (error) {
      call.sinkFailed(error);
    }
  }

  onRefused(seq: Seq, error: CmdStreamError): void {
    const call = this.find(seq);
    if (call) call.sinkFailed(error);
    else this.#owner.onLateFrame();
  }

  onControl(kind: number, reader: ByteReader): void {
    if (this.#hello === undefined) return this.#onHello(kind, reader);
    if (kind === Control.GOAWAY) return this.#onGoaway(readGoaway(reader));
    if (!deliverControl(kind, reader, this) && kind <= Control.DONE)
      throw lie(`a server does not send the control frame ${kind} here`);
  }

  onFlushed(): void {
    this.#writeWaiting();
  }

  onEnd(cause: CmdStreamError): void {
    const hungUpOnKnock = this.#state === 'knocking';
    this.#state = 'ended';
    const lost = { code: 'CONNECTION_LOST', message: `the connection was lost: ${cause.message}` } as const;
    const { code, message } = this.#ownCause ?? lost;
    const written = new CmdStreamError(code, message, { cause, sent: true });
    const notWritten = new CmdStreamError(code, message, { cause });
    const calls = this.#pending.inOrder();
    const unwritten = [...this.#waiting];
    this.#waiting.clear();
    this.#owner.onEnd(this, cause, hungUpOnKnock);
    for (const call of calls) call.fail(written);
    for (const call of unwritten) call.fail(notWritten);
    this.#pings.fail(notWritten);
  }

  #onHello(kind: number, reader: ByteReader): void {
    if (kind !== Control.HELLO) throw lie(`the first control frame must be HELLO, not ${kind}`);
    const hello = readHello(reader);
    this.connection.limitSending(hello.maxFrameBytes);
    const { contract, fingerprint, contractCheck, options, timeoutMs } = this.#config;
    if (contractCheck) checkFingerprint(contract, fingerprint, hello);
    this.#hello = hello;
    const limits = { maxFrameBytes: options.maxResultBytes, maxInFlight: 0, timeoutMs };
    const own = { version: EXTENSION_VERSION, features: 0, ...limits, ...fingerprint };
    this.connection.sendControl((writer) => writeHello(writer, own));
    this.#open();
  }

  #onGoaway(reason: string): void {
    if (this.#state !== 'open') return;
    if (reason === 'CONTRACT_MISMATCH')
      return this.destroy(new CmdStreamError(reason, 'the server refused this client: their contracts differ'));
    this.#state = 'leaving';
    const unwritten = [...this.#waiting];
    this.#waiting.clear();
    this.connection.sendControl((writer) => writeControl(writer, Control.DONE));
    this.#owner.onGoaway(this);
    const draining = new CmdStreamError('SHUTDOWN', 'the server drains');
    for (const call of unwritten) this.#owner.onNotStarted(call, draining);
  }

  #open(): void {
    this.#state = 'open';
    this.#owner.onOpen(this);
  }

  #writeWaiting(): void {
    if (this.#waiting.size === 0 || this.#state !== 'open') return;
    for (const call of this.#waiting) {
      if (!this.#hasRoom()) return;
      this.#waiting.delete(call);
      this.#write(call);
    }
  }

  #write(call: PendingCall): void {
    try {
      if (call.remainingMs() < 0) return call.expire();
      this.#writer.checkNeeds(call.command, call.metadata);
      call.seq = this.#seqs.use(this.#owner.nextSeq());
      call.attempts++;
      this.#pending.add(call);
      this.#writer.write(call);
      if (call.until === 'written') completeWhenFlushed(call, this.connection);
    } catch (error) {
      if (call.seq !== 0) this.#pending.delete(call);
      call.fail(error);
    }
  }
}

function completeWhenFlushed(call: PendingCall, connection: Connection): void {
  connection.flushed().then(
    () => call.complete(),
    () => {}, // The end of the connection fails the call.
  );
}
