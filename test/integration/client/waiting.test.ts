// Calls that find no connection: how long they wait, for what, and what waiting cannot cure.
import { describe, expect, it } from '@jest/globals';
import { defineContract } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { GREETING } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { inTime, until } from '../../support/deadline.js';
import { freePort } from '../../support/free-port.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { askedName, groupClient, NamedServer, soon } from '../../support/named-server.js';
import { RawServer } from '../../support/raw-server.js';
import { selfSigned } from '../../support/certificates.js';
import { AddCmd, CalcResult, SubCmd } from '../../support/vector-contract.js';

const own = guardLeaks();
const slow = { fastPeriodMs: 0, maxDelayMs: 3_600_000 };

describe('a call without a connection', () => {
  it('waits until one is open', async () => {
    const port = await freePort();
    const client = own(calcClient(port, { reconnect: soon }));
    const sums = Array.from({ length: 50 }, (_, index) => client.execute(new AddCmd(index, 0)));
    await until('an attempt has failed', () => client.status === 'disconnected');
    expect(client.pending).toBe(50);
    own(await CalcServer.start({ port }));
    expect(await Promise.all(sums)).toEqual(sums.map((_, index) => new CalcResult(index)));
    expect(client.pending).toBe(0);
  });

  it('waits for queue.timeoutMs, then fails with the reason of the last attempt', async () => {
    const client = own(calcClient(await freePort(), { reconnect: soon, queue: { timeoutMs: 50 } }));
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      sent: false,
      message: expect.stringContaining('queue.timeoutMs (50)'),
      cause: { code: 'ECONNREFUSED' },
    });
    await expect(client.connect()).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    expect(client.pending).toBe(0);
  });

  it('waits for a server that says nothing no longer than queue.timeoutMs', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { queue: { timeoutMs: 50 } }));
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT', sent: false });
  });

  it('waits no longer than its own time', async () => {
    const client = own(calcClient(await freePort(), { reconnect: soon, queue: { timeoutMs: 0 } }));
    const call = client.execute(new AddCmd(2, 3), { timeoutMs: 50 });
    await expect(call).rejects.toMatchObject({ code: 'TIMEOUT', sent: false });
  });

  it('is notified the loss, not its end, when the connection goes before it was written', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { reconnect: soon }));
    const sum = client.execute(new AddCmd(2, 3));
    (await raw.peer()).reset();
    const peer = await raw.peer(1);
    peer.write(GREETING);
    await peer.receivesBytes(16);
    peer.write('01000135');
    await expect(sum).resolves.toEqual(new CalcResult(5));
  });

  it('fails as soon as no attempt is under way when it is not to wait', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { reconnect: slow, queue: false }));
    const first = client.execute(new AddCmd(2, 3));
    const failed = { code: 'CONNECT_FAILED', sent: false };
    (await raw.peer()).reset();
    await expect(first).rejects.toMatchObject(failed);
    for (let call = 0; call < 3; call++) await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject(failed);
    expect(raw.peers).toHaveLength(1);
  });

  it('waits for the attempt that is under way although it is not to wait', async () => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port, { reconnect: slow, queue: false }));
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
  });
});

describe('connect()', () => {
  it('is no pending Command, and does not delay close()', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const connected = client.connect();
    connected.catch(() => {});
    await raw.peer();
    expect(client.pending).toBe(0);
    await inTime('it is closed', client.close(), 5000);
    await expect(connected).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('takes no room from Commands that wait', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { queue: { maxCommands: 1 } }));
    const connects = [1, 2, 3].map(() => client.connect());
    const call = client.execute(new AddCmd(2, 3));
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    const peer = await raw.peer();
    peer.write(GREETING);
    await Promise.all(connects);
    await peer.receivesBytes(16);
    peer.write('01000135');
    await expect(call).resolves.toEqual(new CalcResult(5));
  });
});

describe('what waiting cannot cure', () => {
  const other = defineContract({ commands: [SubCmd], results: [CalcResult] });

  it.each([
    ['SERVER_INFO_MISMATCH', { serverInfo: 'another' }, {}],
    ['EXTENSION_UNAVAILABLE', { extension: false }, { extension: 'require' }],
    ['CONTRACT_MISMATCH', { contract: other }, { extension: true }],
  ] as const)('fails calls at once: %s', async (code, serverOptions, clientOptions) => {
    const calc = own(await CalcServer.start(serverOptions));
    const client = own(calcClient(calc.port, { reconnect: slow, queue: { timeoutMs: 0 }, ...clientOptions }));
    for (let call = 0; call < 2; call++)
      await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code, sent: false });
    await expect(client.connect()).rejects.toMatchObject({ code });
  });

  it('fails calls at once: TLS_ERROR', async () => {
    const calc = own(await CalcServer.start({ tls: selfSigned() }));
    const client = own(calcClient(calc.port, { reconnect: slow, queue: { timeoutMs: 0 }, tls: {} }));
    for (let call = 0; call < 2; call++)
      await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'TLS_ERROR', sent: false });
  });

  it('is tried all the same, for those who may come to cure it', async () => {
    const calc = own(await CalcServer.start({ serverInfo: 'another' }));
    const { port } = calc;
    const client = own(calcClient(port, { reconnect: soon }));
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'SERVER_INFO_MISMATCH' });
    calc.destroy();
    own(await CalcServer.start({ port }));
    await until('it is connected', () => client.status === 'connected');
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
  });

  it('keeps calls waiting as long as there is another server to hope for', async () => {
    const wrong = own(await NamedServer.start('wrong', { serverInfo: 'another' }));
    const port = await freePort();
    const client = own(groupClient([wrong, { port }]));
    const name = askedName(client);
    await until('the first has been tried', () => client.servers[0]!.status === 'disconnected');
    own(await NamedServer.start('right', { port }));
    expect(await name).toBe('right');
  });
});
