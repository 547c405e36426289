// Many lives of connections, one after the other: nothing of them stays, timers that do not hold the process included.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { calcClient } from '../support/calc-client.js';
import { ADD_2_3, GREETING, SUM_5 } from '../support/calc-frames.js';
import { CalcServer } from '../support/calc-server.js';
import { until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult } from '../support/vector-contract.js';

const own = guardLeaks();
const CYCLES = 200;

/** Intervals that are set and not cleared: the leak guard does not see those that do not hold the process. */
const intervals = new Set<unknown>();

beforeEach(() => {
  const { setInterval, clearInterval } = globalThis;
  jest.spyOn(globalThis, 'setInterval').mockImplementation(((...args: Parameters<typeof setInterval>) => {
    const timer = setInterval(...args);
    intervals.add(timer);
    return timer;
  }) as typeof setInterval);
  jest.spyOn(globalThis, 'clearInterval').mockImplementation((timer) => {
    intervals.delete(timer);
    clearInterval(timer);
  });
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('after 200 cycles of connecting, a Command and', () => {
  it('close(), a client and its server hold nothing', async () => {
    const calc = own(await CalcServer.start());
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const client = calcClient(calc.port);
      await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
      await client.close();
    }
    await until('all connections are lost', () => calc.lost.length === CYCLES);
    expect(calc.server.connections).toBe(0);
    expect(intervals.size).toBe(0);
  });

  it.each(['finish', 'reset'] as const)('%s by the peer, a server holds nothing', async (end) => {
    const calc = own(await CalcServer.start());
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const peer = await calc.connect();
      peer.write(ADD_2_3);
      await peer.receives(GREETING + SUM_5);
      peer[end]();
      await peer.destroy();
    }
    await until('all connections are lost', () => calc.lost.length === CYCLES);
    expect(intervals.size).toBe(0);
  });

  it('a new server, no server holds anything', async () => {
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const calc = await CalcServer.start({ quietPeriodMs: 0 });
      const client = calcClient(calc.port);
      await client.execute(new AddCmd(2, 3));
      if (cycle % 2 === 0) await calc.server.close();
      else calc.server.destroy();
      client.destroy();
    }
    await until('all sockets are closed', () => intervals.size === 0);
    expect(intervals.size).toBe(0);
  });

  it('a call with a time limit and a signal, both are let go', async () => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port));
    const { signal } = new AbortController();
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      await client.execute(new AddCmd(2, 3), { signal, timeoutMs: 60_000 });
    }
    await client.close();
    await until('the connection is lost', () => calc.lost.length === 1);
    expect(client.pending).toBe(0);
  });
});
