// Which of the open connections a call is given to: plain and extended ones, silent ones, and breakers.
import { describe, expect, it } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import { ConnectionPicker } from '../../../lib/client/group/connection-picker.js';
import { GroupServer } from '../../../lib/client/group/group-server.js';
import type { GroupConnection } from '../../../lib/client/group/group-connection.js';
import { ClientCall, type CallOptions } from '../../../lib/client/call/client-call.js';
import { PatternMessage } from '../../../lib/codec/pattern-message.js';
import { VoidCommand } from '../../../lib/contract/command.js';
import {
  leastPending,
  roundRobin,
  type CircuitBreaker,
  type ConnectionChoice,
  type DispatchStrategy,
} from '../../../lib/core.js';

const sink = { next: () => {}, complete: () => {}, error: () => {} };
const holder = { remove: () => {}, waitsFor: () => ({ text: '' }) };
const call = (command: unknown = {}, options?: CallOptions): ClientCall =>
  new ClientCall(command, sink, holder, options);

interface FakeSession {
  isExtended: boolean;
  isSilent: boolean;
}

function connectionOf(index: number, isExtended = false, isSilent = false): GroupConnection & { session: FakeSession } {
  return { index, server: `server-${index}`, pending: 0, session: { isExtended, isSilent } } as never;
}

function pickerOf(
  servers: number,
  strategy: DispatchStrategy = roundRobin(),
  breaker?: (name: string) => CircuitBreaker,
) {
  const hosts = Array.from({ length: servers }, (_, port) => ({ host: 'server', port }));
  const all = hosts.map((host) => new GroupServer(host, breaker, new AsyncScope()));
  return new ConnectionPicker({ dispatchStrategy: strategy }, all);
}

function indices(picker: ConnectionPicker, times: number, command?: unknown, options?: CallOptions): string {
  return Array.from({ length: times }, () => picker.choose(call(command, options)).index).join('');
}

class NoneCmd extends VoidCommand {}

describe('a group of plain and extended connections', () => {
  const connections = [connectionOf(0), connectionOf(1, true), connectionOf(2), connectionOf(3, true)];

  it('gives what needs the extension to those that have it, and everything else to all', () => {
    const picker = pickerOf(4);
    picker.setOpen(connections);
    expect(indices(picker, 4)).toBe('0123');
    expect(indices(picker, 3, new PatternMessage('message', 'sum', []))).toBe('131');
    expect(indices(picker, 2, new PatternMessage('event', 'sum', []))).toBe('31');
    expect(indices(picker, 2, {}, { metadata: { tenant: 'a' } })).toBe('31');
    expect(indices(picker, 3, new NoneCmd())).toBe('313');
    expect(indices(picker, 4)).toMatch(/^(0123|1230|2301|3012)$/);
  });

  it('gives it to a plain one, which says that it cannot, when there is no other', () => {
    const picker = pickerOf(4);
    picker.setOpen([connections[0]!, connections[2]!]);
    expect(indices(picker, 2, {}, { metadata: { tenant: 'a' } })).toBe('02');
  });

  it('forgets those that are not open any more', () => {
    const picker = pickerOf(4);
    picker.setOpen(connections);
    picker.setOpen([connections[0]!, connections[3]!]);
    expect(indices(picker, 2, {}, { metadata: { tenant: 'a' } })).toBe('33');
    expect(new Set(indices(picker, 4))).toEqual(new Set('03'));
  });
});

describe('a connection that is silent', () => {
  it.each([
    ['round robin', roundRobin()],
    ['least pending', leastPending()],
  ])('is passed over by %s while others are not, and taken again when it is no more', (_name, strategy) => {
    const connections = [connectionOf(0, true), connectionOf(1, true, true), connectionOf(2, true)];
    const picker = pickerOf(3, strategy);
    picker.setOpen(connections);
    expect(new Set(indices(picker, 6))).toEqual(new Set('02'));
    expect(new Set(indices(picker, 6, {}, { metadata: {} }))).toEqual(new Set('02'));
    connections[1]!.session.isSilent = false;
    picker.setOpen(connections);
    expect(new Set(indices(picker, 6))).toEqual(new Set('012'));
  });

  it('takes calls as ever when all are silent', () => {
    const picker = pickerOf(2);
    picker.setOpen([connectionOf(0, true, true), connectionOf(1, true, true)]);
    expect(indices(picker, 4)).toBe('0101');
  });

  it('takes what only it can do', () => {
    const picker = pickerOf(2);
    picker.setOpen([connectionOf(0), connectionOf(1, true, true)]);
    expect(indices(picker, 2)).toBe('00');
    expect(indices(picker, 2, {}, { metadata: {} })).toBe('11');
  });
});

