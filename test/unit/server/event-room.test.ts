// The room for events that wait on all connections of a process: what it holds, and what it says when it is full.
import { expect, it } from '@jest/globals';
import { EventRoom } from '../../../lib/server/call/event-queue.js';

const ROOM = 128 * 1024 * 1024;

it('the room for events that wait has a limit to the byte, and is there again when they are gone', () => {
  const room = new EventRoom();
  for (let round = 0; round < 3; round++) {
    expect(room.limitFor(ROOM)).toBeUndefined();
    room.count(ROOM - 10);
    expect(room.limitFor(10)).toBeUndefined();
    expect(room.limitFor(11)).toBe('134217728 bytes of all connections together');
    room.count(10 - ROOM);
  }
});
