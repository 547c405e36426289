// Control frames that break the protocol end their own connection with PROTOCOL_ERROR, and no other.
import { describe, expect, it } from '@jest/globals';
import { ADD_2_3, addFrame, echoFrame, GREETING, SUM_5, uvarint } from '../../support/calc-frames.js';
import { calcClient } from '../../support/calc-client.js';
import { CalcServer } from '../../support/calc-server.js';
import { inTime, until } from '../../support/deadline.js';
import {
  cancel,
  control,
  credit,
  DONE,
  end,
  error,
  EXTENDED_GREETING,
  hello,
  PROBE,
  map,
  meta,
  stream,
  text,
} from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();
const many = Object.fromEntries(Array.from({ length: 1_025 }, (_, at) => [`k${at}`, 'v']));

describe('a client that breaks the protocol', () => {
  it.each([
    ['CANCEL of a seq never used', hello() + ADD_2_3 + cancel(2)],
    ['CANCEL before any Command', hello() + cancel(1)],
    ['CANCEL of seq 0', hello() + ADD_2_3 + cancel(0)],
    ['CREDIT of a seq never used', hello() + credit(7, 1)],
    ['CREDIT of 2^53', hello() + ADD_2_3 + credit(1, 2n ** 53n)],
    ['CREDIT for seq 2^53', hello() + ADD_2_3 + control(10, uvarint(2n ** 53n) + '01')],
    ['META without its Command', hello() + meta(1, {}) + cancel(1)],
    ['a ping between META and its Command', hello() + meta(1, {}) + '00' + ADD_2_3],
    ['META before another Command', hello() + meta(2, {}) + ADD_2_3],
    ['META twice', hello() + meta(1, {}) + meta(1, {}) + ADD_2_3],
    ['metadata of 1,025 entries', hello() + meta(1, { metadata: many }) + ADD_2_3],
    ['metadata above 64 KiB', hello() + control(2, `01000000${map({ k: 'x'.repeat(65_537) })}`) + ADD_2_3],
    ['HELLO twice', hello() + hello()],
    ['a Command before HELLO', ADD_2_3],
    ['a control frame before HELLO', meta(1, {}) + ADD_2_3],
    ['one before HELLO that has its bytes', hello().replace(/^800001/, '80000c') + ADD_2_3],
    ['a Command after DONE', hello() + DONE + ADD_2_3],
    ['a seq used twice', hello() + echoFrame(5, 'a') + echoFrame(5, 'b')],
    ['a seq that falls', hello() + echoFrame(5, 'a') + echoFrame(4, 'b')],
    ['a seq of 2^53', hello() + addFrame(2n ** 53n, 1, 1)],
    ['a negative seq', hello() + addFrame(-1, 1, 1)],
    ['a frame only servers send', hello() + ADD_2_3 + end(1)],
    ['frames of at most 63 bytes', hello({ maxFrameBytes: 63 })],
    ['frames of at most 0 bytes', hello({ maxFrameBytes: 0 })],
    ['a GOAWAY', hello() + control(11, text('x'))],
  ])('loses its connection, and no other one is lost: %s', async (_what, bytes) => {
    const calc = own(await CalcServer.start());
    const neighbour = own(calcClient(calc.port, { extension: 'require' }));
    await neighbour.connect();
    const peer = own(await calc.connect());
    peer.write(PROBE + bytes);
    await peer.ends();
    expect(await calc.lostCause()).toMatchObject({ code: 'PROTOCOL_ERROR' });
    await expect(neighbour.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    expect(calc.lost).toHaveLength(1);
    expect(calc.server.inFlight).toBe(0);
  });

  it('is not one that is late: CANCEL and CREDIT behind the end', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + ADD_2_3);
    await peer.receives(EXTENDED_GREETING + SUM_5);
    peer.write(cancel(1) + credit(1, 16) + cancel(1));
    await until('all have arrived', () => calc.server.lateFrames === 3);
    expect(calc.lost).toEqual([]);
  });

  it('is refused a frame above the limit before it arrives', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write(`${PROBE}${hello()}800002${uvarint(2n ** 40n)}`);
    expect(await calc.lostCause()).toMatchObject({ code: 'FRAME_TOO_LARGE' });
  });
});

describe('a server that breaks the protocol', () => {
  it.each([
    ['END of a seq never used', end(99)],
    ['STREAM of a seq never used', stream(99)],
    ['ERROR of a seq never used', error(99, 'REMOTE')],
    ['VALUE of a seq never used', control(6, `${uvarint(99)}01`)],
    ['HELLO twice', hello()],
    ['a frame only clients send', cancel(1)],
    ['DONE', DONE],
  ])('loses its connection and the calls on it fail: %s', async (_what, bytes) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const sum = client.execute(new AddCmd(2, 3));
    sum.catch(() => {});
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    await inTime('the client is connected', client.connect());
    peer.write(bytes);
    await expect(sum).rejects.toMatchObject({ code: 'CONNECTION_LOST', cause: { code: 'PROTOCOL_ERROR' }, sent: true });
    await peer.ends();
    expect(client.status).toBe('disconnected');
  });

  it.each([
    ['END', SUM_5 + end(1)],
    ['STREAM', SUM_5 + stream(1)],
    ['ERROR', error(1, 'REMOTE') + error(1, 'REMOTE')],
    ['VALUE', end(1) + control(6, '0101')],
    ['END again', end(1) + end(1)],
  ])('loses its connection when something follows the end of a Command: %s', async (_what, bytes) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const sum = client.execute(new AddCmd(2, 3)).catch(() => {});
    const next = client.execute(new AddCmd(2, 3));
    next.catch(() => {});
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    await client.connect();
    peer.write(bytes);
    await expect(next).rejects.toMatchObject({ code: 'CONNECTION_LOST', cause: { code: 'PROTOCOL_ERROR' } });
    await sum;
  });

  it('cannot be connected to when it takes frames of at most 63 bytes', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const connected = client.connect();
    connected.catch(() => {});
    (await raw.peer()).write(GREETING + hello({ maxFrameBytes: 63, maxInFlight: 1 }));
    await expect(connected).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' });
  });

  it('is not one that is late: everything for a call that was given up', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const sink = new RecordingSink();
    const call = client.dispatch(new AddCmd(2, 3), sink);
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    await client.connect();
    call.cancel();
    await until('the CANCEL arrives', () => peer.hex.endsWith(cancel(1)));
    peer.write(stream(1) + control(6, '0100') + end(1));
    const ping = client.ping();
    peer.write('00');
    expect(await ping).toBeGreaterThan(0);
    expect(client.status).toBe('connected');
    expect(client.lateFrames).toBe(3);
    expect(sink).toEqual(new RecordingSink());
  });
});
