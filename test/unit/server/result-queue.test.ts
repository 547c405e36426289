// What one Command has queued: when a Result must wait and which one may not, in every round; whose turn it is; and
// that it is counted as the memory it holds, whatever becomes of its Results.
import { describe, expect, it } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import type { Connection } from '../../../lib/connection/connection.js';
import { connectionDefaults } from '../../../lib/connection/connection-options.js';
import { CmdStreamError } from '../../../lib/errors.js';
import { ByteBudget, type BytesHolder } from '../../../lib/server/byte-budget.js';
import { ResultQueue } from '../../../lib/server/call/result-queue.js';
import type { CallSession } from '../../../lib/server/call/server-call.js';
import { SendScheduler } from '../../../lib/server/session/send-scheduler.js';
import { ByteWriter, SpareBlocks } from '../../../lib/wire/byte-writer.js';

const KIB = 1024;
const MIB = KIB * KIB;

class Socket {
  isFull = false;
  /** Each frame that was sent, its letter and its length. */
  readonly sent: string[] = [];
  /** How often the Command has joined those that wait for the socket, and left them. */
  joined = 0;
  left = 0;
  /** Bytes of memory that are counted. */
  counted = 0;
  hasRoomFor = true;

  /** How often it has joined since it was asked last. */
  takeJoined(): number {
    const { joined } = this;
    this.joined = 0;
    return joined;
  }

  takeSent(): string {
    return this.sent.splice(0).join(' ');
  }
}

class Scheduler extends SendScheduler {
  readonly #socket: Socket;

  constructor(connection: Connection, socket: Socket) {
    const options = { ...connectionDefaults, maxSendBufferBytes: 64 * MIB };
    const account = new ByteBudget(Infinity, new AsyncScope()).addHolder({} as BytesHolder);
    const limits = { maxStreamBufferBytes: MIB, sendHighWaterBytes: MIB };
    super(connection, { options, ...limits, spareBlocks: new SpareBlocks() }, account);
    this.#socket = socket;
  }

  override get isCongested(): boolean {
    return this.#socket.isFull;
  }

  override count(bytes: number): void {
    this.#socket.counted += bytes;
  }

  override join(): void {
    this.#socket.joined++;
  }

  override leave(): void {
    this.#socket.left++;
  }

