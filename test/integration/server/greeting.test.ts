// The first bytes of every connection, on the server's side.
import { describe, expect, it } from '@jest/globals';
import { ADD_2_3, GREETING, SUM_5 } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawPeer } from '../../support/raw-peer.js';

const own = guardLeaks();

describe('server greeting', () => {
  it('talks first: sends its ServerInfo before it has received a byte', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
  });

  it('sends the text of the option serverInfo', async () => {
    const calc = own(await CalcServer.start({ serverInfo: 'calc/1' }));
    const peer = own(await calc.connect());
    await peer.receives('0663616c632f31');
  });

  it('sends the bytes of the option serverInfo, up to 1024 of them', async () => {
    const calc = own(await CalcServer.start({ serverInfo: new Uint8Array(1024).fill(0xfe) }));
    const peer = own(await calc.connect());
    await peer.receives(`8008${'fe'.repeat(1024)}`);
  });

  it.each([
    ['more than 1024 bytes', 'x'.repeat(1025), 'SERVER_INFO_TOO_LARGE'],
    ['1024 characters of more than 1024 bytes', 'é'.repeat(1024), 'SERVER_INFO_TOO_LARGE'],
    ['no bytes', '', 'INVALID_OPTION'],
  ])('is refused when it is made with %s', (_what, serverInfo, code) => {
    expect(() => new CalcServer({ serverInfo })).toThrow(expect.objectContaining({ code }));
  });

  it('answers Commands that were sent before its ServerInfo was read', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await RawPeer.connect(calc.port));
    peer.socket.pause();
    peer.write(ADD_2_3);
    peer.socket.resume();
    await peer.receives(GREETING + SUM_5);
  });

  it('greets each connection, one after the other and at the same time', async () => {
    const calc = own(await CalcServer.start());
    const peers = await Promise.all(Array.from({ length: 20 }, () => calc.connect()));
    await Promise.all(peers.map((peer) => own(peer).receives(GREETING)));
    expect(calc.server.connections).toBe(20);
  });
});
