// What callers learn when their call had no connection, or no answer: where it stood, and what is known about why.
import { describe, expect, it } from '@jest/globals';
import { PatternMessage } from '../../../lib/codec/pattern-message.js';
import type { CmdStreamError, CommandClientOptions } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { GREETING } from '../../support/calc-frames.js';
import { until } from '../../support/deadline.js';
import { hello, PROBE } from '../../support/extension-frames.js';
import { freePort } from '../../support/free-port.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { soon } from '../../support/named-server.js';
import { RawServer } from '../../support/raw-server.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd } from '../../support/vector-contract.js';

const own = guardLeaks();

async function errorOf(call: Promise<unknown>): Promise<CmdStreamError> {
  return call.then(
    () => {
      throw new Error('the call has not failed');
    },
    (error: CmdStreamError) => error,
  );
}

describe('a call whose time is over before it was sent', () => {
  it('says why the last attempt to connect has failed', async () => {
    const port = await freePort();
    const client = own(calcClient(port, { reconnect: soon }));
    const error = await errorOf(client.execute(new AddCmd(2, 3), { timeoutMs: 100 }));
    expect(error).toMatchObject({
      code: 'TIMEOUT',
      sent: false,
      message: expect.stringMatching(/^AddCmd: .*timeoutMs \(100\).*ECONNREFUSED/),
      cause: { code: 'CONNECT_FAILED', cause: { code: 'ECONNREFUSED' } },
    });
  });

  it.each<[string, Partial<CommandClientOptions>, RegExp]>([
    [
      'the lookup of a host',
      { host: 'calc.test', lookup: () => {} },
      /calc\.test:\d+: the lookup of its host has not answered/,
    ],
    ['the option connect', { connect: () => new Promise<never>(() => {}) }, /option "connect" has not given a socket/],
    ['a server that says nothing', {}, /is it a cmd-stream server, with or without TLS/],
    ['a server that does not finish TLS', { tls: {} }, /TLS handshake was not finished.*cmd-stream server/],
  ])('says that it still waits for %s', async (_what, options, reason) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, options));
    const error = await errorOf(client.execute(new AddCmd(2, 3), { timeoutMs: 200 }));
    expect(error).toMatchObject({ code: 'TIMEOUT', sent: false, message: expect.stringMatching(reason) });
    expect(error.cause).toMatchObject({ code: 'CONNECT_TIMEOUT', message: expect.stringMatching(reason) });
  });

  it('says that the server has greeted and not answered the probe', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const call = errorOf(client.execute(new AddCmd(2, 3), { timeoutMs: 200 }));
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(PROBE);
    expect(await call).toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringMatching(/has greeted.*`extension: false`/),
    });
  });

  it('says that the server runs as many Commands as it may', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const first = new RecordingSink();
    client.dispatch(new AddCmd(1, 1), first);
    (await raw.peer()).write(GREETING + hello({ maxInFlight: 1 }));
    await until('it is written', () => client.has(1));
    const error = await errorOf(client.execute(new AddCmd(2, 3), { timeoutMs: 20 }));
    expect(error).toMatchObject({ code: 'TIMEOUT', sent: false, message: expect.stringContaining('as it may (1)') });
  });
});

it('a call whose time is over after it was sent names the server that has not answered', async () => {
  const raw = own(await RawServer.listen());
  const client = own(calcClient(raw.port, { extension: true }));
  const connected = client.connect();
  (await raw.peer()).write(GREETING + hello());
  await connected;
  expect(await errorOf(client.execute(new AddCmd(2, 3), { timeoutMs: 20 }))).toMatchObject({
    code: 'TIMEOUT',
    sent: true,
    message: `AddCmd: no answer within timeoutMs (20): 127.0.0.1:${raw.port} has not answered`,
  });
  const sink = new RecordingSink();
  client.dispatch(new PatternMessage('message', 'sum', []) as never, sink, { timeoutMs: 20 });
  expect(await sink.ended()).toMatchObject({ code: 'TIMEOUT', message: expect.stringMatching(/^the message sum: /) });
});