describe('a strategy of a user', () => {
  it('sees of each connection what it may know, the same object each time, and can do nothing to it', () => {
    const seen: ConnectionChoice[] = [];
    const picker = pickerOf(2, { pick: ([first, second]) => (seen.push(first!, second!), second!) });
    const connections = [connectionOf(0), connectionOf(1, true)];
    for (let round = 0; round < 2; round++) {
      picker.setOpen(connections);
      expect(picker.choose(call())).toBe(connections[1]);
    }
    expect(new Set(seen).size).toBe(2);
    Object.assign(connections[0]!, { pending: 3, roundTripMs: 7 });
    const { index, server, pending, roundTripMs } = seen[0]!;
    expect([index, server, pending, roundTripMs]).toEqual([0, 'server-0', 3, 7]);
    expect([Object.keys(seen[0]!), Object.isFrozen(seen[0])]).toEqual([['index', 'server'], true]);
  });

  it.each([undefined, {}, { index: 0, server: 'server-0', pending: 0, roundTripMs: undefined }])(
    'fails the call when it gives none of those that it was given: %j',
    (picked) => {
      const picker = pickerOf(1, { pick: () => picked as ConnectionChoice });
      picker.setOpen([connectionOf(0)]);
      expect(() => picker.choose(call())).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    },
  );
});

describe('a call that waits', () => {
  class Counter implements CircuitBreaker {
    state = 'closed' as const;
    isOpen = false;
    readonly news: string[] = [];

    isFailure = (): boolean => true;

    acquire() {
      if (this.isOpen) return undefined;
      const tell = (what: string) => () => void this.news.push(what);
      return { succeed: tell('succeeded'), fail: tell('failed'), release: tell('released') };
    }
  }

  function withBreakers(servers: number) {
    const breakers: Counter[] = [];
    const picker = pickerOf(servers, roundRobin(), () => (breakers.push(new Counter()), breakers.at(-1)!));
    return { picker, breakers };
  }

  it('asks each breaker once, however often it waits again, and tells it of its end once', () => {
    const { picker, breakers } = withBreakers(2);
    const waiting = call();
    picker.hold(waiting);
    picker.hold(waiting);
    picker.setOpen([connectionOf(1)]);
    picker.choose(waiting);
    expect(breakers.map(({ news }) => news)).toEqual([['released'], []]);
    waiting.complete();
    waiting.fail(new Error('too late'));
    expect(breakers.map(({ news }) => news)).toEqual([['released'], ['succeeded']]);
  });

  it('waits anew in a second round, with permits of its own', () => {
    const { picker, breakers } = withBreakers(1);
    const waiting = call();
    for (let round = 0; round < 2; round++) {
      picker.hold(waiting);
      picker.setOpen([connectionOf(0)]);
      picker.choose(waiting);
      waiting.report({ how: 'failed', error: new Error('lost') });
    }
    expect(breakers[0]!.news).toEqual(['failed', 'failed']);
  });

  it('has its trial used for the failed attempt, and another one for the next attempt', () => {
    const { picker, breakers } = withBreakers(1);
    const [first, second] = [call(), call()];
    picker.hold(first);
    picker.hold(second);
    for (let attempt = 0; attempt < 3; attempt++)
      picker.onAttemptFailed(connectionOf(0), new Error('refused'), () => {});
    expect(breakers[0]!.news).toEqual(['failed', 'failed', 'failed']);
    first.cancel();
    second.cancel();
    picker.onAttemptFailed(connectionOf(0), new Error('refused'), () => {});
    expect(breakers[0]!.news).toHaveLength(3);
  });

  it('is refused when no breaker lets it through, and waits for those that do', () => {
    const { picker, breakers } = withBreakers(2);
    breakers[0]!.isOpen = true;
    picker.hold(call());
    breakers[1]!.isOpen = true;
    expect(() => picker.hold(call())).toThrow(expect.objectContaining({ code: 'CIRCUIT_OPEN' }));
  });

  it('gives back what some breakers have said when another one throws', () => {
    const { picker, breakers } = withBreakers(2);
    breakers[1]!.acquire = () => {
      throw new Error('a breaker throws');
    };
    expect(() => picker.hold(call())).toThrow('a breaker throws');
    expect(breakers[0]!.news).toEqual(['released']);
  });
});
