// A client is as strict as a server: Results without credit, Results that their Command does not have, Results that
// no call asked for.
import { describe, expect, it } from '@jest/globals';
import { CommandClient, defineContract, type Contract } from 'nestjs-cmd-stream/core';
import { protobufCodec, protobufType } from 'nestjs-cmd-stream/protobuf';
import { EchoCmdSchema } from '../../fixtures/protobuf/gen/vectors_pb.js';
import { calcClient } from '../../support/calc-client.js';
import { countResultFrame, GREETING, SUM_5, sumFrame } from '../../support/calc-frames.js';
import { openPair } from '../../support/client-pair.js';
import { until } from '../../support/deadline.js';
import { cancel, control, EXTENDED_GREETING, stream } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { AddCmd as ProtobufAdd, protobufContract } from '../../support/protobuf-contract.js';
import type { RawPeer } from '../../support/raw-peer.js';
import { RawServer } from '../../support/raw-server.js';
import { AddCmd, CalcResult, CountCmd, SubCmd } from '../../support/vector-contract.js';

const own = guardLeaks();
/** What `iterate()` lets come before anything is taken. */
const CREDIT = 32;

/** Its Commands are answered with JSON values. */
const valuesContract = defineContract({ commands: [AddCmd, SubCmd, CountCmd] });
/** A Command that does not say which Results it has. */
const untold = protobufType(EchoCmdSchema);
const listed = protobufContract.results.types;

async function extendedPair(contract?: Contract): Promise<{ client: CommandClient; peer: RawPeer }> {
  const raw = own(await RawServer.listen());
  const client = own(calcClient(raw.port, { extension: 'require', ...(contract && { contract }) }));
  const connected = client.connect();
  const peer = await raw.peer();
  peer.write(EXTENDED_GREETING);
  await connected;
  return { client, peer };
}

async function begin(client: CommandClient, peer: RawPeer, count: number): Promise<() => Promise<void>> {
  const results = client.iterate(new CountCmd(100));
  const first = results.next();
  peer.write(stream(1));
  for (let I = 0; I < count; I++) peer.write(countResultFrame(1, I, false));
  await first;
  return async () => {
    while (!(await results.next()).done);
  };
}

it('a call that ends within its last Result cancels nothing, one that ends before does', async () => {
  const { client, peer } = await extendedPair();
  const endWith = (command: AddCmd | CountCmd) => {
    const call = client.dispatch(command as AddCmd, { next: () => call.cancel(), complete() {}, error() {} });
  };
  endWith(new AddCmd(2, 3));
  peer.write(SUM_5);
  await until('it has ended', () => client.pending === 0);
  endWith(new CountCmd(3));
  peer.write(stream(2) + countResultFrame(2, 0, false));
  await until('the second is cancelled', () => peer.received.includes(Buffer.from(cancel(2), 'hex')));
  expect(peer.received.includes(Buffer.from(cancel(1), 'hex'))).toBe(false);
});

describe('a server that sends more Results than it has credit for', () => {
  it('breaks the protocol: the call fails and the connection ends', async () => {
    const { client, peer } = await extendedPair();
    const rest = await begin(client, peer, CREDIT + 1);
    await peer.ends();
    expect(client.status).toBe('disconnected');
    await expect(rest()).rejects.toMatchObject({
      code: 'PROTOCOL_ERROR',
      sent: true,
      message: expect.stringContaining('a Result without credit (CountCmd at') as unknown,
    });
  });

  it('breaks it with values as well, where the contract lists no Results', async () => {
    const { client, peer } = await extendedPair(valuesContract);
    const results = client.iterate(new CountCmd(100));
    const first = results.next();
    peer.write(stream(1) + control(6, '010035').repeat(CREDIT + 1));
    await first;
    await peer.ends();
    const rest = async (): Promise<void> => {
      while (!(await results.next()).done);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' });
  });

  it('does not while it keeps to it, and may send more when more is given', async () => {
    const { client, peer } = await extendedPair();
    const rest = await begin(client, peer, CREDIT);
    const taken = rest();
    await until('more is given', () => peer.hex.includes(control(10, '0110')));
    for (let I = 0; I < CREDIT / 2; I++) peer.write(countResultFrame(1, I, false));
    peer.write(control(7, '01'));
    await taken;
    expect(client.status).toBe('connected');
  });

  it('cannot, where it is a plain one: it knows no credit', async () => {
    const { client, peer } = await openPair(own);
    const results = client.iterate(new CountCmd(100));
    const first = results.next();
    for (let I = 0; I < 3 * CREDIT; I++) peer.write(countResultFrame(1, I, I === 3 * CREDIT - 1));
    await first;
    while (!(await results.next()).done);
    expect(client.status).toBe('connected');
  });
});

it.each([
  ['all of them say', protobufContract],
  ['another one does not say', defineContract({ commands: [ProtobufAdd, untold], results: listed })],
])('a Result that its Command does not have costs the call, and no other, where %s', async (_which, contract) => {
  const raw = own(await RawServer.listen());
  const options = { host: '127.0.0.1', contract, codec: protobufCodec(), extension: false };
  const client = own(new CommandClient({ ...options, port: raw.port }));
  const wrong = client.execute(ProtobufAdd.create({ A: 2n, B: 3n }));
  wrong.catch(() => {});
  const peer = await raw.peer();
  peer.write(GREETING);
  await peer.receivesBytes(1);
  peer.write('010108' + '0a0608011a026869');
  await expect(wrong).rejects.toMatchObject({
    code: 'PROTOCOL_ERROR',
    sent: true,
    message: expect.stringMatching(/EchoResult is no Result of it, which has .*CalcResult \(.*AddCmd at/) as unknown,
  });
  const right = client.execute(ProtobufAdd.create({ A: 2n, B: 3n }));
  peer.write('0200020805');
  await expect(right).resolves.toMatchObject({ R: 5n });
});

it('a value where the contract lists Results costs the call, and no other', async () => {
  const { client, peer } = await extendedPair();
  const [wrong, streamed, right] = [
    client.execute(new AddCmd(1, 1)),
    client.iterate(new CountCmd(3)).next(),
    client.execute(new AddCmd(2, 3)),
  ];
  const refusal = { code: 'PROTOCOL_ERROR', sent: true, message: expect.stringContaining('a value') as unknown };
  const refused = Promise.all([wrong, streamed].map((call) => expect(call).rejects.toMatchObject(refusal)));
  peer.write(control(6, '010135') + stream(2) + control(6, '020035') + sumFrame(3, 5));
  await expect(right).resolves.toEqual(new CalcResult(5));
  await refused;
  expect(client.status).toBe('connected');
});

it('a flood of Results that no call asked for lets other work in between, and its calls are answered', async () => {
  const { client, peer } = await openPair(own);
  const flood = Buffer.from(sumFrame(99, 5).repeat(400_000), 'hex');
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  peer.write(flood);
  const sum = client.execute(new AddCmd(2, 3));
  peer.write(SUM_5);
  await until('the flood begins', () => client.unexpectedResults > 0);
  setImmediate(count);
  await expect(sum).resolves.toEqual(new CalcResult(5));
  isOver = true;
  expect(client.unexpectedResults).toBe(400_000);
  // A read has at most 64 KiB.
  expect(turns).toBeGreaterThanOrEqual(flood.length / 65_536 / 2);
});
