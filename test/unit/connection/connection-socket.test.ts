// The socket of a connection, whatever it is: what it tells and when, what is asked of it, and when it is closed. One that
// does much within one call: everything is notified afterwards, in order, in time that grows with its number only.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connectionDefaults, type ResolvedConnectionOptions } from '../../../lib/connection/connection-options.js';
import {
  CLOSE_MS,
  ConnectionSocket,
  type ConnectionSocketListener,
} from '../../../lib/connection/connection-socket.js';
import type { CmdStreamError } from '../../../lib/errors.js';
import { fakeTime } from '../../support/breaker-stage.js';
import { turns, until } from '../../support/deadline.js';

class Stage implements ConnectionSocketListener {
  readonly data: Buffer[] = [];
  readonly gone: CmdStreamError[] = [];
  onChunk = (): void => {};
  readonly face: ConnectionSocket;

  /** Within the first write the socket gives these. */
  constructor(chunks: readonly Buffer[]) {
    const socket = new Duplex({
      read() {},
      write: (_bytes, _encoding, done) => {
        for (const chunk of chunks) socket.emit('data', chunk);
        done();
      },
    });
    this.face = new ConnectionSocket(socket, connectionDefaults, this);
    this.face.open();
    this.face.write(Buffer.of(1), () => {});
  }

  onData(chunk: Buffer): void {
    this.data.push(chunk);
    this.onChunk();
  }

  onPeerEnd(): void {}

  onGone(cause: CmdStreamError): void {
    this.gone.push(cause);
  }
}

const COUNT = 100_000;

describe('chunks that a socket gives while it is called', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('are all notified, in order, however many they are', async () => {
    const chunks = Array.from({ length: COUNT }, (_, n) => Buffer.of(n & 255));
    const stage = new Stage(chunks);
    expect(stage.data).toHaveLength(0);
    await until('all are notified', () => stage.data.length === COUNT);
    expect(stage.data.every((chunk, n) => chunk === chunks[n])).toBe(true);
    expect(stage.gone).toEqual([]);
  });

  it('end the connection beyond 64 MiB, and are counted with what each costs', async () => {
    const empty = Buffer.alloc(0);
    const stage = new Stage(Array.from({ length: 262_145 }, () => empty));
    await turns();
    expect(stage.gone).toMatchObject([{ code: 'CONNECT_FAILED' }]);
    const large = new Stage(Array.from({ length: 3 }, () => Buffer.alloc(32 * 1024 * 1024)));
    await turns();
    expect(large.gone).toMatchObject([{ code: 'CONNECT_FAILED', message: expect.stringContaining('67108864') }]);
  });

  it('are notified although one of them is notified in vain', async () => {
    const uncaught: unknown[] = [];
    const { setImmediate: immediate } = globalThis;
    const guarded = (work: () => void): unknown =>
      immediate(() => {
        try {
          work();
        } catch (error) {
          uncaught.push(error);
        }
      });
    jest.spyOn(globalThis, 'setImmediate').mockImplementation(guarded as typeof setImmediate);
    const stage = new Stage([Buffer.of(1), Buffer.of(2), Buffer.of(3)]);
    stage.onChunk = () => {
      if (stage.data.length === 1) throw new Error('in vain');
    };
    await turns();
    expect(uncaught).toHaveLength(1);
    expect(Buffer.concat(stage.data)).toEqual(Buffer.of(1, 2, 3));
  });
});

/** A Duplex that notes what is asked of it, and throws where it is asked to. */
class Probe extends Duplex {
  readonly asked: string[] = [];
  readonly throwing = new Set<string>();
  /** Within a write. */
  onWrite = (): void => {};

  constructor(emitClose = true) {
    super({ autoDestroy: false, emitClose, allowHalfOpen: true });
    for (const method of ['pause', 'resume', 'end', 'destroy', 'write'] as const) {
      const own = this[method].bind(this) as (...args: unknown[]) => unknown;
      Object.assign(this, {
        [method]: (...args: unknown[]) => {
          this.asked.push(method);
          if (this.throwing.has(method)) throw new Error(`no ${method}`);
          return own(...args);
        },
      });
    }
  }

  override _read(): void {}

  override _write(_bytes: unknown, _encoding: unknown, done: () => void): void {
    this.onWrite();
    done();
  }
}

/** Notes what is notified; `onNews` may do anything. */
class Told implements ConnectionSocketListener {
  readonly news: string[] = [];
  onNews = (_news: string): void => {};
  readonly face: ConnectionSocket;

  constructor(
    readonly socket: Probe,
    options: Partial<ResolvedConnectionOptions> = {},
  ) {
    this.face = new ConnectionSocket(socket, { ...connectionDefaults, ...options }, this);
    this.face.open();
    socket.asked.length = 0;
  }

  note(news: string): void {
    this.news.push(news);
    this.onNews(news);
  }

  write(text: string): void {
    this.face.write(Buffer.from(text), (error) => this.note(error ? `failed ${(error as Error).message}` : 'written'));
  }

