// The time limits of a connection between frames, with a clock of the test: what counts as heard, how a peer that can
// be notified is seen off, and how one that cannot.
import { describe, expect, it } from '@jest/globals';
import type { CmdStreamError } from '../../../lib/errors.js';
import {
  SessionLimits,
  type LimitedSession,
  type SessionLimitsConfig,
} from '../../../lib/server/session/session-limits.js';

class Probe implements LimitedSession {
  isExtended = false;
  isDone = false;
  isHeldBack = false;
  /** Since when it rests; undefined: it does not. */
  restsSince: number | undefined;
  isQuietNow = false;
  /** In order: what it was notified. */
  readonly notify: string[] = [];
  readonly clock = { now: 1000 };
  readonly limits: SessionLimits;

  constructor(config: Partial<SessionLimitsConfig>) {
    const all = { receiveTimeoutMs: 0, idleTimeoutMs: 0, gracePeriodMs: 50, ...config };
    this.limits = new SessionLimits(this, all, this.clock);
  }

  hasRested(now: number, quietPeriodMs: number): boolean {
    return this.restsSince !== undefined && now - this.restsSince >= quietPeriodMs;
  }

  isQuiet(_now: number, quietPeriodMs: number): boolean {
    if (quietPeriodMs !== 0) throw new Error('one that was asked to leave may go at once');
    return this.isQuietNow;
  }

  goAway(reason: string): void {
    this.notify.push(`goaway ${reason}`);
  }

  end({ code }: CmdStreamError): void {
    this.notify.push(`end ${code}`);
  }

  shutDown({ code }: CmdStreamError): void {
    this.notify.push(`shut down ${code}`);
  }

  at(now: number): readonly string[] {
    this.clock.now = now;
    this.limits.tick(now);
    return this.notify.splice(0);
  }

  hearAt(now: number): void {
    this.clock.now = now;
    this.limits.heard();
  }
}

describe('the limit for the next frame', () => {
  it('is measured from the last one, again and again, and ends a plain connection', () => {
    const probe = new Probe({ receiveTimeoutMs: 100 });
    for (let now = 1000; now < 1500; now += 90) {
      probe.hearAt(now);
      expect(probe.at(now + 99)).toEqual([]);
    }
    probe.hearAt(2000);
    expect(probe.at(2099)).toEqual([]);
    expect(probe.at(2100)).toEqual(['end RECEIVE_TIMEOUT']);
  });

  it('is measured from the beginning where nothing comes', () => {
    const probe = new Probe({ receiveTimeoutMs: 100 });
    expect(probe.at(1099)).toEqual([]);
    expect(probe.at(1100)).toEqual(['end RECEIVE_TIMEOUT']);
  });

  it('does not count while the server does not read, and begins anew behind that', () => {
    const probe = new Probe({ receiveTimeoutMs: 100 });
    probe.isHeldBack = true;
    expect([...probe.at(1100), ...probe.at(1300)]).toEqual([]);
    probe.isHeldBack = false;
    expect(probe.at(1399)).toEqual([]);
    expect(probe.at(1400)).toEqual(['end RECEIVE_TIMEOUT']);
  });

  it('does not exist when it is 0, however long nothing comes', () => {
    const probe = new Probe({ idleTimeoutMs: 1_000_000 });
    expect(probe.at(100_000)).toEqual([]);
  });
});

describe('the limit for doing nothing', () => {
  it('ends a plain connection that has rested for as long, and no other', () => {
    const probe = new Probe({ idleTimeoutMs: 100 });
    expect(probe.at(5000)).toEqual([]);
    probe.restsSince = 5000;
    expect(probe.at(5099)).toEqual([]);
    expect(probe.at(5100)).toEqual(['end IDLE_TIMEOUT']);
  });

  it('does not exist when it is 0, however long the connection rests', () => {
    const probe = new Probe({ receiveTimeoutMs: 1_000_000 });
    probe.restsSince = 0;
    expect(probe.at(100_000)).toEqual([]);
  });
});

describe('a peer that can be notified', () => {
  const leaving = (config: Partial<SessionLimitsConfig> = { idleTimeoutMs: 100 }): Probe => {
    const probe = new Probe(config);
    probe.isExtended = true;
    probe.restsSince = 1000;
    return probe;
  };

  it('is notified once, with what it did, and ended with that as soon as it is quiet', () => {
    const probe = leaving();
    expect(probe.at(1099)).toEqual([]);
    expect(probe.at(1100)).toEqual(['goaway idle']);
    expect(probe.at(1101)).toEqual([]);
    probe.isQuietNow = true;
    expect(probe.at(1102)).toEqual(['end IDLE_TIMEOUT']);
  });

  it('is notified that it was silent when it was that, too', () => {
    const probe = leaving({ receiveTimeoutMs: 100, idleTimeoutMs: 100 });
    expect(probe.at(1100)).toEqual(['goaway silent']);
    probe.isQuietNow = true;
    expect(probe.at(1102)).toEqual(['end RECEIVE_TIMEOUT']);
  });

  it('is shut down when gracePeriodMs is over and it has not said that it leaves', () => {
    const probe = leaving();
    probe.at(1100);
    expect(probe.at(1149)).toEqual([]);
    expect(probe.at(1150)).toEqual(['shut down IDLE_TIMEOUT']);
  });

  it('is waited for as long as it takes once it has said that it leaves', () => {
    const probe = leaving();
    probe.at(1100);
    probe.isDone = true;
    expect([...probe.at(1150), ...probe.at(9000)]).toEqual([]);
    probe.isQuietNow = true;
    expect(probe.at(9001)).toEqual(['end IDLE_TIMEOUT']);
  });
});
