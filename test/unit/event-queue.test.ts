// The line of events of one connection: its bounds, in bytes, hold again and again, and it says what it drops.
import { describe, expect, it } from '@jest/globals';
import { AsyncScope } from '../../lib/async-scope.js';
import { PatternMessage } from '../../lib/codec/pattern-message.js';
import { CmdStreamError } from '../../lib/errors.js';
import { EventQueue, type Heard } from '../../lib/server/event-queue.js';
import { EventRoom } from '../../lib/server/event-room.js';
import type { RunningCommand } from '../../lib/server/running-command.js';
import { until } from '../support/deadline.js';

const MIB = 1024 * 1024;

class Stage {
  readonly running: RunningCommand[] = [];
  readonly reported: CmdStreamError[] = [];
  readonly queue: EventQueue;

  constructor(room = new EventRoom()) {
    const host = {
      remoteAddress: '',
      localAddress: '',
      scope: new AsyncScope(),
      run: (command: RunningCommand) => void this.running.push(command),
      settled: () => {},
      report: (error: unknown) => void this.reported.push(error as CmdStreamError),
      failureOf: (error: unknown) => error,
    };
    this.queue = new EventQueue(host, 1, room);
  }

  hear(count: number, bytesRead: number): void {
    const value = new PatternMessage('event', 'orders.placed', undefined, false);
    const heard: Heard = { seq: 0, value, bytesRead, receivedAt: 0, metadata: {} };
    for (let n = 0; n < count; n++) this.queue.add(heard);
  }

  /** Ends the first that runs, and each that runs then. */
  async runAll(): Promise<void> {
    await until('all have run', () => {
      this.running.shift()?.complete();
      return this.running.length === 0 && this.queue.length === 0;
    });
  }
}

describe('events that wait on one connection', () => {
  it('are bounded by what they cost, however small they are, in every round', async () => {
    const stage = new Stage();
    for (let round = 0; round < 3; round++) {
      stage.hear(1, 12);
      stage.hear(64_040, 12);
      expect(stage.queue.length).toBe(Math.floor((32 * MIB) / (512 + 12)));
      const dropped = 64_040 - stage.queue.length;
      expect(stage.reported.splice(0)).toHaveLength(dropped);
      await stage.runAll();
    }
  });

  it('are dropped with an error that says which, how many wait, the limit and the remedy', () => {
    const stage = new Stage();
    stage.hear(34, MIB);
    expect(stage.reported).toHaveLength(2);
    expect(stage.reported[0]).toMatchObject({ code: 'OVERLOADED' });
    expect(stage.reported[0]!.message).toBe(
      'the event orders.placed of 1048576 bytes was dropped: it does not fit into the limit of 33554432 bytes of its connection; ' +
        '31 events of 32521728 bytes wait on this connection; ' +
        'handle events faster, or send what must not be lost as Commands, which are answered',
    );
  });

  it('make room when they are dropped because the server stops', () => {
    const room = new EventRoom();
    for (let round = 0; round < 6; round++) {
      const stage = new Stage(room);
      stage.hear(32, MIB);
      expect(stage.queue.length).toBe(31);
      stage.queue.stop(new CmdStreamError('SHUTDOWN', 'it stops'));
      expect(stage.queue.length).toBe(0);
      expect(stage.reported).toMatchObject([{ code: 'SHUTDOWN', message: '31 events were dropped: it stops' }]);
    }
  });
});

describe('events that wait on all connections', () => {
  it('are bounded together, and each that runs makes room', async () => {
    const room = new EventRoom();
    const stages = Array.from({ length: 5 }, () => new Stage(room));
    for (const stage of stages) stage.hear(32, MIB);
    const waiting = (): number => stages.reduce((sum, { queue }) => sum + queue.length, 0);
    expect(waiting()).toBe(127);
    expect(stages[4]!.reported[0]!.message).toContain('134217728 bytes of all connections together');
    for (const stage of stages) await stage.runAll();
    for (const stage of stages) stage.hear(32, MIB);
    expect(waiting()).toBe(127);
  });
});
