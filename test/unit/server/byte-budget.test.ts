// The memory that a server may hold for its peers: what counts where and never twice, who gets no more when it is
// short, who goes when it is spent, and who is called when there is room again.
import { describe, expect, it } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import type { CmdStreamError } from '../../../lib/errors.js';
import {
  ByteBudget,
  costOfCommand,
  defaultBudget,
  type ByteAccount,
  type BytesHolder,
} from '../../../lib/server/byte-budget.js';
import { turns } from '../../support/deadline.js';

const MIB = 1024 * 1024;

/** A connection that lets go of what it is asked for, as a session does. */
class Holder implements BytesHolder {
  readonly account: ByteAccount;
  readonly causes: CmdStreamError[] = [];
  reliefs = 0;
  /** Of what it holds for its calls and for the socket. */
  calls = 0;
  socket = 0;
  /** What it still has to send when it is ended, and gives up only when it is asked again. */
  unsent = 0;

  constructor(budget: ByteBudget) {
    this.account = budget.addHolder(this);
  }

  giveWay(cause: CmdStreamError): void {
    this.causes.push(cause);
    this.inSocket(this.causes.length === 1 ? this.unsent : 0);
    this.account.end();
  }

  onRelief(): void {
    this.reliefs++;
  }

  inCalls(bytes: number): this {
    const change = bytes - this.calls;
    this.calls = bytes;
    this.account.countCalls(change);
    return this;
  }

  inSocket(bytes: number): this {
    const change = bytes - this.socket;
    this.socket = bytes;
    this.account.countConnection(change);
    return this;
  }
}

function budgetOf(limit: number) {
  const budget = new ByteBudget(limit, new AsyncScope());
  return { budget, connect: () => new Holder(budget) };
}

function gone(holders: readonly Holder[]): readonly number[] {
  return holders.flatMap(({ causes }, at) => (causes.length > 0 ? [at] : []));
}

describe('a budget of bytes', () => {
  it('is what all connections hold, and nothing again when they let go, in every round', () => {
    const { budget, connect } = budgetOf(1000);
    const [one, other] = [connect(), connect()];
    for (let round = 0; round < 3; round++) {
      one.inCalls(100).inSocket(50);
      other.inSocket(200);
      expect([budget.bytes, one.account.bytes, other.account.bytes]).toEqual([350, 150, 200]);
      one.inCalls(0).inSocket(0);
      other.inSocket(0);
      expect(budget.bytes).toBe(0);
    }
  });

  it('holds without a limit whatever there is', () => {
    const { budget, connect } = budgetOf(Infinity);
    const holder = connect().inCalls(2 ** 50);
    expect([budget.isShort, holder.account.hasTooMuch(2 ** 50), holder.causes]).toEqual([false, false, []]);
  });

  it('is spent beyond its last byte: the connection that holds the most goes, wherever it stands', () => {
    for (const most of [0, 1, 2]) {
      const { connect } = budgetOf(1000);
      const all = [0, 1, 2].map((at) => connect().inSocket(at === most ? 400 : 300));
      expect(gone(all)).toEqual([]);
      all[(most + 1) % 3]!.inCalls(1);
      expect(gone(all)).toEqual([most]);
      const text = `maxBufferedBytes (1000) for its peers: the connection with the most (400 bytes) had to go`;
      expect(all[most]!.causes[0]).toMatchObject({
        code: 'MEMORY_PRESSURE',
        message: `the server holds more than ${text}`,
      });
    }
  });

  it('is held again by as many ends as that takes, and by no more', () => {
    const { budget, connect } = budgetOf(1000);
    const all = [100, 200, 300, 400].map((bytes) => connect().inSocket(bytes));
    const last = connect().inSocket(350);
    expect(gone([...all, last])).toEqual([3]);
    last.inSocket(900);
    expect(gone([...all, last])).toEqual([3, 4]);
    expect(budget.bytes).toBe(600);
  });

  it('takes what an ending connection has still to send as well, when its end alone is not enough', () => {
    const { budget, connect } = budgetOf(1000);
    const [slow, other] = [connect(), connect().inSocket(450)];
    slow.unsent = 600;
    slow.inSocket(600);
    expect([slow.causes.length, budget.bytes]).toEqual([2, 450]);
    expect(other.causes).toEqual([]);
  });

  it('ends no others for Commands that run on without their connection, which count until they are over', () => {
    const { budget, connect } = budgetOf(1000);
    const [hog, other] = [connect(), connect().inCalls(300)];
    hog.inCalls(900);
    expect(gone([hog, other])).toEqual([0]);
    expect(budget.bytes).toBe(1200);
    other.inSocket(600);
    expect(other.causes).toEqual([]);
    other.inSocket(701);
    expect(other.causes).toHaveLength(1);
    hog.inCalls(0);
    other.inCalls(0);
    expect(budget.bytes).toBe(0);
  });
});

