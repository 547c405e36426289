// Commands that no caller waits for, and Results that no call waits for.
import { describe, expect, it } from '@jest/globals';
import type { UnexpectedResult } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { ADD_2_3, addFrame, GREETING, SUM_5, sumFrame } from '../../support/calc-frames.js';
import { openPair } from '../../support/client-pair.js';
import { inTime, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { AddCmd, CalcResult, EchoCmd } from '../../support/vector-contract.js';

const own = guardLeaks();

describe('emit()', () => {
  it('resolves when the Command was written, and leaves nothing pending', async () => {
    const { client, peer } = await openPair(own);
    const emitted = client.emit(new AddCmd(2, 3));
    expect(client.has(1)).toBe(false);
    client.forget(1);
    await inTime('the Command is written', emitted);
    expect(client.pending).toBe(0);
    await peer.receives(ADD_2_3);
  });

  it('opens the connection when there is none', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const emitted = client.emit(new AddCmd(2, 3));
    const peer = await raw.peer();
    peer.write(GREETING);
    await inTime('the Command is written', emitted);
    await peer.receives(ADD_2_3);
  });

  it('resolves for a Command larger than one write', async () => {
    const { client, peer } = await openPair(own);
    await inTime('the Command is written', client.emit(new EchoCmd('x'.repeat(500_000))));
    await inTime('the next one, too', client.emit(new EchoCmd('x'.repeat(70_000))));
    await peer.receivesBytes(570_000);
  });

  it('keeps the order of calls while the connection is being opened', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const emitted = [client.emit(new AddCmd(1, 0)), client.execute(new AddCmd(2, 0)), client.emit(new AddCmd(3, 0))];
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(addFrame(1, 1, 0) + addFrame(2, 2, 0) + addFrame(3, 3, 0));
    peer.write(sumFrame(2, 2));
    await Promise.all(emitted);
  });

  it('takes the Results that come all the same for unexpected ones', async () => {
    const unexpected: UnexpectedResult[] = [];
    const { client, peer } = await openPair(own, { onUnexpectedResult: (result) => unexpected.push(result) });
    await client.emit(new AddCmd(2, 3));
    peer.write(SUM_5);
    await until('a Result arrives', () => client.unexpectedResults === 1);
    expect(unexpected).toEqual([{ seq: 1, result: new CalcResult(5), bytesRead: 4, afterLast: false }]);
  });
});

describe('unexpected Results', () => {
  it('are counted and given to the callback, and the connection lives', async () => {
    const unexpected: UnexpectedResult[] = [];
    const { client, peer } = await openPair(own, { onUnexpectedResult: (result) => unexpected.push(result) });
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(sumFrame(42, 1) + sumFrame(-1, 2) + SUM_5 + SUM_5 + sumFrame(2n ** 63n - 1n, 3));
    await expect(sum).resolves.toEqual(new CalcResult(5));
    await until('all have arrived', () => client.unexpectedResults === 4);
    expect(unexpected.map(({ seq }) => seq)).toEqual([42, -1, 1, 2n ** 63n - 1n]);
    expect(unexpected.map(({ result }) => (result as CalcResult).value)).toEqual([1, 2, 5, 3]);
    expect(client.status).toBe('connected');
  });

  it('are counted without a callback', async () => {
    const { client, peer } = await openPair(own);
    peer.write(sumFrame(42, 1));
    await until('it has arrived', () => client.unexpectedResults > 0);
    expect(client.unexpectedResults).toBe(1);
  });

  it('leave the connection alone when the callback throws', async () => {
    const { client, peer } = await openPair(own, { onUnexpectedResult: fail });
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(sumFrame(42, 1) + SUM_5);
    await expect(sum).resolves.toEqual(new CalcResult(5));
    expect(client.unexpectedResults).toBe(1);
  });
});

function fail(): never {
  throw new Error('a sink throws');
}
