// When a peer for which more waits than may loses its connection: not before it has had time to take some of it.
import { describe, expect, it } from '@jest/globals';
import type { CmdStreamError } from '../../lib/errors.js';
import { WaitingResults, type WaitingHost } from '../../lib/server/waiting-results.js';

/** A connection of which 100 bytes may wait. */
class Stage {
  bufferedBytes = 0;
  hasStalled = false;
  readonly causes: CmdStreamError[] = [];
  readonly watched = new Set<unknown>();
  readonly waiting: WaitingResults;

  constructor() {
    const connection = {
      hasStalled: (limitMs: number) => limitMs === 1000 && this.hasStalled,
      destroy: (cause: CmdStreamError) => this.causes.push(cause),
    };
    Object.defineProperty(connection, 'bufferedBytes', { get: () => this.bufferedBytes });
    const options = { maxSendBufferBytes: 60, maxResultBytes: 10 };
    const config = { options, ticker: this.watched, sendHighWaterBytes: 10, maxStreamBufferBytes: 40 };
    this.waiting = new WaitingResults({ connection, config } as unknown as WaitingHost);
  }

  tick(): void {
    if (this.watched.has(this.waiting)) this.waiting.tick(0);
  }
}

describe('a peer for which more waits than may', () => {
  it('is let be as long as it takes some of it, and then not watched any more', () => {
    const stage = new Stage();
    stage.bufferedBytes = 100;
    stage.waiting.count(1);
    stage.tick();
    stage.tick();
    expect(stage.watched.size).toBe(1);
    stage.bufferedBytes = 99;
    stage.tick();
    expect(stage.watched.size).toBe(0);
    stage.hasStalled = true;
    stage.tick();
    expect(stage.causes).toEqual([]);
  });

  it('loses its connection when it takes nothing, of all that waits', () => {
    const stage = new Stage();
    stage.bufferedBytes = 50;
    stage.hasStalled = true;
    stage.waiting.count(50);
    expect(stage.waiting.isFull).toBe(false);
    expect(stage.watched.size).toBe(0);
    stage.waiting.count(1);
    stage.tick();
    expect(stage.causes).toMatchObject([{ code: 'SEND_BUFFER_FULL', message: expect.stringContaining('101 bytes') }]);
    expect(stage.watched.size).toBe(0);
  });

  it('is watched again when it happens again', () => {
    const stage = new Stage();
    for (let round = 0; round < 3; round++) {
      stage.waiting.count(101);
      expect(stage.watched.size).toBe(1);
      stage.waiting.count(-101);
      expect(stage.watched.size).toBe(1);
      stage.tick();
      expect(stage.watched.size).toBe(0);
    }
    expect(stage.causes).toEqual([]);
  });
});
