// One connection over a Duplex whose writes are taken when the test says so, and what it tells its session.
import { AsyncScope } from '../../lib/async-scope.js';
import { DataCodec } from '../../lib/codec/data-codec.js';
import { jsonCodecDefaults } from '../../lib/codec/json/json-codec-options.js';
import { Connection, type ConnectionListener } from '../../lib/connection/connection.js';
import { connectionDefaults, type ResolvedConnectionOptions } from '../../lib/connection/connection-options.js';
import { ReadingTurns } from '../../lib/connection/reading-turns.js';
import type { Ticker, Ticking } from '../../lib/connection/ticker.js';
import { CmdStreamError } from '../../lib/errors.js';
import { SpareBlocks, type ByteWriter } from '../../lib/wire/byte-writer.js';
import { turns } from './deadline.js';
import { SlowDuplex } from './slow-duplex.js';

/** Of frames, in bytes. */
export const LIMIT = 40;
/** As a socket of Node has them. */
export const ENDS = { remoteAddress: '192.0.2.7', remotePort: 7, localAddress: '2001:db8::9', localPort: 9 };

/** A clock of the test's own. */
export class TestTicker {
  now = 5000;
  readonly watched = new Set<Ticking>();

  add(ticking: Ticking): void {
    this.watched.add(ticking);
  }

  delete(ticking: Ticking): void {
    this.watched.delete(ticking);
  }
}

/** Values are functions that write, or texts. Frames: seq, then what was written. */
export class ConnectionStage implements ConnectionListener {
  readonly socket = Object.assign(new SlowDuplex(), ENDS);
  readonly ticker = new TestTicker();
  readonly values: unknown[] = [];
  readonly ends: CmdStreamError[] = [];
  readonly probeAnswers: boolean[] = [];
  readonly frames: (string | undefined)[] = [];
  flushes = 0;
  reads = 0;
  readonly connection: Connection;

  constructor(
    side: 'client' | 'server' = 'server',
    options: Partial<ResolvedConnectionOptions> = {},
    readingTurns = new ReadingTurns(new AsyncScope()),
  ) {
    const direction = {
      encode(value: unknown, writer: ByteWriter): void {
        if (typeof value === 'function') value(writer);
        else writer.writeText(value as string);
      },
      decode: (reader: Parameters<ConnectionListener['onControl']>[1]) => {
        const byte = reader.readByte();
        if (byte === 0xff) throw new CmdStreamError('BAD_PAYLOAD', 'garbage');
        return byte;
      },
      data: jsonCodecDefaults,
      dataCodec: new DataCodec(jsonCodecDefaults),
      send: { bytes: LIMIT, option: 'maxResultBytes' },
      receive: { bytes: LIMIT, option: 'maxCommandBytes' },
    };
    const config = {
      side,
      direction,
      options: { ...connectionDefaults, ...options },
      ticker: this.ticker as unknown as Ticker,
      readingTurns,
      spareBlocks: new SpareBlocks(),
      scope: new AsyncScope(),
    };
    this.connection = new Connection(this.socket, config, this);
  }

  /** What was written so far, as text. */
  async written(): Promise<string> {
    await turns(2);
    return this.socket.written.toString('latin1');
  }

  async take(error?: Error): Promise<void> {
    this.socket.takeWrite(error);
    await turns(2);
  }

  async receive(hex: string): Promise<void> {
    this.socket.push(Buffer.from(hex, 'hex'));
    await turns(2);
  }

  tick(ms: number): void {
    this.ticker.now += ms;
    for (const ticking of this.ticker.watched) ticking.tick(this.ticker.now);
  }

  onServerInfo(): void {}
  onPing(): void {}
  onControl(): void {}
  onRefused(): void {}

  onProbe(): boolean {
    return false;
  }

  onProbeAnswer(isExtended: boolean): void {
    this.probeAnswers.push(isExtended);
  }

  onReadEnd(): void {
    this.reads++;
  }

  onValue(_seq: unknown, value: unknown, _bytesRead: number, frame?: Buffer): void {
    this.values.push(value);
    this.frames.push(frame?.toString('hex'));
  }

  onFlushed(): void {
    this.flushes++;
  }

  onEnd(cause: CmdStreamError): void {
    this.ends.push(cause);
  }
}
