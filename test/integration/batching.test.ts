// How frames travel: those of one turn of the event loop in one write, much of it in several, all of it in order.
import { describe, expect, it } from '@jest/globals';
import { AddCmd, CalcResult, EchoCmd, EchoResult } from '../support/vector-contract.js';
import { calcClient } from '../support/calc-client.js';
import { ADD_2_3, addFrame, echoFrame, echoResultFrame, GREETING, SUM_5, sumFrame } from '../support/calc-frames.js';
import { CalcServer } from '../support/calc-server.js';
import { until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { RawServer } from '../support/raw-server.js';
import { SocketSpy } from '../support/socket-spy.js';

const own = guardLeaks();
const seqs = Array.from({ length: 100 }, (_, at) => at + 1);

describe('server', () => {
  it('answers the Commands of one segment in one write', async () => {
    const spy = own(new SocketSpy('server'));
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.write(seqs.map((seq) => addFrame(seq, seq, 1)).join(''));
    const answers = seqs.map((seq) => sumFrame(seq, seq + 1)).join('');
    await peer.receives(GREETING + answers);
    expect(spy.writes.map((bytes) => bytes.toString('hex'))).toEqual([GREETING, answers]);
  });

  it('sends Results and pongs of one turn in the order in which they were made', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write(`00${ADD_2_3}0000${ADD_2_3}`);
    await peer.receives(`${GREETING}00${SUM_5}0000${SUM_5}`);
  });

  it('sends 20 MB of Results whole and in order when the peer reads', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    const text = 'x'.repeat(100_000);
    const answers = seqs.concat(seqs).map((seq) => echoResultFrame(seq, text));
    for (const seq of seqs.concat(seqs)) peer.write(echoFrame(seq, text));
    const expected = Buffer.from(GREETING + answers.join(''), 'hex');
    await peer.receivesBytes(expected.length);
    expect(peer.received.equals(expected)).toBe(true);
  });
});

describe('client', () => {
  it('sends the Commands of one turn in one write', async () => {
    const raw = own(await RawServer.listen());
    const spy = own(new SocketSpy('client'));
    const client = own(calcClient(raw.port));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(GREETING);
    await connected;
    const sums = Promise.all(seqs.map((seq) => client.execute(new AddCmd(seq, 1))));
    const commands = seqs.map((seq) => addFrame(seq, seq, 1)).join('');
    await peer.receives(commands);
    expect(spy.writes.map((bytes) => bytes.toString('hex'))).toEqual([commands]);
    peer.write(seqs.map((seq) => sumFrame(seq, seq + 1)).join(''));
    await expect(sums).resolves.toEqual(seqs.map((seq) => new CalcResult(seq + 1)));
  });

  it('sends the Commands that waited for the connection in one write and in order', async () => {
    const raw = own(await RawServer.listen());
    const spy = own(new SocketSpy('client'));
    const client = own(calcClient(raw.port));
    const sums = Promise.all(seqs.map((seq) => client.execute(new AddCmd(seq, 1))));
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(seqs.map((seq) => addFrame(seq, seq, 1)).join(''));
    expect(spy.writes).toHaveLength(1);
    peer.write(seqs.map((seq) => sumFrame(seq, seq + 1)).join(''));
    await sums;
  });

  it('sends the next write only when the last one is done', async () => {
    const raw = own(await RawServer.listen());
    const spy = own(new SocketSpy('client'));
    const client = own(calcClient(raw.port));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(GREETING);
    await connected;
    peer.socket.pause();
    const sink = { next: () => {}, complete: () => {}, error: () => {} };
    for (let at = 0; at < 60; at++) client.dispatch(new EchoCmd('x'.repeat(100_000)), sink);
    await until('the socket is full', () => spy.sockets[0]!.writableLength > 0);
    const unfinished = spy.sockets[0]!.writableLength;
    expect(unfinished).toBe(spy.writes.at(-1)!.length);
    peer.socket.resume();
    await peer.receivesBytes(60 * 100_007);
    expect(spy.writes.every(({ length }) => length <= 256 * 1024)).toBe(true);
  });

  it('executes 100 large Commands at once', async () => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port));
    const text = 'ä'.repeat(20_000);
    const echoes = await Promise.all(seqs.map((seq) => client.execute(new EchoCmd(`${seq}${text}`))));
    expect(echoes).toEqual(seqs.map((seq) => new EchoResult(`${seq}${text}`)));
  });
});
