// Limits of what one peer may do: pings, control frames, connections of its address, sequences that it does not go on
// with; and beside each that those who keep to it are not hit.
import { describe, expect, it } from '@jest/globals';
import { connect as connectTls } from 'node:tls';
import type { CommandServerOptions } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { ADD_2_3, addFrame, GREETING, SUM_5 } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { until } from '../../support/deadline.js';
import {
  cancel,
  control,
  credit,
  DONE,
  EXTENDED_GREETING,
  hello,
  meta,
  PROBE,
} from '../../support/extension-frames.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { guardLeaks } from '../../support/leak-guard.js';
import type { RawPeer } from '../../support/raw-peer.js';
import { selfSigned } from '../../support/certificates.js';
import { AddCmd, CalcResult, CountCmd } from '../../support/vector-contract.js';

const own = guardLeaks();

async function peerOf(options: Partial<CommandServerOptions>, isExtended = true): Promise<[CalcServer, RawPeer]> {
  const calc = own(await CalcServer.start(options));
  const peer = own(await calc.connect());
  if (isExtended) peer.write(PROBE + hello());
  await peer.receives(isExtended ? EXTENDED_GREETING : GREETING);
  return [calc, peer];
}

describe('maxPingsPerSecond', () => {
  it.each([false, true])('ends the connection of a flood; what came before is answered; extended: %s', async (ext) => {
    const [calc, peer] = await peerOf({ maxPingsPerSecond: 100 }, ext);
    peer.write(ADD_2_3 + '00'.repeat(101));
    await peer.ends();
    expect(await calc.lostCause()).toMatchObject({
      code: 'PING_FLOOD',
      message: 'more than maxPingsPerSecond (100) came within a second',
    });
    expect(peer.hex.endsWith(SUM_5)).toBe(true);
  });

  it.each([false, true])('is not hit by as many; extended: %s', async (ext) => {
    const [calc, peer] = await peerOf({ maxPingsPerSecond: 100 }, ext);
    peer.write('00'.repeat(100) + ADD_2_3);
    await peer.receives((ext ? EXTENDED_GREETING : GREETING) + '00'.repeat(100) + SUM_5);
    expect(calc.lost).toEqual([]);
  });

  it('lets a default server take what a default client could ever ask for', async () => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port));
    await client.connect();
    for (let round = 0; round < 200; round++) await Promise.all(Array.from({ length: 50 }, () => client.ping()));
    expect(calc.lost).toEqual([]);
  });
});

describe('maxControlFramesPerSecond', () => {
  const few = { maxControlFramesPerSecond: 10 };

  it.each([
    ['CANCEL of a Command that is over', cancel(1)],
    ['CREDIT for one', credit(1, 5)],
    ['a kind of a later version', control(77, '00')],
    ['DONE', DONE],
  ])('ends the connection of a flood of %s', async (_what, bytes) => {
    const [calc, peer] = await peerOf(few);
    peer.write(ADD_2_3);
    await peer.receives(EXTENDED_GREETING + SUM_5);
    peer.write(bytes.repeat(11));
    await peer.ends();
    expect(await calc.lostCause()).toMatchObject({ code: 'TOO_MANY_CONTROL_FRAMES' });
  });

  it('ends one that starts Commands and cancels them', async () => {
    const [calc, peer] = await peerOf(few);
    const pairs = Array.from({ length: 11 }, (_, at) => addFrame(at + 1, 2, 3) + cancel(at + 1));
    peer.write(pairs.join(''));
    await peer.ends();
    expect(await calc.lostCause()).toMatchObject({ code: 'TOO_MANY_CONTROL_FRAMES' });
  });

  it('counts credit that nothing was taken for, however much or little it gives', async () => {
    const [calc, peer] = await peerOf({ ...few, invoker: { invoke: () => {} } });
    peer.write(meta(1, { credit: 1 }) + addFrame(1, 2, 3) + credit(1, 0).repeat(5) + credit(1, 1).repeat(6));
    await peer.ends();
    expect(await calc.lostCause()).toMatchObject({ code: 'TOO_MANY_CONTROL_FRAMES' });
  });

  it('is not hit by a client that takes many Results, nor by META with each Command', async () => {
    const calc = own(await CalcServer.start(few));
    const client = own(calcClient(calc.port, { extension: 'require' }));
    let taken = 0;
    for await (const _result of client.iterate(new CountCmd(3_000), { metadata: { a: 'b' } })) taken++;
    expect(taken).toBe(3_000);
    const metadata = { a: 'b' };
    for (let at = 0; at < 50; at++) for await (const _one of client.iterate(new CountCmd(1), { metadata })) taken++;
    expect(taken).toBe(3_050);
    expect(calc.lost).toEqual([]);
  });
});

