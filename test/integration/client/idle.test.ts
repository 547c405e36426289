// Connections that end because they are not used: the next call opens another one, and nothing else does.
import { connect as connectTcp } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { ConnectionFactory } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { addFrame, GREETING, sumFrame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { until } from '../../support/deadline.js';
import { control, DONE, GOAWAY, hello, text } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();
/** Where the dice say 0, a lost connection is tried again at once. */
const reconnect = { delayMs: 1, fastPeriodMs: 60_000 };
beforeEach(() => {
  jest.spyOn(Math, 'random').mockReturnValue(0);
  attempts = passedMs = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now() + passedMs);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** How often a client has tried to connect. */
let attempts = 0;
const connect: ConnectionFactory = (server) => {
  attempts++;
  return connectTcp(server as { port: number; host: string });
};

/**
 * Timers of one length strike in the order in which they were set: one by which a client tries again at once has struck
 * then.
 */
async function retriesBegun(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1));
}

const now = performance.now.bind(performance);
let passedMs = 0;

/** Lets the clock go forward. */
function pass(ms: number): void {
  passedMs += ms;
}

describe('a client that is asked to leave', () => {
  it.each(['idle', 'silent'])('because it is %s opens the next connection with its next call', async (reason) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true, reconnect, connect }));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(GREETING + hello());
    await connected;
    peer.write(control(11, text(reason)));
    await until('it says that it leaves', () => peer.hex.endsWith(DONE));
    peer.finish();
    await peer.ends();
    expect(client.status).toBe('disconnected');
    await retriesBegun();
    expect(attempts).toBe(1);
    const sum = client.execute(new AddCmd(2, 3));
    const next = await raw.peer(1);
    next.write(GREETING + hello() + sumFrame(1, 5));
    await expect(sum).resolves.toEqual(new CalcResult(5));
  });

  it('because the server drains opens the next one by itself', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true, reconnect, connect }));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(GREETING + hello());
    await connected;
    peer.write(GOAWAY);
    expect((await raw.peer(1)).isEnded).toBe(false);
  });

  it('because one of its connections is idle opens it with the next call, which another one takes', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true, reconnect, connect, connectionsPerServer: 2 }));
    client.connect().catch(() => {});
    const peers = [await raw.peer(0), await raw.peer(1)];
    for (const peer of peers) peer.write(GREETING + hello());
    await until('both are open', () => client.status === 'connected');
    peers[0]!.write(control(11, text('idle')));
    await until('it leaves', () => client.status === 'degraded');
    await retriesBegun();
    expect(attempts).toBe(2);
    const sum = client.execute(new AddCmd(2, 3));
    await until('the other one has it', () => peers[1]!.hex.endsWith(addFrame(1, 2, 3)));
    peers[1]!.write(sumFrame(1, 5));
    await expect(sum).resolves.toEqual(new CalcResult(5));
    (await raw.peer(2)).write(GREETING + hello());
    await until('both are open again', () => client.status === 'connected');
  });
});

it.each([true, false])(
  'an idle client is no storm at a server with idleTimeoutMs (extension: %s)',
  async (extension) => {
    const calc = own(await CalcServer.start({ idleTimeoutMs: 400, extension }));
    const client = own(calcClient(calc.port, { extension, reconnect, connect }));
    await client.connect();
    await until('the server has ended it', () => client.status === 'disconnected');
    await retriesBegun();
    expect(attempts).toBe(1);
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    expect(attempts).toBe(2);
  },
);

it('a plain connection that was used and ends is opened anew, once', async () => {
  const raw = own(await RawServer.listen());
  const client = own(calcClient(raw.port, { reconnect, connect }));
  const sum = client.execute(new AddCmd(2, 3));
  const used = await raw.peer();
  used.write(GREETING + sumFrame(1, 5));
  await sum;
  pass(150);
  used.finish();
  const unused = await raw.peer(1);
  unused.write(GREETING);
  await until('it is open', () => client.status === 'connected');
  pass(150);
  unused.finish();
  await until('it is lost', () => client.status === 'disconnected');
  await retriesBegun();
  expect(attempts).toBe(2);
});
