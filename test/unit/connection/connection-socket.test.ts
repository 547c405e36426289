// The socket of a connection, whatever it is: its events and when they come, what is asked of it, when it is closed. If
// it does much within one call, everything is delivered afterwards, in order, in time that grows with its number only.
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
  readonly wrapped: ConnectionSocket;

  /** Within the first write the socket gives these. */
  constructor(chunks: readonly Buffer[]) {
    const socket = new Duplex({
      read() {},
      write: (_bytes, _encoding, done) => {
        for (const chunk of chunks) socket.emit('data', chunk);
        done();
      },
    });
    this.wrapped = new ConnectionSocket(socket, connectionDefaults, this);
    this.wrapped.open();
    this.wrapped.write(Buffer.of(1), () => {});
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

  it('are all delivered, in order, however many they are', async () => {
    const chunks = Array.from({ length: COUNT }, (_, n) => Buffer.of(n & 255));
    const stage = new Stage(chunks);
    expect(stage.data).toHaveLength(0);
    await until('all are delivered', () => stage.data.length === COUNT);
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

  it('are delivered although one of them fails', async () => {
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

/** Notes what is delivered; `onNews` may do anything. */
class Journal implements ConnectionSocketListener {
  readonly news: string[] = [];
  onNews = (_news: string): void => {};
  readonly wrapped: ConnectionSocket;

  constructor(
    readonly socket: Probe,
    options: Partial<ResolvedConnectionOptions> = {},
  ) {
    this.wrapped = new ConnectionSocket(socket, { ...connectionDefaults, ...options }, this);
    this.wrapped.open();
    socket.asked.length = 0;
  }

  note(news: string): void {
    this.news.push(news);
    this.onNews(news);
  }

  write(text: string): void {
    this.wrapped.write(Buffer.from(text), (error) =>
      this.note(error ? `failed ${(error as Error).message}` : 'written'),
    );
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
  it('is delivered at once', async () => {
    const { socket, news } = new Journal(new Probe());
    socket.emit('data', Buffer.from('a'));
    expect(news).toEqual(['a']);
    socket.emit('error', Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    expect(news).toEqual(['a', 'gone PEER_RESET']);
    socket.push(null);
    await turns(2);
    socket.emit('close');
    expect(news).toEqual(['a', 'gone PEER_RESET', 'end', 'gone PEER_CLOSED']);
  });

  it('is delivered although it was handed over paused', async () => {
    const socket = new Probe();
    socket.pause();
    socket.push('a');
    const { news } = new Journal(socket);
    await turns(2);
    expect(news).toEqual(['a']);
  });

  it.each(['text', { an: 'object' }, 5])('is the end of the connection where it gives no bytes: %p', (given) => {
    const { socket, news } = new Journal(new Probe());
    socket.emit('data', given);
    expect(news).toEqual(['gone CONNECT_FAILED']);
  });

  it('within a call is delivered in a turn of its own, before all that comes later', async () => {
    const { socket, news, ...journal } = new Journal(new Probe());
    for (let round = 0; round < 2; round++) {
      socket.onWrite = () => {
        socket.emit('data', Buffer.from('a'));
        socket.emit('error', new Error('broken'));
      };
      journal.wrapped.write(Buffer.from('x'), () => news.push('written'));
      socket.emit('data', Buffer.from('b'));
      expect(news.splice(0)).toEqual([]);
      await turns(2);
      expect(news.splice(0).filter((item) => item !== 'written')).toEqual(['a', 'gone CONNECT_FAILED', 'b']);
      socket.emit('data', Buffer.from('c'));
      expect(news.splice(0)).toEqual(['c']);
    }
  });

  it('while something is delivered is delivered behind it, in a turn of its own', async () => {
    const journal = new Journal(new Probe());
    const { socket, news } = journal;
    socket.onWrite = () => socket.emit('data', Buffer.from('a'));
    let depth = 0;
    let deepest = 0;
    journal.onNews = (item) => {
      deepest = Math.max(deepest, ++depth);
      if (item === 'a') socket.emit('data', Buffer.from('b'));
      if (item === 'b') socket.emit('data', Buffer.from('c'));
      depth--;
    };
    journal.write('x');
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
    [mostBytes - 256, ['large', 'gone CONNECT_FAILED']],
  ])('is refused beyond 64 MiB, counted with each chunk: after %d bytes', async (bytes, news) => {
    const journal = new Journal(new Probe());
    const large = Object.assign(Buffer.allocUnsafeSlow(bytes), { toString: () => 'large' });
    journal.socket.onWrite = () => {
      for (const chunk of [large, Buffer.alloc(0)]) journal.socket.emit('data', chunk);
    };
    journal.wrapped.write(Buffer.from('x'), () => {});
    await turns(2);
    expect(journal.news).toEqual(news);
  });

  it('is not delivered any more once some of it was refused, and the end comes in a turn of its own', async () => {
    const journal = new Journal(new Probe());
    const large = Object.assign(Buffer.allocUnsafeSlow(mostBytes), { toString: () => 'large' });
    journal.socket.onWrite = () => {
      for (const chunk of [large, Buffer.alloc(0), Buffer.from('behind')]) journal.socket.emit('data', chunk);
    };
    journal.onNews = () => journal.socket.emit('data', Buffer.from('later'));
    journal.wrapped.write(Buffer.from('x'), () => {});
    expect(journal.news).toEqual([]);
    await turns(4);
    expect(journal.news).toEqual(['large', 'gone CONNECT_FAILED']);
  });

  it('is counted no more once it was delivered', async () => {
    const journal = new Journal(new Probe());
    const large = Object.assign(Buffer.allocUnsafeSlow(mostBytes / 2 + 1), { toString: () => 'large' });
    journal.socket.onWrite = () => {
      for (const chunk of [large, large]) journal.socket.emit('data', chunk);
    };
    for (let round = 0; round < 3; round++) {
      journal.wrapped.write(Buffer.from('x'), () => {});
      await turns(2);
      expect(journal.news.splice(0)).toEqual(['large', 'large']);
    }
  });
});

describe('what is asked of a socket', () => {
  it('is to pause and to go on once each, again and again', () => {
    const { socket, wrapped } = new Journal(new Probe());
    wrapped.resume();
    expect(socket.asked).toEqual([]);
    for (let round = 0; round < 2; round++) {
      wrapped.pause();
      wrapped.pause();
      expect(socket.isPaused()).toBe(true);
      wrapped.resume();
      wrapped.resume();
      expect(socket.asked.splice(0)).toEqual(['pause', 'resume']);
      expect(socket.isPaused()).toBe(false);
    }
  });

  it('is to write, of which it says when that is done', async () => {
    const journal = new Journal(new Probe());
    journal.write('a');
    await turns(2);
    expect(journal.news.splice(0)).toEqual(['written']);
    journal.wrapped.end();
    journal.write('b');
    await turns(2);
    expect(journal.news[0]).toBe('failed write after end');
  });

  it.each([
    ['pause', (wrapped: ConnectionSocket) => wrapped.pause()],
    ['resume', (wrapped: ConnectionSocket) => (wrapped.pause(), wrapped.resume())],
    ['write', (wrapped: ConnectionSocket) => wrapped.write(Buffer.from('a'), () => {})],
    ['end', (wrapped: ConnectionSocket) => wrapped.end()],
    ['destroy', (wrapped: ConnectionSocket) => wrapped.destroy()],
  ])('ends the connection in a turn of its own where it throws: %s', async (method, ask) => {
    const { socket, wrapped, news } = new Journal(new Probe());
    socket.throwing.add(method);
    ask(wrapped);
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
    const tune = (tcpKeepAliveMs: number): Journal => new Journal(able(), { tcpKeepAliveMs });
    tune(0);
    tune(1);
    expect(tuned).toEqual([true, true, true, false, 0, true, true, true, true, 1]);
  });
});

describe('what is known of a socket', () => {
  it('are its addresses, where it has some', () => {
    const ends = { remoteAddress: '2001:db8::1', remotePort: 5, localAddress: '192.0.2.1', localPort: 6 };
    const { wrapped } = new Journal(Object.assign(new Probe(), ends));
    expect(wrapped.addresses).toEqual(ends);
    const { wrapped: other } = new Journal(new Probe());
    expect(Object.values(other.addresses)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('are the bytes that the system has not taken, with those of the socket below, if it is one of Node', () => {
    const asked = (socket: Duplex, handle: unknown): number | undefined => {
      const wrapped = new ConnectionSocket(socket, connectionDefaults, { onData() {}, onPeerEnd() {}, onGone() {} });
      Object.assign(socket, { _handle: handle });
      return wrapped.queuedBytes;
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
  async function isClosed(wrapped: ConnectionSocket): Promise<boolean> {
    let closed = false;
    void wrapped.closed().then(() => (closed = true));
    await turns(2);
    return closed;
  }

  it('when it says so, for all that wait and all that ask later', async () => {
    const { socket, wrapped } = new Journal(new Probe());
    const waiting = wrapped.closed();
    expect(wrapped.closed()).toBe(waiting);
    jest.advanceTimersByTime(60_000);
    expect(await isClosed(wrapped)).toBe(false);
    socket.emit('close');
    await waiting;
    expect(await isClosed(wrapped)).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('when it said so before it was asked', async () => {
    const { socket, wrapped } = new Journal(new Probe());
    socket.emit('close');
    expect(jest.getTimerCount()).toBe(0);
    expect(await isClosed(wrapped)).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('when it is, although it never says so', async () => {
    for (const asksFirst of [true, false]) {
      const { socket, wrapped } = new Journal(new Probe(false));
      if (asksFirst) void wrapped.closed();
      socket.destroy();
      await turns(2);
      jest.advanceTimersByTime(asksFirst ? 50 : 0);
      expect(await isClosed(wrapped)).toBe(true);
      expect(jest.getTimerCount()).toBe(0);
    }
  });

  it('when it has had the time to say so since it was destroyed first', async () => {
    const { socket, wrapped } = new Journal(new Probe());
    socket.throwing.add('destroy');
    jest.advanceTimersByTime(5000);
    void wrapped.closed();
    wrapped.destroy();
    jest.advanceTimersByTime(CLOSE_MS - 50);
    wrapped.destroy();
    expect(await isClosed(wrapped)).toBe(false);
    jest.advanceTimersByTime(49);
    expect(await isClosed(wrapped)).toBe(false);
    jest.advanceTimersByTime(1);
    expect(await isClosed(wrapped)).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });
});
