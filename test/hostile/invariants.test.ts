// What the shared look at the invariants counts by: it would see nothing if these were wrong.
import { describe, expect, it } from '@jest/globals';
import { CallBook } from '../support/call-book.js';
import { ADD_2_3, addFrame, SUM_5, uvarint } from '../support/calc-frames.js';
import { openPair } from '../support/client-pair.js';
import { cancel, event, hello, meta, PROBE } from '../support/extension-frames.js';
import { guardLeaks } from '../support/leak-guard.js';
import { RecordingSink } from '../support/recording-sink.js';
import { AddCmd } from '../support/vector-contract.js';
import { wholeCommands } from '../support/whole-frames.js';

const own = guardLeaks();

describe('what a server may run of these bytes', () => {
  it.each([
    ['nothing', '', 0],
    ['pings', '000000', 0],
    ['a Command', ADD_2_3, 1],
    ['two, with pings between', `${ADD_2_3}0000${addFrame(2n ** 62n, 1, 1)}`, 2],
    ['a padded ping of a plain peer', `${ADD_2_3}8000${ADD_2_3}`, 2],
    ['one without its last byte', ADD_2_3.slice(0, -2), 0],
    ['one, and another without its last byte', ADD_2_3 + ADD_2_3.slice(0, -2), 1],
    ['a length of 2^62', `0103${uvarint(2n ** 62n)}7b7d`, 0],
    ['a varint that never ends', '80'.repeat(20) + ADD_2_3, 0],
    ['control frames of an extended peer', PROBE + hello() + meta(1, {}) + cancel(1), 0],
    ['a Command and an event of one', PROBE + hello() + meta(1, {}) + ADD_2_3 + event('said'), 2],
  ])('%s', (_what, hex, count) => {
    expect(wholeCommands(Buffer.from(hex, 'hex'))).toBe(count);
  });
});

describe('the book of a client', () => {
  it('balances what is answered, fails and is given up', async () => {
    const { client, peer } = await openPair(own);
    const book = new CallBook(client);
    const sum = client.execute(new AddCmd(2, 3));
    client.dispatch(new AddCmd(2, 3), new RecordingSink()).cancel();
    const lost = client.execute(new AddCmd(2, 3));
    peer.write(SUM_5);
    await sum;
    expect(book.open).toBe(1);
    client.destroy();
    await expect(lost).rejects.toMatchObject({ code: 'CLOSED' });
    await book.check();
    expect(book).toMatchObject({ made: 3, answered: 1, failed: 1, givenUp: 1 });
  });

  it('sees a sink that is called behind its end', async () => {
    const { client } = await openPair(own);
    let given: RecordingSink | undefined;
    const dispatch = (_command: unknown, sink: RecordingSink) => {
      given = sink;
      return { seq: 1, isPending: true, cancel: () => {} };
    };
    Object.defineProperty(client, 'dispatch', { value: dispatch, configurable: true });
    const book = new CallBook(client);
    client.dispatch(new AddCmd(2, 3), new RecordingSink());
    given!.complete();
    given!.next(1);
    given!.error(new Error('late'));
    client.destroy();
    await expect(book.check()).rejects.toThrow(/behind its end/);
  });
});
