// The first bytes of every connection, on the client's side: what a client makes of a server's ServerInfo.
import { describe, expect, it } from '@jest/globals';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';
import { calcClient } from '../../support/calc-client.js';
import { ADD_2_3, GREETING, SUM_5 } from '../../support/calc-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';

const own = guardLeaks();

describe('client greeting', () => {
  it('is open as soon as the expected ServerInfo has arrived', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const connected = client.connect();
    const peer = await raw.peer();
    expect(client.status).toBe('connecting');
    peer.write(GREETING);
    await connected;
    expect(client.status).toBe('connected');
  });

  it('compares bytes when the option serverInfo is bytes', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { serverInfo: Uint8Array.of(0xff, 0x00, 0xfe) }));
    const connected = client.connect();
    (await raw.peer()).write('03ff00fe');
    await connected;
    expect(client.status).toBe('connected');
  });

  it('sends no Command before the ServerInfo has arrived', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const sum = client.execute(new AddCmd(2, 3));
    const peer = await raw.peer();
    peer.write(GREETING.slice(0, -2));
    expect(peer.hex).toBe('');
    peer.write(GREETING.slice(-2));
    await peer.receives(ADD_2_3);
    peer.write(SUM_5);
    await expect(sum).resolves.toEqual(new CalcResult(5));
  });

  it('reads Results that arrive together with the ServerInfo', async () => {
    const raw = own(await RawServer.listen());
    const unexpected: unknown[] = [];
    const client = own(calcClient(raw.port, { onUnexpectedResult: ({ result }) => unexpected.push(result) }));
    const connected = client.connect();
    (await raw.peer()).write(GREETING + SUM_5);
    await connected;
    expect(unexpected).toEqual([new CalcResult(5)]);
  });

  it.each([
    ['is another one', '056f74686572', 'SERVER_INFO_MISMATCH'],
    ['is only the beginning of the expected one', '0464656661', 'SERVER_INFO_MISMATCH'],
    ['is longer than the expected one', '0864656661756c7473', 'SERVER_INFO_MISMATCH'],
    ['is empty', '00', 'SERVER_INFO_MISMATCH'],
    ['announces 1025 bytes', '8108', 'SERVER_INFO_TOO_LARGE'],
    ['announces 2^63-1 bytes', 'ffffffffffffffff7f', 'SERVER_INFO_TOO_LARGE'],
    ['has a negative length', 'ffffffffffffffffff01', 'NEGATIVE_LENGTH'],
    ['has a length of more than 64 bits', '80808080808080808002', 'VARINT_OVERFLOW'],
  ])('fails and ends the connection when the ServerInfo %s', async (_what, info, code) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(info);
    await expect(connected).rejects.toMatchObject({ code, sent: false });
    await peer.ends();
    expect(client.status).toBe('disconnected');
  });

  it('asks what server that is when one writes something and hangs up', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { reconnect: false }));
    const connected = client.connect();
    const peer = await raw.peer();
    // What an SSH server says first.
    peer.write(Buffer.from('SSH-2.0-OpenSSH_9.6\r\n').toString('hex'));
    peer.finish();
    await expect(connected).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      message: expect.stringMatching(
        /inside a frame.* is it a cmd-stream server, with or without TLS as here\? .*maxConnections/,
      ),
    });
  });

  it('names both texts when the ServerInfo is another one', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const connected = client.connect();
    (await raw.peer()).write('056f74686572');
    await expect(connected).rejects.toThrow(/"serverInfo".*"default".*"other"/);
  });

  it.each([
    ['at once', ''],
    ['inside the ServerInfo', '07646566'],
  ])('fails with CONNECT_FAILED when the server ends the connection %s', async (_what, info) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(info);
    peer.finish();
    await expect(connected).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      sent: false,
      cause: { code: 'PEER_CLOSED' },
    });
  });

  it('fails with CONNECT_FAILED when the server resets the connection before its ServerInfo', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const connected = client.connect();
    (await raw.peer()).reset();
    await expect(connected).rejects.toMatchObject({ code: 'CONNECT_FAILED', sent: false });
  });

  it.each([
    ['nothing', ''],
    ['half a ServerInfo', '07646566'],
  ])('fails with CONNECT_TIMEOUT when the server sends %s and is silent', async (_what, info) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { connectTimeoutMs: 100 }));
    const sum = client.execute(new AddCmd(2, 3));
    const peer = await raw.peer();
    peer.write(info);
    await expect(sum).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT', sent: false });
    await peer.ends();
    expect(peer.hex).toBe('');
  });

  it.each([
    ['more than 1024 bytes', 'x'.repeat(1025), 'SERVER_INFO_TOO_LARGE'],
    ['no bytes', '', 'INVALID_OPTION'],
  ])('is refused when it is made with %s', (_what, serverInfo, code) => {
    expect(() => calcClient(1, { serverInfo })).toThrow(expect.objectContaining({ code }));
  });

  it('opens the next connection after one that failed', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const failed = client.connect();
    (await raw.peer()).write('056f74686572');
    await expect(failed).rejects.toMatchObject({ code: 'SERVER_INFO_MISMATCH' });
    const connected = client.connect();
    (await raw.peer(1)).write(GREETING);
    await connected;
  });
});
