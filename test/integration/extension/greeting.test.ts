// How two peers of this package find each other, and how plain ones see nothing of it.
import { describe, expect, it } from '@jest/globals';
import { Command, defineContract, Result, type ContractDefinition } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { ADD_2_3, GREETING, SUM_5 } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { turns, until } from '../../support/deadline.js';
import { control, EXTENDED_GREETING, hello, PROBE, SERVER_HELLO, text } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { soon } from '../../support/named-server.js';
import type { RawPeer } from '../../support/raw-peer.js';
import { RawServer } from '../../support/raw-server.js';
import { AddCmd, CalcResult, EchoCmd, vectorContract } from '../../support/vector-contract.js';

const own = guardLeaks();

describe('server', () => {
  it('answers 80 00 with HELLO when it is the first frame', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.write('80');
    peer.write('00');
    await peer.receives(EXTENDED_GREETING);
    peer.write(hello() + ADD_2_3);
    await peer.receives(EXTENDED_GREETING + SUM_5);
  });

  it.each([
    ['is not the first frame', `${ADD_2_3}8000`, `${SUM_5}00`],
    ['follows a ping', '008000', '0000'],
    ['is padded further', '808000', '00'],
  ])('answers 80 00 with a pong when it %s', async (_what, sent, answer) => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write(sent);
    await peer.receives(GREETING + answer);
  });

  it('answers 80 00 with a pong when the extension is switched off', async () => {
    const calc = own(await CalcServer.start({ extension: false }));
    const peer = own(await calc.connect());
    peer.write(`${PROBE}${ADD_2_3}`);
    await peer.receives(`${GREETING}00${SUM_5}`);
  });

  it('goes on answering pings once it is extended', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write(`${PROBE}00${hello()}00`);
    await peer.receives(`${EXTENDED_GREETING}0000`);
  });

  it('skips a control frame of a later version', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + control(99, 'ffffff') + ADD_2_3);
    await peer.receives(EXTENDED_GREETING + SUM_5);
  });
});

describe('client', () => {
  it('sends the probe alone and nothing else before its answer', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const sum = client.execute(new AddCmd(2, 3));
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(PROBE);
    peer.write('00');
    await peer.receives(PROBE + ADD_2_3);
    peer.write(SUM_5);
    await expect(sum).resolves.toEqual(new CalcResult(5));
    expect(client.isExtended).toBe(false);
  });

  it('writes a Command to a server of this package as to a plain one, behind its HELLO', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const sum = client.execute(new AddCmd(2, 3));
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    await until('the Command arrives', () => peer.hex.endsWith(ADD_2_3));
    expect(peer.hex.startsWith(`${PROBE}800001`)).toBe(true);
    // The probe, HELLO with the ten types of the contract, the Command.
    expect(peer.received).toHaveLength(2 + SERVER_HELLO.length / 2 + 2 + ADD_2_3.length / 2);
    peer.write(SUM_5);
    await expect(sum).resolves.toEqual(new CalcResult(5));
    expect(client.isExtended).toBe(true);
  });

  it.each([
    ['a Result', SUM_5],
    ['another control byte', '8001'],
    ['a control frame that is no HELLO', control(7, '01')],
    ['a HELLO that is cut short', control(1, '01')],
  ])('fails to connect when the probe is answered with %s', async (_what, answer) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const connected = client.connect();
    connected.catch(() => {});
    (await raw.peer()).write(GREETING + answer);
    await expect(connected).rejects.toMatchObject({ code: expect.stringMatching(/PROTOCOL_ERROR|BAD_PAYLOAD/) });
  });

  it('does not probe when the extension is switched off', async () => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port, { extension: false }));
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    expect(client.isExtended).toBe(false);
  });

  it('fails to connect to a plain server when it requires the extension, however often it tries', async () => {
    const calc = own(await CalcServer.start({ extension: false }));
    const client = own(calcClient(calc.port, { extension: 'require' }));
    for (let attempt = 0; attempt < 3; attempt++)
      await expect(client.connect()).rejects.toMatchObject({ code: 'EXTENSION_UNAVAILABLE' });
    await expect(client.execute(new AddCmd(1, 1))).rejects.toMatchObject({
      code: 'EXTENSION_UNAVAILABLE',
      sent: false,
    });
  });

  it.each([
    ['ends', (peer: RawPeer) => peer.finish()],
    ['resets', (peer: RawPeer) => peer.reset()],
  ])('probes however often a server %s the connection then, and the error names the remedy', async (_what, hangUp) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    for (const index of [0, 1, 2, 3]) {
      const connected = client.connect();
      connected.catch(() => {});
      const peer = await raw.peer(index);
      peer.write(GREETING);
      await peer.receives(PROBE);
      hangUp(peer);
      await expect(connected).rejects.toMatchObject({
        code: 'CONNECT_FAILED',
        message: expect.stringMatching(/offered the extension.*`extension: false`/),
      });
    }
  });

  it('asks the next connection again for the extension when the server has stalled twice', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true, connectTimeoutMs: 50, reconnect: soon }));
    const connected = client.connect();
    for (const index of [0, 1]) (await raw.peer(index)).write(GREETING);
    (await raw.peer(2)).write(EXTENDED_GREETING);
    await connected;
    expect(client.isExtended).toBe(true);
  });

  it('fails with CONNECT_TIMEOUT when the probe is never answered', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true, connectTimeoutMs: 50 }));
    const connected = client.connect();
    connected.catch(() => {});
    (await raw.peer()).write(GREETING);
    await expect(connected).rejects.toMatchObject({
      code: 'CONNECT_TIMEOUT',
      message: expect.stringContaining('`extension: false`'),
    });
  });
});

