// What a call's Command needs in front of it, however late it is written.
import { expect, it } from '@jest/globals';
import { CallWriter } from '../../lib/client/call-writer.js';
import type { PendingCall } from '../../lib/client/pending-call.js';
import type { Connection } from '../../lib/connection/connection.js';
import { ByteReader } from '../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../lib/wire/byte-writer.js';
import { readMeta } from '../../lib/wire/control-reader.js';

function metaOf(call: Partial<PendingCall>, leftMs: number): ReturnType<typeof readMeta> {
  const bytes = new ByteWriter();
  const connection: Partial<Connection> = {
    isExtended: true,
    send: (_seq, _value, before) => {
      before?.(bytes);
      return bytes.length;
    },
  };
  const given = { seq: 1, command: {}, credit: 0, ambient: {}, ...call } as PendingCall;
  new CallWriter(connection as Connection, 30_000).write(given, leftMs);
  const reader = new ByteReader();
  reader.append(bytes.take());
  reader.beginFrame(1024, 'a limit');
  reader.readBytes(3);
  reader.delimit(reader.readLength());
  return readMeta(reader);
}

it('a call that has another time left than the default says how much', () => {
  expect(metaOf({ until: 'answered' }, 7)).toMatchObject({ remainingMs: 7 });
});

it('a call that is written and forgotten says that it wants no answer, and has no time limit', () => {
  const meta = metaOf({ until: 'written' }, 5);
  expect(meta).toMatchObject({ noAnswer: true, remainingMs: undefined });
});
