// Which failure a fault explains, and which nothing does.
import { describe, expect, it } from '@jest/globals';
import { Explanations, type Client, type FaultRecord, type Incident } from './incidents.js';
import { allKinds, harmlessKinds } from './schedule.js';

const explanations = new Explanations({ silenceMs: 4000, awayMs: 12_000 });
const group: Client = { name: 'group', sites: ['a', 'b'], isPlain: false };
const single: Client = { name: 'single', sites: ['a'], isPlain: false };
const plain: Client = { name: 'plain', sites: ['a'], isPlain: true };
const START = 1_000_000;

const fault = (given: Partial<FaultRecord>): FaultRecord => ({
  site: 'a',
  kind: 'kill',
  lengthMs: 3000,
  from: START,
  until: START + 3000,
  ...given,
});
const at = (ms: number, given: Partial<Incident> = {}): Incident => ({
  what: 'connection',
  client: 'single',
  site: 'a',
  code: 'PEER_CLOSED',
  from: START + ms,
  until: START + ms,
  count: 1,
  ...given,
});
const call = (ms: number, given: Partial<Incident> = {}): Incident =>
  at(ms, { what: 'call', site: undefined, code: 'CONNECTION_LOST', sent: true, ...given });
const unsent = (ms: number, given: Partial<Incident> = {}): Incident =>
  call(ms, { code: 'CONNECT_FAILED', sent: false, ...given });

describe('a lost connection', () => {
  it('is explained by what cuts it, while that lasts and until it is noticed', () => {
    for (const kind of ['kill', 'fin', 'reset', 'fin in a frame', 'reset in a frame', 'silence', 'freeze'] as const) {
      expect([kind, explanations.covers(at(10), single, [fault({ kind })])]).toEqual([kind, true]);
    }
    expect(explanations.covers(at(4000), single, [fault({})])).toBe(true);
  });

  it('is not explained by what was before, or comes later', () => {
    expect(explanations.covers(at(7500), single, [fault({})])).toBe(false);
    expect(explanations.covers(at(-1500), single, [fault({})])).toBe(false);
  });

  it('is explained longer by a silence, which keepalive has to find out', () => {
    expect(explanations.covers(at(6500), single, [fault({ kind: 'silence' })])).toBe(true);
    expect(explanations.covers(at(8500), single, [fault({ kind: 'silence' })])).toBe(false);
  });

  it.each(harmlessKinds.map((kind) => [kind]))('is not explained by %s', (kind) => {
    expect(explanations.covers(at(10), single, [fault({ kind })])).toBe(false);
  });

  it('is not explained by a fault on the way to another server, or a freeze too short for keepalive', () => {
    expect(explanations.covers(at(10), single, [fault({ site: 'b' })])).toBe(false);
    expect(explanations.covers(at(10), single, [fault({ kind: 'freeze', lengthMs: 1000 })])).toBe(false);
  });

  it('is not explained by a drain, but where the client is plain', () => {
    expect(explanations.covers(at(10), single, [fault({ kind: 'drain' })])).toBe(false);
    expect(explanations.covers(at(10), plain, [fault({ kind: 'drain' })])).toBe(true);
  });

  it('is explained by nothing when it ends for a mistake of a peer', () => {
    for (const code of ['PROTOCOL_ERROR', 'BAD_PAYLOAD', 'FRAME_TIMEOUT', 'WRITE_STALL_TIMEOUT', 'PING_FLOOD']) {
      expect([code, explanations.covers(at(10, { code }), single, [fault({})])]).toEqual([code, false]);
    }
  });

  it('is explained by a Command that fails for its own plain client only', () => {
    const failed = fault({ kind: 'failed Command', clients: ['plain'] });
    expect(explanations.covers(at(10), plain, [failed])).toBe(true);
    expect(explanations.covers(at(10), single, [failed])).toBe(false);
  });
});

describe('a connection that could not be opened', () => {
  const attempt = at(10, { what: 'attempt', code: 'CONNECT_FAILED' });

  it('is explained by whatever keeps a server away, a drain included', () => {
    for (const kind of ['kill', 'drain', 'refuse', 'hang up', 'silence'] as const) {
      expect([kind, explanations.covers(attempt, single, [fault({ kind })])]).toEqual([kind, true]);
    }
  });

  it('is not explained by a way that is slow, or without a fault', () => {
    expect(explanations.covers(attempt, single, [fault({ kind: 'latency' })])).toBe(false);
    expect(explanations.covers(attempt, single, [])).toBe(false);
  });
});

describe('a call that fails', () => {
  it('is explained by a lost connection when its server may have seen it', () => {
    expect(explanations.covers(call(10), single, [fault({})])).toBe(true);
    expect(explanations.covers(call(10), group, [fault({ site: 'b' })])).toBe(true);
    expect(explanations.covers(call(10), single, [fault({ kind: 'drain' })])).toBe(false);
    expect(explanations.covers(call(10), single, [])).toBe(false);
  });

  it('is explained by the loss of its first attempt when it was to be sent again in vain', () => {
    expect(explanations.covers(call(10, { code: 'CIRCUIT_OPEN' }), single, [fault({})])).toBe(true);
    expect(explanations.covers(call(10, { code: 'CIRCUIT_OPEN' }), single, [fault({ kind: 'drain' })])).toBe(false);
  });

  it('counts from its beginning to its end', () => {
    expect(explanations.covers(call(9000, { from: START + 2000 }), single, [fault({})])).toBe(true);
  });

  it('is explained, when it was not sent, only if every server was away', () => {
    expect(explanations.covers(unsent(10), group, [fault({})])).toBe(false);
    expect(explanations.covers(unsent(10), group, [fault({}), fault({ site: 'b', kind: 'drain' })])).toBe(true);
    expect(explanations.covers(unsent(10), single, [fault({ kind: 'drain' })])).toBe(true);
    expect(explanations.covers(unsent(10), single, [fault({ kind: 'dribble' })])).toBe(false);
  });

  it('is explained by nothing when it fails in any other way', () => {
    const everything = allKinds.map((kind) => fault({ kind }));
    for (const code of ['BAD_PAYLOAD', 'INTERNAL', 'OVERLOADED', 'NO_RESULT', 'TypeError: x', 'SLOW_CONSUMER']) {
      for (const sent of [true, false, undefined]) {
        expect([code, explanations.covers(call(10, { code, sent }), single, everything)]).toEqual([code, false]);
      }
    }
    expect(explanations.covers(call(10, { code: 'SHUTDOWN', sent: true }), single, everything)).toBe(false);
  });
});
