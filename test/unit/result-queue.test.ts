// What a Command has queued is counted as the memory it holds, whatever becomes of its Results.
import { describe, expect, it } from '@jest/globals';
import { ResultQueue, type QueueHome } from '../../lib/server/result-queue.js';
import type { ByteWriter } from '../../lib/wire/byte-writer.js';

const MIB = 1024 * 1024;

function queueWithoutCredit() {
  const counted = { bytes: 0, turns: 0 };
  const home = {
    connection: {
      encode: (writer: ByteWriter, write: (writer: ByteWriter) => void) => {
        write(writer);
        return writer.length;
      },
    },
    config: { maxStreamBufferBytes: MIB },
    drained: undefined,
    waiting: {
      count: (bytes: number) => (counted.bytes += bytes),
      join: () => counted.turns++,
      leave: () => {},
      hasRoomFor: () => true,
    },
  } as unknown as QueueHome;
  return { counted, queue: new ResultQueue({ release: () => {}, pump: () => {} }, home, 0) };
}

function large(writer: ByteWriter): void {
  writer.writeBytes(Buffer.alloc(MIB));
  throw new Error('it cannot be written');
}

describe('a Result that cannot be written', () => {
  it('leaves nothing that is counted when it is the only one', () => {
    const { counted, queue } = queueWithoutCredit();
    expect(() => queue.put(large, false)).toThrow('it cannot be written');
    expect(counted.bytes).toBe(0);
  });

  it('is counted by the memory that it leaves beside others', () => {
    const { counted, queue } = queueWithoutCredit();
    queue.put((writer) => writer.writeBytes(Buffer.alloc(10)), false);
    expect(() => queue.put(large, false)).toThrow('it cannot be written');
    expect(counted.bytes).toBeGreaterThan(60_000);
    queue.drop();
    expect(counted.bytes).toBe(0);
  });

  it('gives back the turn that came while it was being written', () => {
    const { counted, queue } = queueWithoutCredit();
    queue.put((writer) => writer.writeBytes(Buffer.alloc(10)), false);
    const { turns } = counted;
    const meddling = (writer: ByteWriter): void => {
      queue.grant(1);
      expect(queue.flush()).toBe(false);
      large(writer);
    };
    expect(() => queue.put(meddling, false)).toThrow('it cannot be written');
    expect(counted.turns).toBe(turns + 1);
  });
});
