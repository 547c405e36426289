// When a client asks whether its server is still there, and when it gives it up, in time of the test's own.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  Keepalive,
  keepaliveDefaults,
  type PeerView,
  type PingCallbacks,
  type ResolvedKeepaliveOptions,
} from '../../../lib/connection/keepalive.js';
import { TICK_MS } from '../../../lib/connection/ticker.js';
import { CmdStreamError } from '../../../lib/errors.js';
import { fakeTime, pass } from '../../support/breaker-stage.js';

beforeEach(fakeTime);
afterEach(() => {
  jest.useRealTimers();
});

/** A connection whose peer does what the test says. */
class ScriptedPeer implements PeerView {
  readonly isWaiting = false;
  readonly sentBytes = 0;
  takes = true;
  answers = true;
  /** Are there signs of life all the time, other than pongs? */
  isAlive = false;
  bytesAhead = 0;
  readonly pings: number[] = [];
  cause: CmdStreamError | undefined;
  readonly keepalive: Keepalive;
  #pong = (_roundTripMs: number): void => {};
  #flush = (): void => {};
  #end = (_error: CmdStreamError): void => {};
  #aliveAt = 0;

  constructor(options: Partial<ResolvedKeepaliveOptions> = {}, mostTravelMs = 0) {
    const clock = {
      get now() {
        return performance.now();
      },
    };
    this.keepalive = new Keepalive(
      { ...keepaliveDefaults, ...options },
      clock,
      this,
      (cause) => (this.cause = cause),
      mostTravelMs,
    );
  }

  get aliveAt(): number {
    return this.isAlive ? performance.now() : this.#aliveAt;
  }

  ping({ answered, failed }: PingCallbacks): () => void {
    this.pings.push(performance.now());
    this.#pong = answered;
    this.#end = failed;
    if (this.answers) queueMicrotask(() => answered(0));
    return () => {};
  }

