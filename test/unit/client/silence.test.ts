// When a connection counts as silent: by what it shows at each tick, on a clock of the test's own.
import { describe, expect, it } from '@jest/globals';
import { Silence } from '../../../lib/client/session/silence.js';
import type { PeerView, PingCallbacks } from '../../../lib/connection/keepalive.js';
import { CmdStreamError } from '../../../lib/core.js';

class Peer implements PeerView {
  isWaiting = true;
  aliveAt = 0;
  bytesAhead = 0;
  sentBytes = 0;
  readonly pings: PingCallbacks[] = [];
  readonly changes: boolean[] = [];
  readonly silence = new Silence(this, () => this.changes.push(this.silence.isSilent));

  ping(callbacks: PingCallbacks): () => void {
    this.pings.push(callbacks);
    return () => {};
  }

  flushed(): Promise<void> {
    return Promise.resolve();
  }

  /** Ticks every 250 ms from `from` to `to`. */
  tick(from: number, to: number): void {
    for (let now = from; now <= to; now += 250) this.silence.tick(now);
  }
}

describe('a connection on which something is under way', () => {
  it('is asked after half a second without a sign of life, and silent after a whole one', () => {
    const peer = new Peer();
    peer.aliveAt = 10_000;
    peer.tick(10_000, 10_250);
    expect(peer.pings).toHaveLength(0);
    peer.tick(10_500, 10_750);
    expect(peer.pings).toHaveLength(1);
    expect(peer.silence.isSilent).toBe(false);
    peer.tick(11_000, 20_000);
    expect(peer.silence.isSilent).toBe(true);
    expect(peer.changes).toEqual([true]);
    expect(peer.pings).toHaveLength(1);
  });

  it('is not silent any more with the next byte, and asked again when it falls silent again', () => {
    const peer = new Peer();
    peer.tick(500, 1_000);
    peer.aliveAt = 1_100;
    peer.pings[0]!.answered(600);
    peer.sentBytes = 10;
    peer.silence.tick(1_250);
    expect(peer.changes).toEqual([true, false]);
    peer.tick(1_500, 2_250);
    expect(peer.pings).toHaveLength(2);
    expect(peer.changes).toEqual([true, false, true]);
  });

  it('is asked once while it works and nothing more is sent', () => {
    const peer = new Peer();
    peer.tick(500, 500);
    peer.aliveAt = 600;
    peer.pings[0]!.answered(100);
    peer.tick(750, 60_000);
    expect(peer.pings).toHaveLength(1);
    expect(peer.changes).toEqual([]);
    peer.sentBytes = 10;
    peer.tick(60_250, 62_000);
    expect(peer.pings).toHaveLength(2);
    expect(peer.changes).toEqual([true]);
  });

  it('has time for its pong when more is sent after it has long worked', () => {
    const peer = new Peer();
    peer.tick(500, 500);
    peer.aliveAt = 600;
    peer.pings[0]!.answered(100);
    peer.tick(750, 60_000);
    peer.sentBytes = 10;
    peer.tick(60_250, 60_500);
    expect(peer.pings).toHaveLength(2);
    peer.aliveAt = 60_600;
    peer.pings[1]!.answered(350);
    peer.tick(60_750, 62_000);
    expect(peer.changes).toEqual([]);
    peer.sentBytes = 20;
    peer.bytesAhead = 131_072;
    peer.tick(62_250, 63_500);
    expect(peer.changes).toEqual([]);
    peer.silence.tick(63_750);
    expect(peer.changes).toEqual([true]);
  });

  it.each([
    ['bytes have come', { aliveAt: 1_000 }],
    ['something was sent', { sentBytes: 1 }],
  ])('is asked anew when %s since the last pong', (_what, news) => {
    const peer = new Peer();
    peer.tick(500, 500);
    peer.aliveAt = 600;
    peer.pings[0]!.answered(100);
    Object.assign(peer, news);
    peer.tick(1_500, 1_500);
    expect(peer.pings).toHaveLength(2);
  });

  it('has longer for what is ahead of the ping: 128 KiB per second', () => {
    const peer = new Peer();
    peer.bytesAhead = 131_072;
    peer.tick(500, 1_750);
    expect(peer.silence.isSilent).toBe(false);
    peer.silence.tick(2_000);
    expect(peer.silence.isSilent).toBe(true);
  });

  it('has its time from when that began, however long nothing was', () => {
    const peer = new Peer();
    peer.isWaiting = false;
    peer.tick(0, 60_000);
    expect(peer.pings).toHaveLength(0);
    peer.isWaiting = true;
    peer.tick(60_250, 60_750);
    expect(peer.changes).toEqual([]);
    peer.silence.tick(61_000);
    expect(peer.changes).toEqual([true]);
    peer.isWaiting = false;
    peer.silence.tick(61_250);
    expect(peer.changes).toEqual([true, false]);
  });
});

it('a ping that fails with its connection is no ping that is awaited', () => {
  const peer = new Peer();
  peer.tick(500, 500);
  peer.pings[0]!.failed(new CmdStreamError('CONNECTION_LOST', 'it was lost'));
  peer.tick(750, 750);
  expect(peer.pings).toHaveLength(2);
});