it('a default server takes 10,000 Commands in a moment that a default client starts and cancels', async () => {
  const calc = own(await CalcServer.start());
  const client = own(calcClient(calc.port, { extension: 'require' }));
  await client.connect();
  for (let at = 0; at < 10_000; at++) client.dispatch(new CountCmd(2), new RecordingSink()).cancel();
  await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
  expect(calc.lost).toEqual([]);
});

describe('maxConnectionsPerAddress', () => {
  it('refuses further connections of an address, and takes them when there is room again', async () => {
    const calc = own(await CalcServer.start({ maxConnectionsPerAddress: 2 }));
    const [first, second] = [own(await calc.connect()), own(await calc.connect())];
    await Promise.all([first.receives(GREETING), second.receives(GREETING)]);
    await own(await calc.connect()).ends();
    expect(await calc.lostCause()).toMatchObject({
      code: 'MAX_CONNECTIONS',
      message: '127.0.0.1 has maxConnectionsPerAddress (2) connections',
    });
    expect(calc.server.status).toBe('connected');
    await first.destroy();
    await until('there is room', () => calc.server.connections === 1);
    await own(await calc.connect()).receives(GREETING);
  });

  it('counts those that are in their TLS handshake, and reports one that is refused once', async () => {
    const { key, cert } = selfSigned();
    const calc = own(await CalcServer.start({ maxConnectionsPerAddress: 1, tls: { key, cert } }));
    own(await calc.connect());
    const refused = connectTls({ port: calc.port, host: '127.0.0.1', ca: cert, servername: 'localhost' });
    own(refused.on('error', () => {}));
    await until('it is closed', () => refused.closed);
    expect(calc.lost.map(({ cause: { code } }) => code)).toEqual(['MAX_CONNECTIONS']);
  });
});

describe('a sequence that a peer does not go on with within frameTimeoutMs', () => {
  it.each([
    ['a probe without HELLO', PROBE, 'no HELLO followed the probe within frameTimeoutMs (100)'],
    ['pings instead of HELLO', PROBE + '00', 'no HELLO followed the probe within frameTimeoutMs (100)'],
    ['META without its Command', PROBE + hello() + meta(1, {}), 'no Command followed its META within'],
  ])('ends its connection: %s', async (_what, bytes, message) => {
    const calc = own(await CalcServer.start({ frameTimeoutMs: 100 }));
    own(await calc.connect()).write(bytes);
    expect(await calc.lostCause()).toMatchObject({
      code: 'FRAME_TIMEOUT',
      message: expect.stringContaining(message) as unknown,
    });
  });

  it('has no such limit for who has ended it, nor for who has not begun', async () => {
    const calc = own(await CalcServer.start({ frameTimeoutMs: 100 }));
    const [silent, agreed, answered] = [await calc.connect(), await calc.connect(), await calc.connect()].map(own);
    agreed!.write(PROBE + hello());
    answered!.write(PROBE + hello() + meta(1, { metadata: { a: 'b' } }) + ADD_2_3);
    own(await calc.connect()).write(PROBE);
    expect(await calc.lostCause()).toMatchObject({ code: 'FRAME_TIMEOUT' });
    await silent!.receives(GREETING);
    await agreed!.receives(EXTENDED_GREETING);
    await answered!.receives(EXTENDED_GREETING + SUM_5);
    expect(calc.lost).toHaveLength(1);
  });
});
