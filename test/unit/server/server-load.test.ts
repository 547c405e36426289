// What all connections of a server have in common: how many Commands run, what counts where, round after round, and
// whose connection goes.
import { describe, expect, it } from '@jest/globals';
import type { CmdStreamError } from '../../../lib/errors.js';
import { ServerLoad, type ConnectionLoad } from '../../../lib/server/server-load.js';

class Runner {
  readonly share: ConnectionLoad;
  /** Why it had to go. */
  shedBy: CmdStreamError | undefined;

  constructor(readonly load: ServerLoad) {
    this.share = load.addConnection({ close: (cause) => (this.shedBy = cause) });
  }

  start(count = 1): this {
    for (let n = 0; n < count; n++) this.share.started();
    return this;
  }

  settle(count = 1): this {
    for (let n = 0; n < count; n++) this.share.settled();
    return this;
  }

  /** So many are ended while their handlers run on. */
  leave(count = 1): this {
    for (let n = 0; n < count; n++) this.share.left();
    return this;
  }

  endHandlers(count = 1): this {
    for (let n = 0; n < count; n++) this.share.handlerEnded();
    return this;
  }

  end(): this {
    this.share.remove();
    return this;
  }
}

function loadOf(limit: number) {
  const load = new ServerLoad(limit);
  return { load, connect: () => new Runner(load) };
}

describe('the load of a server', () => {
  it('is full with exactly as many Commands as may run, in every round', () => {
    const { load, connect } = loadOf(3);
    const [one, other] = [connect(), connect()];
    for (let round = 0; round < 3; round++) {
      one.start(2);
      expect(load.isFull).toBe(false);
      other.start();
      expect([load.isFull, load.inFlight]).toEqual([true, 3]);
      one.settle();
      expect([load.isFull, load.inFlight]).toEqual([false, 2]);
      one.settle();
      other.settle();
      expect([load.isFull, load.inFlight]).toEqual([false, 0]);
    }
  });

  it('has room again when Commands are ended, for as many as their handlers that run on, in every round', () => {
    const { load, connect } = loadOf(2);
    const [one, other] = [connect(), connect()];
    for (let round = 0; round < 3; round++) {
      one.start(2).leave();
      expect([load.isFull, load.inFlight, one.share.inFlight]).toEqual([false, 2, 1]);
      other.start();
      expect([load.isFull, load.inFlight]).toEqual([true, 3]);
      other.settle();
      one.leave();
      expect([load.isFull, load.inFlight, one.share.inFlight]).toEqual([true, 2, 0]);
      expect([load.makeRoomForSmall(other.share), load.makeRoomFor(other.share)]).toEqual([false, false]);
      expect([one.shedBy, other.shedBy]).toMatchObject([undefined, { code: 'OVERLOADED' }]);
      one.endHandlers();
      expect([load.isFull, load.inFlight]).toEqual([false, 1]);
      expect(load.makeRoomForSmall(other.share)).toBe(true);
      one.endHandlers();
      expect([load.isFull, load.inFlight]).toEqual([false, 0]);
    }
  });

  it('counts a handler that runs on once, whatever ends first', () => {
    const { load, connect } = loadOf(2);
    const one = connect().start(2).leave().end().leave();
    expect([load.isFull, load.inFlight, one.share.inFlight]).toEqual([true, 2, 0]);
    one.endHandlers(2);
    expect([load.isFull, load.inFlight]).toEqual([false, 0]);
    connect().start(2);
    expect([load.isFull, load.inFlight]).toEqual([true, 2]);
  });

  it('shares the room among connections with Commands, not those with handlers that run on', () => {
    const { load, connect } = loadOf(4);
    const [left, big, small] = [connect().start().leave(), connect().start(4), connect()];
    expect(load.makeRoomForSmall(small.share)).toBe(true);
    expect([left.shedBy, big.shedBy?.code]).toEqual([undefined, 'OVERLOADED']);
  });

  it('is never full without a limit', () => {
    const { load, connect } = loadOf(Infinity);
    const gone = connect().start(1000).end();
    connect().start(1000);
    expect([load.maxInFlight, load.isFull, load.inFlight]).toEqual([Infinity, false, 2000]);
    gone.settle(1000);
    expect(load.inFlight).toBe(1000);
  });

  it('counts Commands whose connection has ended apart, up to the same number, until they settle', () => {
    const { load, connect } = loadOf(2);
    for (let round = 0; round < 3; round++) {
      const gone = connect().start(2);
      expect(load.isFull).toBe(true);
      gone.end();
      expect([load.isFull, load.inFlight]).toEqual([true, 2]);
      gone.settle();
      expect([load.isFull, load.inFlight]).toEqual([false, 1]);
      const other = connect().start();
      expect([load.isFull, load.inFlight]).toEqual([false, 2]);
      gone.settle();
      other.settle().end();
      expect([load.isFull, load.inFlight]).toEqual([false, 0]);
    }
  });

  it('counts a connection that ends twice once', () => {
    const { load, connect } = loadOf(1);
    const gone = connect().start().end().end();
    expect([load.isFull, load.inFlight]).toEqual([true, 1]);
    gone.settle();
    expect([load.isFull, load.inFlight]).toEqual([false, 0]);
  });

  it('counts an event that starts after the end of its connection apart, and down again', () => {
    const { load, connect } = loadOf(1);
    const gone = connect().end();
    for (let round = 0; round < 3; round++) {
      gone.start();
      expect([load.isFull, load.inFlight]).toEqual([true, 1]);
      gone.settle();
      expect([load.isFull, load.inFlight]).toEqual([false, 0]);
    }
  });
});