  onData(chunk: Buffer): void {
    this.note(chunk.toString());
  }

  onPeerEnd(): void {
    this.note('end');
  }

  onGone(cause: CmdStreamError): void {
    this.note(`gone ${cause.code}`);
  }
}

describe('what a socket does', () => {
  it('is notified at once, by the word of a connection', async () => {
    const { socket, news } = new Told(new Probe());
    socket.emit('data', Buffer.from('a'));
    expect(news).toEqual(['a']);
    socket.emit('error', Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    expect(news).toEqual(['a', 'gone PEER_RESET']);
    socket.push(null);
    await turns(2);
    socket.emit('close');
    expect(news).toEqual(['a', 'gone PEER_RESET', 'end', 'gone PEER_CLOSED']);
  });

  it('is notified although it was handed over paused', async () => {
    const socket = new Probe();
    socket.pause();
    socket.push('a');
    const { news } = new Told(socket);
    await turns(2);
    expect(news).toEqual(['a']);
  });

  it.each(['text', { an: 'object' }, 5])('is the end of the connection where it gives no bytes: %p', (given) => {
    const { socket, news } = new Told(new Probe());
    socket.emit('data', given);
    expect(news).toEqual(['gone CONNECT_FAILED']);
  });

  it('within a call is notified in a turn of its own, before all that comes later', async () => {
    const { socket, news, ...notify } = new Told(new Probe());
    for (let round = 0; round < 2; round++) {
      socket.onWrite = () => {
        socket.emit('data', Buffer.from('a'));
        socket.emit('error', new Error('broken'));
      };
      notify.face.write(Buffer.from('x'), () => news.push('written'));
      socket.emit('data', Buffer.from('b'));
      expect(news.splice(0)).toEqual([]);
      await turns(2);
      expect(news.splice(0).filter((item) => item !== 'written')).toEqual(['a', 'gone CONNECT_FAILED', 'b']);
      socket.emit('data', Buffer.from('c'));
      expect(news.splice(0)).toEqual(['c']);
    }
  });

  it('while something is notified is notified behind it, in a turn of its own', async () => {
    const notify = new Told(new Probe());
    const { socket, news } = notify;
    socket.onWrite = () => socket.emit('data', Buffer.from('a'));
    let depth = 0;
    let deepest = 0;
    notify.onNews = (item) => {
      deepest = Math.max(deepest, ++depth);
      if (item === 'a') socket.emit('data', Buffer.from('b'));
      if (item === 'b') socket.emit('data', Buffer.from('c'));
      depth--;
    };
    notify.write('x');
    await turns(1);
    expect(news.filter((item) => item !== 'written')).toEqual(['a']);
    await turns(3);
    expect(news.filter((item) => item !== 'written')).toEqual(['a', 'b', 'c']);
    expect(deepest).toBe(1);
  });
});

describe('what a Duplex gives within calls', () => {
  const mostBytes = 64 * 1024 * 1024;

  it.each([
    [mostBytes - 257, ['large', '']],
    [mostBytes - 256, ['gone CONNECT_FAILED', 'large']],
  ])('is refused beyond 64 MiB, counted with each chunk: after %d bytes', async (bytes, news) => {
    const notify = new Told(new Probe());
    const large = Object.assign(Buffer.allocUnsafeSlow(bytes), { toString: () => 'large' });
    notify.socket.onWrite = () => {
      for (const chunk of [large, Buffer.alloc(0)]) notify.socket.emit('data', chunk);
    };
    notify.face.write(Buffer.from('x'), () => {});
    await turns(2);
    expect(notify.news).toEqual(news);
  });

  it('is counted no more once it was notified', async () => {
    const notify = new Told(new Probe());
    const large = Object.assign(Buffer.allocUnsafeSlow(mostBytes / 2 + 1), { toString: () => 'large' });
    notify.socket.onWrite = () => {
      for (const chunk of [large, large]) notify.socket.emit('data', chunk);
    };
    for (let round = 0; round < 3; round++) {
      notify.face.write(Buffer.from('x'), () => {});
      await turns(2);
      expect(notify.news.splice(0)).toEqual(['large', 'large']);
    }
  });
});

describe('what is asked of a socket', () => {
  it('is to pause and to go on once each, again and again', () => {
    const { socket, face } = new Told(new Probe());
    face.resume();
    expect(socket.asked).toEqual([]);
    for (let round = 0; round < 2; round++) {
      face.pause();
      face.pause();
      expect(socket.isPaused()).toBe(true);
      face.resume();
      face.resume();
      expect(socket.asked.splice(0)).toEqual(['pause', 'resume']);
      expect(socket.isPaused()).toBe(false);
    }
  });

  it('is to write, of which it says when that is done', async () => {
    const notify = new Told(new Probe());
    notify.write('a');
    await turns(2);
    expect(notify.news.splice(0)).toEqual(['written']);
    notify.face.end();
    notify.write('b');
    await turns(2);
    expect(notify.news[0]).toBe('failed write after end');
  });

  it.each([
    ['pause', (face: ConnectionSocket) => face.pause()],
    ['resume', (face: ConnectionSocket) => (face.pause(), face.resume())],
    ['write', (face: ConnectionSocket) => face.write(Buffer.from('a'), () => {})],
    ['end', (face: ConnectionSocket) => face.end()],
    ['destroy', (face: ConnectionSocket) => face.destroy()],
  ])('ends the connection in a turn of its own where it throws: %s', async (method, ask) => {
    const { socket, face, news } = new Told(new Probe());
    socket.throwing.add(method);
    ask(face);
    expect(news).toEqual([]);
    await turns(1);
    expect(news).toEqual(['gone CONNECT_FAILED']);
    socket.emit('data', Buffer.from('a'));
    expect(news).toHaveLength(2);
  });

  it('is what the options say, if it knows that', () => {
    const tuned: unknown[] = [];
    const able = (): Probe =>
      Object.assign(new Probe(), {
        setNoDelay(this: unknown, on: boolean) {
          tuned.push(this instanceof Probe, on);
        },
        setKeepAlive(this: unknown, on: boolean, ms: number) {
          tuned.push(this instanceof Probe, on, ms);
        },
      });
    const tell = (noDelay: boolean, tcpKeepAliveMs: number): Told => new Told(able(), { noDelay, tcpKeepAliveMs });
    tell(false, 0);
    tell(true, 1);
    expect(tuned).toEqual([true, false, true, false, 0, true, true, true, true, 1]);
  });
});

describe('what is known of a socket', () => {
  it('are its addresses, where it has some', () => {
    const ends = { remoteAddress: '2001:db8::1', remotePort: 5, localAddress: '192.0.2.1', localPort: 6 };
    const { face } = new Told(Object.assign(new Probe(), ends));
    expect([face.remoteAddress, face.localAddress]).toEqual(['[2001:db8::1]:5', '192.0.2.1:6']);
    const { face: other } = new Told(new Probe());
    expect([other.remoteAddress, other.localAddress]).toEqual(['local socket', 'local socket']);
  });

  it('are the bytes that the system has not taken, with those of the socket below, if it is one of Node', () => {
    const asked = (socket: Duplex, handle: unknown): number | undefined => {
      const face = new ConnectionSocket(socket, connectionDefaults, { onData() {}, onPeerEnd() {}, onGone() {} });
      Object.assign(socket, { _handle: handle });
      return face.queuedBytes;
    };
    expect(asked(new Socket(), { writeQueueSize: 5 })).toBe(5);
    expect(asked(new Socket(), { writeQueueSize: 5, _parent: {} })).toBe(5);
    expect(asked(new Socket(), { writeQueueSize: 5, _parent: { writeQueueSize: 7 } })).toBe(12);
    expect(asked(new Socket(), { writeQueueSize: 0 })).toBe(0);
    expect(asked(new Socket(), null)).toBeUndefined();
    expect(asked(new Probe(), { writeQueueSize: 5 })).toBeUndefined();
  });
});

describe('a socket is closed', () => {
  beforeEach(fakeTime);
  afterEach(() => {
    jest.useRealTimers();
  });

  /** Is it closed by now? */
  async function isClosed(face: ConnectionSocket): Promise<boolean> {
    let closed = false;
    void face.closed().then(() => (closed = true));
    await turns(2);
    return closed;
  }

  it('when it says so, for all who wait and whoever asks later', async () => {
    const { socket, face } = new Told(new Probe());
    const waiting = face.closed();
    expect(face.closed()).toBe(waiting);
    jest.advanceTimersByTime(60_000);
    expect(await isClosed(face)).toBe(false);
    socket.emit('close');
    await waiting;
    expect(await isClosed(face)).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('when it said so before anybody asked', async () => {
    const { socket, face } = new Told(new Probe());
    socket.emit('close');
    expect(jest.getTimerCount()).toBe(0);
    expect(await isClosed(face)).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('when it is, although it never says so', async () => {
    for (const asksFirst of [true, false]) {
      const { socket, face } = new Told(new Probe(false));
      if (asksFirst) void face.closed();
      socket.destroy();
      await turns(2);
      jest.advanceTimersByTime(asksFirst ? 50 : 0);
      expect(await isClosed(face)).toBe(true);
      expect(jest.getTimerCount()).toBe(0);
    }
  });

  it('when it has had the time to say so since it was destroyed first', async () => {
    const { socket, face } = new Told(new Probe());
    socket.throwing.add('destroy');
    jest.advanceTimersByTime(5000);
    void face.closed();
    face.destroy();
    jest.advanceTimersByTime(CLOSE_MS - 50);
    face.destroy();
    expect(await isClosed(face)).toBe(false);
    jest.advanceTimersByTime(49);
    expect(await isClosed(face)).toBe(false);
    jest.advanceTimersByTime(1);
    expect(await isClosed(face)).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });
});