describe('a connection with more than its fair part', () => {
  it('gets no more from three quarters on, until less than five eighths are held', () => {
    const { connect } = budgetOf(1000);
    const [hog, other] = [connect(), connect()];
    for (let round = 0; round < 3; round++) {
      hog.inCalls(749);
      expect(hog.account.hasTooMuch(0)).toBe(false);
      hog.inCalls(750);
      expect([hog.account.hasTooMuch(0), other.account.hasTooMuch(0)]).toEqual([true, false]);
      hog.inCalls(625);
      expect(hog.account.hasTooMuch(0)).toBe(true);
      hog.inCalls(624);
      expect(hog.account.hasTooMuch(0)).toBe(false);
    }
  });

  it('is one with more than half of what each would have, of those for whose calls something is held', () => {
    const { connect } = budgetOf(1200);
    const [mute, few, many, left] = [connect().inSocket(10), connect(), connect().inCalls(700), connect().inCalls(100)];
    left.account.end();
    few.inCalls(300);
    // Two share the 1,200.
    expect([few.account.hasTooMuch(0), few.account.hasTooMuch(1)]).toEqual([false, true]);
    expect([many.account.hasTooMuch(0), mute.account.hasTooMuch(0)]).toEqual([true, false]);
    many.inCalls(600);
    few.inCalls(0);
    expect(many.account.hasTooMuch(0)).toBe(false);
    many.inSocket(400);
    expect([many.account.hasTooMuch(0), many.account.hasTooMuch(1)]).toEqual([false, true]);
  });

  it('is notified when there is room again, and so are all, once', async () => {
    const { connect } = budgetOf(1000);
    const [hog, other] = [connect(), connect()];
    for (let round = 1; round <= 3; round++) {
      hog.inCalls(800);
      hog.inCalls(640);
      await turns();
      expect([hog.reliefs, other.reliefs]).toEqual([round - 1, round - 1]);
      hog.inCalls(600);
      expect(hog.reliefs).toBe(round - 1);
      await turns();
      expect([hog.reliefs, other.reliefs]).toEqual([round, round]);
    }
  });
});

describe('events that wait', () => {
  it('have a quarter of the whole, and a quarter of that for each connection', () => {
    for (const [limit, all, one] of [
      [1000, 250, 62],
      [2 ** 40, 128 * MIB, 32 * MIB],
      [Infinity, 128 * MIB, 32 * MIB],
    ] as const) {
      const { budget } = budgetOf(limit);
      expect([budget.maxEventBytes, budget.maxEventBytesOfOne]).toEqual([all, one]);
    }
  });

  it('have their room to the byte, whether their connection has ended or not', () => {
    const { budget, connect } = budgetOf(1000);
    for (let round = 0; round < 3; round++) {
      const holder = connect();
      holder.account.countEvents(240);
      expect([budget.hasRoomForEvent(10), budget.hasRoomForEvent(11), budget.bytes]).toEqual([true, false, 240]);
      holder.account.end();
      expect([budget.hasRoomForEvent(11), budget.bytes]).toEqual([false, 240]);
      holder.account.countEvents(-240);
      expect([budget.hasRoomForEvent(250), budget.bytes]).toEqual([true, 0]);
    }
  });
});

describe('what is counted', () => {
  it('for a Command is four times its bytes, and what its call takes', () => {
    expect([costOfCommand(0), costOfCommand(1000)]).toEqual([2048, 6048]);
  });

  it('is bounded by a quarter of the heap limit where nothing is said, within 32 MiB and 1 GiB', () => {
    const limits = [64, 128, 512, 2000, 4096, 16_384].map((mib) => defaultBudget(mib * MIB) / MIB);
    expect(limits).toEqual([32, 32, 128, 500, 1024, 1024]);
    expect(defaultBudget()).toBeGreaterThanOrEqual(32 * MIB);
  });
});

describe('what a handler holds whose call is over', () => {
  it('counts until it lets go, and ends no connection', () => {
    const { budget, connect } = budgetOf(1000);
    const [left, other] = [connect(), connect()];
    left.account.countCalls(600);
    left.account.leave(600);
    expect([budget.bytes, left.account.bytes, budget.isShort]).toEqual([600, 0, false]);
    other.inCalls(900);
    expect([budget.bytes, budget.isShort, gone([left, other])]).toEqual([1500, true, []]);
    left.account.free(600);
    other.inCalls(0);
    expect([budget.bytes, budget.isShort]).toEqual([0, false]);
    // Nothing is taken for left any more.
    other.inCalls(1001);
    expect(gone([left, other])).toEqual([1]);
  });

  it.each(['before', 'behind'])('is counted once when its connection ends %s the call', (order) => {
    const { budget, connect } = budgetOf(1000);
    const [{ account }, other] = [connect(), connect()];
    account.countCalls(600);
    if (order === 'before') account.end();
    account.leave(600);
    if (order === 'behind') account.end();
    expect(budget.bytes).toBe(600);
    account.free(600);
    expect(budget.bytes).toBe(0);
    other.inCalls(1001);
    expect(gone([other])).toEqual([0]);
  });

  it('is of no busy connection: the others have its part', () => {
    const { budget, connect } = budgetOf(1000);
    const [left, other] = [connect(), connect()];
    left.account.countCalls(10);
    other.inCalls(10);
    expect(budget.fairPart).toBe(250);
    left.account.leave(10);
    expect(budget.fairPart).toBe(500);
  });
});
