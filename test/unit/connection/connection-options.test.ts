// The options of a connection and its keepalive: what each of them takes, to the last byte and millisecond.
import { describe, expect, it } from '@jest/globals';
import {
  connectionDefaults,
  connectionRules,
  socketPath,
  travelMs,
} from '../../../lib/connection/connection-options.js';
import { keepaliveDefaults, keepaliveRules } from '../../../lib/connection/keepalive.js';

const GIB = 1_073_741_824;
const LONGEST_MS = 2_147_483_647;
const noNumbers = ['1000', 1000.5, NaN, null, true];

describe('an option of a connection', () => {
  it.each([
    ['maxCommandBytes', [64, GIB], [0, 63, GIB + 1, ...noNumbers]],
    ['maxResultBytes', [64, GIB], [0, 63, GIB + 1, ...noNumbers]],
    ['maxSendBufferBytes', [65_536, GIB], [0, 65_535, GIB + 1, ...noNumbers]],
    ['frameTimeoutMs', [0, 1, LONGEST_MS], [-1, LONGEST_MS + 1, ...noNumbers]],
    ['writeStallTimeoutMs', [0, 1, LONGEST_MS], [-1, LONGEST_MS + 1, ...noNumbers]],
    ['tcpKeepAliveMs', [0, 1, LONGEST_MS], [-1, LONGEST_MS + 1, ...noNumbers]],
    ['serverInfo', ['calc', '', Buffer.from('calc'), new Uint8Array(3)], [5, null, [1, 2], {}]],
  ] as const)('takes what is in its range: %s', (name, taken, refused) => {
    for (const value of [...taken, connectionDefaults[name]]) expect(connectionRules[name].accepts(value)).toBe(true);
    for (const value of refused) expect(connectionRules[name].accepts(value)).toBe(false);
  });

  it('says what 0 means where it is no time', () => {
    expect(connectionRules.frameTimeoutMs.expected).toContain('0 (no limit)');
    expect(connectionRules.tcpKeepAliveMs.expected).toContain('0 (off)');
  });
});

describe('the path of a socket', () => {
  it('has 1 to 103 bytes, however many letters these are', () => {
    for (const path of ['/', 'x'.repeat(103), `x${'é'.repeat(51)}`]) expect(socketPath.accepts(path)).toBe(true);
    for (const path of ['', 'x'.repeat(104), 'é'.repeat(52), 5, null, Buffer.from('/')])
      expect(socketPath.accepts(path)).toBe(false);
    expect(socketPath.expected).toBe('a path of 1 to 103 bytes');
  });
});

describe('an option of the keepalive', () => {
  it.each(['intervalMs', 'timeoutMs'] as const)('is a time that a tick can tell: %s', (name) => {
    for (const value of [250, LONGEST_MS, keepaliveDefaults[name]]) {
      expect(keepaliveRules[name].accepts(value)).toBe(true);
    }
    for (const value of [0, 249, LONGEST_MS + 1, ...noNumbers]) expect(keepaliveRules[name].accepts(value)).toBe(false);
  });
});

describe('bytes on their way', () => {
  it('have a second for each 128 KiB', () => {
    expect(travelMs(0)).toBe(0);
    expect(travelMs(131_072)).toBe(1000);
    expect(travelMs(458_752)).toBe(3500);
  });
});