describe('two contracts', () => {
  class OtherCmd extends Command<CalcResult> {}
  class OtherResult extends Result {}
  class MoreCmd extends Command<CalcResult> {}
  class RenamedCmd extends Command<CalcResult> {
    static readonly wireName = 'AddCmd';
    A = 2;
    B = 3;
  }
  const { commands, results } = vectorContract;
  const types = { commands: commands.types, results: results.types };

  it.each([
    ['commands[1]', 'OtherCmd', { ...types, commands: [AddCmd, OtherCmd] }],
    ['results[2]', 'OtherResult', { ...types, results: [...results.types.slice(0, 2), OtherResult] }],
  ])('fail to connect when %s differs, however often', async (position, name, definition) => {
    const calc = own(await CalcServer.start());
    const client = own(
      calcClient(calc.port, { extension: true, contract: defineContract(definition as ContractDefinition) }),
    );
    for (let attempt = 0; attempt < 4; attempt++) {
      await expect(client.connect()).rejects.toMatchObject({
        code: 'CONTRACT_MISMATCH',
        message: expect.stringContaining(`\`${position}\` is ${name}`),
      });
    }
  });

  it.each([
    ['one lists more', { ...types, commands: [...commands.types, MoreCmd] }],
    ['one lists less', { commands: [AddCmd], results: [CalcResult] }],
    ['a class was renamed and kept its wire name', { commands: [RenamedCmd], results: [CalcResult] }],
  ])('work together when %s', async (_what, definition) => {
    const calc = own(await CalcServer.start());
    const contract = defineContract(definition);
    const client = own(calcClient(calc.port, { extension: 'require', contract }));
    const command = contract.commands.types[0] === RenamedCmd ? new RenamedCmd() : new AddCmd(2, 3);
    await expect(client.execute(command)).resolves.toEqual(new CalcResult(5));
  });

  it('end at the server when a client goes on all the same', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write(PROBE);
    await peer.receives(EXTENDED_GREETING);
    peer.write(control(1, `0100400100${text('json')}010100000000`));
    await peer.receives(EXTENDED_GREETING + control(11, text('CONTRACT_MISMATCH')));
    expect(await calc.lostCause()).toMatchObject({
      code: 'CONTRACT_MISMATCH',
      message: expect.stringContaining('`commands[0]` is AddCmd'),
    });
  });

  it('fail to connect when their codecs differ', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const connected = client.connect();
    connected.catch(() => {});
    const list = `01${Buffer.from([0x44, 0x18, 0xb1, 0x39]).toString('hex')}`;
    (await raw.peer()).write(GREETING + control(1, `0100400100${text('mus')}${list}00`));
    await expect(connected).rejects.toMatchObject({
      code: 'CONTRACT_MISMATCH',
      message: expect.stringContaining('mus'),
    });
  });
});

describe('a plain client', () => {
  it('is served beside extended ones by the same server', async () => {
    const calc = own(await CalcServer.start());
    const plain = own(await calc.connect());
    const client = own(calcClient(calc.port, { extension: 'require' }));
    plain.write(ADD_2_3);
    const [echo] = await Promise.all([client.execute(new EchoCmd('x')), plain.receives(GREETING + SUM_5)]);
    expect(echo.text).toBe('x');
    await turns();
    expect(plain.hex).toBe(GREETING + SUM_5);
  });
});
