// The line of events of one connection: its bounds, in bytes, hold again and again, and it says what it drops.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { ServerLoad } from '../../../lib/server/server-load.js';
import { AsyncScope } from '../../../lib/async-scope.js';
import { jsonCodec } from '../../../lib/codec/json/json-codec.js';
import { PatternMessage } from '../../../lib/codec/pattern-message.js';
import { serverDirection, type CodecDirection } from '../../../lib/connection/codec-direction.js';
import { CmdStreamError } from '../../../lib/errors.js';
import { ByteBudget, type BytesHolder } from '../../../lib/server/byte-budget.js';
import { EventQueue } from '../../../lib/server/call/event-queue.js';
import type { CallSession, ServerCall } from '../../../lib/server/call/server-call.js';
import type { ArrivedEvent } from '../../../lib/server/call/waiting-events.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { writeEvent } from '../../../lib/wire/control-frame.js';
import { until } from '../../support/deadline.js';
import { vectorContract } from '../../support/vector-contract.js';

const MIB = 1024 * 1024;

const direction = serverDirection(jsonCodec()(vectorContract), {
  maxCommandBytes: 2 * MIB,
  maxResultBytes: 2 * MIB,
});

/** An event of so many bytes, and a few more. */
function frameOf(bytes: number): Buffer {
  const writer = new ByteWriter();
  const data = JSON.stringify('x'.repeat(bytes));
  writeEvent(writer, { metadata: { a: 'b' }, route: 'orders.placed', data, packet: false, remainingMs: 0, credit: 0 });
  return writer.take();
}

const noBudget = (): ByteBudget => new ByteBudget(Infinity, new AsyncScope());

class Stage {
  readonly running: ServerCall[] = [];
  readonly reported: CmdStreamError[] = [];
  readonly queue: EventQueue;
  /** How many waited whenever the session was asked to look whether it is over. */
  readonly looks: number[] = [];

  constructor(budget = noBudget(), ofDirection: Partial<CodecDirection> = {}) {
    const session = {
      config: {
        scope: new AsyncScope(),
        direction: { ...direction, ...ofDirection },
        maxInFlight: 1,
        budget,
        invoker: {},
        contract: vectorContract,
        load: new ServerLoad(Infinity),
      },
      connection: { arrivedAt: 0 },
      account: budget.addHolder({} as BytesHolder),
      run: (call: ServerCall) => void this.running.push(call),
      settled: () => {},
      endIfDone: () => void this.looks.push(this.queue.length),
      report: (error: unknown) => void this.reported.push(error as CmdStreamError),
    };
    this.queue = new EventQueue(session as unknown as CallSession);
  }

  add(count: number, bytesRead: number): void {
    const frame = frameOf(bytesRead);
    const command = new PatternMessage('event', 'orders.placed', undefined, false);
    // Its metadata is in its frame as well, and is not kept twice.
    const metadata = { a: 'b' };
    const arrived: ArrivedEvent = { seq: 0, command, bytesRead: frame.length, receivedAt: 1, metadata, frame };
    for (let n = 0; n < count; n++) this.queue.add(arrived);
  }

  /** Ends the first that runs, and each that runs then. */
  async runAll(): Promise<void> {
    await until('all have run', () => {
      for (let first = this.running.shift(); first !== undefined; first = this.running.shift()) first.complete();
      return this.running.length === 0 && this.queue.length === 0;
    });
  }
}

describe('events that wait on one connection', () => {
  it('are bounded by what they cost, however small they are, in every round', async () => {
    const stage = new Stage();
    for (let round = 0; round < 3; round++) {
      stage.add(1, 12);
      stage.add(76_000, 400);
      expect(stage.queue.length).toBeGreaterThan((31 * MIB) / 500);
      expect(stage.queue.length).toBeLessThanOrEqual((32 * MIB) / 450);
      const dropped = 76_000 - stage.queue.length;
      expect(stage.reported.splice(0)).toHaveLength(dropped);
      await stage.runAll();
    }
  });

  it('have the last byte of the room of their connection', () => {
    const bytes = frameOf(100).length + 32;
    for (const [limit, waiting] of [
      [bytes, 1],
      [bytes - 1, 0],
    ] as const) {
      // One connection has a sixteenth of the budget for its events.
      const stage = new Stage(new ByteBudget(16 * limit, new AsyncScope()));
      stage.add(2, 100);
      expect([stage.running.length, stage.queue.length, stage.reported.length]).toEqual([1, waiting, 1 - waiting]);
    }
  });

  it('are dropped with an error that says which, how many wait, the limit and the remedy', () => {
    const stage = new Stage();
    stage.add(34, MIB);
    expect(stage.reported).toHaveLength(2);
    expect(stage.reported[0]).toMatchObject({ code: 'OVERLOADED' });
    expect(stage.reported[0]!.message).toBe(
      'the event orders.placed of 1048604 bytes was dropped: it does not fit into the limit of 33554432 bytes of its connection; ' +
        '31 events wait on this connection in 32523185 bytes; ' +
        'handle events faster, or send what must not be lost as Commands, which are answered',
    );
  });

  it('make room when one fails, whatever it fails with, and each failure is reported once', () => {
    const stage = new Stage();
    stage.add(4, 1);
    for (const failure of [undefined, null, 'why', new Error('why')]) {
      const call = stage.running.shift()!;
      expect(stage.running).toEqual([]);
      call.error(failure);
      expect(stage.reported.splice(0)).toMatchObject([{ code: 'HANDLER_ERROR' }]);
    }
    expect([stage.running.length, stage.queue.length]).toEqual([0, 0]);
  });

  it('are held as the bytes they came in, whatever was made of them', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const stage = new Stage();
    const frame = frameOf(1);
    const add = (n: number): WeakRef<object> => {
      const command = { n };
      stage.queue.add({ seq: 0, command, bytesRead: frame.length, receivedAt: 1, metadata: {}, frame });
      return new WeakRef(command);
    };
    const [, ...waiting] = [0, 1, 2, 3].map(add);
    await until('what waits is gone', () => {
      collect();
      return waiting.every((command) => command.deref() === undefined);
    });
    expect(stage.queue.length).toBe(3);
  });

  it('make room when they are dropped because the server stops', () => {
    const budget = noBudget();
    for (let round = 0; round < 6; round++) {
      const stage = new Stage(budget);
      stage.add(32, MIB);
      expect(stage.queue.length).toBe(31);
      stage.queue.stop(new CmdStreamError('SHUTDOWN', 'it stops'));
      expect(stage.queue.length).toBe(0);
      expect(stage.reported).toMatchObject([{ code: 'SHUTDOWN', message: '31 events were dropped: it stops' }]);
    }
  });
});

