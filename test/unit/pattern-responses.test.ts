// What comes back by pattern, without a client: in order also where a deserializer is asynchronous, and no failure of an
// observer or deserializer ends the process. (Jest fails a test that an unhandled rejection happens in.)
import { describe, expect, it } from '@jest/globals';
import type { WritePacket } from '@nestjs/microservices';
import { CmdStreamError } from '../../lib/errors.js';
import { PatternResponses } from '../../lib/nest/pattern-responses.js';
import { turns } from '../support/deadline.js';

/** Unwraps in its own time: the first one last. */
function slowest() {
  let count = 0;
  return {
    async deserialize(value: WritePacket): Promise<WritePacket> {
      await turns(3 - count++);
      return value;
    },
  };
}

describe('responses by pattern', () => {
  it('come in order, the end last, however long the deserializer takes for each', async () => {
    const seen: WritePacket[] = [];
    const responses = new PatternResponses((packet) => void seen.push(packet), slowest() as never);
    responses.next(1);
    responses.next(2);
    responses.complete();
    expect(seen).toEqual([]);
    await turns(20);
    expect(seen).toEqual([{ response: 1 }, { response: 2 }, { isDisposed: true }]);
  });

  it('end with an error behind those before it', async () => {
    const seen: WritePacket[] = [];
    const responses = new PatternResponses((packet) => void seen.push(packet), slowest() as never);
    responses.next(1);
    responses.error(new CmdStreamError('REMOTE', 'failed', { payload: 'failed' }));
    await turns(20);
    expect(seen).toEqual([{ response: 1 }, { err: 'failed' }]);
  });

  it('end nothing else when their observer throws, each time', async () => {
    let told = 0;
    const observe = (): never => {
      told++;
      throw new Error('an observer fails');
    };
    const responses = new PatternResponses(observe, slowest() as never);
    responses.next(1);
    responses.next(2);
    responses.complete();
    await turns(20);
    // Of each response that its observer has failed with, the observer is told as of an error.
    expect(told).toBe(5);
  });

  it('have an error where the deserializer throws or rejects', async () => {
    for (const deserialize of [() => raise(), async () => raise()]) {
      const seen: WritePacket[] = [];
      const responses = new PatternResponses((packet) => void seen.push(packet), { deserialize } as never);
      responses.next(1);
      responses.complete();
      await turns(20);
      expect(seen).toEqual([{ err: new Error('it cannot be unwrapped') }, { isDisposed: true }]);
    }
  });
});

function raise(): never {
  throw new Error('it cannot be unwrapped');
}
