// Something that is well or is not: a line for each change, one a minute when it goes to and fro, none in good times.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { durationText } from '../../../lib/nest/log-text.js';
import { Outage } from '../../../lib/nest/client/outage.js';

const words = {
  subject: 'calc:9000',
  down: 'is lost',
  downs: 'was lost',
  stillDown: 'cannot be reached',
  up: 'is back',
  well: 'back',
};

let lines: string[];
let outage: Outage;

beforeEach(() => {
  jest.useFakeTimers();
  lines = [];
  outage = new Outage(words, {
    warn: (text) => void lines.push(`warn: ${text}`),
    log: (text) => void lines.push(`log: ${text}`),
  });
});

afterEach(() => {
  outage.end();
  jest.useRealTimers();
});

function pass(seconds: number): void {
  jest.advanceTimersByTime(seconds * 1000);
}

describe('an outage', () => {
  it('has a line when it begins and one when it is over, with what it took', () => {
    outage.up();
    outage.down(': reset', '; next attempt in 80 ms');
    for (let attempt = 0; attempt < 7; attempt++) {
      pass(6);
      outage.down(': refused');
    }
    pass(3);
    outage.up('; 2 calls lost');
    expect(lines).toEqual([
      'warn: calc:9000 is lost: reset; next attempt in 80 ms',
      'log: calc:9000 is back after 45.0 s, 7 attempts in vain; 2 calls lost',
    ]);
  });

  it('is repeated at most once a minute while it lasts', () => {
    outage.down(': reset', '', 'cannot be reached');
    for (let second = 1; second <= 185; second++) {
      pass(1);
      outage.down(': refused', '; next attempt in 1.0 s');
    }
    expect(lines).toEqual([
      'warn: calc:9000 cannot be reached: reset',
      'warn: calc:9000 cannot be reached for 1 min 0 s, 60 attempts in vain: refused; next attempt in 1.0 s',
      'warn: calc:9000 cannot be reached for 2 min 0 s, 120 attempts in vain: refused; next attempt in 1.0 s',
      'warn: calc:9000 cannot be reached for 3 min 0 s, 180 attempts in vain: refused; next attempt in 1.0 s',
    ]);
  });

  it('that comes again a minute later is another one', () => {
    for (let time = 0; time < 2; time++) {
      outage.down(': reset');
      pass(1);
      outage.up();
      pass(60);
    }
    const both = ['warn: calc:9000 is lost: reset', 'log: calc:9000 is back after 1.0 s'];
    expect(lines).toEqual([...both, ...both]);
  });

  it('that comes again and again has a line a minute, until a minute was quiet', () => {
    for (let second = 0; second < 100; second += 4) {
      outage.down(': reset');
      pass(1);
      outage.up();
      pass(3);
    }
    pass(120);
    expect(lines).toEqual([
      'warn: calc:9000 is lost: reset',
      'log: calc:9000 is back after 1.0 s',
      'warn: calc:9000 is lost again, 3.0 s after it was back: reset; from now on a line a minute',
      'warn: calc:9000 was lost 14 times in a minute, and is back now; the last time: reset',
      'warn: calc:9000 was lost 9 times in a minute, and is back now; the last time: reset',
      'log: calc:9000 is steady: back for 1 min 27 s, after 24 more outages in 1 min 33 s',
    ]);
    lines.length = 0;
    outage.down(': reset');
    expect(lines).toEqual(['warn: calc:9000 is lost: reset']);
  });

  it('that comes again, and stays, goes on as one', () => {
    outage.down(': reset');
    pass(1);
    outage.up();
    pass(2);
    outage.down(': reset');
    for (let second = 0; second < 125; second++) {
      pass(1);
      outage.down(': refused');
    }
    outage.up();
    expect(lines.slice(2)).toEqual([
      'warn: calc:9000 is lost again, 2.0 s after it was back: reset; from now on a line a minute',
      'warn: calc:9000 cannot be reached for 1 min 0 s, 59 attempts in vain: refused',
      'warn: calc:9000 cannot be reached for 2 min 0 s, 120 attempts in vain: refused',
      'log: calc:9000 is back after 2 min 5 s, 125 attempts in vain',
    ]);
  });

  it('says what it is when it flaps and is down at the end of the minute', () => {
    outage.down(': reset');
    pass(1);
    outage.up();
    outage.down(': reset');
    pass(10);
    outage.up();
    outage.down(': gone');
    pass(50);
    expect(lines.at(-1)).toBe(
      'warn: calc:9000 was lost 1 time in a minute, and cannot be reached now; the last time: gone',
    );
  });
});

describe('an outage that flaps', () => {
  it('leaves no timer when nothing more is to be said', () => {
    outage.down(': reset');
    outage.up();
    outage.down(': reset');
    expect(jest.getTimerCount()).toBe(1);
    outage.end();
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('a duration', () => {
  it.each([
    [0, '0 ms'],
    [80.4, '80 ms'],
    [999.6, '1.0 s'],
    [6_149, '6.1 s'],
    [59_960, '1 min 0 s'],
    [125_000, '2 min 5 s'],
    [3_599_999, '1 h 0 min'],
    [90_000_000, '25 h 0 min'],
  ])('of %d ms is %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });
});