  flushed(): Promise<void> {
    return this.takes ? Promise.resolve() : new Promise((resolve) => (this.#flush = resolve));
  }

  /** The socket takes what it has not taken so far. */
  async take(): Promise<void> {
    this.#flush();
    await pass(0);
  }

  /** Something comes that is no pong. */
  speak(): void {
    this.#aliveAt = performance.now();
  }

  async pong(): Promise<void> {
    this.#pong(performance.now() - this.pings.at(-1)!);
    await pass(0);
  }

  async end(): Promise<void> {
    this.#end(new CmdStreamError('CONNECTION_LOST', 'the connection has ended'));
    await pass(0);
  }

  /** Lets time pass as a Ticker does; gives how long it took until `condition` held. */
  async run(ms: number, condition = (): boolean => false): Promise<number> {
    const start = performance.now();
    while (performance.now() - start < ms && !condition()) {
      await pass(TICK_MS);
      this.keepalive.tick(performance.now());
      await pass(0);
    }
    return performance.now() - start;
  }

  /** How long it takes until it is given up. */
  lasts(): Promise<number> {
    return this.run(600_000, () => this.cause !== undefined);
  }

  /** The time between pings that followed each other. */
  get gaps(): number[] {
    return this.pings.slice(1).map((at, index) => at - this.pings[index]!);
  }
}

describe('a connection whose peer is there', () => {
  it('is asked every intervalMs as long as it answers', async () => {
    const peer = new ScriptedPeer({ intervalMs: 2000 });
    await peer.run(20_000);
    expect(peer.pings.length).toBeGreaterThanOrEqual(10);
    for (const gap of peer.gaps) expect(gap).toBe(2000);
    expect(peer.cause).toBeUndefined();
  });

  it('has had no round trip before the first pong', async () => {
    const peer = new ScriptedPeer();
    peer.answers = false;
    await peer.run(6000);
    expect(peer.keepalive.roundTripMs).toBeUndefined();
    jest.advanceTimersByTime(40);
    await peer.pong();
    expect(peer.keepalive.roundTripMs).toBeGreaterThanOrEqual(40);
    expect(peer.keepalive.roundTripMs).toBeLessThan(40 + 6000 - 4750);
  });
});

describe('a peer that says nothing', () => {
  it('is given up within 10.5 seconds by the defaults', async () => {
    for (let phaseMs = 0; phaseMs < TICK_MS; phaseMs += 49) {
      const peer = new ScriptedPeer();
      jest.advanceTimersByTime(phaseMs);
      await peer.run(6000, () => peer.pings.length === 1);
      peer.answers = false;
      const took = await peer.lasts();
      expect(took).toBeLessThanOrEqual(10_500);
      expect(took).toBeGreaterThanOrEqual(9000);
      expect(peer.cause).toMatchObject({ code: 'KEEPALIVE_TIMEOUT' });
    }
  });

  it('any more is given up within 10.5 seconds of its last byte, whenever that came', async () => {
    for (const quietMs of [0, 250, 4500, 4750, 5000, 7000, 9000]) {
      const peer = new ScriptedPeer();
      peer.answers = false;
      peer.isAlive = true;
      await peer.run(quietMs);
      peer.isAlive = false;
      peer.speak();
      const took = await peer.lasts();
      expect(took).toBeLessThanOrEqual(10_500);
      expect(took).toBeGreaterThanOrEqual(5000);
    }
  });

  it('has timeoutMs, and not less', async () => {
    const peer = new ScriptedPeer({ timeoutMs: 3000 });
    peer.answers = false;
    await peer.run(10_000, () => peer.pings.length === 1);
    await peer.run(2750);
    expect(peer.cause).toBeUndefined();
    await peer.pong();
    await peer.run(4000);
    expect(peer.cause).toBeUndefined();
  });

  it('is not given up for what it did not say before it was asked', async () => {
    const peer = new ScriptedPeer({ intervalMs: 60_000, timeoutMs: 250 });
    await peer.run(59_000);
    expect(peer.pings).toHaveLength(0);
    expect(peer.cause).toBeUndefined();
  });

  it('is asked once, not again and again', async () => {
    const peer = new ScriptedPeer({ intervalMs: 1000, timeoutMs: 60_000 });
    peer.answers = false;
    await peer.run(30_000);
    expect(peer.pings).toHaveLength(1);
  });

  it('is not asked any more when the connection has ended', async () => {
    const peer = new ScriptedPeer({ intervalMs: 1000 });
    peer.answers = false;
    await peer.run(1000);
    await peer.end();
    await peer.run(3000);
    expect(peer.pings).toHaveLength(1);
    expect(peer.keepalive.roundTripMs).toBeUndefined();
  });
});

describe('a peer that does not answer the ping', () => {
  it('lives as long as anything else comes, and timeoutMs longer', async () => {
    const peer = new ScriptedPeer({ intervalMs: 1000, timeoutMs: 2000 });
    peer.answers = false;
    peer.isAlive = true;
    await peer.run(60_000);
    expect(peer.cause).toBeUndefined();
    peer.isAlive = false;
    peer.speak();
    expect(await peer.lasts()).toBe(2000);
  });

  it('has no more than the most it may have, however much is ahead of it', async () => {
    const peer = new ScriptedPeer({ intervalMs: 1000, timeoutMs: 2000 }, 3000);
    peer.answers = false;
    peer.bytesAhead = 40 * 131_072;
    await peer.run(1000);
    expect(await peer.lasts()).toBe(5000);
  });

  it('has a second more for each 128 KiB that are ahead of it, and no longer when they have arrived', async () => {
    const peer = new ScriptedPeer({ intervalMs: 1000, timeoutMs: 2000 });
    peer.answers = false;
    peer.bytesAhead = 4 * 131_072;
    await peer.run(1000);
    expect(await peer.lasts()).toBe(6000);
    const other = new ScriptedPeer({ intervalMs: 1000, timeoutMs: 2000 });
    other.answers = false;
    other.bytesAhead = 4 * 131_072;
    await other.run(5000);
    expect(other.cause).toBeUndefined();
    other.bytesAhead = 0;
    expect(await other.lasts()).toBe(TICK_MS);
  });

  it('has timeoutMs from when the socket took the ping', async () => {
    const peer = new ScriptedPeer({ intervalMs: 1000, timeoutMs: 2000 });
    peer.answers = peer.takes = false;
    await peer.run(2500);
    await peer.take();
    expect(await peer.lasts()).toBe(2000);
  });

  it('is not waited for because the socket took the ping after its pong', async () => {
    const peer = new ScriptedPeer({ intervalMs: 1000, timeoutMs: 2000 });
    peer.answers = peer.takes = false;
    await peer.run(1000);
    await peer.pong();
    await pass(600);
    await peer.take();
    peer.takes = true;
    await peer.run(250);
    expect(peer.pings).toHaveLength(2);
  });

  it('is asked again after the pong, however late that was', async () => {
    const peer = new ScriptedPeer({ intervalMs: 1000, timeoutMs: 5000 });
    for (let round = 1; round <= 3; round++) {
      peer.answers = false;
      await peer.run(1000);
      expect(peer.pings).toHaveLength(round);
      await peer.run(4000);
      await peer.pong();
    }
    expect(peer.cause).toBeUndefined();
    await peer.run(1000);
    expect(await peer.lasts()).toBe(5000);
  });
});
