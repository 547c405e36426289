// A client whose own process stood still, be it a long computation, a debugger or a suspended machine.
import { describe, expect, it } from '@jest/globals';
import { CommandClient } from '../../../lib/core.js';
import { turns } from '../../support/deadline.js';
import { interopContract } from '../../support/interop-contract.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { ServerProcess } from '../../support/server-process.js';
import { AddCmd } from '../../support/vector-contract.js';

const own = guardLeaks();
const clock = new Int32Array(new SharedArrayBuffer(4));

/** Nothing happens in this process meanwhile. */
function standStill(ms: number): void {
  Atomics.wait(clock, 0, 0, ms);
}

describe('a client whose process stands still for longer than its server may', () => {
  it('reads the pongs that wait before it gives up the connection', async () => {
    const { port } = await ServerProcess.start({}, own);
    const keepalive = { intervalMs: 250, timeoutMs: 250 };
    const client = own(new CommandClient({ host: '127.0.0.1', port, contract: interopContract, keepalive }));
    await client.connect();
    const causes: unknown[] = [];
    client.onStatus(({ cause }) => causes.push(cause));
    // In one of two turns a ping leaves, in the next its time is over, and its pong is there.
    for (let round = 0; round < 6; round++) {
      standStill(600);
      await turns(1);
    }
    expect((await client.execute(new AddCmd(2, 3))).value).toBe(5);
    expect(causes).toEqual([]);
  });
});