describe('an event that comes when the server has stopped', () => {
  it('does not run, and is reported with the reason, again and again', () => {
    const stage = new Stage();
    stage.queue.stop(new CmdStreamError('SHUTDOWN', 'it stops'));
    stage.queue.stop(new CmdStreamError('CLOSED', 'it was stopped already'));
    stage.add(2, 4);
    expect([stage.running, stage.queue.length]).toEqual([[], 0]);
    const dropped = { code: 'SHUTDOWN', message: '1 events were dropped: it stops' };
    expect(stage.reported).toMatchObject([dropped, dropped]);
  });

  it('does not run when the code of its class has stopped the server', async () => {
    const cause = new CmdStreamError('SHUTDOWN', 'it stops');
    const decode = (): unknown => {
      stage.queue.stop(cause);
      return {};
    };
    const stage: Stage = new Stage(noBudget(), { decode });
    for (const seq of [5, 6]) {
      stage.queue.add({ seq, command: {}, bytesRead: 1, receivedAt: 1, metadata: {}, frame: Buffer.from([seq]) });
    }
    stage.running.shift()!.complete();
    await until('it is dropped', () => stage.reported.length > 0);
    expect(stage.running).toEqual([]);
    expect(stage.reported).toMatchObject([{ code: 'SHUTDOWN', message: '1 events were dropped: it stops' }]);
  });

  it('aborts those that run, whose place none takes', () => {
    const stage = new Stage();
    stage.add(3, 4);
    const [first] = stage.running;
    expect([first!.isOpen, first!.signal.aborted]).toEqual([true, false]);
    stage.queue.stop(new CmdStreamError('SHUTDOWN', 'it stops'));
    expect([first!.isOpen, first!.signal.aborted]).toEqual([false, true]);
    first!.complete();
    expect([stage.running.length, stage.queue.length]).toEqual([1, 0]);
  });
});

describe('an event that has waited', () => {
  it('comes as it was sent', () => {
    const stage = new Stage();
    stage.add(3, 4);
    for (let n = 0; n < 2; n++) {
      stage.running.shift()!.complete();
      expect(stage.running[0]).toMatchObject({
        seq: 0,
        bytesRead: frameOf(4).length,
        receivedAt: 1,
        metadata: { a: 'b' },
        command: new PatternMessage('event', 'orders.placed', 'xxxx', false),
      });
    }
  });
});

describe('a session whose connection has ended', () => {
  const broken = (stage: Stage): void =>
    stage.queue.add({ seq: 0, command: {}, bytesRead: 1, receivedAt: 1, metadata: {}, frame: Buffer.from([0xff]) });

  it('looks whether it is over when the last events that waited cannot be decoded any more', async () => {
    const stage = new Stage();
    stage.add(1, 4);
    broken(stage);
    broken(stage);
    expect(stage.looks).toEqual([]);
    stage.running.shift()!.complete();
    await until('the session looks', () => stage.looks.length > 0);
    expect(stage.reported).toHaveLength(2);
    expect(stage.looks).toEqual([0]);
  });

  it('looks whether it is over when the last events that waited are dropped', () => {
    const stage = new Stage();
    stage.queue.stop(new CmdStreamError('SHUTDOWN', 'it stops'));
    expect(stage.looks).toEqual([0]);
  });
});

describe('events that wait on all connections', () => {
  it('are bounded together, and each that runs makes room', async () => {
    const budget = noBudget();
    const stages = Array.from({ length: 5 }, () => new Stage(budget));
    for (const stage of stages) stage.add(32, MIB);
    const waiting = (): number => stages.reduce((sum, { queue }) => sum + queue.length, 0);
    expect(waiting()).toBe(127);
    expect(stages[4]!.reported[0]!.message).toContain('134217728 bytes of all connections together');
    for (const stage of stages) await stage.runAll();
    expect(budget.bytes).toBe(0);
    for (const stage of stages) stage.add(32, MIB);
    expect(waiting()).toBe(127);
  });
});
