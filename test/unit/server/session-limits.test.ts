// The time limits of a connection between frames, with a clock of the test: what counts as a frame, how a peer that
// knows GOAWAY is seen off, and how one that does not.
import { describe, expect, it } from '@jest/globals';
import type { CmdStreamError } from '../../../lib/errors.js';
import { SessionLimits, type ServerSession } from '../../../lib/server/session/server-session.js';
import type { SessionLimitsConfig } from '../../../lib/server/session/session-config.js';

/** A session that does as it is set, and notes what becomes of it. */
class Probe {
  isExtended = false;
  isDone = false;
  mustPause = false;
  /** Since when it rests; undefined: it does not. */
  restsSince: number | undefined;
  mayEndNow = false;
  /** In order: how it was ended. */
  readonly log: string[] = [];
  readonly clock = { now: 1000 };
  readonly limits: SessionLimits;

  constructor(config: Partial<SessionLimitsConfig>) {
    const all = { receiveTimeoutMs: 0, idleTimeoutMs: 0, gracePeriodMs: 50, ...config };
    this.limits = new SessionLimits(this as unknown as ServerSession, all, this.clock);
  }

  isIdle(now: number, quietPeriodMs: number): boolean {
    return this.restsSince !== undefined && now - this.restsSince >= quietPeriodMs;
  }

  mayEnd(_now: number, quietPeriodMs: number): boolean {
    if (quietPeriodMs !== 0) throw new Error('one that was asked to go may go at once');
    return this.mayEndNow;
  }

  goAway(reason: string): void {
    this.log.push(`goaway ${reason}`);
  }

  close({ code }: CmdStreamError): void {
    this.log.push(`close ${code}`);
  }

  abort({ code }: CmdStreamError): void {
    this.log.push(`abort ${code}`);
  }

  at(now: number): readonly string[] {
    this.clock.now = now;
    this.limits.tick(now);
    return this.log.splice(0);
  }

  frameAt(now: number): void {
    this.clock.now = now;
    this.limits.onFrame();
  }
}

describe('the limit for the next frame', () => {
  it('is measured from the last one, again and again, and ends a plain connection', () => {
    const probe = new Probe({ receiveTimeoutMs: 100 });
    for (let now = 1000; now < 1500; now += 90) {
      probe.frameAt(now);
      expect(probe.at(now + 99)).toEqual([]);
    }
    probe.frameAt(2000);
    expect(probe.at(2099)).toEqual([]);
    expect(probe.at(2100)).toEqual(['close RECEIVE_TIMEOUT']);
  });

  it('is measured from the beginning where nothing comes', () => {
    const probe = new Probe({ receiveTimeoutMs: 100 });
    expect(probe.at(1099)).toEqual([]);
    expect(probe.at(1100)).toEqual(['close RECEIVE_TIMEOUT']);
  });

  it('does not count while the server does not read, and begins anew behind that', () => {
    const probe = new Probe({ receiveTimeoutMs: 100 });
    probe.mustPause = true;
    expect([...probe.at(1100), ...probe.at(1300)]).toEqual([]);
    probe.mustPause = false;
    expect(probe.at(1399)).toEqual([]);
    expect(probe.at(1400)).toEqual(['close RECEIVE_TIMEOUT']);
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
    expect(probe.at(5100)).toEqual(['close IDLE_TIMEOUT']);
  });

  it('does not exist when it is 0, however long the connection rests', () => {
    const probe = new Probe({ receiveTimeoutMs: 1_000_000 });
    probe.restsSince = 0;
    expect(probe.at(100_000)).toEqual([]);
  });
});

describe('a peer that knows GOAWAY', () => {
  const leaving = (config: Partial<SessionLimitsConfig> = { idleTimeoutMs: 100 }): Probe => {
    const probe = new Probe(config);
    probe.isExtended = true;
    probe.restsSince = 1000;
    return probe;
  };

  it('is asked to go once, with the reason, and its connection closed with that as soon as it is quiet', () => {
    const probe = leaving();
    expect(probe.at(1099)).toEqual([]);
    expect(probe.at(1100)).toEqual(['goaway idle']);
    expect(probe.at(1101)).toEqual([]);
    probe.mayEndNow = true;
    expect(probe.at(1102)).toEqual(['close IDLE_TIMEOUT']);
  });

  it('is asked to go as silent when it was that, too', () => {
    const probe = leaving({ receiveTimeoutMs: 100, idleTimeoutMs: 100 });
    expect(probe.at(1100)).toEqual(['goaway silent']);
    probe.mayEndNow = true;
    expect(probe.at(1102)).toEqual(['close RECEIVE_TIMEOUT']);
  });

  it('is aborted when gracePeriodMs is over and it has not said that it leaves', () => {
    const probe = leaving();
    probe.at(1100);
    expect(probe.at(1149)).toEqual([]);
    expect(probe.at(1150)).toEqual(['abort IDLE_TIMEOUT']);
  });

  it('is waited for as long as it takes once it has said that it leaves', () => {
    const probe = leaving();
    probe.at(1100);
    probe.isDone = true;
    expect([...probe.at(1150), ...probe.at(9000)]).toEqual([]);
    probe.mayEndNow = true;
    expect(probe.at(9001)).toEqual(['close IDLE_TIMEOUT']);
  });
});
