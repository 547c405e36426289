// The bounds of a client, and Commands that cannot be written: each costs one call, never the connection's bytes.
import { describe, expect, it } from '@jest/globals';
import { Command } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { ADD_2_3, addFrame, echoFrame, echoResultFrame, GREETING, SUM_5, sumFrame } from '../../support/calc-frames.js';
import { openPair } from '../../support/client-pair.js';
import { inTime, turns, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd, CalcResult, EchoCmd, FloatCmd, UnknownCmd } from '../../support/vector-contract.js';

const own = guardLeaks();
const seqs = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

describe('queue.maxCommands', () => {
  it('fails further Commands with QUEUE_FULL while there is no connection, and sends the others', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { queue: { maxCommands: 2 } }));
    const sums = seqs(2).map((A) => client.execute(new AddCmd(A, 0)));
    await expect(client.execute(new AddCmd(3, 0))).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      sent: false,
      message: expect.stringMatching(
        /queue\.maxCommands \(2\).*is it a cmd-stream server|queue\.maxCommands \(2\).*was not taken there/,
      ),
      cause: { code: 'CONNECT_TIMEOUT' },
    });
    await expect(client.emit(new AddCmd(4, 0))).rejects.toMatchObject({ code: 'QUEUE_FULL', sent: false });
    expect(client.pending).toBe(2);
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(addFrame(1, 1, 0) + addFrame(2, 2, 0));
    peer.write(sumFrame(1, 1) + sumFrame(2, 2));
    await expect(Promise.all(sums)).resolves.toEqual([new CalcResult(1), new CalcResult(2)]);
  });

  it('has room again when a Command is cancelled', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { queue: { maxCommands: 1 } }));
    const call = client.dispatch(new AddCmd(1, 0), new RecordingSink());
    call.cancel();
    const sum = client.execute(new AddCmd(2, 0));
    const peer = await raw.peer();
    peer.write(GREETING + sumFrame(1, 2));
    await expect(sum).resolves.toEqual(new CalcResult(2));
  });

  it('bounds what waits for a server that does not read', async () => {
    const options = { queue: { maxCommands: 5 }, maxSendBufferBytes: 65_536, writeStallTimeoutMs: 0 };
    const { client, peer } = await openPair(own, options);
    peer.socket.pause();
    const errors: unknown[] = [];
    await until('the client is full', () => {
      client.dispatch(
        new EchoCmd('x'.repeat(60_000)),
        Object.assign(new RecordingSink(), { error: (e: unknown) => errors.push(e) }),
      );
      return errors.length > 0;
    });
    expect(errors).toEqual([expect.objectContaining({ code: 'QUEUE_FULL', sent: false })]);
    expect(client.status).toBe('connected');
    const { pending } = client;
    peer.socket.resume();
    await peer.receivesBytes(pending * 60_000);
  });
});

describe('maxSendBufferBytes', () => {
  it('lets a burst that is larger wait, in order, for a server that reads', async () => {
    const { client, peer } = await openPair(own, { maxSendBufferBytes: 65_536 });
    const text = 'x'.repeat(30_000);
    const echoes = Promise.all(seqs(500).map((seq) => client.execute(new EchoCmd(`${seq}${text}`))));
    const frames = Buffer.from(
      seqs(500)
        .map((seq) => echoFrame(seq, `${seq}${text}`))
        .join(''),
      'hex',
    );
    await peer.receivesBytes(frames.length);
    expect(peer.received.equals(frames)).toBe(true);
    peer.write(
      seqs(500)
        .map((seq) => echoResultFrame(seq, 'done'))
        .join(''),
    );
    await expect(echoes).resolves.toHaveLength(500);
  });

  it('lets 30 MB that waited for the connection through', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const text = 'x'.repeat(300_000);
    const echoes = Promise.all(seqs(100).map(() => client.execute(new EchoCmd(text))));
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receivesBytes(100 * 300_000);
    peer.write(
      seqs(100)
        .map((seq) => echoResultFrame(seq, 'done'))
        .join(''),
    );
    await expect(echoes).resolves.toHaveLength(100);
  });
});

describe('65,536 Commands without an answer', () => {
  it('have further ones fail with QUEUE_FULL, until one is answered', async () => {
    const { client, peer } = await openPair(own);
    const sink = new RecordingSink();
    for (let n = 0; n < 65_536; n++) client.dispatch(new AddCmd(1, 1), sink);
    expect(sink.ends).toEqual([]);
    await expect(client.execute(new AddCmd(3, 0))).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      sent: false,
      message: expect.stringContaining('connectionsPerServer') as unknown,
    });
    peer.write(sumFrame(1, 2));
    await until('one is answered', () => sink.ends.length === 1);
    const next = client.execute(new AddCmd(4, 0));
    peer.write(sumFrame(65_537, 4));
    await expect(next).resolves.toEqual(new CalcResult(4));
    client.destroy();
  });
});

