// Threats C1, C2, C5, C8 to C10, C13 and C17: what a server can do to a client.
import { describe, expect, it } from '@jest/globals';
import { countResultFrame, frame, GREETING, SUM_5, sumFrame, uvarint } from '../support/calc-frames.js';
import { calcClient } from '../support/calc-client.js';
import { openPair } from '../support/client-pair.js';
import { until } from '../support/deadline.js';
import { guardInvariants } from '../support/invariants.js';
import { RawServer } from '../support/raw-server.js';
import { RecordingSink } from '../support/recording-sink.js';
import { AddCmd, CalcResult } from '../support/vector-contract.js';

const { own } = guardInvariants();
const five = new CalcResult(5);

describe('C1 a Result of a length that is only announced', () => {
  it.each([2n ** 31n, 2n ** 40n, 2n ** 62n, 2n ** 63n])('ends the connection: %s bytes', async (length) => {
    const { client, peer } = await openPair(own);
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(`0100${uvarint(length)}`);
    await expect(sum).rejects.toMatchObject({ code: expect.stringMatching(/^(FRAME_TOO_LARGE|NEGATIVE_LENGTH)$/) });
    await peer.ends();
  });
});

describe('C2 a greeting that is none', () => {
  it.each([
    ['nothing', '', 'CONNECT_TIMEOUT'],
    ['half of it', GREETING.slice(0, 6), 'CONNECT_TIMEOUT'],
    ['too much', `${uvarint(1_025)}${'61'.repeat(1_025)}`, 'SERVER_INFO_TOO_LARGE'],
    ['another', '056f74686572', 'SERVER_INFO_MISMATCH'],
    ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n').toString('hex'), 'CONNECT_TIMEOUT|SERVER_INFO_MISMATCH'],
  ])('fails the attempt to connect: %s', async (_what, bytes, code) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { connectTimeoutMs: 300 }));
    const connected = client.connect();
    connected.catch(() => {});
    (await raw.peer()).write(bytes);
    await expect(connected).rejects.toMatchObject({ code: expect.stringMatching(`^(${code})$`) });
  });
});

describe('C5 a ping, then a Command', () => {
  it('are both answered, again and again', async () => {
    const { client, peer } = await openPair(own);
    for (let seq = 1; seq <= 50; seq++) {
      const pinged = client.ping();
      peer.write('00');
      await pinged;
      const sum = client.execute(new AddCmd(2, 3));
      peer.write(sumFrame(seq, 5));
      await expect(sum).resolves.toEqual(five);
    }
  });
});

describe('C8 Results of a connection that is gone', () => {
  it('answer no call of the next one: numbers are never used again', async () => {
    const { client, peer, raw } = await openPair(own);
    const lost = client.execute(new AddCmd(1, 1));
    lost.catch(() => {});
    await until('it is sent', () => peer.hex !== '');
    peer.reset();
    await expect(lost).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
    const sum = client.execute(new AddCmd(2, 3));
    const next = await raw.peer(1);
    next.write(GREETING + sumFrame(1, 2) + sumFrame(2, 5));
    await expect(sum).resolves.toEqual(five);
    expect(client.unexpectedResults).toBe(1);
  });
});

describe('C9 a Result that no call waits for', () => {
  it.each([
    ['of a number that was never used', sumFrame(99, 1)],
    ['of a number beyond 2^53', sumFrame(2n ** 62n, 1)],
    ['of a negative number', sumFrame(-1, 1)],
    ['twice for one Command', sumFrame(1, 5) + sumFrame(1, 6)],
  ])('is counted, and harms no call: %s', async (_what, bytes) => {
    const { client, peer } = await openPair(own);
    const sums = [client.execute(new AddCmd(2, 3)), client.execute(new AddCmd(2, 3))];
    peer.write(bytes + SUM_5 + sumFrame(2, 5));
    await expect(Promise.all(sums)).resolves.toEqual([five, five]);
    expect(client.unexpectedResults).toBeGreaterThan(0);
    expect(client.status).toBe('connected');
  });
});

describe('C10 more Results than were asked for', () => {
  it('fail the call, and 100 others of the connection are answered', async () => {
    const { client, peer } = await openPair(own);
    const sum = client.execute(new AddCmd(1, 1));
    sum.catch(() => {});
    peer.write([0, 1, 2].map((I) => countResultFrame(1, I, I === 2)).join(''));
    await expect(sum).rejects.toMatchObject({ code: 'MULTIPLE_RESULTS' });
    const sums = Array.from({ length: 100 }, () => client.execute(new AddCmd(2, 3)));
    peer.write(sums.map((_, at) => sumFrame(at + 2, 5)).join(''));
    await expect(Promise.all(sums)).resolves.toEqual(sums.map(() => five));
  });
});

describe('C13 calls that are given up', () => {
  it('are forgotten, however many, and their late Results are counted', async () => {
    const { client, peer } = await openPair(own);
    for (let at = 0; at < 10_000; at++) client.dispatch(new AddCmd(2, 3), new RecordingSink()).cancel();
    expect(client.pending).toBe(0);
    await until('all are sent', () => peer.received.length > 10_000);
    peer.write(Array.from({ length: 10_000 }, (_, at) => sumFrame(at + 1, 5)).join(''));
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(sumFrame(10_001, 5));
    await expect(sum).resolves.toEqual(five);
    expect(client.unexpectedResults).toBe(10_000);
  });
});

describe('C17 a callback of the application that throws', () => {
  it('costs its own call, and no other', async () => {
    const { client, peer } = await openPair(own);
    const failed = new RecordingSink();
    client.dispatch(new AddCmd(2, 3), {
      next: () => {
        throw new Error('the sink is full');
      },
      complete: () => failed.complete(),
      error: (error) => failed.error(error),
    });
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(SUM_5 + sumFrame(2, 5));
    await expect(sum).resolves.toEqual(five);
    expect(failed.ends).toEqual([{ error: expect.objectContaining({ message: 'the sink is full' }) }]);
  });

  it('costs nothing where it is onUnexpectedResult', async () => {
    const { client, peer } = await openPair(own, {
      onUnexpectedResult: () => {
        throw new Error('not expected');
      },
    });
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(frame(99, 0, '1') + SUM_5);
    await expect(sum).resolves.toEqual(five);
  });
});
