// Threats C1, C2, C5, C8 to C10, C13 and C17: what a server can do to a client.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { countResultFrame, frame, GREETING, SUM_5, sumFrame, uvarint } from '../support/calc-frames.js';
import { openPair } from '../support/client-pair.js';
import { turns, until } from '../support/deadline.js';
import { EXTENDED_GREETING } from '../support/extension-frames.js';
import { guardInvariants } from '../support/invariants.js';
import { RawServer } from '../support/raw-server.js';
import { RecordingSink } from '../support/recording-sink.js';
import { AddCmd, CalcResult } from '../support/vector-contract.js';

const { own, pair, client: clientOf } = guardInvariants();
const five = new CalcResult(5);
const MIB = 1024 * 1024;
const IDLE = { next: () => {}, complete: () => {}, error: () => {} };

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

const powers = Array.from({ length: 41 }, (_, at) => 2n ** BigInt(23 + at));
const lengths = powers.flatMap((power) => [power - 1n, power, power + 1n]).filter((length) => length < 2n ** 64n);

describe('C1 a Result of a length that is only announced', () => {
  it('ends the connection, whatever it is beyond the limit', async () => {
    for (const length of lengths) {
      const { client, peer } = await pair();
      const sum = client.execute(new AddCmd(2, 3));
      peer.write(`0100${uvarint(length)}`);
      const code = length < 2n ** 63n ? 'FRAME_TOO_LARGE' : 'NEGATIVE_LENGTH';
      await expect(sum).rejects.toMatchObject({ code });
      await peer.ends();
      await peer.destroy();
    }
  });

  it('ends an extended one as well', async () => {
    for (const length of [2n ** 31n, 2n ** 40n, 2n ** 62n]) {
      const raw = own(await RawServer.listen());
      const client = clientOf(raw.port, { extension: 'require' });
      const connected = client.connect();
      const peer = await raw.peer();
      peer.write(EXTENDED_GREETING);
      await connected;
      const sum = client.execute(new AddCmd(2, 3));
      peer.write(`800008${uvarint(length)}`);
      await expect(sum).rejects.toMatchObject({ code: 'CONNECTION_LOST', cause: { code: 'FRAME_TOO_LARGE' } });
      await peer.ends();
    }
  });
});

describe('C2 a greeting that is none', () => {
  it.each([
    ['nothing', '', '', 'CONNECT_TIMEOUT'],
    ['half of it', GREETING.slice(0, 6), '', 'CONNECT_TIMEOUT'],
    ['half of it, then the end', GREETING.slice(0, 6), 'finish', 'CONNECT_FAILED'],
    ['half of it, then a reset', GREETING.slice(0, 6), 'reset', 'CONNECT_FAILED'],
    ['the end', '', 'finish', 'CONNECT_FAILED'],
    ['too much', `${uvarint(1_025)}${'61'.repeat(1_025)}`, '', 'SERVER_INFO_TOO_LARGE'],
    ['a length of 2^62', uvarint(2n ** 62n), '', 'SERVER_INFO_TOO_LARGE'],
    ['eleven bytes of a length', '80'.repeat(11), '', 'VARINT_OVERFLOW'],
    ['another', '056f74686572', '', 'SERVER_INFO_MISMATCH'],
    ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n').toString('hex'), '', 'CONNECT_TIMEOUT'],
  ] as const)('fails the attempt to connect: %s', async (_what, bytes, end, code) => {
    const raw = own(await RawServer.listen());
    const client = clientOf(raw.port, { connectTimeoutMs: 300 });
    const connected = client.connect();
    connected.catch(() => {});
    const peer = await raw.peer();
    peer.write(bytes);
    if (end === 'finish') peer.finish();
    if (end === 'reset') peer.reset();
    await expect(connected).rejects.toMatchObject({ code });
    expect(client.status).toBe('disconnected');
  });
});

describe('C5 a ping, then a Command', () => {
  it('are both answered, a thousand times', async () => {
    const { client, peer } = await pair();
    for (let seq = 1; seq <= 1_000; seq++) {
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
    const { client, peer, raw } = await pair();
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
    const { client, peer } = await pair();
    const sums = [client.execute(new AddCmd(2, 3)), client.execute(new AddCmd(2, 3))];
    peer.write(bytes + SUM_5 + sumFrame(2, 5));
    await expect(Promise.all(sums)).resolves.toEqual([five, five]);
    expect(client.unexpectedResults).toBeGreaterThan(0);
    expect(client.status).toBe('connected');
  });
});

describe('C9 Results that no call waits for, of any numbers', () => {
  it('are counted, and harm no call, whatever their numbers are', async () => {
    const { client, peer } = await pair();
    let seq = 0;
    let unexpected = 0;
    const any = fc.array(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(any, async (numbers) => {
        const sum = client.execute(new AddCmd(2, 3));
        seq++;
        const others = numbers.filter((number) => number !== 0n && number !== BigInt(seq));
        peer.write(others.map((number) => sumFrame(number, 7)).join('') + sumFrame(seq, 5));
        await expect(sum).resolves.toEqual(five);
        unexpected += others.length;
        expect(client.unexpectedResults).toBe(unexpected);
      }),
    );
    expect(client.status).toBe('connected');
  });
});

describe('C10 more Results than were asked for', () => {
  it('fail the call, and 100 others of the connection are answered', async () => {
    const { client, peer } = await pair();
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
  it('are forgotten, a million of them, and their late Results are counted', async () => {
    const { client, peer } = await openPair(own, { keepalive: false });
    const before = heapAfterCollection();
    for (let round = 0; round < 1_000; round++) {
      for (let at = 0; at < 1_000; at++) client.dispatch(new AddCmd(2, 3), IDLE).cancel();
      await turns(1);
      peer.chunks.length = 0;
    }
    expect(client.pending).toBe(0);
    expect(heapAfterCollection() - before).toBeLessThan(16 * MIB);
    peer.write(Array.from({ length: 10_000 }, (_, at) => sumFrame(at + 1, 5)).join(''));
    await until('late Results are counted', () => client.unexpectedResults === 10_000);
    const last = new RecordingSink();
    const call = client.dispatch(new AddCmd(2, 3), last);
    await until('it is written', () => call.seq > 0);
    peer.write(sumFrame(call.seq, 5));
    expect([await last.ended(), last.results]).toEqual([undefined, [five]]);
  }, 120_000);
});

describe('C17 a callback of the application that throws', () => {
  it('costs its own call, and no other', async () => {
    const { client, peer } = await pair();
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
    const { client, peer } = await pair({
      onUnexpectedResult: () => {
        throw new Error('not expected');
      },
    });
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(frame(99, 0, '1') + SUM_5);
    await expect(sum).resolves.toEqual(five);
  });
});
