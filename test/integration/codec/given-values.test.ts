// What is sent is what was given at the call, however long it waits, and however often it is sent.
import { describe, expect, it } from '@jest/globals';
import { Command, defineContract, Result, type CommandContext, type ResultSink } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { CalcServer } from '../../support/calc-server.js';
import { addFrame, GREETING, sumFrame } from '../../support/calc-frames.js';
import { inTime, until } from '../../support/deadline.js';
import { control, EXTENDED_GREETING, text } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { AddCmd, CalcResult, EchoCmd } from '../../support/vector-contract.js';

const own = guardLeaks();

class Done extends Result {
  constructor(readonly n = 0) {
    super();
  }
}

class TaskCmd extends Command<Done> {
  n = 0;
}

class RepeatableCmd extends Command<Done> {
  static readonly idempotent = true;
  n = 0;
}

const contract = defineContract({ commands: [TaskCmd, RepeatableCmd], results: [Done] });

describe('five calls with one object that changes', () => {
  it.each([false, true])('send each what it was given (connected before: %j)', async (connected) => {
    const received: unknown[] = [];
    const invoker = {
      invoke: ({ n }: TaskCmd, { metadata }: CommandContext, sink: ResultSink) => {
        received.push([n, metadata['n']]);
        sink.complete(new Done(n));
      },
    };
    const calc = own(await CalcServer.start({ contract, invoker: invoker as never }));
    const client = own(calcClient(calc.port, { contract, extension: true }));
    if (connected) await client.connect();
    const command = new TaskCmd();
    const metadata = { n: '' };
    const answers = [0, 1, 2, 3, 4].map((n) => {
      command.n = n;
      metadata.n = String(n);
      return client.execute(command, { metadata });
    });
    const emitted = [5, 6].map((n) => {
      command.n = n;
      metadata.n = String(n);
      return client.emit(command, { metadata });
    });
    command.n = 99;
    metadata.n = '99';
    expect((await Promise.all(answers)).map(({ n }) => n)).toEqual([0, 1, 2, 3, 4]);
    await Promise.all(emitted);
    await until('all are received', () => received.length === 7);
    expect(received).toEqual([0, 1, 2, 3, 4, 5, 6].map((n) => [n, String(n)]));
  });

  it('send it when they waited for room at the server, and when it refused them', async () => {
    const running: (() => void)[] = [];
    const received: number[] = [];
    const invoker = {
      invoke: ({ n }: TaskCmd, _: CommandContext, sink: ResultSink) => {
        received.push(n);
        running.push(() => sink.complete(new Done(n)));
      },
    };
    const calc = own(
      await CalcServer.start({ contract, invoker: invoker as never, maxInFlightPerConnection: 2, maxInFlight: 1 }),
    );
    const client = own(calcClient(calc.port, { contract, extension: true }));
    await client.connect();
    const command = new TaskCmd();
    const answers = [0, 1, 2, 3, 4].map((n) => {
      command.n = n;
      return client.execute(command);
    });
    command.n = 99;
    // One at a time: of the two that the connection may run, the other is refused as long as the first runs.
    for (let n = 0; n < 5; n++) {
      await until(`Command ${n} runs`, () => running.length > n);
      await client.ping();
      running[n]!();
    }
    expect((await inTime('all answers', Promise.all(answers))).map(({ n }) => n)).toEqual([0, 1, 2, 3, 4]);
    expect(received.toSorted()).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('a call that is sent again', () => {
  it.each([
    ['OVERLOADED', ''],
    ['SHUTDOWN', '{"started":false}'],
  ])('sends what it was given when the server refuses it: %s', async (code, payload) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const command = new AddCmd(2, 3);
    const sum = client.execute(command, { timeoutMs: 0 });
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    await until('the Command arrives', () => peer.hex.endsWith(addFrame(1, 2, 3)));
    Object.assign(command, { A: 98, B: 99 });
    peer.write(control(8, `01${text(code)}${Buffer.from(payload).toString('hex')}`));
    await until('the Command arrives again', () => peer.hex.endsWith(addFrame(2, 2, 3)));
    peer.write(sumFrame(2, 5));
    expect(await sum).toEqual(new CalcResult(5));
  });

  it('sends what it was given when its connection is lost', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { contract, reconnect: true, retry: { delayMs: 0 } }));
    const command = Object.assign(new RepeatableCmd(), { n: 7 });
    const done = client.execute(command);
    const first = await raw.peer();
    first.write(GREETING);
    await until('it arrives', () => first.hex.endsWith(Buffer.from('{"n":7}').toString('hex')));
    command.n = 99;
    first.reset();
    const second = await raw.peer(1);
    second.write(GREETING);
    await until('it arrives again', () => second.hex.endsWith(Buffer.from('{"n":7}').toString('hex')));
    second.write(`020007${Buffer.from('{"n":7}').toString('hex')}`);
    expect(await done).toEqual(new Done(7));
  });

  it('fails with what the server said when there was no room to keep it', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true, maxQueuedBytes: 1024 }));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    await connected;
    const echo = client.execute(new EchoCmd('x'.repeat(600)), { timeoutMs: 0 });
    await until('the Command arrives', () => peer.hex.length > 1200);
    peer.write(control(8, `01${text('OVERLOADED')}`));
    await expect(echo).rejects.toMatchObject({ code: 'OVERLOADED', sent: false });
  });
});

describe('maxQueuedBytes', () => {
  it('fails what does not fit while there is no connection, and sends the others', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { maxQueuedBytes: 1024 }));
    const first = client.execute(new AddCmd(2, 3));
    const large = client.execute(new EchoCmd('x'.repeat(1000)));
    await expect(large).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      sent: false,
      message: expect.stringContaining('maxQueuedBytes (1024)'),
    });
    expect(client.pending).toBe(1);
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(addFrame(1, 2, 3));
    peer.write(sumFrame(1, 5));
    expect(await first).toEqual(new CalcResult(5));
    // With a connection nothing has to wait.
    const echo = client.execute(new EchoCmd('x'.repeat(1000)), { timeoutMs: 0 });
    await until('it arrives', () => peer.hex.length > 2000);
    client.destroy();
    await expect(echo).rejects.toMatchObject({ code: 'CLOSED' });
  });
});
