// How many Commands run on all connections of a server: what counts where, round after round, and whose connection goes.
import { describe, expect, it } from '@jest/globals';
import { ServerLoad } from '../../../lib/server/server-load.js';

class Runner {
  inFlight = 0;

  constructor(readonly load: ServerLoad<Runner>) {
    load.opened(this);
  }

  start(count = 1): this {
    for (let n = 0; n < count; n++) {
      this.inFlight++;
      this.load.started(this);
    }
    return this;
  }

  settle(count = 1): this {
    for (let n = 0; n < count; n++) {
      this.load.settled(this);
      this.inFlight--;
    }
    return this;
  }

  end(): this {
    this.load.ended(this);
    return this;
  }
}

function loadOf(limit: number) {
  const load = new ServerLoad<Runner>(limit);
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

  it('is never full without a limit', () => {
    const { load, connect } = loadOf(0);
    const gone = connect().start(1000).end();
    connect().start(1000);
    expect([load.maxInFlight, load.isFull, load.inFlight]).toEqual([0, false, 2000]);
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
  it('is the one that runs the most, wherever it stands', () => {
    for (const most of [0, 1, 2, 3]) {
      const { load, connect } = loadOf(10);
      const all = [0, 1, 2, 3].map((at) => connect().start(at === most ? 4 : 2));
      const sender = all[(most + 1) % 4]!;
      expect(load.largestBeside(sender)).toBe(all[most]);
    }
  });

  it('is that of the sender when none of the others runs more than it would', () => {
    const { load, connect } = loadOf(4);
    const sender = connect().start(1);
    const other = connect().start(2);
    expect(load.largestBeside(sender)).toBe(sender);
    other.start();
    expect(load.largestBeside(sender)).toBe(other);
    other.end();
    expect(load.largestBeside(sender)).toBe(sender);
  });

  it('is that of the sender while Commands without a connection take all the room, and no longer', () => {
    const { load, connect } = loadOf(2);
    const gone = connect().start(2).end();
    const [sender, other] = [connect(), connect().start(2)];
    expect(load.largestBeside(sender)).toBe(sender);
    gone.settle();
    expect(load.largestBeside(sender)).toBe(other);
  });
});