describe('the connection that must go for a Command of another one', () => {
  /** Which of them is ended so that `sender` may run one more; none where there is room. */
  function shedFor(sender: Runner, all: readonly Runner[]): readonly Runner[] {
    for (const runner of all) runner.shedBy = undefined;
    const hasRoom = sender.load.makeRoomFor(sender.share);
    expect(hasRoom).toBe(sender.shedBy === undefined);
    return all.filter(({ shedBy }) => shedBy !== undefined);
  }

  it('is the one that runs the most, wherever it stands', () => {
    for (const most of [0, 1, 2, 3]) {
      const { connect } = loadOf(10);
      const all = [0, 1, 2, 3].map((at) => connect().start(at === most ? 4 : 2));
      expect(shedFor(all[(most + 1) % 4]!, all)).toEqual([all[most]]);
      const text = 'the server runs maxInFlight (10) Commands: the connection with the most had to go';
      expect(all[most]!.shedBy).toMatchObject({ code: 'OVERLOADED', message: text });
    }
  });

  it('is none while there is room', () => {
    const { connect } = loadOf(3);
    const all = [connect(), connect().start(2)];
    expect(shedFor(all[0]!, all)).toEqual([]);
  });

  it('is that of the sender when none of the others runs more than it would', () => {
    const { connect } = loadOf(3);
    const sender = connect().start(1);
    const other = connect().start(2);
    const all = [sender, other];
    expect(shedFor(sender, all)).toEqual([sender]);
    other.start();
    expect(shedFor(sender, all)).toEqual([other]);
    other.end();
    expect(shedFor(sender, all)).toEqual([sender]);
  });

  it('is that of the sender while Commands without a connection take all the room, and no longer', () => {
    const { connect } = loadOf(2);
    const gone = connect().start(2).end();
    const all = [connect(), connect().start(2)];
    expect(shedFor(all[0]!, all)).toEqual([all[0]]);
    gone.settle();
    expect(shedFor(all[0]!, all)).toEqual([all[1]]);
  });
});

describe('the connection that must go for a Command of one that can be refused', () => {
  /** Which of them is ended so that `sender` may run one more; undefined: it is refused. */
  function shedFor(sender: Runner, all: readonly Runner[]): readonly Runner[] | undefined {
    for (const runner of all) runner.shedBy = undefined;
    const hasRoom = sender.load.makeRoomForSmall(sender.share);
    const shed = all.filter(({ shedBy }) => shedBy !== undefined);
    return hasRoom || shed.length > 0 ? shed : undefined;
  }

  it('is the largest, as long as the sender has less than half of its part', () => {
    const { connect } = loadOf(12);
    const sender = connect();
    const others = [connect().start(3), connect().start(9)];
    const all = [sender, ...others, connect()];
    // Three share the twelve: half of a part is two.
    expect(shedFor(sender, all)).toEqual([others[1]]);
    others[1]!.settle();
    sender.start();
    expect(shedFor(sender, all)).toEqual([others[1]]);
    others[1]!.settle();
    sender.start();
    expect(shedFor(sender, all)).toBeUndefined();
  });

  it('is none while there is room', () => {
    const { connect } = loadOf(3);
    expect(shedFor(connect(), [connect().start(2)])).toEqual([]);
  });

  it('counts only connections that are open and have Commands', () => {
    const { connect } = loadOf(8);
    const sender = connect();
    const gone = [connect().start(1).end(), connect().start(1), connect()];
    gone[1]!.settle();
    const hog = connect().start(8);
    const all = [sender, ...gone, hog];
    expect(shedFor(sender.start(), all)).toEqual([hog]);
    gone[0]!.settle();
    hog.end().settle(8);
    expect(shedFor(sender, all)).toEqual([]);
    const other = connect().start(7);
    // Two share the eight, half of a part is two: the second Command is the last that ends another connection.
    expect(shedFor(sender, [...all, other])).toEqual([other]);
    other.settle();
    expect(shedFor(sender.start(), [...all, other])).toBeUndefined();
  });

  it.each(['leave', 'settle'] as const)('shares with one that still runs a Command after another one (%s)', (end) => {
    const { connect } = loadOf(8);
    // One that ends without Commands had no part.
    connect().end();
    const [sender, other, hog] = [connect().start(), connect().start(3)[end](), connect().start(5)];
    // Three share the eight: half of a part is less than the two that the sender would have.
    expect(shedFor(sender, [sender, other, hog])).toBeUndefined();
    other[end](2);
    hog.start(2);
    expect(shedFor(sender, [sender, other, hog])).toEqual([hog]);
  });

  it('is none while Commands without a connection take all the room', () => {
    const { connect } = loadOf(4);
    connect().start(4).end();
    const hog = connect().start(4);
    const sender = connect();
    expect(shedFor(sender, [hog, sender])).toBeUndefined();
  });
});