/** Commands that cannot be written, and how they fail. */
const broken: [string, () => Command, string][] = [
  ['a class outside the contract', () => new UnknownCmd(), 'COMMAND_NOT_IN_CONTRACT'],
  ['a subclass of a class of the contract', () => new (class extends AddCmd {})(2, 3), 'COMMAND_NOT_IN_CONTRACT'],
  ['a plain object', () => ({ A: 2, B: 3 }) as unknown as Command, 'COMMAND_NOT_IN_CONTRACT'],
  ['null', () => null as unknown as Command, 'COMMAND_NOT_IN_CONTRACT'],
  ['a class itself', () => AddCmd as unknown as Command, 'COMMAND_NOT_IN_CONTRACT'],
  ['more than maxCommandBytes', () => new EchoCmd('x'.repeat(1000)), 'FRAME_TOO_LARGE'],
  ['a toJSON that throws', () => Object.assign(new AddCmd(), { toJSON: fail }), 'ENCODE_FAILED'],
  ['a getter that throws deep inside', () => Object.assign(new AddCmd(), { A: deep() }), 'ENCODE_FAILED'],
  ['a circle', () => Object.assign(new AddCmd(), { A: circle() }), 'ENCODE_FAILED'],
  ['NaN', () => new FloatCmd(Number.NaN), 'ENCODE_FAILED'],
];

describe('a Command that cannot be written', () => {
  it.each(broken)('fails alone when it is %s', async (_what, make, code) => {
    const { client, peer } = await openPair(own, { maxCommandBytes: 100 });
    const before = client.execute(new AddCmd(2, 3));
    await expect(client.execute(make())).rejects.toMatchObject({ code, sent: false });
    await expect(client.emit(make())).rejects.toMatchObject({ code, sent: false });
    const after = client.execute(new AddCmd(2, 3));
    await peer.receives(ADD_2_3 + addFrame(4, 2, 3));
    peer.write(SUM_5 + sumFrame(4, 5));
    await expect(Promise.all([before, after])).resolves.toEqual([new CalcResult(5), new CalcResult(5)]);
    expect(client.pending).toBe(0);
  });

  it.each(broken)('fails alone among those that wait for the connection when it is %s', async (_what, make, code) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { maxCommandBytes: 100 }));
    const first = client.execute(new AddCmd(2, 3));
    const bad = client.execute(make());
    const last = client.execute(new AddCmd(2, 3));
    await expect(bad).rejects.toMatchObject({ code, sent: false });
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(ADD_2_3 + addFrame(2, 2, 3));
    peer.write(SUM_5 + sumFrame(2, 5));
    await expect(Promise.all([first, last])).resolves.toHaveLength(2);
  });

  it.each([undefined, 1])('is not taken for a pattern, with %p as options', async (options) => {
    const { client } = await openPair(own);
    const call = client.execute('add' as unknown as Command, options as never);
    await expect(call).rejects.toMatchObject({
      code: 'COMMAND_NOT_IN_CONTRACT',
      message: expect.stringMatching(/^a string is not in .*: a call takes a Command; .* send\(pattern, data\)$/),
    });
  });

  it('leaves what is being written alone', async () => {
    const { client, peer } = await openPair(own);
    const large = new EchoCmd('x'.repeat(600_000));
    const echo = client.execute(large);
    const failures = seqs(50).map(() => client.execute(new FloatCmd(Number.NaN)));
    await turns(2);
    failures.push(...seqs(50).map(() => client.execute(new FloatCmd(Number.NaN))));
    const settled = await inTime('all have failed', Promise.allSettled(failures));
    expect(settled.every(({ status }) => status === 'rejected')).toBe(true);
    const sum = client.execute(new AddCmd(2, 3));
    await peer.receives(echoFrame(1, 'x'.repeat(600_000)) + addFrame(102, 2, 3));
    peer.write(echoResultFrame(1, 'x') + sumFrame(102, 5));
    await Promise.all([echo, sum]);
  });
});

function fail(): never {
  throw new Error('a Command throws');
}

function deep(): unknown {
  return {
    inside: {
      get value() {
        return fail();
      },
    },
  };
}

function circle(): unknown {
  const one: { self?: unknown } = {};
  one.self = one;
  return one;
}