  override refusalOf(bytes: number, sum: number): CmdStreamError | undefined {
    if (!this.#socket.hasRoomFor) return new CmdStreamError('SLOW_CONSUMER', 'too much waits on the connection');
    return super.refusalOf(bytes, sum);
  }
}

function queueWith(credit: number) {
  const socket = new Socket();
  const writer = {
    bufferedBytes: 0,
    encode: (frames: ByteWriter, write: (writer: ByteWriter) => void) => {
      const mark = frames.length;
      write(frames);
      return frames.length - mark;
    },
    post: (write: (writer: ByteWriter) => void) => {
      const frames = new ByteWriter();
      write(frames);
      const bytes = frames.take();
      socket.sent.push(`${String.fromCharCode(bytes[0]!)}${bytes.length}`);
    },
  };
  const connection = { writer } as unknown as Connection;
  const session = { connection, scheduler: new Scheduler(connection, socket) } as unknown as CallSession;
  return { socket, queue: new ResultQueue({ release: () => {}, pump: () => {} }, session, credit) };
}

/** A frame of so many bytes that begins with this letter. */
const frame =
  (letter: string, length = 1) =>
  (writer: ByteWriter): void =>
    writer.writeBytes(Buffer.alloc(length, letter));

function large(writer: ByteWriter): void {
  writer.writeBytes(Buffer.alloc(MIB));
  throw new Error('it cannot be written');
}

describe('credit of who may be further ahead', () => {
  const spend = (queue: ResultQueue, times: number): void => {
    for (let time = 0; time < times; time++) queue.spend(64 * KIB);
  };

  it('is in part for no Result that was taken', () => {
    const { queue } = queueWith(32);
    spend(queue, 24);
    expect(queue.isFree).toBe(false);
    // 16 of them are taken, and the window is 64 from now on.
    queue.grant(16 + 32);
    spend(queue, 7);
    expect(queue.isFree).toBe(true);
    spend(queue, 1);
    expect(queue.isFree).toBe(false);
    queue.grant(32 + 64);
    spend(queue, 72);
    queue.grant(64);
    spend(queue, 7);
    expect(queue.isFree).toBe(true);
    spend(queue, 1);
    expect(queue.isFree).toBe(false);
  });

  it('is one and a half times what was allowed: any other is for as many that were taken', () => {
    const { queue } = queueWith(32);
    spend(queue, 32);
    queue.grant(32);
    expect(queue.isFree).toBe(true);
    spend(queue, 15);
    expect(queue.isFree).toBe(true);
    spend(queue, 1);
    expect(queue.isFree).toBe(false);
  });
});

describe('a Result that cannot be written', () => {
  it('leaves nothing that is counted when it is the only one', () => {
    const { socket, queue } = queueWith(0);
    expect(() => queue.put(large, false)).toThrow('it cannot be written');
    expect([socket.counted, queue.isEmpty]).toEqual([0, true]);
  });

  it('fails with whatever its code has thrown, and be it nothing', () => {
    const { queue } = queueWith(0);
    const nothing = undefined as unknown as Error;
    let isThrown = false;
    try {
      queue.put(() => {
        throw nothing;
      }, false);
    } catch (error) {
      isThrown = error === nothing;
    }
    expect([isThrown, queue.isEmpty]).toEqual([true, true]);
  });

  it('is counted by the memory that it leaves beside others', () => {
    const { socket, queue } = queueWith(0);
    queue.put(frame('a', 10), false);
    expect(() => queue.put(large, false)).toThrow('it cannot be written');
    expect(socket.counted).toBeGreaterThan(60_000);
    queue.drop();
    expect(socket.counted).toBe(0);
  });

  it('gives back the turn that came while it was being written', () => {
    const { socket, queue } = queueWith(0);
    queue.put(frame('a', 10), false);
    const meddling = (writer: ByteWriter): void => {
      queue.grant(1);
      expect(queue.flush()).toBe(false);
      large(writer);
    };
    socket.takeJoined();
    expect(() => queue.put(meddling, false)).toThrow('it cannot be written');
    expect(socket.takeJoined()).toBe(1);
    expect([queue.flush(), socket.takeSent()]).toEqual([true, 'a10']);
  });
});

describe('credit', () => {
  it('lets as many Results go as it is, again and again, in order', () => {
    const { socket, queue } = queueWith(1);
    expect(queue.isFree).toBe(true);
    queue.spend(10);
    expect(queue.isFree).toBe(false);
    for (let round = 0; round < 3; round++) {
      for (const letter of ['a', 'b', 'c']) queue.put(frame(letter), false);
      expect(queue.flush()).toBe(false);
      expect(socket.takeSent()).toBe('');
      queue.grant(1);
      expect([queue.flush(), socket.takeSent()]).toEqual([false, 'a1']);
      queue.grant(1);
      queue.grant(1);
      expect([queue.flush(), socket.takeSent()]).toEqual([true, 'b1 c1']);
      expect([queue.isEmpty, queue.isFree]).toEqual([true, false]);
    }
    queue.grant(1);
    expect(queue.isFree).toBe(true);
  });

  it('is used up by what goes past the queue as by what was in it', () => {
    const { socket, queue } = queueWith(3);
    queue.spend(1);
    queue.spend(1);
    expect(queue.isFree).toBe(true);
    queue.put(frame('a'), false);
    expect([queue.isEmpty, queue.isFree]).toEqual([false, false]);
    expect([queue.flush(), socket.takeSent()]).toEqual([true, 'a1']);
    expect(queue.isFree).toBe(false);
  });

  it('is more than enough when it is more than can be counted', () => {
    const { queue } = queueWith(1);
    for (let round = 0; round < 3; round++) queue.grant(Number.MAX_SAFE_INTEGER);
    queue.spend(1);
    expect(queue.isFree).toBe(true);
  });

  it('ends with as many bytes as the window has, until some were taken', () => {
    const { queue } = queueWith(100);
    for (let round = 0; round < 3; round++) {
      queue.spend(MIB - 1);
      expect(queue.isFree).toBe(true);
      queue.spend(1);
      expect(queue.isFree).toBe(false);
      queue.grant(2);
      expect(queue.isFree).toBe(true);
    }
  });

  it('holds a queue back for its bytes, too, but not the end of the Command', () => {
    const { socket, queue } = queueWith(100);
    queue.put(frame('a', MIB), true);
    queue.put(frame('b'), true);
    queue.putControl(frame('e'));
    expect([queue.flush(), socket.takeSent()]).toEqual([false, 'a1048576']);
    queue.grant(1);
    expect([queue.flush(), socket.takeSent()]).toEqual([true, 'b1 e1']);
  });

  it('has no bytes that count where there is no limit', () => {
    const { queue } = queueWith(Infinity);
    for (let round = 0; round < 3; round++) queue.spend(MIB);
    queue.grant(1);
    expect(queue.isFree).toBe(true);
  });
});

describe('Results that wait', () => {
  it('may be two, however large, and as many as fit into maxStreamBufferBytes, in every round', () => {
    const { socket, queue } = queueWith(0);
    for (let round = 0; round < 3; round++) {
      expect([queue.put(frame('a', MIB), false), queue.put(frame('b', MIB), false)]).toEqual([MIB, MIB]);
      const refusal = queue.put(frame('c', 5), false);
      const bytes = 2 * (MIB + 8) + 5;
      const message =
        `${bytes} bytes of Results wait for their taker: more than maxStreamBufferBytes (1048576) of the server; ` +
        'an async generator waits for its taker, where an Observable cannot';
      expect(refusal).toMatchObject({ code: 'SLOW_CONSUMER', message });
      queue.grant(1);
      queue.flush();
      expect(queue.put(frame('d', 5), false)).toBe(5);
      expect(queue.put(frame('e', 5), false)).toBeInstanceOf(CmdStreamError);
      queue.grant(9);
      expect(queue.flush()).toBe(false);
      queue.grant(1);
      expect(queue.flush()).toBe(true);
      expect(socket.takeSent()).toBe(`a${MIB} b${MIB} d5`);
      // What the round has granted beyond the three that were sent.
      for (let n = 0; n < 8; n++) queue.spend(1);
    }
  });

  it('fit in to the byte', () => {
    const rest = MIB - 2 * 18;
    for (const [bytes, accepted] of [
      [rest, rest],
      [rest + 1, expect.any(CmdStreamError)],
    ] as const) {
      const { queue } = queueWith(0);
      queue.put(frame('a', 10), false);
      queue.put(frame('b', 10), false);
      expect(queue.put(frame('c', bytes), false)).toEqual(accepted);
    }
  });

  it('are refused, but for two, when the connection has no room, and say so', () => {
    const { socket, queue } = queueWith(0);
    socket.hasRoomFor = false;
    expect([queue.put(frame('a'), false), queue.put(frame('b'), false)]).toEqual([1, 1]);
    const message = 'too much waits on the connection';
    expect(queue.put(frame('c'), false)).toMatchObject({ code: 'SLOW_CONSUMER', message });
  });

  it('leave nothing of one that is refused', () => {
    const { socket, queue } = queueWith(0);
    queue.put(frame('a'), false);
    queue.put(frame('b'), false);
    queue.put(frame('c', MIB), false);
    queue.grant(3);
    expect([queue.flush(), socket.takeSent(), socket.counted]).toEqual([true, 'a1 b1', 0]);
  });

  it('are taken without a look at the room when none follows', () => {
    const { queue } = queueWith(0);
    for (let n = 0; n < 3; n++) expect(queue.put(frame('a', MIB), true)).toBe(MIB);
  });

  it('may be two again after they were dropped', () => {
    const { queue, socket } = queueWith(0);
    for (let round = 1; round <= 3; round++) {
      expect([queue.put(frame('a', MIB), false), queue.put(frame('b', MIB), false)]).toEqual([MIB, MIB]);
      queue.drop();
      expect([queue.isEmpty, socket.counted, socket.left]).toEqual([true, 0, round]);
    }
  });

  it('may be dropped before there ever was one', () => {
    const { queue, socket } = queueWith(0);
    queue.drop();
    expect([queue.isEmpty, socket.counted, socket.left]).toEqual([true, 0, 1]);
  });

  it('are not those that were dropped while they were written', () => {
    const { queue, socket } = queueWith(0);
    const dropping = (writer: ByteWriter): void => {
      queue.drop();
      writer.writeBytes(Buffer.from('a'));
    };
    for (let round = 0; round < 3; round++) {
      expect(queue.put(dropping, false)).toBe(0);
      expect([queue.isEmpty, socket.takeJoined(), socket.counted]).toEqual([true, 0, 0]);
    }
    // They do not count: two more may wait.
    expect([queue.put(frame('a', MIB), false), queue.put(frame('b', MIB), false)]).toEqual([MIB, MIB]);
  });
});

describe('the turn of a Command', () => {
  it('is asked for by the first that waits, and by it alone, in every round', () => {
    const { socket, queue } = queueWith(Infinity);
    for (let round = 0; round < 3; round++) {
      socket.isFull = true;
      expect(queue.isFree).toBe(true);
      queue.put(frame('a'), false);
      expect(socket.takeJoined()).toBe(1);
      queue.put(frame('b'), false);
      queue.putControl(frame('e'));
      expect(socket.takeJoined()).toBe(0);
      expect([queue.flush(), socket.takeJoined(), socket.takeSent()]).toEqual([false, 1, '']);
      socket.isFull = false;
      expect([queue.flush(), socket.takeJoined(), socket.takeSent()]).toEqual([true, 0, 'a1 b1 e1']);
    }
  });

  it('is not asked for while Results wait for credit', () => {
    const { socket, queue } = queueWith(0);
    queue.put(frame('a'), false);
    socket.takeJoined();
    socket.isFull = true;
    expect([queue.flush(), socket.takeJoined()]).toEqual([false, 0]);
  });

  it('comes when the value is written that has led to it', () => {
    const { socket, queue } = queueWith(1);
    socket.isFull = true;
    queue.put(frame('a'), false);
    socket.takeJoined();
    socket.isFull = false;
    const leading = (writer: ByteWriter): void => {
      expect(queue.flush()).toBe(false);
      writer.writeBytes(Buffer.from('b'));
    };
    queue.put(leading, false);
    expect([socket.takeJoined(), socket.takeSent()]).toEqual([1, '']);
    // That was once: the next one that is written behind others asks for nothing.
    queue.put(frame('c'), false);
    expect(socket.takeJoined()).toBe(0);
    queue.grant(2);
    expect([queue.flush(), socket.takeSent()]).toEqual([true, 'a1 b1 c1']);
  });
});

describe('what needs no credit', () => {
  it('is sent at once where nothing waits and the socket has room', () => {
    const { socket, queue } = queueWith(0);
    queue.putControl(frame('e'));
    expect([socket.takeSent(), socket.takeJoined(), queue.isEmpty]).toEqual(['e1', 0, true]);
  });

  it('waits for its turn where the socket is full, and counts for no Result', () => {
    const { socket, queue } = queueWith(0);
    socket.isFull = true;
    queue.putControl(frame('e'));
    expect([socket.takeSent(), socket.takeJoined(), queue.isEmpty]).toEqual(['', 1, false]);
    expect([queue.put(frame('a', MIB), false), queue.put(frame('b', MIB), false)]).toEqual([MIB, MIB]);
    socket.isFull = false;
    expect([queue.flush(), socket.takeSent()]).toEqual([false, 'e1']);
  });

  it('takes neither credit nor the place of a Result that may wait', () => {
    const { socket, queue } = queueWith(1);
    for (let round = 0; round < 3; round++) {
      socket.isFull = true;
      queue.putControl(frame('e'));
      socket.isFull = false;
      expect([queue.flush(), queue.isFree, socket.takeSent()]).toEqual([true, true, 'e1']);
    }
    queue.spend(1);
    expect([queue.put(frame('a', MIB), false), queue.put(frame('b', MIB), false)]).toEqual([MIB, MIB]);
    expect(queue.put(frame('c'), false)).toBeInstanceOf(CmdStreamError);
  });

  it('stays behind Results that wait', () => {
    const { socket, queue } = queueWith(0);
    queue.put(frame('a'), false);
    queue.putControl(frame('e'));
    expect([queue.flush(), socket.takeSent()]).toEqual([false, '']);
    queue.grant(1);
    expect([queue.flush(), socket.takeSent()]).toEqual([true, 'a1 e1']);
  });

  it('goes before a value that is being written and is the only one, whatever the socket has', () => {
    const { socket, queue } = queueWith(0);
    socket.isFull = true;
    const marking = (writer: ByteWriter): void => {
      queue.putControl(frame('e'));
      writer.writeBytes(Buffer.from('a'));
    };
    queue.put(marking, false);
    expect(socket.takeSent()).toBe('e1');
  });
});
