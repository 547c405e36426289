// Pings of one connection: many that wait share few, each has its answer, and one that has left has none.
import { describe, expect, it } from '@jest/globals';
import { PingQueue } from '../../../lib/client/session/ping-queue.js';
import { CmdStreamError } from '../../../lib/core.js';

class Stage {
  sent = 0;
  readonly answered: number[] = [];
  readonly failed: number[] = [];
  readonly pings = new PingQueue(() => this.sent++);

  add(id: number): () => void {
    return this.pings.add({ answered: () => this.answered.push(id), failed: () => this.failed.push(id) });
  }
}

const ids = (count: number): number[] => Array.from({ length: count }, (_, id) => id);

describe('waiters', () => {
  it('have pings of their own while there are few', () => {
    const stage = new Stage();
    for (const id of ids(16)) stage.add(id);
    expect(stage.sent).toBe(16);
    stage.pings.answered(2);
    expect(stage.pings.confirmedBytes).toBe(1);
    expect(stage.answered).toEqual([0, 1]);
  });

  it('share the last ones when there are many, and all are answered', () => {
    const stage = new Stage();
    for (const id of ids(20_000)) stage.add(id);
    expect(stage.sent).toBe(16);
    expect(stage.pings.waiting).toBe(20_000);
    stage.pings.answered(15);
    expect(stage.pings.confirmedBytes).toBe(14);
    expect(stage.answered).toEqual(ids(15));
    stage.pings.answered(1);
    expect(stage.answered).toEqual(ids(20_000));
    expect(stage.pings.waiting).toBe(0);
    expect(stage.pings.position).toBeUndefined();
  });

  it('leave their ping to the next one, or to the others who wait for it', () => {
    const stage = new Stage();
    const leave = ids(17).map((id) => stage.add(id));
    leave[3]!();
    leave[16]!();
    stage.add(17);
    expect(stage.sent).toBe(16);
    expect(stage.pings.waiting).toBe(16);
    stage.pings.answered(16);
    expect(stage.answered).toEqual([0, 1, 2, 17, ...ids(16).slice(4)]);
  });

  it('fail with the connection, each once', () => {
    const stage = new Stage();
    for (const id of ids(18)) stage.add(id);
    stage.pings.fail(new CmdStreamError('CONNECTION_LOST', 'it was lost'));
    stage.pings.fail(new CmdStreamError('CONNECTION_LOST', 'it was lost'));
    expect(stage.failed).toEqual(ids(18));
  });
});
