// What breakers have said to a call that waits: each permit is used once.
import { describe, expect, it } from '@jest/globals';
import type { CallOutcome } from '../../../lib/instrumentation/instrumentation.js';
import type { GroupServer } from '../../../lib/client/group/group-server.js';
import { HeldPermits } from '../../../lib/client/group/connection-picker.js';
import { CmdStreamError } from '../../../lib/core.js';

const lost = new CmdStreamError('CONNECT_FAILED', 'not there');

/** Servers by name, and what their breakers were notified; one in brackets lets nothing through, `-` has no breaker. */
function stageOf(names: string[], isFailure = true) {
  const news: string[] = [];
  const servers = names.map((name): GroupServer => {
    const say = (what: string) => () => void news.push(`${name} ${what}`);
    const permit = { succeed: say('succeeded'), fail: say('failed'), release: say('released') };
    const breaker =
      name === '-'
        ? undefined
        : { acquire: () => (name.startsWith('(') ? undefined : permit), isFailure: () => isFailure };
    return { breaker, lastError: lost } as unknown as GroupServer;
  });
  return { servers, news, held: HeldPermits.acquire(servers)! };
}

const never = (): boolean => false;

describe('the permits of a call that waits', () => {
  it('are none when no breaker lets it through', () => {
    expect(stageOf(['(a)', '(b)']).held).toBeUndefined();
    expect(stageOf(['-']).held).toBeUndefined();
    expect(stageOf(['(a)', 'b']).held).toBeDefined();
  });

  it('are each taken once, and not notified of what becomes of the call then', () => {
    const { servers, news, held } = stageOf(['a', 'b', '(c)']);
    expect(held.take(servers[0]!)).toBeDefined();
    expect(held.take(servers[0]!)).toBeUndefined();
    expect(held.take(servers[2]!)).toBeUndefined();
    held.release();
    held.release();
    held.report({ how: 'failed', error: lost }, never);
    expect(news).toEqual(['b released']);
  });

  it.each<[string, CallOutcome, boolean, boolean, string]>([
    ['has failed because no server is there', { how: 'failed', error: lost }, true, false, 'failed'],
    ['has failed in a way that is no fault of a server', { how: 'failed', error: lost }, false, false, 'released'],
    ['has failed, and that was counted', { how: 'failed', error: lost }, true, true, 'released'],
    ['was given up', { how: 'cancelled', error: lost }, true, false, 'released'],
    ['had too little time', { how: 'timed out', error: lost }, true, false, 'released'],
  ])('learn, once, of a call that %s', (_what, end, isFailure, hasCounted, expected) => {
    const { news, held } = stageOf(['a', 'b'], isFailure);
    for (let time = 0; time < 2; time++) held.report(end, () => hasCounted);
    expect(news).toEqual([`a ${expected}`, `b ${expected}`]);
  });

  it('are released where the server has not failed so far', () => {
    const { servers, news, held } = stageOf(['a', 'b']);
    Object.assign(servers[0]!, { lastError: undefined });
    held.report({ how: 'failed', error: lost }, (server) => server === servers[0]);
    expect(news).toEqual(['a released', 'b failed']);
  });

  it('are all notified although one of them throws', () => {
    const news: string[] = [];
    const throws = (): never => {
      throw new Error('a breaker throws');
    };
    const permits = [
      { succeed: throws, fail: throws, release: throws },
      { succeed: never, fail: () => news.push('failed'), release: () => news.push('released') },
    ];
    const servers = permits.map(
      (permit) => ({ lastError: lost, breaker: { acquire: () => permit, isFailure: () => true } }) as never,
    );
    HeldPermits.acquire(servers)!.release();
    HeldPermits.acquire(servers)!.report({ how: 'failed', error: lost }, never);
    expect(news).toEqual(['released', 'failed']);
  });
});
