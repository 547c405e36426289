// When a frame or a write of one connection is overdue, to the millisecond.
import { describe, expect, it } from '@jest/globals';
import { connectionDefaults } from '../../../lib/connection/connection-options.js';
import { frameOverdue, travelMs, writeStalled } from '../../../lib/connection/time-limits.js';

const SECOND_BYTES = 131_072;
const START = 5000;

describe('bytes on their way', () => {
  it('have a second for each 128 KiB', () => {
    expect(travelMs(0)).toBe(0);
    expect(travelMs(SECOND_BYTES)).toBe(1000);
    expect(travelMs(3.5 * SECOND_BYTES)).toBe(3500);
  });
});

describe('a frame that is not complete', () => {
  const overdue = (needed: number, ms: number, frameTimeoutMs = 2000, frameSince = START): unknown =>
    frameOverdue({ frameSince, needed, unread: 7 }, { ...connectionDefaults, frameTimeoutMs }, START + ms);

  it.each([
    [0, 2000],
    [SECOND_BYTES, 3000],
    [10 * SECOND_BYTES, 12_000],
  ])('of %d bytes is overdue after %d ms', (needed, limitMs) => {
    expect(overdue(needed, limitMs - 1)).toBeUndefined();
    expect(overdue(needed, limitMs)).toMatchObject({
      code: 'FRAME_TIMEOUT',
      message: 'frame not complete after 7 bytes: frameTimeoutMs (2000) is over',
    });
  });

  it('is never overdue without a limit, nor before it has begun', () => {
    expect(overdue(0, 1e9, 0)).toBeUndefined();
    expect(overdue(0, 1e9, 2000, 0)).toBeUndefined();
  });
});

describe('a peer that takes nothing', () => {
  const stalled = (stepBytes: number, ms: number, writeStallTimeoutMs = 2000, stalledSince = START): unknown =>
    writeStalled({ stalledSince, stepBytes }, { writeStallTimeoutMs }, START + ms);

  it.each([
    [0, 2000],
    [SECOND_BYTES, 3000],
    [2 * SECOND_BYTES, 4000],
    [10 * SECOND_BYTES, 4000],
  ])('in steps of %d bytes is given up after %d ms, and after twice the limit at most', (stepBytes, limitMs) => {
    expect(stalled(stepBytes, limitMs - 1)).toBeUndefined();
    expect(stalled(stepBytes, limitMs)).toMatchObject({
      code: 'WRITE_STALLED',
      message: 'the peer took no byte within writeStallTimeoutMs (2000)',
    });
  });

  it('is never given up without a limit, nor while nothing waits', () => {
    expect(stalled(0, 1e9, 0)).toBeUndefined();
    expect(stalled(0, 1e9, 2000, 0)).toBeUndefined();
  });
});
