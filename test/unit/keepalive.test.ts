// When a client asks whether its server is still there, and when it gives it up, in time of the test's own.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Keepalive, type KeepalivePeer } from '../../lib/connection/keepalive.js';
import { keepaliveDefaults, type ResolvedKeepaliveOptions } from '../../lib/connection/keepalive-options.js';
import { TICK_MS } from '../../lib/connection/ticker.js';
import type { CmdStreamError } from '../../lib/errors.js';
import { fakeTime, pass } from '../support/breaker-stage.js';

beforeEach(fakeTime);
afterEach(() => {
  jest.useRealTimers();
});

/** A connection whose socket and peer do what the test says. */
class ScriptedPeer implements KeepalivePeer {
  isBusy = false;
  takes = true;
  answers = true;
  readonly pings: number[] = [];
  cause: CmdStreamError | undefined;
  readonly keepalive: Keepalive;
  /** Since when the socket takes nothing; 0: it moves on. */
  stalledSince = 0;
  #pong = (_roundTripMs: number): void => {};
  #flush = (): void => {};

  constructor(options: Partial<ResolvedKeepaliveOptions> = {}) {
    this.keepalive = new Keepalive({ ...keepaliveDefaults, ...options }, this);
  }

  ping(): Promise<number> {
    const sentAt = performance.now();
    this.pings.push(sentAt);
    return this.answers ? Promise.resolve(0) : new Promise((resolve) => (this.#pong = resolve));
  }

  flushed(): Promise<void> {
    return this.takes ? Promise.resolve() : new Promise((resolve) => (this.#flush = resolve));
  }

  onSilence(cause: CmdStreamError): void {
    this.cause = cause;
  }

  /** The socket takes what it has not taken so far. */
  async take(): Promise<void> {
    this.#flush();
    await pass(0);
  }

  async pong(): Promise<void> {
    this.#pong(performance.now() - this.pings.at(-1)!);
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

  /** The time between pings that followed each other. */
  get gaps(): number[] {
    return this.pings.slice(1).map((at, index) => at - this.pings[index]!);
  }
}

describe('a connection without Commands', () => {
  it('is asked every idleMs as long as it answers', async () => {
    const peer = new ScriptedPeer({ idleMs: 2000, intervalMs: 60_000 });
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

describe('a connection with Commands', () => {
  it('is asked every intervalMs, at once if that is over already', async () => {
    const peer = new ScriptedPeer({ idleMs: 60_000, intervalMs: 1000 });
    await peer.run(10_000);
    expect(peer.pings).toHaveLength(0);
    peer.isBusy = true;
    await peer.run(TICK_MS);
    expect(peer.pings).toHaveLength(1);
    await peer.run(5000);
    for (const gap of peer.gaps) expect(gap).toBe(1000);
    peer.isBusy = false;
    await peer.run(30_000);
    expect(peer.pings.length).toBeLessThan(8);
  });
});

describe('a peer that does not answer', () => {
  it.each([true, false])('is given up within 10.5 seconds by the defaults (busy: %s)', async (isBusy) => {
    for (let phaseMs = 0; phaseMs < TICK_MS; phaseMs += 49) {
      const peer = new ScriptedPeer();
      peer.isBusy = isBusy;
      jest.advanceTimersByTime(phaseMs);
      await peer.run(6000, () => peer.pings.length === 1);
      peer.answers = false;
      const took = await peer.run(20_000, () => peer.cause !== undefined);
      expect(took).toBeLessThanOrEqual(10_500);
      expect(took).toBeGreaterThanOrEqual(9000);
      expect(peer.cause).toMatchObject({ code: 'KEEPALIVE_TIMEOUT' });
    }
  });

  it('has timeoutMs for its pong, and not less', async () => {
    const peer = new ScriptedPeer({ timeoutMs: 3000 });
    peer.answers = false;
    await peer.run(10_000, () => peer.pings.length === 1);
    await peer.run(2750);
    expect(peer.cause).toBeUndefined();
    await peer.pong();
    await peer.run(4000);
    expect(peer.cause).toBeUndefined();
  });

  it('is asked once, not again and again', async () => {
    const peer = new ScriptedPeer({ idleMs: 1000, timeoutMs: 60_000 });
    peer.answers = false;
    await peer.run(30_000);
    expect(peer.pings).toHaveLength(1);
  });
});

describe('a ping that is stuck behind other bytes', () => {
  it('costs nobody the connection: its time begins when the socket has taken it', async () => {
    const peer = new ScriptedPeer({ idleMs: 1000, timeoutMs: 1000 });
    peer.takes = peer.answers = false;
    await peer.run(60_000);
    expect(peer.pings).toHaveLength(1);
    expect(peer.cause).toBeUndefined();
    await peer.take();
    await peer.run(750);
    expect(peer.cause).toBeUndefined();
    await peer.run(500);
    expect(peer.cause).toMatchObject({ code: 'KEEPALIVE_TIMEOUT' });
  });

  it('is answered even if nobody has heard that it was taken', async () => {
    const peer = new ScriptedPeer({ idleMs: 1000, timeoutMs: 1000 });
    peer.takes = peer.answers = false;
    await peer.run(1500);
    await peer.pong();
    await peer.take();
    peer.takes = peer.answers = true;
    await peer.run(5000);
    expect(peer.pings.length).toBeGreaterThan(3);
    expect(peer.cause).toBeUndefined();
  });
});
